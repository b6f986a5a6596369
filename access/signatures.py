"""Signing what is asked of a journey, and checking the signature. Pure; `access.trusted_keys` reads the keys.

What is signed is one line of JSON: the journey, the command's cause and the digest of its content, the person with all
their roles and sites, and the way in. So a signature fits one decision of one person at one journey.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from access.rules import Viewer
from domain import authorship as codes
from domain.authorship import Authorship, Signature, Via
from domain.commands import SignedCommand
from domain.refusal import Refusal
from domain.values import Role

Signed = TypeVar("Signed", bound=SignedCommand)

_FORMAT = "throughline-command/1"
_SALT_BYTES = 16
_SENTENCES = {
    codes.NOT_SIGNED: "This was not signed, so nobody knows who decided it. Sign in first.",
    codes.KEY_NOT_TRUSTED: "The key that signed this is not trusted. Tell operations.",
    codes.SIGNATURE_WRONG: "The signature is not of this decision. Decide it again.",
    codes.ROLE_NOT_THEIRS: "You do not have the role in which you act. Act in a role of yours.",
    codes.SITE_NOT_THEIRS: "You do not work at this journey's site. Ask someone who does.",
}


class Authors(Protocol):
    """Says whether a command comes from whom it names."""

    def refusal(self, journey_id: str, cause: str, authorship: Authorship) -> Refusal | None:
        """Why it is not believed; None if it is."""


@dataclass(frozen=True)
class TrustedKey:
    """A public key, and the ways in that it may sign for; none for a key that is kept to verify old signatures."""

    key: Ed25519PublicKey
    signs: frozenset[Via]


@dataclass(frozen=True)
class Standing:
    """What a signer knows of a person: the way by which they came in, their roles and their sites."""

    via: Via
    roles: tuple[Role, ...] = ()
    sites: tuple[str, ...] = ()

    @classmethod
    def of(cls, viewer: Viewer, via: Via) -> Standing:
        """Of a person who has signed in, as the list of staff has them now."""
        return cls(via, viewer.roles, viewer.sites)


class Signer:
    """Signs commands with one private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._key_id = key_id(key.public_key())

    def sign(self, journey_id: str, command: Signed, standing: Standing) -> Signed:
        """`command` with a signature for this journey, in place of any that it had."""
        salt = secrets.token_hex(_SALT_BYTES)
        unsigned = Signature(
            key_id=self._key_id,
            via=standing.via,
            roles=standing.roles,
            sites=standing.sites,
            salt=salt,
            value="",
        )
        said = Authorship(by=command.said_by, digest=command.digest(salt), signature=unsigned)
        value = self._key.sign(_statement(journey_id, command.cause, said)).hex()
        return command.model_copy(update={"signature": unsigned.changed(value=value)})


class TrustedKeys:
    """The public keys that are believed. Each may sign only for its own ways in."""

    def __init__(self, keys: Iterable[TrustedKey]) -> None:
        self._keys = {key_id(each.key): each for each in keys}

    def refusal(self, journey_id: str, cause: str, authorship: Authorship) -> Refusal | None:
        """Why the command is not believed to be from whom it names; None if it is."""
        code = self._code(journey_id, cause, authorship)
        return Refusal(code=code, sentence=_SENTENCES[code]) if code else None

    def _code(self, journey_id: str, cause: str, authorship: Authorship) -> str | None:
        by, signature = authorship.by, authorship.signature
        if signature is None:
            return codes.NOT_SIGNED
        trusted = self._keys.get(signature.key_id)
        is_of_its_way = (by is None) is (signature.via is Via.INTAKE)
        if trusted is None or signature.via not in trusted.signs or not is_of_its_way:
            return codes.KEY_NOT_TRUSTED
        if not is_signed(journey_id, cause, authorship, trusted.key):
            return codes.SIGNATURE_WRONG
        if by is not None and by.role not in signature.roles:
            return codes.ROLE_NOT_THEIRS
        return codes.SITE_NOT_THEIRS if signature.sites and authorship.site not in signature.sites else None


def is_signed(journey_id: str, cause: str, authorship: Authorship, key: Ed25519PublicKey) -> bool:
    """Whether `key` signed just this."""
    if authorship.signature is None:
        return False
    try:
        key.verify(bytes.fromhex(authorship.signature.value), _statement(journey_id, cause, authorship))
    except (InvalidSignature, ValueError):  # ValueError: not hexadecimal digits
        return False
    return True


def key_id(key: Ed25519PublicKey) -> str:
    """The name of a public key: the beginning of its SHA-256."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def _statement(journey_id: str, cause: str, authorship: Authorship) -> bytes:
    by, signature = authorship.by, authorship.signature
    assert signature is not None
    person = [by.id, by.role] if by else None
    standing = [signature.via, signature.roles, signature.sites, signature.key_id]
    return json.dumps([_FORMAT, journey_id, cause, authorship.digest, person, *standing]).encode()
