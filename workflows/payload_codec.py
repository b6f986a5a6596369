"""Encrypts what goes to Temporal, and decrypts what comes from there.

A payload is encrypted whole, with the metadata that says how to read it: AES-256-GCM, a random nonce of 96 bits for
each. What is encrypted is bound to the format, the namespace and the key, so it cannot be passed off as another's.

A payload that was never encrypted is read as it is, because a release before this one wrote such payloads.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.converter import PayloadCodec

from workflows.clear_text import ClearText, is_clear

ENCODING: Final = b"binary/encrypted"
KEY_BYTES: Final = 32
_FORMAT: Final = b"throughline payload 1"
_NONCE_BYTES: Final = 12
_KEY_ID: Final = "encryption-key-id"
_NAME: Final = re.compile(r"[0-9a-f]{16}")
_CARD_TYPE: Final = WorkflowMetadata.DESCRIPTOR.full_name.encode()


class PayloadUnreadable(Exception):
    """An encrypted payload cannot be read; the text says what to do. It quotes nothing of the payload."""


class PayloadKeyMissing(PayloadUnreadable):
    """A payload was encrypted with a key that this process does not have."""


class PayloadChanged(PayloadUnreadable):
    """A payload was changed after it was encrypted, or belongs to another namespace."""


class PayloadKeys:
    """The keys of one installation, by names that say nothing of them. The last one encrypts, all of them decrypt."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Takes at least one key of 32 random bytes."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"give one or more keys of {KEY_BYTES} bytes")
        self._ciphers = {key_name(key): AESGCM(key) for key in keys}
        self.newest = key_name(keys[-1])

    def cipher(self, name: str) -> AESGCM:
        """What encrypts and decrypts with the key of that name.

        Raises:
            PayloadKeyMissing: There is no such key here.
        """
        if name not in self._ciphers:
            known = name if _NAME.fullmatch(name) else "with an unreadable name"
            raise PayloadKeyMissing(
                ClearText(f"payload key {known} is not in this process's file: add its line, then restart the process")
            )
        return self._ciphers[name]


def key_name(key: bytes) -> str:
    """The name of a key, as it stands next to what it encrypted."""
    return hashlib.sha256(b"throughline payload key" + key).hexdigest()[:16]


class EncryptingCodec(PayloadCodec):
    """Encrypts every payload but the two kinds that hold nothing about a client: `ClearText`, and a journey's card."""

    def __init__(self, keys: PayloadKeys, namespace: str) -> None:
        self._keys = keys
        self._namespace = namespace.encode()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads as Temporal may keep them."""
        return [each if _may_be_shown(each) else self._encrypted(each) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads as they were before `encode`. For a codec server as well: it needs no more than this.

        Raises:
            PayloadKeyMissing: One was encrypted with a key that is not here.
            PayloadChanged: One was changed since, or is from another namespace.
        """
        return [self._decrypted(each) if each.metadata.get("encoding") == ENCODING else each for each in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        name, nonce = self._keys.newest, os.urandom(_NONCE_BYTES)
        sealed = self._keys.cipher(name).encrypt(nonce, payload.SerializeToString(), self._bound_to(name))
        return Payload(metadata={"encoding": ENCODING, _KEY_ID: name.encode()}, data=nonce + sealed)

    def _decrypted(self, payload: Payload) -> Payload:
        name = payload.metadata.get(_KEY_ID, b"").decode(errors="replace")
        cipher, nonce, sealed = self._keys.cipher(name), payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, self._bound_to(name)))
        except (InvalidTag, ValueError, DecodeError):
            text = "a payload was changed after it was encrypted, or is of another namespace: find out who wrote it"
            raise PayloadChanged(ClearText(text)) from None

    def _bound_to(self, name: str) -> bytes:
        """What decryption demands to be the same. None of the parts but the namespace can hold a zero byte."""
        return b"\x00".join((_FORMAT, name.encode(), self._namespace))


def _may_be_shown(payload: Payload) -> bool:
    """Whether it is a `ClearText`, or what the Temporal UI asks for to show the card: never data of ours."""
    return is_clear(payload) or payload.metadata.get("messageType") == _CARD_TYPE
