"""What the page of one journey shows, worked out of its record: where the client is, what is next, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from access.rules import About
from dashboard.history import AsOf
from dashboard.missed import MissedDuty, missed_of
from dashboard.words import actor
from domain.evolve import fold
from domain.move_words import move_words
from domain.obligations import Obligation
from domain.pathway import Event, leave
from domain.plans import Actor
from domain.refusal import UnknownHere
from domain.state import JourneyState
from domain.values import Instant, Role, Value
from eventstore.events import StoredEvent
from record.codec import from_record, to_record
from record.sealing import MASK, split

_SHORTEST_BAND = timedelta(minutes=30)


class Happened(NamedTuple):
    """One event of the journey, for its list.

    Attributes:
        why: The command that led to it.
        by: Who decided, where a person did.
        words: What people wrote, as far as it can be read, by where in the event it stands (RFC 6901).
    """

    version: int
    at: Instant
    recorded_at: Instant
    sentence: str
    why: str
    by: Actor | None
    words: Mapping[str, str]
    is_bookkeeping: bool
    is_decision: bool

    @property
    def is_late(self) -> bool:
        """Whether it was recorded long after it was true."""
        return self.recorded_at - self.at > timedelta(minutes=5)

    @property
    def said(self) -> list[tuple[str, str]]:
        """What people wrote, each with the name of its field."""
        return [(_field_of(at), text) for at, text in self.words.items()]


class Band(NamedTuple):
    """A period on the way so far, in per cent of its width."""

    label: str
    kind: str
    left: float
    width: float
    since: Instant
    until: Instant | None


class Mark(NamedTuple):
    """A decision on the way so far."""

    left: float
    at: Instant
    sentence: str


class Owed(NamedTuple):
    """A duty with the reason for its due time."""

    duty: Obligation
    why: str


class JourneyView(Value):
    """A journey as of some of its events.

    Attributes:
        number: For its short reference.
        version: How many events it has in all.
        happened: The newest first.
        move_words: What there is to say of a move beside where it leads, each by its name.
        leave_words: What was taken of leave and what is left, if any was.
    """

    state: JourneyState
    number: int
    position: int
    version: int
    shown: int
    happened: tuple[Happened, ...]
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    owed: tuple[Owed, ...]
    missed: tuple[MissedDuty, ...]
    move_words: Mapping[str, str] = {}
    leave_words: str | None = None

    @property
    def journey_id(self) -> str:
        """The journey's id."""
        return self.state.journey_id


def about(state: JourneyState) -> About:
    """What decides who may see and do what on this journey."""
    on_it: dict[Role, set[str]] = {role: {person} for role, person in state.care_team.members.items()}
    for owed in state.obligations.open.values():
        if owed.assignee is not None:
            on_it.setdefault(owed.owner, set()).add(owed.assignee)
    return About(
        site=state.admission.site,
        before_care=not state.care.stays,
        caseload={role: frozenset(people) for role, people in on_it.items()},
    )


def view(every: Sequence[StoredEvent], opened: Sequence[Event], at: AsOf, now: datetime) -> JourneyView:
    """The journey as of `at`.

    Args:
        every: All its events, at least one of them as of `at`.
        opened: The same, with what people wrote where the person may read it.
        at: Which of them to use.
        now: The time at which to judge what is overdue.
    """
    pairs = [(stored, event) for stored, event in zip(every, opened, strict=True) if at.includes(stored)]
    stored = [each for each, _ in pairs]
    state = fold(event for _, event in pairs)
    happened = tuple(_happened(each, event) for each, event in reversed(pairs))
    began = state.admission.opened_at or stored[0].occurred_at
    until = state.ended_at or now
    return JourneyView(
        state=state,
        number=every[0].position,
        position=every[-1].position,
        version=len(every),
        shown=len(stored),
        happened=happened,
        bands=tuple(_bands(state, began, until)),
        marks=tuple(
            Mark(_share(each.at, began, until), each.at, each.sentence) for each in happened if each.is_decision
        ),
        owed=tuple(Owed(each, why(state, each)) for each in state.in_order(now)),
        missed=tuple(missed_of((event for _, event in pairs), now)),
        move_words=move_words(state),
        leave_words=leave.in_words(state),
    )


def why(state: JourneyState, owed: Obligation) -> str:
    """Why it is due then, in a sentence; shorter where this process lacks the journey's calendar."""
    try:
        return state.why_due(owed)
    except UnknownHere:
        return f"{owed.counted.amount} {owed.counted.kind}"


def masked(every: Sequence[StoredEvent]) -> tuple[Event, ...]:
    """The events without what people wrote."""
    return tuple(from_record(each) for each in every)


def _happened(stored: StoredEvent, event: Event) -> Happened:
    by = actor(event)
    return Happened(
        version=stored.version,
        at=stored.occurred_at,
        recorded_at=stored.recorded_at,
        sentence=event.sentence(),
        why=event.cause.partition("/")[0],
        by=by,
        words=_words(event),
        is_bookkeeping=event.is_bookkeeping,
        is_decision=by is not None and not event.is_bookkeeping,
    )


def _words(event: Event) -> Mapping[str, str]:
    """Without the mask that stands for what cannot be read."""
    _, words = split(event, to_record(event).data)
    return {at: text for at, text in words.items() if text != MASK}


def _field_of(pointer: str) -> str:
    """The name of the field to which a JSON Pointer leads; items of a list have that of the list."""
    names = [each for each in pointer.split("/") if each and not each.isdecimal()]
    return names[-1].replace("_", " ")


def _bands(state: JourneyState, began: datetime, until: datetime) -> Iterator[Band]:
    """Before care, each stay, and what lies between them, without gaps."""
    at = began
    for stay in state.care.stays:
        if stay.since - at > _SHORTEST_BAND:
            label = "before care" if at == began else "not in care"
            yield _band(label, "none", at, stay.since, began, until)
        kind = "ours" if stay.ours else "elsewhere"
        at = min(stay.until or until, until)
        yield _band(stay.level, kind, stay.since, at, began, until, open_end=stay.until is None)
    if until - at > _SHORTEST_BAND or not state.care.stays:
        yield _band("after care" if state.care.stays else "before care", "none", at, until, began, until)


def _band(
    label: str, kind: str, since: datetime, until: datetime, began: datetime, end: datetime, *, open_end: bool = False
) -> Band:
    left, right = _share(since, began, end), _share(until, began, end)
    return Band(label, kind, left, max(0.4, right - left), since, None if open_end else until)


def _share(at: datetime, began: datetime, until: datetime) -> float:
    whole = (until - began).total_seconds() or 1.0
    return round(max(0.0, min(100.0, 100 * (at - began).total_seconds() / whole)), 2)
