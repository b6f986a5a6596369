"""Writes the tables of `docs/pathway.md`: what leads from which stage to which, and what is owed.

`python -m tests.domain.pathway_page` writes them between their marks; a test compares them. Every command is tried at
every stage, with every choice that it offers, and what happened is listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import StrEnum
from itertools import product
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from hypothesis import Phase, find, settings
from hypothesis.strategies import SearchStrategy
from pydantic import ValidationError

from domain.benefits import Benefits, Verdict
from domain.clock import TimeKind
from domain.commands import BaseCommand, Decision
from domain.decide import Decided, decide
from domain.due_times import Counted
from domain.events import BaseEvent
from domain.evolve import evolve
from domain.obligation_terms import StepTerms
from domain.pathway import COMMANDS, OBLIGATIONS
from domain.pathway.admission import OpenJourney
from domain.pathway.attendance import NoteAttendance
from domain.pathway.calls import Answer, BenefitsAnswer, Done, Failed, PlaceAnswer, SettleEffect
from domain.pathway.deadlines import TimePassed
from domain.pathway.leave import StartLeave
from domain.pathway.obligation_events import ObligationRaised
from domain.plans import Actor
from domain.policy import policy_named
from domain.sessions.attendance import Attendance
from domain.state import JourneyState
from domain.values import LEVEL_PATTERN, Stage
from tests.domain.strategies import fields_of
from tests.domain.walk import (
    MONDAY,
    STAGES,
    Walk,
    enrolled,
    in_maintenance,
    place_held,
    returning,
    stepping_down,
    stepping_up,
    window_missed,
)

PAGE = Path(__file__).parents[2] / "docs/pathway.md"
POLICY = "us-generic-1"
LEVELS = ("OP", "IOP", "PHP", "INPATIENT")
CAME = Attendance(first_kept_at=MONDAY, seen_week=MONDAY.date())
NO_LONGER_COMES = CAME.changed(missed=3, missed_since=MONDAY, unnoted_since=MONDAY)
_FOUND: dict[str, Any] = {}
_SIMPLEST = settings(phases=(Phase.generate, Phase.shrink), database=None)
_UNITS = {
    TimeKind.ELAPSED: "elapsed hour",
    TimeKind.CALENDAR_DAYS: "calendar day",
    TimeKind.BUSINESS_DAYS: "business day",
    TimeKind.SERVICE_WEEKS: "week of care",
}


class Observed:
    """What happened.

    Attributes:
        moves: The names of what led from one stage to another.
        due: How due times of each kind of obligation were counted.
    """

    def __init__(self) -> None:
        self.moves: dict[tuple[Stage, Stage], set[str]] = defaultdict(set)
        self.due: dict[str, set[str]] = defaultdict(set)

    def note(self, before: JourneyState, asked: str, events: Iterable[BaseEvent]) -> None:
        """Notes what the events of one command led to."""
        after = before
        for event in events:
            if isinstance(event, ObligationRaised):
                self.due[event.obligation.kind].add(_counted(event.obligation.counted))
            after = evolve(after, event)
        if after.stage is not before.stage:
            self.moves[before.stage, after.stage].add(asked)


def observe() -> Observed:
    """Tries everything everywhere."""
    observed = Observed()
    others = window_missed, place_held, returning, in_maintenance, _on_leave, _late_place, _admitted_long_ago
    for make in (*STAGES.values(), *others, _came_on_another_day):
        walk = make()
        _note_the_way(walk, observed)
        for kind in COMMANDS.values():
            _try(walk, kind, observed)
        _let_time_pass(walk, observed)
    return observed


def _on_leave() -> Walk:
    walk = enrolled()
    walk.do(StartLeave, until=(walk.now + timedelta(days=4)).date(), category="family", reason="a family visit")
    return walk


def _late_place() -> Walk:
    walk = stepping_up("IOP", "PHP")
    late = PlaceAnswer(facility="North Clinic", starts_at=walk.now + timedelta(days=5))
    walk.settle("place-1-search-1", late)
    return walk


def _admitted_long_ago() -> Walk:
    walk = Walk()
    fields = {"journey_id": "journey-1", "client_ref": "client-1", "site": "main", "message": "message-1"}
    walk.do(OpenJourney, **fields, admitted_at=MONDAY - timedelta(days=1000))
    return walk


def _came_on_another_day() -> Walk:
    walk = stepping_down()
    walk.later(days=1)
    walk.attended(first_kept_at=walk.now)
    return walk


def _note_the_way(walk: Walk, observed: Observed) -> None:
    state = JourneyState()
    for now, asked in walk.script:
        outcome = decide(state, asked, now)
        if isinstance(outcome, Decided):
            observed.note(state, _name(asked), outcome.events)
            state = outcome.state


def _try(walk: Walk, kind: type[BaseCommand], observed: Observed) -> None:
    for asked in _commands(kind, walk.state):
        outcome = decide(walk.state, asked, walk.now)
        if isinstance(outcome, Decided):
            observed.note(walk.state, _name(asked), outcome.events)


def _commands(kind: type[BaseCommand], state: JourneyState) -> Iterator[BaseCommand]:
    """Each choice of each field with each of the others."""
    if kind is TimePassed or (issubclass(kind, Decision) and state.stage not in kind.declared.at):
        return
    if kind is SettleEffect:
        yield from _answers(state)
        return
    names = [each for each in fields_of(kind, state) if each != "occurred_at"]
    by: list[Actor | None] = [None]
    if issubclass(kind, Decision):
        by = [Actor(id="person-1", role=each) for each in kind.declared.by]
    for values in product(*(_values(kind, name, state) for name in names), by):
        fields = dict(zip([*names, "by"], values, strict=True))
        try:
            yield kind(id="asked", **{name: value for name, value in fields.items() if value is not None})
        except ValidationError:
            continue  # no such combination can be asked for


_ONLY_TOLD = ("initiator", "disposition", "category", "format", "method")
"""Choices on which nothing depends: one of each will do."""


def _values(kind: type[BaseCommand], name: str, state: JourneyState) -> list[Any]:
    if name == "obligation":
        return list(state.obligations.open)
    if kind is NoteAttendance:
        told: dict[str, list[Any]] = {
            "entries": [state.attendance.entries + 1],
            "known": [Attendance(), CAME, NO_LONGER_COMES],
        }
        return told[name]
    field = kind.model_fields[name]
    parts = get_args(field.annotation) or (field.annotation,)
    held = next(each for each in parts if each is not NoneType)
    nothing = [None] if NoneType in parts else []
    if isinstance(held, type) and issubclass(held, StrEnum):
        return list(held)[:1] if name in _ONLY_TOLD else [*nothing, *held]
    if held is bool:
        return [False, True]
    if LEVEL_PATTERN in f"{field.annotation}{field.metadata}":
        return [*nothing, *LEVELS]
    return [*nothing, _simplest(fields_of(kind, state)[name])]


def _simplest(strategy: SearchStrategy[Any]) -> Any:
    """The same for strategies that read the same, of which there are a thousand."""
    known = repr(strategy)
    if known not in _FOUND:
        _FOUND[known] = find(strategy, lambda value: value is not None, settings=_SIMPLEST)
    return _FOUND[known]


def _answers(state: JourneyState) -> Iterator[SettleEffect]:
    place = PlaceAnswer(facility="North Clinic", starts_at=MONDAY)
    benefits = [BenefitsAnswer(benefits=Benefits(verdict=verdict, cost_share=None)) for verdict in Verdict]
    own: dict[str, list[Answer]] = {"hold-place": [place, PlaceAnswer()], "check-benefits": [*benefits]}
    for key, call in state.pending().items():
        for answer in (*own.get(call.kind, [Done()]), Failed(code="refused")):
            yield SettleEffect(id="answer", key=key, answer=answer, revision=call.told)


def _let_time_pass(walk: Walk, observed: Observed) -> None:
    until = walk.now + timedelta(days=100)
    while (due := walk.state.next_deadline()) is not None and due <= until:
        before, walk.now = walk.state, max(walk.now, due)
        observed.note(before, "time passes", walk.do(TimePassed))


def _name(asked: BaseCommand) -> str:
    if isinstance(asked, SettleEffect):
        return f"{asked.answer.kind} answer"
    return f"`{asked.name()}`" if isinstance(asked, Decision) else asked.name().replace("-", " ")


def _counted(counted: Counted) -> str:
    unit = _UNITS.get(counted.kind)
    if unit is None:
        return "the day named"
    if counted.kind is TimeKind.SERVICE_WEEKS:
        return "the end of a week of care"
    return f"{counted.amount} {unit}{'' if counted.amount == 1 else 's'}"


def filled_in(text: str, observed: Observed) -> str:
    """The page's `text` with its generated sections as they should be."""
    for name, lines in (("stages", _stages(observed)), ("obligations", _obligations(observed))):
        begin, end = f"<!-- {name}: made by `python -m tests.domain.pathway_page` -->", f"<!-- end of {name} -->"
        before, mark, rest = text.partition(begin)
        _, end_mark, after = rest.partition(end)
        assert mark and end_mark, f"{PAGE.name} lacks the marks of its section {name}"
        text = "\n".join([f"{before}{begin}", "", *lines, f"{end}{after}"])
    return text


