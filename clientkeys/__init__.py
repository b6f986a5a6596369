"""Each client's encryption key, in a database of its own: made on first use, destroyed for good.

`open_keyring` gives the keys in PostgreSQL, wrapped by key-encryption keys that are in a file (`clientkeys.kek`);
`MemoryKeyring` keeps the same contract without a database. What is sealed with a key is not known here.
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
from clientkeys.keys import DataKey, Keyring, MemoryKeyring
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
    "MemoryKeyring",
    "PostgresKeyring",
    "SealBroken",
    "open_keyring",
]
