"""The names of all commands, in the order of the help, and where the code of each one is.

No command is imported here: the help is made from `summaries.json`, which `python -m cli.summarise` writes from the
commands themselves. So `throughline --help` loads no database driver, no SDK and no domain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

SUMMARIES = Path(__file__).with_name("summaries.json")
"""One sentence about each command, by name, and one about each decision, in the order of the decisions."""

RUN: Mapping[str, str] = {
    "demo": "cli.demo.command:demo",
    "up": "cli.services:up",
    "migrate": "cli.migrations:migrate",
    "worker": "cli.services:worker",
    "intake": "cli.services:intake",
    "projector": "cli.services:projector",
    "board": "cli.board:board",
}
LOOK: Mapping[str, str] = {
    "sign-in": "cli.sign_in:sign_in",
    "sign-out": "cli.sign_in:sign_out",
    "status": "cli.status:status",
    "config": "cli.configuration:config",
    "send": "cli.send:send",
    "journeys": "cli.journeys:journeys",
    "journey": "cli.journeys:journey",
    "obligations": "cli.obligations:obligations",
    "sessions": "cli.sessions:app",
    "tracks": "cli.tracks:tracks",
    "waitlist": "cli.tracks:waitlist_command",
    "why-due": "cli.why_due:why_due_command",
    "missed": "cli.missed:missed",
    "digest": "cli.digest:digest",
    "benefits": "cli.benefits:benefits",
    "messages": "cli.messages:messages",
    "quarantine": "cli.quarantine:quarantine",
    "decisions": "cli.decision_reference:decisions",
    "staff": "cli.staff:app",
    "policy": "cli.policy:app",
}
KEEP: Mapping[str, str] = {
    "reconcile": "cli.recovery:reconcile",
    "recover": "cli.recovery:recover",
    "look-again": "cli.recovery:look_again",
    "projections": "cli.projections:app",
    "client": "cli.client:client",
    "events": "cli.events:app",
    "sites": "cli.sites:app",
}


def summaries() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What each command and each decision does, by name."""
    read = json.loads(SUMMARIES.read_text(encoding="utf-8"))
    return read["commands"], read["decisions"]


def path_of_decision(name: str) -> str:
    """The import path of the command for the decision `name`."""
    return f"cli.decisions:{attribute_of(name)}"


def attribute_of(name: str) -> str:
    """The Python name of the command `name`."""
    return name.replace("-", "_")
