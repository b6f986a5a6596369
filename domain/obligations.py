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

from domain.clock import TimeKind
from domain.due_times import Counted
from domain.sites import Calendar
from domain.values import Instant, Key, Role, Value


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


class AcknowledgementTerms(Value):
    """How an obligation may be acknowledged.

    Attributes:
        hours: How long one acknowledgement keeps the escalation quiet, elapsed; None: the policy's usual number.
        times: How often it may be acknowledged; None: the policy's usual number.
        also_by: Roles that may acknowledge it beside its owner and those who were told.
    """

    hours: Annotated[int, Field(ge=1, le=168)] | None = None
    times: Annotated[int, Field(ge=1, le=100)] | None = None
    also_by: tuple[Role, ...] = ()


class Terms(Value):
    """Who owes one kind of obligation, and who is told when; a centre's policy says so.

    Attributes:
        owner: The role that must act, where no person of that role is assigned.
        steps: In order. They end with someone who can decide.
        repeat_hours: Elapsed hours between repeats of the last step.
        pauses_in_crisis: Whether it waits while the client is in an emergency department or in hospital.
        around_the_clock: Whether people are told at any hour, or in the site's opening hours alone. None: at any hour
            if the kind is urgent or its time is counted in elapsed hours.
    """

    owner: Role
    steps: Annotated[tuple[StepTerms, ...], Field(min_length=1)]
    repeat_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    pauses_in_crisis: bool = False
    around_the_clock: bool | None = None
    acknowledgement: AcknowledgementTerms = AcknowledgementTerms()

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

    def without_telling_at_once(self, role: Role) -> Terms:
        """The same, but `role` is not told as it is raised, unless there would be no step at all."""
        steps = tuple(step for step in self.steps if step.hours is not None or step.tell is not role)
        return self.changed(steps=steps) if steps else self

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
        owner: The role that must act first. The escalation tells others, the owner stays.
        assignee: The person of that role who must act, by staff id; None: whoever is on call for the role.
        owner_since_version: The journey's version with which it became its owner's.
        due_at: Absolute; what `counted` gives by the calendar `calendar`.
        counted: How the due time was counted.
        calendar: The version of the site's calendar by which it was counted.
        escalation: In order of time.
        repeat_hours: Elapsed hours between repeats of the last step.
        around_the_clock: Whether people are told at any hour, or in the site's opening hours alone.
        steps_taken: Steps already taken, repeats included.
        last_told_at: When a person was last told.
        again_at: When the last step is repeated, once all are taken.
        quiet_until: An acknowledgement keeps the escalation quiet until then, for those it has told already and for
            the role that acknowledged. Those not told yet are told on time all the same.
        acknowledged_by: The role that acknowledged last.
        acknowledged_times: How often it was acknowledged.
        counts_from: The first calendar day at the site on which it can be met, where there is one.
        about: The kind of call that was refused, for `resolve-effect`; the id of the obligation whose page was not
            delivered, for `deliver-page`.
        waivable_by, by_hand, urgent, outlives_care: As its kind said when it was raised.
    """

    id: str
    kind: str
    title: str
    owner: Role
    assignee: Key | None = None
    owner_since_version: int = 0
    raised_at: Instant
    due_at: Instant
    counted: Counted
    calendar: int
    escalation: tuple[EscalationStep, ...]
    repeat_hours: int = 24
    around_the_clock: bool = True
    status: ObligationStatus = ObligationStatus.OPEN
    steps_taken: int = 0
    last_told_at: Instant | None = None
    again_at: Instant | None = None
    quiet_until: Instant | None = None
    acknowledged_by: Role | None = None
    acknowledged_times: int = 0
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
        assignee: str | None = None,
        assignee_knows: bool = False,
        counts_from: date | None = None,
        about: str | None = None,
    ) -> Obligation:
        """The `number`-th of its kind, with its due time and its escalation in absolute times by the calendar `by`.

        An assignee is told at once of what is urgent, unless `assignee_knows`: they raised it themselves.
        """
        due_at, always = counted.due_at(by), terms.around_the_clock
        if always is None:
            always = kind.urgent or counted.kind is TimeKind.ELAPSED
        if assignee_knows:
            terms = terms.without_telling_at_once(terms.owner)
        escalation = _escalation(terms.steps, raised_at, due_at, None if always else by)
        if kind.urgent and assignee is not None and not assignee_knows:
            escalation = _telling_the_owner_at_once(escalation, terms.owner, raised_at)
        return cls(
            id=f"{kind.kind}-{number}",
            kind=kind.kind,
            title=kind.title,
            owner=terms.owner,
            assignee=assignee,
            raised_at=raised_at,
            due_at=due_at,
            counted=counted,
            calendar=by.version,
            escalation=escalation,
            repeat_hours=terms.repeat_hours,
            around_the_clock=always,
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
        hours = None if self.around_the_clock else calendar
        return self.changed(
            due_at=due_at, calendar=calendar.version, escalation=_escalation(steps, self.raised_at, due_at, hours)
        )

    def again(self, number: int, raised_at: Instant, counted: Counted, calendar: Calendar) -> Obligation:
        """The same, owed again as the `number`-th of its kind; nobody was told yet."""
        untold = {"steps_taken": 0, "last_told_at": None, "quiet_until": None, "acknowledged_by": None}
        owed = self.changed(
            id=f"{self.kind}-{number}", raised_at=raised_at, counted=counted, status=ObligationStatus.OPEN, **untold
        )
        return owed.by(calendar)

    def at_a_time_to_tell(self, moment: Instant, calendar: Calendar) -> Instant:
        """`moment`, or when the site opens next where people are told of this in its opening hours alone."""
        return moment if self.around_the_clock else calendar.in_opening_hours(moment)

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
            at = self.again_at or self.last_told_at + timedelta(hours=self.repeat_hours)
        if self.quiet_until is not None and self._knows(self._step(number).to):
            at = max(at, self.quiet_until)
        return at

    def _unused(self) -> range:
        return range(self.steps_taken + 1, max(self.steps_taken + 1, len(self.escalation)) + 1)

    def _step(self, number: int) -> EscalationStep:
        return self.escalation[min(number, len(self.escalation)) - 1]

    def told_roles(self) -> set[Role]:
        """Its owner's, and those that steps already taken told."""
        return {self.owner, *(step.to for step in self.escalation[: self.steps_taken])}

    def _knows(self, role: Role) -> bool:
        return role is self.acknowledged_by or role in {step.to for step in self.escalation[: self.steps_taken]}


def _escalation(
    terms: Iterable[StepTerms], raised_at: Instant, due_at: Instant, hours: Calendar | None
) -> tuple[EscalationStep, ...]:
    """The steps in absolute times, in order; none is before the obligation is raised.

    Args:
        hours: Steps from the due time that fall outside its opening hours move to the next opening. None: none moves.
    """
    steps = (
        EscalationStep(at=_step_at(step, raised_at, due_at, hours), offset=step.hours, to=step.tell, how=step.by)
        for step in terms
    )
    return tuple(sorted(steps, key=lambda step: step.at))


def _telling_the_owner_at_once(
    escalation: tuple[EscalationStep, ...], owner: Role, raised_at: Instant
) -> tuple[EscalationStep, ...]:
    if any(step.to is owner and step.at <= raised_at for step in escalation):
        return escalation
    return (EscalationStep(at=raised_at, offset=None, to=owner, how=escalation[0].how), *escalation)


def _step_at(step: StepTerms, raised_at: Instant, due_at: Instant, hours: Calendar | None) -> Instant:
    if step.hours is None:
        return raised_at
    at = max(raised_at, due_at + timedelta(hours=step.hours))
    return hours.in_opening_hours(at) if hours else at
