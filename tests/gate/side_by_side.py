"""The core before the parts and the core of parts, side by side on random journeys.

    python -m tests.gate.side_by_side --seed 1 --decisions 60000

Both are asked the same. Events are compared as a set for each command, since the parts follow in another order; what
an event gained is left out, and what it gained it for (the calls) is compared. States are compared by what they mean.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from domain.decide import Decided
from domain.decide import decide as decide_new
from domain.evolve import evolve as evolve_new
from domain.pathway import COMMANDS, DECISIONS, OBLIGATIONS
from domain.refusal import Refusal as NewRefusal
from domain.state import JourneyState as NewState
from tests.gate.old_core.commands import Command
from tests.gate.old_core.decide import decide as decide_old
from tests.gate.old_core.evolve import evolve as evolve_old
from tests.gate.old_core.refusal import Refusal as OldRefusal
from tests.gate.old_core.state import JourneyState as OldState

_OLD_COMMAND: TypeAdapter[Any] = TypeAdapter(Command)
_START = datetime(2026, 1, 5, 17, tzinfo=UTC)
_LEVELS = ["OP", "IOP", "PHP", "INPATIENT"]
_ROLES = [
    *("admissions", "clinician", "case-manager", "utilisation-review", "clinical-supervisor", "medical-director"),
    "operations",
]
_CALL_OF = {
    "ehr": "sync-ehr",
    "notify": "notify",
    "place": "hold-place",
    "release": "release-place",
    "benefits": "check-benefits",
}
_GAINED = {
    "benefits.requested": {"number", "service_date"},
    "place.search-started": {"hold_key", "level", "wanted_by"},
    "obligation.escalated": {"kind", "title", "how"},
    "obligation.acknowledged": {"kind", "title"},
    "obligation.met": {"kind", "title"},
    "obligation.waived": {"kind", "title", "about"},
    "obligation.cancelled": {"kind", "title"},
    "effect.settled": {"call", "revision"},
}
_LOST = {"benefits.requested": {"key"}}
_OBLIGATION_GAINED = {"title", "waivable_by", "by_hand", "outlives_care", "counts_from"}
_NARROWED = {
    *("resolve-funding", "accept-cost", "decline-cost", "confirm-enrolment", "update-discharge-plan"),
    *("confirm-arrival", "record-follow-up"),
}
"""Decisions that any role could take before, and that now name their roles."""


@dataclass
class Tally:
    decisions: int = 0
    journeys: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    at_stage: Counter[str] = field(default_factory=Counter)
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    differences: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Pair:
    """One journey in both cores."""

    def __init__(self, dice: random.Random, tally: Tally) -> None:
        self.dice, self.tally = dice, tally
        self.old, self.new = OldState(), NewState()
        self.now = _START + timedelta(minutes=dice.randrange(500_000))
        self.number = 0
        self.path_before: list[str] = []
        self.path_now: list[str] = []

    def ask(self, kind: str, **fields: Any) -> None:
        self.number += 1
        data = {"kind": kind, "id": f"c-{self.number}", **fields}
        old_data = {key: value for key, value in data.items() if key != "revision"}
        if kind == "settle-effect":
            old_data["key"] = self._key_before(data["key"])
        asked_old = _OLD_COMMAND.validate_python(json.loads(json.dumps(old_data)))
        asked_new = COMMANDS[kind].model_validate(json.loads(json.dumps(data)))
        self.tally.decisions += 1
        self.tally.at_stage[self.new.stage] += 1
        was = decide_old(self.old, asked_old, self.now)
        found = decide_new(self.new, asked_new, self.now)
        if isinstance(was, OldRefusal) or isinstance(found, NewRefusal):
            self._refused(kind, was, found)
            return
        self.tally.accepted[kind] += bool(found.events)
        self._compare(kind, was, found)

    def _key_before(self, key: str) -> str:
        """The same call's key in the old core; some keys count events, whose order differs."""
        alike = [each for each in self.new.pending() if _about(each) == _about(key)]
        before = [each for each in self.old.pending() if _about(each) == _about(key)]
        return before[alike.index(key)]

    def _refused(self, kind: str, was: Any, found: Any) -> None:
        codes = tuple(getattr(each, "code", "accepted") for each in (was, found))
        self.tally.refused[kind] += 1
        if codes[0] == codes[1]:
            return
        if codes[1] == "not-their-decision" and (codes[0] != "accepted" or kind in _NARROWED):
            self.tally.differences[f"role: {kind}: {codes[0]} → {codes[1]}"] += 1
            return
        self.tally.faults.append(f"{kind}: {codes[0]} before, {codes[1]} now")

    def _compare(self, kind: str, was: Any, found: Decided) -> None:
        for event in was:
            self.old = evolve_old(self.old, event)
            self.path_before = _path(self.path_before, self.old.stage)
        for event in found.events:
            self.new = evolve_new(self.new, event)
            self.path_now = _path(self.path_now, self.new.stage)
        assert self.new == found.state
        before = sorted(_plain(event.model_dump(mode="json"), old=True) for event in was)
        after = sorted(_plain(event.model_dump(mode="json"), old=False) for event in found.events)
        if before != after:
            self.tally.faults.append(f"{kind}: events\n  {set(before) - set(after)}\n  {set(after) - set(before)}")
        elif [e.type for e in was] != [e.type for e in found.events]:
            first = next(e.type for e, f in zip(was, found.events, strict=True) if e.type != f.type)
            self.tally.differences[f"order of events from {first} on after {was[0].type}"] += 1
        for event in found.events:
            if event.type in ("obligation.met", "obligation.waived", "obligation.cancelled"):
                late = "-late" if getattr(event, "late", False) else ""
                self.tally.ended[event.kind, event.type.removeprefix("obligation.") + late] += 1  # type: ignore[attr-defined]
        for name, (old, new) in self._meanings().items():
            if old != new:
                self.tally.faults.append(f"{kind}: {name}\n  {old}\n  {new}")

    def _meanings(self) -> dict[str, tuple[Any, Any]]:
        old, new = self.old, self.new
        move = old.transition.model_dump(mode="json") if old.transition else None
        return {
            "stage": (old.stage, new.stage),
            "level": (old.level, new.level),
            "level since": (old.level_since, new.level_since),
            "ended": (old.ended_at, new.ended_at),
            "next deadline": (old.next_deadline(), new.next_deadline()),
            "waiting for": (old.waiting_for(), new.waiting_for()),
            "finished": (old.is_finished, new.is_finished),
            "urgent": (old.is_urgent(self.now), new.is_urgent(self.now)),
            "version": (old.version, new.version),
            "answered": (old.answered, new.answered),
            "funding": (old.funding, new.funding.route),
            "placement": (old.placement, new.placement.level),
            "authorised": (old.authorised, new.authorisation.obtained),
            "estimate": (_dump(old.estimate), _dump(new.cost.estimate)),
            "benefits": (_dump(old.benefits), _dump(new.coverage.benefits)),
            "move": (move, _dump(new.moves.current)),
            "moves": (old.transitions, new.moves.started),
            "place in use": (old.place_in_use, new.moves.place_in_use),
            "path": (self.path_before, self.path_now),
            "stays": ([_dump(each) for each in old.stays], [_dump(each) for each in new.care.stays]),
            "plan": (_dump(old.discharge_plan), _dump(new.discharge.plan)),
            "owed": (
                {key: _old_duty(_dump(each)) for key, each in old.obligations.items()},
                {key: _new_duty(_dump(each)) for key, each in new.obligations.open.items()},
            ),
            "raised": (dict(old.raised), new.obligations.raised),
            "calls": (_calls(old.pending()), _calls(new.pending())),
            "EHR is owed": (old.ehr_revision > old.ehr_synced, new.news > new.ehr.synced),
            "untold": (
                {key: _old_duty(_dump(owed)) for key, (_, owed) in old.unsynced.items()},
                {key: _new_duty(_dump(owed)) for key, (_, owed) in new.obligations.untold.items()},
            ),
        }


