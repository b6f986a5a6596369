"""Each client's encryption key, in a database of its own: made on first use, destroyed for good.

`open_keyring` gives the keys in PostgreSQL, wrapped by key-encryption keys that are in a file (`clientkeys.kek`).
What is sealed with a key is not known here.
"""

from clientkeys.errors import (
    ClientKeysError,
    KekNotInFile,
    KekUnusable,
    KeyDestroyed,
    KeyMissing,
    KeysSchemaMissing,
    KeysUnavailable,
    SealBroken,
)
from clientkeys.keys import DataKey, Keyring
from clientkeys.postgres import PostgresKeyring, open_keyring

__all__ = [
    "ClientKeysError",
    "DataKey",
    "KekNotInFile",
    "KekUnusable",
    "KeyDestroyed",
    "KeyMissing",
    "Keyring",
    "KeysSchemaMissing",
    "KeysUnavailable",
    "PostgresKeyring",
    "SealBroken",
    "open_keyring",
]
