"""The key-encryption keys: they wrap the data keys and are in no database, only in a file.

The file holds one key a line, 32 random bytes in base64; the last one wraps, all of them unwrap. To rotate, add a
line, restart, `throughline client rewrap`, then remove the older lines.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from clientkeys.errors import KekNotInFile, KekUnusable

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key's secret, wrapped, and the name of the key that wrapped it."""

    kek: str
    secret: bytes


class KeyEncryptionKeys:
    """All that wrap or ever wrapped, by a name that says nothing of them."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys = {_name(key): key for key in keys}
        self.newest = _name(keys[-1])

    def wrap(self, secret: bytes) -> Wrapped:
        """Wraps with the newest (RFC 3394)."""
        return Wrapped(self.newest, aes_key_wrap(self._keys[self.newest], secret))

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """The secret.

        Raises:
            KekNotInFile: The key that wrapped it is not in the file.
            KekUnusable: It was changed since.
        """
        if wrapped.kek not in self._keys:
            raise KekNotInFile(
                f"key-encryption key {wrapped.kek} is not in the file: add its line again from the safe copy"
            )
        try:
            return aes_key_unwrap(self._keys[wrapped.kek], wrapped.secret)
        except InvalidUnwrap:
            raise KekUnusable(f"a data key wrapped by {wrapped.kek} was changed: restore the keys' database") from None


def read_keks(file: Path) -> KeyEncryptionKeys:
    """The keys in `file`.

    Raises:
        KekUnusable: It is missing, others may read it, or a line is not 32 bytes in base64.
    """
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise KekUnusable(f"others than its owner may use {file}: make its mode 0600")
        lines = file.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise KekUnusable(f"{file} cannot be read ({type(error).__name__}): put the key-encryption key there") from None
    if not lines:
        raise KekUnusable(f"{file} is empty: put the key-encryption key there, 32 random bytes in base64")
    return KeyEncryptionKeys([_decoded(line, file) for line in lines])


def _decoded(line: str, file: Path) -> bytes:
    try:
        key = base64.b64decode(line, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise KekUnusable(f"a line of {file} is not a key: each is {_KEY_BYTES} random bytes in base64")
    return key


def _name(key: bytes) -> str:
    return hashlib.sha256(b"throughline kek" + key).hexdigest()[:16]