def _path(path: list[str], stage: str) -> list[str]:
    """The stages a reader of each event sees, the last few of them."""
    return path if path[-1:] == [stage] else [*path, stage][-5:]


def _about(key: str) -> str:
    """A call's key without what counts events."""
    return key.rpartition("-")[0] if key.startswith(("ehr-", "release-")) else key


def _calls(pending: Any) -> list[tuple[str, Any]]:
    """In any order, told apart by what they ask for."""
    calls = [(_about(key), _without(_dump(each), {"number", "key", "revision"})) for key, each in pending.items()]
    return sorted(calls, key=str_of)


def str_of(call: tuple[str, Any]) -> str:
    return json.dumps(call, sort_keys=True)


def _dump(value: Any) -> Any:
    return value.model_dump(mode="json") if value is not None else None


def _without(data: Any, names: set[str]) -> Any:
    return {key: value for key, value in data.items() if key not in names}


def _old_duty(data: Any) -> Any:
    return {**data, "about": _CALL_OF.get(data["about"], data["about"])}


def _new_duty(data: Any) -> Any:
    kind = OBLIGATIONS[data["kind"]]
    assert data["title"] == kind.title
    return _without(data, _OBLIGATION_GAINED)


def _plain(data: dict[str, Any], *, old: bool) -> str:
    data = _without(data, (_LOST if old else _GAINED).get(data["type"], set()))
    if data["type"] == "effect.settled":
        data["key"] = _about(data["key"])
    if "obligation" in data and isinstance(data["obligation"], dict):
        data["obligation"] = (_old_duty if old else _new_duty)(data["obligation"])
    return json.dumps(data, sort_keys=True)


