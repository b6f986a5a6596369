"""How intake stores data that identifies a client: sealed under the client's own key, and found by keyed hashes.

A keyed hash is the same for the same text, so equal numbers can be found, and only someone with the keys can test a
guess.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from clientkeys.keys import Keyring
from eventstore.jsontext import canonical
from intake.facts import RecordNumber
from intake.offload import crypt_off_loop
from intake.person import Person
from intake.search_words import SearchWord

_HASHES = "/intake/hashes"
_NOBODYS = "/intake/nobody"
"""Owner of the key for data that does not belong to one client."""


class Sealed(NamedTuple):
    """Encrypted bytes and the key they are encrypted with."""

    sealed: bytes
    key_id: UUID


class Privacy:
    """Seals, opens and hashes. Any call may raise `KeysUnavailable`; opening and sealing may raise `KeyDestroyed`."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def hash_of_number(self, key: RecordNumber) -> bytes:
        """The keyed hash of a client's record number."""
        return await self._hash("number", key.authority, key.mrn)

    async def hash_of_visit(self, visit: str) -> str:
        """The keyed hash of a visit number; empty if there is none."""
        return (await self._hash("visit", visit)).hex() if visit else ""

    async def hash_of_bytes(self, raw: bytes) -> bytes:
        """The keyed hash of a message, or of a part of one."""
        return await self.hash_of_digest(await crypt_off_loop(len(raw), _sha256, raw))

    async def hash_of_digest(self, sha256: bytes) -> bytes:
        """The keyed hash of a message whose SHA-256 is known."""
        return await self._hash("message", sha256.hex())

    async def seal_message(self, raw: bytes, message_hash: bytes, client_ref: UUID | None) -> Sealed:
        """Seals a message under its client's key or, if it names no client, under intake's shared key."""
        key = await self._keyring.key_of(str(client_ref) if client_ref else _NOBODYS)
        return Sealed(await crypt_off_loop(len(raw), key.seal, raw, b"intake message", message_hash), key.id)

    async def open_message(self, message: Sealed, message_hash: bytes) -> bytes:
        """Opens a sealed message: the bytes as they were received."""
        key = await self._keyring.key(message.key_id)
        return await crypt_off_loop(len(message.sealed), key.open, message.sealed, b"intake message", message_hash)

    async def seal_person(self, person: Person, client_ref: UUID) -> Sealed:
        """Seals a person's data under their own key."""
        key = await self._keyring.key_of(str(client_ref))
        text = canonical(person.model_dump(mode="json")).encode()
        return Sealed(key.seal(text, b"intake person", client_ref.bytes), key.id)

    async def open_person(self, person: Sealed, client_ref: UUID) -> Person:
        """Opens a person's sealed data."""
        key = await self._keyring.key(person.key_id)
        return Person.model_validate_json(key.open(person.sealed, b"intake person", client_ref.bytes))

    async def hashes_of_words(self, words: Iterable[SearchWord]) -> list[bytes]:
        """The keyed hashes of the words by which a client is found, in no order that says which is which."""
        return sorted([await self._hash("search", *each) for each in words])

    async def _hash(self, *parts: str) -> bytes:
        key = await self._keyring.key_of(_HASHES)
        return key.hash(canonical(parts).encode("utf-8", "surrogatepass"))


def _sha256(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()
