"""The files of keys: the private key of one signer in PEM, and the list of public keys that a worker trusts in TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import ValidationError

from access.signatures import TrustedKey, TrustedKeys, key_id
from domain.authorship import Via
from domain.values import Value

_FORM = "must hold an Ed25519 key in PEM, as `openssl genpkey -algorithm ed25519` makes it"


class KeyFileError(Exception):
    """A file of keys cannot be used as it is; the text says what to do."""


class _Entry(Value):
    """One `[[keys]]` of the file."""

    name: str
    signs: frozenset[Via]
    public_key: str


class _Listed(Value):
    keys: tuple[_Entry, ...]


def read_private_key(file: Path) -> Ed25519PrivateKey:
    """The private key in `file`. Raises `KeyFileError`."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(f"no key can be read from {file}: it {_FORM}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"the key in {file} is of another kind: it {_FORM}")
    return key


def read_trusted_keys(file: Path) -> TrustedKeys:
    """The keys that `file` lists.

    Raises:
        KeyFileError: It cannot be read, an entry is wrong, or a key is listed twice.
    """
    try:
        listed = _Listed.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise KeyFileError(f"{file} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise KeyFileError(f"{file} is not TOML: write it as docs/signed-decisions.md shows") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise KeyFileError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    keys = {each.name: TrustedKey(_public_key(each, file), each.signs) for each in listed.keys}
    if len({key_id(each.key) for each in keys.values()}) != len(listed.keys):
        raise KeyFileError(f"{file} lists a name or a key twice: list each once, with all that it signs")
    return TrustedKeys(keys.values())


def _public_key(entry: _Entry, file: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(entry.public_key.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{file}: the public key of {entry.name!r} {_FORM}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{file}: the public key of {entry.name!r} {_FORM}")
    return key


def listed(keys: Iterable[tuple[str, Ed25519PublicKey, Iterable[Via]]]) -> str:
    """The text of a file that lists these: each with its name and what it signs."""
    return "\n".join(_entry(name, key, signs) for name, key, signs in keys)


def _entry(name: str, key: Ed25519PublicKey, signs: Iterable[Via]) -> str:
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    ways = ", ".join(f'"{via}"' for via in signs)
    return f'[[keys]]\nname = "{name}"\nsigns = [{ways}]\npublic_key = """\n{pem}"""\n'