def play(dice: random.Random, tally: Tally, steps: int) -> None:
    """One random journey."""
    pair = Pair(dice, tally)
    tally.journeys += 1
    admitted = pair.now - timedelta(days=dice.choice([0, 0, 1, 3, 900]))
    pair.ask("open-journey", journey_id="j", client_ref="c", message="m", admitted_at=admitted.isoformat())
    for _ in range(steps):
        if tally.faults:
            return
        _step(pair, dice)


def _step(pair: Pair, dice: random.Random) -> None:
    chance = dice.random()
    pending = pair.new.pending()
    if pending and chance < 0.35:
        _settle(pair, dice, dice.choice(list(pending)))
    elif chance < 0.5:
        _wait(pair, dice)
    elif chance < 0.56:
        _message(pair, dice)
    elif chance < 0.9:
        _decide(pair, dice, dice.choice(_FITTING.get(pair.new.stage, _BY_HAND)), able=dice.random() < 0.9)
    else:
        _decide(
            pair,
            dice,
            dice.choice([each.name() for each in DECISIONS if not each.name().endswith("-leave")]),
            able=False,
        )


_BY_HAND = ["complete-obligation", "waive-obligation", "acknowledge-obligation"]
_FITTING: dict[str, list[str]] = {
    "BENEFITS_CHECK": ["record-benefits", *_BY_HAND],
    "FUNDING_EXCEPTION": ["resolve-funding", "resolve-funding", "record-benefits"],
    "PLACEMENT": ["decide-placement", "decide-placement", "record-benefits", "waive-obligation"],
    "COST_REVIEW": ["accept-cost", "accept-cost", "accept-cost", "decline-cost", "record-benefits", *_BY_HAND],
    "ENROLLING": [*["confirm-enrolment"] * 5, "record-benefits", *_BY_HAND, "update-discharge-plan"],
    "ACTIVE": [
        *("complete-review", "complete-review", "request-step-up", "start-step-down", "update-discharge-plan"),
        *_BY_HAND,
    ],
    "TRANSITION": ["confirm-arrival", "decline-transition", "request-step-up", "discharge", *_BY_HAND],
    "EXTERNAL": ["start-step-down", "request-step-up", "discharge", *_BY_HAND],
    "DISCHARGING": ["discharge", "discharge", "request-step-up", "update-discharge-plan", *_BY_HAND],
    "DISCHARGED": ["record-follow-up", "waive-obligation", "acknowledge-obligation"],
    "FOLLOW_UP": ["record-follow-up", "waive-obligation"],
}


def _wait(pair: Pair, dice: random.Random) -> None:
    due = pair.new.next_deadline()
    if due is not None and dice.random() < 0.7:
        pair.now = max(pair.now, due + timedelta(minutes=dice.choice([0, 0, 1, 3000])))
    else:
        pair.now += timedelta(minutes=dice.choice([5, 60, 600, 6000]))
    pair.ask("time-passed")


def _message(pair: Pair, dice: random.Random) -> None:
    kind = dice.choices(["repeat-admission", "report-discharge", "cancel-admission"], [3, 3, 1])[0]
    if kind == "cancel-admission" and not pair.new.care.began and dice.random() < 0.8:
        kind = "repeat-admission"
    pair.ask(kind, message="m-2", occurred_at=dice.choice([None, pair.now.isoformat()]))


def _settle(pair: Pair, dice: random.Random, key: str) -> None:
    effect = pair.new.pending()[key]
    answer: dict[str, Any] = {"kind": "done", "reference": dice.choice([None, "there"])}
    if effect.kind == "check-benefits":
        answer = {"kind": "benefits", "benefits": _benefits(dice)}
    elif effect.kind == "hold-place":
        starts = (pair.now + timedelta(hours=3)).isoformat()
        held = {"kind": "place", "facility": dice.choice(["North", "South"]), "starts_at": starts}
        answer = dice.choice([held, {"kind": "place"}])
    if dice.random() < 0.12:
        answer = {"kind": "failed", "code": "refused"}
    pair.ask("settle-effect", key=key, answer=answer, revision=effect.told)


def _benefits(dice: random.Random) -> dict[str, Any]:
    verdicts = ["CLEAR", "CLEAR", "CLEAR_AUTH_REQUIRED", "CLEAR_AUTH_REQUIRED", "INACTIVE", "NOT_COVERED"]
    verdict = dice.choice([*verdicts, "NEEDS_REVIEW", "FIX_AND_RESUBMIT", "PAYER_SIDE"])
    return {"verdict": verdict, "cost_share": dice.choice([None, {"copay": "30"}, {"copay": "30"}])}


