"""The keys under which words about a client are kept: one for each client, destroyed for good or kept.

A keyring also holds a few keys that belong to no client; their owners' names begin with a slash.
"""

from __future__ import annotations

import hmac
import os
from typing import Protocol
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from clientkeys.errors import SealBroken

SECRET_BYTES = 64
"""A key for AES-SIV: 256 bits that authenticate and 256 that encrypt."""


class DataKey:
    """One key. Nothing it is asked for shows the secret.

    Attributes:
        id: Names it in the record.
    """

    def __init__(self, key_id: UUID, secret: bytes) -> None:
        self.id = key_id
        self._siv = AESSIV(secret)
        self._hashing = HKDF(SHA256(), 32, salt=None, info=b"throughline keyed hash").derive(secret)

    def seal(self, plain: bytes, *context: bytes) -> bytes:
        """`plain`, encrypted: the same bytes for the same text and context, every time."""
        return self._siv.encrypt(plain, [*context, self.id.bytes])

    def open(self, sealed: bytes, *context: bytes) -> bytes:
        """What was sealed in this context.

        Raises:
            SealBroken: It was not, or was changed since.
        """
        try:
            return self._siv.decrypt(sealed, [*context, self.id.bytes])
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def hash(self, text: bytes) -> bytes:
        """A digest that only this key's holder can make, so that nobody else can test a guess."""
        return hmac.digest(self._hashing, text, "sha256")


class Keyring(Protocol):
    """Gives keys out. Every call may raise `KeysUnavailable`."""

    async def key_of(self, owner: str) -> DataKey:
        """The key of `owner`, made on first use.

        Raises:
            KeyDestroyed: It was destroyed; it is never made anew.
        """

    async def key(self, key_id: UUID) -> DataKey:
        """The key with this id.

        Raises:
            KeyDestroyed: It was destroyed.
            KeyMissing: There is no such key.
        """

    async def destroy(self, owner: str) -> None:
        """Destroys the key of `owner`, who never gets another. Destroying twice changes nothing.

        Others who hold the key in memory may use it for up to a minute more.
        """


def new_key() -> tuple[DataKey, bytes]:
    """A new key and its secret."""
    secret = os.urandom(SECRET_BYTES)
    return DataKey(uuid4(), secret), secret
