"""Obligations: everything that must not be forgotten, as data.

An obligation has an owner, an absolute due time and an escalation, which says whom to tell when. Overdue is a flag,
never an end: an obligation ends only by being met, met late, waived by a named person, or cancelled with a cause.
When its escalation is used up the last step repeats, so an open obligation always has a next moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.due_times import Counted
from domain.sites import Calendar
from domain.values import Instant, Role, Value


class ObligationStatus(StrEnum):
    """Open until one of the four ends."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MET = "met"
    MET_LATE = "met-late"
    WAIVED = "waived"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether it is still owed."""
        return self in (ObligationStatus.OPEN, ObligationStatus.ACKNOWLEDGED)


class Channel(StrEnum):
    """How a step reaches its person."""

    MAIL = "mail"
    PAGE = "page"


class StepTerms(Value):
    """One step of an escalation.

    Attributes:
        hours: Elapsed hours from the due time, negative for before; None for when the obligation is raised.
        tell: Who is told.
        by: How.
    """

    hours: Annotated[int, Field(ge=-8760, le=8760)] | None
    tell: Role
    by: Channel


class Terms(Value):
    """Who owes one kind of obligation, and who is told when; a centre's policy says so.

    Attributes:
        owner: Who must act.
        steps: In order. They end with someone who can decide.
        repeat_hours: Elapsed hours between repeats of the last step.
        pauses_in_crisis: Whether it waits while the client is in an emergency department or in hospital.
    """

    owner: Role
    steps: Annotated[tuple[StepTerms, ...], Field(min_length=1)]
    repeat_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    pauses_in_crisis: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        hours = [-8761 if step.hours is None else step.hours for step in self.steps]
        if hours != sorted(hours):
            raise ValueError("the steps must be in order of time, one when it is raised first")
        return self

    def telling_at_once(self, roles: Iterable[Role]) -> Terms:
        """The same, with a page to each of these roles when it is raised."""
        first = tuple(StepTerms(hours=None, tell=role, by=Channel.PAGE) for role in roles)
        return self.changed(steps=(*first, *self.steps)) if first else self

    @property
    def reminder_hours(self) -> int:
        """How long before the due time the first person is told, elapsed hours; 0 if only then or after it."""
        return max((0, *(-step.hours for step in self.steps if step.hours is not None)))


class ObligationKind(Value):
    """What one kind of obligation is. Each part of the pathway declares its own.

    Attributes:
        kind: Its name, and the stem of its obligations' ids.
        title: For people; says what to do and nothing about the client.
        waivable_by: Roles that may decide it need not be done; none where it keeps the journey moving.
        by_hand: Whether a person ends it by saying it is done, rather than by a decision of its own.
        urgent: Shown first everywhere.
        outlives_care: Whether it is owed on when care ends.
    """

    kind: str
    title: str
    waivable_by: tuple[Role, ...] = ()
    by_hand: bool = False
    urgent: bool = False
    outlives_care: bool = False


class EscalationStep(Value):
    """From `at` on, `to` is told by `how`.

    Attributes:
        offset: Elapsed hours from the due time, or None for when it is raised.
    """

    at: Instant
    offset: int | None
    to: Role
    how: Channel


class Obligation(Value):
    """One thing owed.

    Attributes:
        id: Kind and number, unique in the journey: `review-2`.
        kind: Its kind's name.
        owner: Who must act first. The escalation tells others, the owner stays.
        due_at: Absolute; what `counted` gives by the calendar `calendar`.
        counted: How the due time was counted.
        calendar: The version of the site's calendar by which it was counted.
        escalation: In order of time.
        repeat_hours: Elapsed hours between repeats of the last step.
        steps_taken: Steps already taken, repeats included.
        last_told_at: When a person was last told.
        quiet_until: An acknowledgement keeps the escalation quiet until then, for those it has told already and for
            the role that acknowledged. Those not told yet are told on time all the same.
        acknowledged_by: The role that acknowledged last.
        counts_from: The first calendar day at the site on which it can be met, where there is one.
        about: The kind of call that was refused, for `resolve-effect`.
        waivable_by, by_hand, urgent, outlives_care: As its kind said when it was raised.
    """

    id: str
    kind: str
    title: str
    owner: Role
    raised_at: Instant
    due_at: Instant
    counted: Counted
    calendar: int
    escalation: tuple[EscalationStep, ...]
    repeat_hours: int = 24
    status: ObligationStatus = ObligationStatus.OPEN
    steps_taken: int = 0
    last_told_at: Instant | None = None
    quiet_until: Instant | None = None
    acknowledged_by: Role | None = None
    counts_from: date | None = None
    about: str | None = None
    waivable_by: tuple[Role, ...] = ()
    by_hand: bool = False
    urgent: bool = False
    outlives_care: bool = False

    @classmethod
    def raised(
        cls,
        kind: ObligationKind,
        terms: Terms,
        number: int,
        *,
        raised_at: Instant,
        counted: Counted,
        by: Calendar,
        counts_from: date | None = None,
        about: str | None = None,
    ) -> Obligation:
        """The `number`-th of its kind, with its due time and its escalation in absolute times by the calendar `by`."""
        due_at = counted.due_at(by)
        return cls(
            id=f"{kind.kind}-{number}",
            kind=kind.kind,
            title=kind.title,
            owner=terms.owner,
            raised_at=raised_at,
            due_at=due_at,
            counted=counted,
            calendar=by.version,
            escalation=_escalation(terms.steps, raised_at, due_at),
            repeat_hours=terms.repeat_hours,
            counts_from=counts_from,
            about=about,
            waivable_by=kind.waivable_by,
            by_hand=kind.by_hand,
            urgent=kind.urgent,
            outlives_care=kind.outlives_care,
        )

    def by(self, calendar: Calendar) -> Obligation:
        """The same, counted by another calendar: its due time and the times of its escalation."""
        due_at = self.counted.due_at(calendar)
        steps = (StepTerms(hours=step.offset, tell=step.to, by=step.how) for step in self.escalation)
        return self.changed(
            due_at=due_at, calendar=calendar.version, escalation=_escalation(steps, self.raised_at, due_at)
        )

    def again(self, number: int, raised_at: Instant, counted: Counted, calendar: Calendar) -> Obligation:
        """The same, owed again as the `number`-th of its kind; nobody was told yet."""
        untold = {"steps_taken": 0, "last_told_at": None, "quiet_until": None, "acknowledged_by": None}
        owed = self.changed(
            id=f"{self.kind}-{number}", raised_at=raised_at, counted=counted, status=ObligationStatus.OPEN, **untold
        )
        return owed.by(calendar)

    def is_overdue(self, now: Instant) -> bool:
        """Whether it is still open after its due time."""
        return self.status.is_open and now >= self.due_at

    def current_step(self) -> EscalationStep:
        """The step used next: the earliest unused one, or the last again."""
        return self._step(min(self._unused(), key=self.speaks_at))

    def next_at(self) -> Instant:
        """When the next person is told; always after the last time."""
        return min(self.speaks_at(number) for number in self._unused())

    def steps_reached(self, now: Instant) -> list[int]:
        """The steps that are due at `now`, counted from 1; one beyond the escalation's end repeats the last.

        One that an acknowledgement keeps quiet is skipped when a later one is due: its role knows already.
        """
        return [number for number in self._unused() if self.speaks_at(number) <= now]

    def speaks_at(self, number: int) -> Instant:
        """When this unused step is due, unless someone acknowledges again."""
        at = self._step(number).at
        if number > len(self.escalation) and self.last_told_at is not None:
            at = self.last_told_at + timedelta(hours=self.repeat_hours)
        if self.quiet_until is not None and self._knows(self._step(number).to):
            at = max(at, self.quiet_until)
        return at

    def _unused(self) -> range:
        return range(self.steps_taken + 1, max(self.steps_taken + 1, len(self.escalation)) + 1)

    def _step(self, number: int) -> EscalationStep:
        return self.escalation[min(number, len(self.escalation)) - 1]

    def _knows(self, role: Role) -> bool:
        return role is self.acknowledged_by or role in {step.to for step in self.escalation[: self.steps_taken]}


def _escalation(terms: Iterable[StepTerms], raised_at: Instant, due_at: Instant) -> tuple[EscalationStep, ...]:
    """The steps in absolute times, in order; none is before the obligation is raised."""
    steps = (
        EscalationStep(
            at=raised_at if step.hours is None else max(raised_at, due_at + timedelta(hours=step.hours)),
            offset=step.hours,
            to=step.tell,
            how=step.by,
        )
        for step in terms
    )
    return tuple(sorted(steps, key=lambda step: step.at))
