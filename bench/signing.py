"""A key for one measurement, so that decisions are signed and checked as they are in a centre."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.signatures import Signer, Standing, TrustedKey, TrustedKeys
from domain.authorship import Via
from domain.commands import BaseCommand, Decision
from workflows.client import Sign


def made_for_a_run() -> tuple[TrustedKeys, Sign]:
    """A new key as a worker trusts it, and as a caller signs decisions with it."""
    key = Ed25519PrivateKey.generate()
    signer = Signer(key)

    def sign(journey_id: str, command: BaseCommand) -> BaseCommand:
        if not isinstance(command, Decision):
            return command
        return signer.sign(journey_id, command, Standing(Via.API, roles=(command.by.role,), sites=("main",)))

    return TrustedKeys([TrustedKey(key.public_key(), frozenset({Via.API}))]), sign
