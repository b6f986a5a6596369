"""Signed heads: where the chain stood at some moment, signed, and kept where the database's owner cannot write.

A head is a line of JSON in a file that only grows. Put the file where it can be appended to and not changed, such as
object storage with a retention lock, and the private key where only the process that signs can read it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from eventstore.connection import one_moment
from eventstore.errors import EventStoreError


class AnchorError(EventStoreError):
    """A key or a file of signed heads cannot be used as it is; the message says what to do."""


class Anchor(BaseModel):
    """A signed head: the hash of the event at `position`, and when it was signed by the signer's clock."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="hex", val_json_bytes="hex")

    position: int = Field(gt=0)
    hash: bytes = Field(min_length=32, max_length=32)
    signed_at: AwareDatetime
    signature: bytes = Field(min_length=64, max_length=64)

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether `key` signed just this."""
        try:
            key.verify(self.signature, _statement(self.position, self.hash, self.signed_at))
        except InvalidSignature:
            return False
        return True


def sign(position: int, hash: bytes, key: Ed25519PrivateKey, now: datetime) -> Anchor:
    """The head at `position` as signed at `now`."""
    signature = key.sign(_statement(position, hash, now))
    return Anchor(position=position, hash=hash, signed_at=now, signature=signature)


def sign_head(database_url: str, key: Ed25519PrivateKey, file: Path, now: datetime) -> Anchor | None:
    """Signs where the chain stands and keeps it in `file`, though it stand where it did; None if the record is empty.

    Raises:
        StoreUnavailable: The database did not answer.
        SchemaMissing: It holds no record, or the role may not read it.
        AnchorError: The file cannot be written.
    """
    with one_moment(database_url) as connection:
        head = connection.execute("select position, hash from es.events order by position desc limit 1").fetchone()
    if head is None:
        return None
    anchor = sign(head[0], bytes(head[1]), key, now)
    try:
        keep(anchor, file)
    except OSError as error:
        raise AnchorError(f"the signed head cannot be kept in {file} ({error.strerror})") from None
    return anchor


def keep(anchor: Anchor, file: Path) -> None:
    """Adds `anchor` to the end of `file` and returns once it is on disk."""
    line = anchor.model_dump_json() + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())  # one write: two signers at once leave two whole lines
        os.fsync(handle)
    finally:
        os.close(handle)


def read_anchors(file: Path, key: Ed25519PublicKey) -> list[Anchor]:
    """The signed heads in `file`.

    Raises:
        AnchorError: A line cannot be read, or was not signed by `key`.
    """
    return list(_checked(file, key))


def _checked(file: Path, key: Ed25519PublicKey) -> Iterator[Anchor]:
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise AnchorError(f"the signed heads in {file} cannot be read ({error.strerror})") from None
    for number, line in enumerate(lines, 1):
        try:
            anchor = Anchor.model_validate_json(line)
        except ValidationError:
            raise AnchorError(f"{file}, line {number}: not a signed head; find out who wrote it") from None
        if not anchor.is_signed_by(key):
            raise AnchorError(f"{file}, line {number}: not signed by this key; find out who wrote it")
        yield anchor


def ensure_signing_key(file: Path) -> None:
    """Makes a key pair unless `file` is there: the private key in it, the public one beside it as `.pub`."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public_key_file(file).write_bytes(public)
    unfinished = file.with_suffix(".part")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    unfinished.rename(file)


def public_key_file(file: Path) -> Path:
    """Where the public key of the private key in `file` is kept."""
    return file.with_suffix(file.suffix + ".pub")


def read_signing_key(file: Path) -> Ed25519PrivateKey:
    """The private key in `file`. Raises `AnchorError`."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise AnchorError(f"no signing key can be read from {file}: it must hold an Ed25519 key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise AnchorError(f"the key in {file} is not an Ed25519 key")
    return key


def read_public_key(file: Path) -> Ed25519PublicKey:
    """The public key in `file`. Raises `AnchorError`."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        raise AnchorError(f"no public key can be read from {file}: it must hold an Ed25519 key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise AnchorError(f"the key in {file} is not an Ed25519 key")
    return key


def _statement(position: int, hash: bytes, signed_at: datetime) -> bytes:
    return f"throughline-head/1 {position} {hash.hex()} {signed_at.isoformat()}".encode()
