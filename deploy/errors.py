"""What can go wrong with the local stack; every message says what to do next."""


class StackError(Exception):
    """The local stack could not do what was asked; the text says what to do next."""


class SettingsError(StackError):
    """A setting is missing or cannot be read; the text names the variable and shows a good value."""


class StackBusyError(StackError):
    """Another stack is running on the same data directory."""


class KeyLostError(StackError):
    """The key-encryption key is gone while keys that it wrapped may still be there."""


class PortTakenError(StackError):
    """A port that was asked for is in use by another program."""


class ProcessFailedError(StackError):
    """A process of the stack ended, or did not become ready in time; the text names its log file."""


class TemporalMissingError(StackError):
    """No Temporal server that is new enough can be found on this machine."""
