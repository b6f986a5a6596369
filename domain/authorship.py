"""Who vouches for what is asked of a journey: the signature that a command carries, and what the recorder checks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import StringConstraints

from domain.plans import Actor
from domain.values import Role, Value

NOT_SIGNED = "decision-not-signed"
"""Code of a refusal: it carries no signature."""
KEY_NOT_TRUSTED = "key-not-trusted"
"""Code of a refusal: the worker does not know the key, or the key may not sign for this way in."""
SIGNATURE_WRONG = "signature-wrong"
"""Code of a refusal: the signature is not of this decision, at this journey, by this person."""
ROLE_NOT_THEIRS = "role-not-theirs"
"""Code of a refusal: the person does not have the role in which they act."""
SITE_NOT_THEIRS = "site-not-theirs"
"""Code of a refusal: the person does not work at the journey's site."""
UNPROVEN = frozenset({NOT_SIGNED, KEY_NOT_TRUSTED, SIGNATURE_WRONG, ROLE_NOT_THEIRS, SITE_NOT_THEIRS})
"""Every code with which the recorder refuses what it cannot believe."""


class Via(StrEnum):
    """The way by which a command came in."""

    BOARD = "board"
    API = "api"
    CLI = "cli"
    DIRECT = "direct"  #: an operator of the machine, who names the person and the role without a sign-in
    INTAKE = "intake"  #: a message from admissions, which no person decides


class Signature(Value):
    """What a signer vouches for: who the person is, by which way the command came in, and that it says just this.

    It has no expiry. A journey answers the id of a command once, so the same signature sent again adds nothing.

    Attributes:
        key_id: The key that signed; see `access.signatures.key_id`.
        roles: Every role that the person has; none for a message.
        sites: The sites at which they work; empty: every site.
        salt: Random; goes into the digest of the content. It is not kept, so that the record's open part does not let
            anyone test a guess at words about a client.
        value: The Ed25519 signature, in hexadecimal digits.
    """

    key_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    via: Via
    roles: tuple[Role, ...] = ()
    sites: tuple[str, ...] = ()
    salt: str = ""
    value: str


class Authorship(Value):
    """Who is said to have given a command, and the proof.

    Attributes:
        by: The person and the role in which they act; None for a message from admissions.
        digest: Of the command's content; see `domain.commands.SignedCommand.digest`.
        signature: None if the command carries none.
        site: The journey's site. It is not signed: the signed sites must contain it.
    """

    by: Actor | None
    digest: str
    signature: Signature | None
    site: str = ""

    def on_record(self) -> dict[str, Any]:
        """As the record keeps it beside the event, enough to verify the signature again."""
        return self.model_dump(mode="json", exclude={"site": True, "signature": {"salt"}})
