"""Measures one core, the one on the path: see `bench.fold`. It imports nothing but `domain` and its policies,
whatever its age."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

import domain
from domain.decide import decide
from domain.evolve import fold
from domain.state import JourneyState

try:
    from domain.pathway import Command
except ImportError:
    from domain.commands import Command  # type: ignore[attr-defined,no-redef]  # the core before its parts

_SITE: dict[str, str] = {}
if Path(domain.__file__).with_name("sites.py").exists():  # an import would find the installed core's, beside an old one
    from centre.loading import load

    load()
    _SITE = {"site": "main"}

_COMMAND: TypeAdapter[Any] = TypeAdapter(Command)
_START = datetime(2026, 1, 5, 17, tzinfo=UTC)
_SECONDS = 1.5
_CLINICIAN, _ADMISSIONS = {"id": "s-1", "role": "clinician"}, {"id": "s-2", "role": "admissions"}
_MANAGER = {"id": "s-3", "role": "case-manager"}
_PLAN = {"follow_ups": ["a"], "crisis_contacts": ["b"], "resources": ["c"], "medication": ["d"], "summary": ["e"]}
_WHY = {"reason": "because", "by": _CLINICIAN}
_REVIEWED = {"outcome": "continue", "rationale": "steady", "by": _CLINICIAN}


class Client:
    """One journey, played in a fixed way."""

    def __init__(self) -> None:
        self.state, self.now = JourneyState(), _START
        self.script: list[tuple[JourneyState, Any, datetime]] = []
        self.events: list[Any] = []

    def ask(self, kind: str, **fields: Any) -> None:
        command = _COMMAND.validate_python({"kind": kind, "id": f"c-{len(self.script)}", **fields})
        outcome = decide(self.state, command, self.now)
        assert not hasattr(outcome, "code"), (kind, outcome)
        self.script.append((self.state, command, self.now))
        events: Any = getattr(outcome, "events", outcome)
        self.events += events
        self.state = fold(events, self.state)
        if kind != "settle-effect":
            self.answer_all()

    def answer_all(self) -> None:
        while pending := self.state.pending():
            key, effect = next(iter(pending.items()))
            answer: dict[str, Any] = {"kind": "done"}
            if effect.kind == "check-benefits":
                answer = {"kind": "benefits", "benefits": {"verdict": "CLEAR", "cost_share": {"copay": "30"}}}
            elif effect.kind == "hold-place":
                answer = {"kind": "place", "facility": "North", "starts_at": self.now.isoformat()}
            told = {"revision": effect.told} if getattr(effect, "told", None) else {}
            self.ask("settle-effect", key=key, answer=answer, **told)

    def later(self, days: float) -> None:
        until = self.now + timedelta(days=days)
        while (due := self.state.next_deadline()) is not None and due <= until:
            self.now = due
            self.ask("time-passed")
        self.now = until


def play() -> Client:
    """From the admission to the last follow-up."""
    client = Client()
    opening = {"journey_id": "j", "client_ref": "c", "message": "m", "admitted_at": _START.isoformat(), **_SITE}
    client.ask("open-journey", **opening)
    screened = {"urgency": "routine", "risk": "low", "consents": {"treatment": "given"}}
    if hasattr(client.state, "screening"):  # an older core has none
        client.ask("complete-screening", **screened, by=_ADMISSIONS)
    client.ask("decide-placement", recommended="IOP", actual="IOP", by=_CLINICIAN)
    client.ask("accept-cost", estimate="estimate-1", by=_ADMISSIONS)
    client.ask("confirm-enrolment", track="evening", by=_ADMISSIONS)
    client.ask("note-attendance", entries=1, known={"first_kept_at": client.now.isoformat()})
    client.ask("update-discharge-plan", plan=_PLAN, by=_MANAGER)
    client.later(43)
    for _ in range(4):
        client.ask("complete-review", **_REVIEWED)
        client.later(7)
    client.ask("request-step-up", to="PHP", **_WHY)
    client.later(0.3)
    client.ask("confirm-arrival", by=_MANAGER)
    client.later(20)
    client.ask("start-step-down", to="OP", **_WHY)
    client.later(3)
    client.ask("confirm-arrival", by=_MANAGER)
    client.later(95)
    client.ask("complete-review", **_REVIEWED)
    client.ask("discharge", reason="goals-met", by=_CLINICIAN)
    for days in (8, 23):
        client.later(days)
        client.ask("record-follow-up", contact="reached", by=_MANAGER)
    assert client.state.stage == "CLOSED", client.state.stage
    return client


def rate(work: Any, each: int) -> float:
    """Units of work per second of this process's time, over a second and a half."""
    done, began = 0, time.process_time()
    while (spent := time.process_time() - began) < _SECONDS:
        work()
        done += each
    return done / spent


def main() -> None:
    """Prints the figures as JSON."""
    client = play()

    def decide_all() -> None:
        for state, command, now in client.script:
            outcome: Any = decide(state, command, now)
            if isinstance(outcome, tuple):  # the core before its parts left the state to its caller
                fold(outcome, state)

    folded = rate(lambda: fold(client.events), len(client.events))
    decided = rate(decide_all, len(client.script))
    figures = {
        "events_per_second": folded,
        "decision_us": 1e6 / decided,
        "events": len(client.events),
        "commands": len(client.script),
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
