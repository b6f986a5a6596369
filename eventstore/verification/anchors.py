"""Signed heads: where the chain stood at some moment, signed, and kept where the database's owner cannot write.

A head is a line of JSON in a file that only grows. Put the file where it can be appended to and not changed, such as
object storage with a retention lock, and the private key where only the process that signs can read it.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from dataclasses import dataclass
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
    """Adds `anchor` to the end of `file` and returns once it is on disk. A line left torn by a crash is left behind.

    Raises:
        OSError: It cannot be written whole.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    line = f"{'' if _ends_a_line(file) else chr(10)}{anchor.model_dump_json()}\n".encode()
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        if os.write(handle, line) != len(line):  # one write: two signers at once leave two whole lines
            raise OSError(errno.ENOSPC, "the line was cut short")
        os.fsync(handle)
    finally:
        os.close(handle)
    _sync_folder(file.parent)


@dataclass(frozen=True)
class SignedHeads:
    """What a file of signed heads holds: the heads, and the numbers of lines that a crash or a full disk cut short."""

    anchors: tuple[Anchor, ...]
    torn: tuple[int, ...]


def read_anchors(file: Path, key: Ed25519PublicKey) -> SignedHeads:
    """The signed heads in `file`.

    Raises:
        AnchorError: The file cannot be read, or a whole line of it was not signed by `key`.
    """
    try:
        lines = enumerate(file.read_text().splitlines(), 1)
    except (OSError, UnicodeDecodeError) as error:
        raise AnchorError(f"the signed heads in {file} cannot be read ({type(error).__name__})") from None
    read = {number: _anchor(line, f"{file}, line {number}", key) for number, line in lines}
    torn = tuple(number for number, anchor in read.items() if anchor is None)
    return SignedHeads(tuple(anchor for anchor in read.values() if anchor is not None), torn)


def _anchor(line: str, where: str, key: Ed25519PublicKey) -> Anchor | None:
    try:
        anchor = Anchor.model_validate_json(line)
    except ValidationError:
        if _is_json(line):
            raise AnchorError(f"{where}: not a signed head; find out who wrote it") from None
        return None
    if not anchor.is_signed_by(key):
        raise AnchorError(f"{where}: not signed by this key; find out who wrote it")
    return anchor


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _ends_a_line(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            opened.seek(-1, os.SEEK_END)
            return opened.read() == b"\n"
    except OSError:  # not there, or empty
        return True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def ensure_signing_key(file: Path) -> None:
    """Makes a key pair unless it is there: the private key in `file`, the public one beside it as `.pub`.

    Of several who do it at once one makes the key, and all see the same.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with suppress(FileExistsError):
            _put(file, private, 0o600)
    public = read_signing_key(file).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with suppress(FileExistsError):
        _put(public_key_file(file), public, 0o644)


def _put(file: Path, content: bytes, mode: int) -> None:
    """Makes `file` whole or not at all. Raises `FileExistsError`."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(handle, content)
        os.fsync(handle)
        os.link(unfinished, file)
    finally:
        os.close(handle)
        unfinished.unlink()


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