def _decide(pair: Pair, dice: random.Random, kind: str, *, able: bool) -> None:
    declared = COMMANDS[kind].declared  # type: ignore[attr-defined]
    role = dice.choice(declared.by) if able else dice.choice(_ROLES)
    if able and kind == "complete-review" and dice.random() < 0.4:
        role = "medical-director"
    pair.ask(kind, by={"id": "s-1", "role": role}, **_fields(pair, dice, kind, role))


def _fields(pair: Pair, dice: random.Random, kind: str, role: str) -> dict[str, Any]:
    level = dice.choice(_LEVELS)
    text = {"reason": "because"}
    ours = dice.choice(["OP", "IOP"])
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "record-benefits": lambda: {**_benefits(dice), "note": "n"},
        "resolve-funding": lambda: text | {"route": _route(dice)},
        "decide-placement": lambda: {
            "recommended": dice.choice(_LEVELS),
            "actual": ours if dice.random() < 0.9 else level,
            "variance": dice.choice(["why", "why", None]),
        },
        "accept-cost": lambda: {"estimate": f"estimate-{pair.new.cost.estimates - (dice.random() < 0.05)}"},
        "decline-cost": lambda: text,
        "confirm-enrolment": lambda: {"track": "evening"},
        "update-discharge-plan": lambda: {"plan": _plan(dice)},
        "complete-review": lambda: {
            "outcome": dice.choices(["continue", "step-up", "step-down", "discharge"], [6, 1, 1, 2])[0],
            "rationale": "r",
            "to": dice.choice([None, level]),
        },
        "request-step-up": lambda: text | {"to": dice.choice(["IOP", "PHP", "INPATIENT"])},
        "start-step-down": lambda: text | {"to": ours},
        "confirm-arrival": lambda: {"facility": dice.choice([None, None, "North", "Elsewhere"])},
        "decline-transition": lambda: text | {"safety_plan_reviewed": dice.random() < 0.7},
        "discharge": lambda: {"reason": _ending(dice)},
        "record-follow-up": lambda: {"contact": dice.choice(["reached", "reached", "not-reached"])},
        "acknowledge-obligation": lambda: {"obligation": _owed(pair, dice, kind, role)},
        "complete-obligation": lambda: {"obligation": _owed(pair, dice, kind, role), "note": "n"},
        "waive-obligation": lambda: text | {"obligation": _owed(pair, dice, kind, role)},
    }
    return made[kind]()


def _route(dice: random.Random) -> str:
    return dice.choices(["self-pay", "sliding-scale", "other-coverage", "referred-out"], [4, 3, 3, 1])[0]


def _ending(dice: random.Random) -> str:
    endings = ["goals-met", "transferred", "against-advice", "disengaged", "administrative", "moved", "deceased"]
    return dice.choices(endings, [3, 1, 2, 2, 2, 2, 1])[0]


def _plan(dice: random.Random) -> dict[str, list[str]]:
    return {name: ["line"] for name in ("follow_ups", "crisis_contacts", "resources") if dice.random() < 0.7}


def _owed(pair: Pair, dice: random.Random, kind: str, role: str) -> str:
    owed = list(pair.new.obligations.open.values())
    if kind == "waive-obligation":
        owed = [each for each in owed if role in each.waivable_by] or owed
    if kind == "complete-obligation":
        owed = [each for each in owed if each.by_hand] or owed
    return dice.choice(owed).id if owed and dice.random() < 0.95 else "review-99"


def run(seed: int, decisions: int) -> Tally:
    """Plays journeys until so many commands were compared, or the first fault."""
    dice, tally = random.Random(seed), Tally()
    while tally.decisions < decisions and not tally.faults:
        play(dice, tally, steps=dice.choice([20, 60, 150]))
    return tally


def show(seed: int, tally: Tally) -> None:
    """The counts, as they came out."""
    out = sys.stdout.write
    out(f"seed {seed}: {tally.decisions} commands on {tally.journeys} journeys, {len(tally.faults)} unexplained\n")
    for title, counts in (("accepted", tally.accepted), ("refused", tally.refused), ("at stage", tally.at_stage)):
        out(f"\n{title}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) + "\n")
    ways = ("met", "met-late", "waived", "cancelled")
    out("\nended:\n")
    for kind in OBLIGATIONS:
        out(f"  {kind:24}" + "".join(f"{way} {tally.ended[kind, way]:<7}" for way in ways) + "\n")
    out("\nexplained differences:\n" + "".join(f"  {name}: {count}\n" for name, count in tally.differences.items()))
    out("\n".join(tally.faults[:3]) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--decisions", type=int, default=60_000)
    given = parser.parse_args()
    found = run(given.seed, given.decisions)
    show(given.seed, found)
    sys.exit(bool(found.faults))
