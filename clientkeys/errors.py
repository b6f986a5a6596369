"""What can go wrong with clients' keys, and what to do then. No message holds a key or what one sealed."""

from __future__ import annotations

from uuid import UUID


class ClientKeysError(Exception):
    """The keys did not do what was asked."""


class KeysUnavailable(ClientKeysError):
    """The keys could not be reached: try again."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the keys are unavailable ({cause}): see that their database answers, then try again")


class KeysSchemaMissing(KeysUnavailable):
    """The database of the keys lacks their table, or this role may not use it. Trying again does not help."""


class KeyDestroyed(ClientKeysError):
    """The client's key was destroyed: what it sealed can never be read, and nothing more can be sealed for them."""

    def __init__(self) -> None:
        super().__init__("the client's key was destroyed: nothing more is recorded for this client reference")


class KeyMissing(ClientKeysError):
    """A key that was used is not there, and nobody destroyed it."""

    def __init__(self, key_id: UUID) -> None:
        super().__init__(f"key {key_id} is missing and was not destroyed: restore the database of the keys")


class SealBroken(ClientKeysError):
    """Sealed bytes do not fit their place or their key: they were changed, moved, or sealed by something else."""

    def __init__(self) -> None:
        super().__init__("sealed bytes cannot be opened where they stand: verify the record, restore it if need be")


class KekUnusable(ClientKeysError):
    """The file of key-encryption keys cannot be used; the message names it and says why."""


class KekNotInFile(KekUnusable):
    """A data key was wrapped by a key-encryption key that the file does not hold."""
