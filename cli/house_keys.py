"""The signing keys of a system on one machine, made on first use in its data directory."""

from __future__ import annotations

from pathlib import Path

from access.trusted_keys import listed
from deploy.settings import Settings
from deploy.stack import Stack
from domain.authorship import Via
from eventstore.verification.anchors import ensure_signing_key, read_signing_key


def provide_signing_keys(stack: Stack) -> None:
    """Makes the keys that the settings do not give, and publishes where they are.

    Raises:
        AnchorError: A key cannot be read.
    """
    given, keys = stack.settings, stack.settings.home / "keys"
    made = given.changed(
        signing_key=given.signing_key or keys / "signing.pem",
        anchors=given.anchors or given.home / "anchors" / "heads.jsonl",
        decision_key=given.decision_key or keys / "decisions.pem",
        direct_key=given.direct_key or keys / "direct.pem",
        intake_key=given.intake_key or keys / "intake.pem",
        trusted_keys=given.trusted_keys or keys / "trusted.toml",
    )
    for file in (made.require_signing_key(), *_signers(made)):
        ensure_signing_key(file)
    if given.trusted_keys is None:
        _list_trusted(made)
    stack.publish(made)


def _signers(settings: Settings) -> dict[Path, tuple[str, tuple[Via, ...]]]:
    """The private keys of those who sign commands: whose they are, and what they may sign for."""
    return {
        settings.require_decision_key(): ("signed-in people", (Via.BOARD, Via.API, Via.CLI)),
        settings.require_direct_key(): ("operator", (Via.DIRECT,)),
        settings.require_intake_key(): ("intake", (Via.INTAKE,)),
    }


def _list_trusted(settings: Settings) -> None:
    entries = ((name, read_signing_key(file).public_key(), signs) for file, (name, signs) in _signers(settings).items())
    file = settings.require_trusted_keys()
    unfinished = file.with_suffix(".part")
    unfinished.write_text(listed(entries), encoding="utf-8")
    unfinished.replace(file)
