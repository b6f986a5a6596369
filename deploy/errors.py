"""What can go wrong with the local stack; every message says what to do next."""


class StackError(Exception):
    """The local stack could not do something; the text says what to do next."""


class SettingsError(StackError):
    """A setting is missing or cannot be read; the text names the variable and shows a valid value."""


class StackBusyError(StackError):
    """Another stack is running on the same data directory."""


class KeyLostError(StackError):
    """A file of keys is missing, but what those keys protect may still exist."""


class PortTakenError(StackError):
    """A requested port is in use by another program."""


class ProcessFailedError(StackError):
    """A process of the stack ended, or did not become ready in time; the text names its log file."""


class TemporalMissingError(StackError):
    """No Temporal server that is new enough can be found on this machine."""