def _stages(observed: Observed) -> Iterator[str]:
    yield from _diagram(observed)
    yield from _moves(observed)


def _diagram(observed: Observed) -> Iterator[str]:
    yield from ("```mermaid", "stateDiagram-v2")
    yield f"    [*] --> {Stage.REFERRED}"
    yield from (f"    {before} --> {after}" for before, after in _ordered(observed.moves))
    yield from (f"    {stage} --> [*]" for stage in Stage if stage.is_end)
    yield from ("```", "")


def _moves(observed: Observed) -> Iterator[str]:
    yield from ("| from | to | by |", "|---|---|---|")
    for before, after in _ordered(observed.moves):
        yield f"| {before} | {after} | {', '.join(sorted(observed.moves[before, after]))} |"
    yield ""


def _ordered(moves: Iterable[tuple[Stage, Stage]]) -> list[tuple[Stage, Stage]]:
    order = list(Stage)
    return sorted(moves, key=lambda move: (order.index(move[0]), order.index(move[1])))


def _obligations(observed: Observed) -> Iterator[str]:
    yield from (
        "| kind | what | owner | priority | due | told | completed by | waived by |",
        "|---|---|---|---|---|---|---|---|",
    )
    terms = policy_named(POLICY).obligations
    for name, kind in sorted(OBLIGATIONS.items()):
        due = ", ".join(sorted(observed.due[name], key=_by_number)) or "not seen here"
        told = ", ".join(_step(each) for each in terms[name].steps)
        waived = ", ".join(kind.waivable_by) or "-"
        done = ", ".join(kind.completable_by) or "its own decision"
        owner, priority = terms[name].owner, kind.priority
        yield f"| `{name}` | {kind.title} | {owner} | {priority} | {due} | {told} | {done} | {waived} |"
    yield ""


def _by_number(text: str) -> tuple[Any, ...]:
    head = text.partition(" ")[0]
    return (int(head), text) if head.isdigit() else (10**6, text)


def _step(step: StepTerms) -> str:
    named = {None: "at once", "opens": "at its opening", 0: "0"}
    when = named.get(step.hours) or f"{step.hours:+d} h"
    return f"{step.tell} {when} ({step.by})"


def main() -> None:
    """Writes the tables."""
    PAGE.write_text(filled_in(PAGE.read_text(encoding="utf-8"), observe()), encoding="utf-8")


if __name__ == "__main__":
    from centre.loading import load

    load()
    main()
