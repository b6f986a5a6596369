"""Obligations: everything that must not be forgotten, as data.

An obligation has an owner, an absolute due time and an escalation, which says whom to tell when. Overdue is a flag,
never an end: an obligation ends only by being met, met late, waived by a named person, or cancelled with a cause.
One that is waived until a day stays open, quiet and never overdue, and is owed again on that day.
When its escalation is used up the last step repeats, so an open obligation always has a next moment.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from domain.clock import TimeKind, is_late
from domain.due_times import Counted
from domain.escalation import EscalationStep, escalation_steps, telling_the_owner_at_once
from domain.obligation_terms import ObligationKind, Priority, StepTerms, Terms
from domain.plans import Actor
from domain.sites import Calendar
from domain.values import Instant, Key, Role, Value

_UNTOLD: dict[str, int | None] = {
    "steps_taken": 0,
    "last_told_at": None,
    "again_at": None,
    "quiet_until": None,
    "acknowledged_by": None,
}
"""What an obligation says of its notices until the first of them."""


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


class Waiver(Value):
    """A named person's decision that something need not be done.

    Attributes:
        until: The day at the site on which it is owed again, for a waiver with an end.
        ends_at: When that day begins.
        raised_before: How many of its kind had been raised by then; a later one may stand for it.
    """

    at: Instant
    by: Actor
    raised_before: int = 0
    until: date | None = None
    ends_at: Instant | None = None


class Obligation(Value):
    """One thing owed.

    Attributes:
        id: Kind and number, unique in the journey: `review-2`.
        kind: Its kind's name.
        owner: The role that must act first. The escalation tells others, the owner stays.
        assignee: The person of that role who must act, by staff id; None: the person on call for the role.
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
        counts_from: The first calendar day at the site on which it can be met, for a window.
        about: The kind of call that was refused, for `resolve-effect`; the id of the obligation whose page was not
            delivered, for `deliver-page`.
        waivable_by, completable_by, by_hand, priority, urgent, outlives_care: As its kind said when it was raised.
        source: The type of the event from which it followed.
        policy: The version of the policy that gave the number in `counted`.
        waiver: While it is waived until a day.
        owed_again_at: When it was last owed again after a waiver, with a new due time; `times_owed` counts those.
        missed_due_at: The first due time that it missed, where a waiver has moved it since.
        undelivered: Whether the last notice about it did not reach anybody.
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
    completable_by: tuple[Role, ...] = ()
    priority: Priority = Priority.ADMINISTRATIVE
    source: str | None = None
    policy: str | None = None
    waiver: Waiver | None = None
    owed_again_at: Instant | None = None
    times_owed: int = 1
    missed_due_at: Instant | None = None
    undelivered: bool = False

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
        about: str | None = None,
        source: str | None = None,
        policy: str | None = None,
    ) -> Obligation:
        """The `number`-th of its kind, with its due time and its escalation in absolute times by the calendar `by`.

        An assignee is told at once of what is urgent, unless `assignee_knows`: they raised it themselves.
        """
        always = terms.around_the_clock
        if always is None:
            always = kind.urgent or counted.kind is TimeKind.ELAPSED
        if assignee_knows:
            terms = terms.without_telling_at_once(terms.owner)
        escalation = escalation_steps(terms.steps, raised_at, counted, by, around_the_clock=always)
        if kind.urgent and assignee is not None and not assignee_knows:
            escalation = telling_the_owner_at_once(escalation, terms.owner, raised_at)
        return cls(
            id=f"{kind.kind}-{number}",
            kind=kind.kind,
            title=kind.title,
            owner=terms.owner,
            assignee=assignee,
            raised_at=raised_at,
            due_at=counted.due_at(by),
            counted=counted,
            calendar=by.version,
            escalation=escalation,
            repeat_hours=terms.repeat_hours,
            around_the_clock=always,
            counts_from=counted.first_day(by),
            about=about,
            waivable_by=kind.waivable_by,
            by_hand=kind.by_hand,
            urgent=kind.urgent,
            outlives_care=kind.outlives_care,
            completable_by=kind.completable_by,
            priority=kind.priority,
            source=source,
            policy=policy,
        )

    def by(self, calendar: Calendar) -> Obligation:
        """The same, counted by another calendar: its due time and the times of its escalation."""
        terms = (StepTerms(hours=step.offset, tell=step.to, by=step.how) for step in self.escalation)
        since, always = self.owed_again_at or self.raised_at, self.around_the_clock
        return self.changed(
            due_at=self.counted.due_at(calendar),
            calendar=calendar.version,
            counts_from=self.counted.first_day(calendar),
            escalation=escalation_steps(terms, since, self.counted, calendar, around_the_clock=always),
        )

    def again(self, number: int, raised_at: Instant, counted: Counted, calendar: Calendar) -> Obligation:
        """The same, owed again as the `number`-th of its kind; nobody was told yet."""
        owed = self.changed(
            id=f"{self.kind}-{number}",
            raised_at=raised_at,
            counted=counted,
            status=ObligationStatus.OPEN,
            waiver=None,
            owed_again_at=None,
            missed_due_at=None,
            **_UNTOLD,
        )
        return owed.by(calendar)

    def at_a_time_to_tell(self, moment: Instant, calendar: Calendar) -> Instant:
        """`moment`, or when the site opens next where people are told of this in its opening hours alone."""
        return moment if self.around_the_clock else calendar.in_opening_hours(moment)

    def waived(self, waiver: Waiver) -> Obligation:
        """The same while `waiver` holds. That it was overdue before is kept."""
        missed = self.missed_due_at or (self.due_at if self.is_overdue(waiver.at) else None)
        return self.changed(waiver=waiver, missed_due_at=missed)

    def owed_again(self, at: Instant, calendar: Calendar) -> Obligation:
        """The same after its waiver's end: due as before or, if that is later, when the day named in it is over."""
        anew = self.changed(waiver=None)
        if self.waiver is None or self.waiver.until is None:
            return anew
        counted = Counted.named(self.waiver.until, since=self.waiver.at)
        if counted.due_at(calendar) <= self.due_at:
            return anew
        owed = {"counted": counted, "owed_again_at": at, "times_owed": self.times_owed + 1}
        return anew.changed(status=ObligationStatus.OPEN, **owed, **_UNTOLD).by(calendar)

    @property
    def number(self) -> int:
        """Counts those of its kind on the journey, from 1."""
        return int(self.id.rpartition("-")[2])

    @property
    def falls_due(self) -> Instant:
        """When it falls due; while it is waived, when it is owed again."""
        return self.waiver.ends_at if self.waiver and self.waiver.ends_at else self.due_at

    def is_overdue(self, now: Instant) -> bool:
        """Whether it is still open after its due time. Exactly then it is on time."""
        return self.status.is_open and self.waiver is None and is_late(self.due_at, now)

    def presses(self, now: Instant) -> bool:
        """Whether it is urgent or overdue."""
        return self.waiver is None and (self.urgent or self.is_overdue(now))

    def counts_on(self, day: date) -> bool:
        """Whether it can be met on this calendar day at the site: its window, if it has one, is open by then."""
        return self.counts_from is None or day >= self.counts_from

    def order(self, now: Instant) -> Order:
        """Its place in every list."""
        return in_order(self.presses(now), self.priority, self.falls_due, self.id)

    def flags(self, now: Instant) -> tuple[str, ...]:
        """What people must see about it at a glance."""
        overdue, waived = self.is_overdue(now), self.waiver
        return flags(
            overdue=overdue,
            missed_window=overdue and self.counted.window_days is not None,
            urgent=self.urgent and waived is None,
            undelivered=self.undelivered,
            waived_until=waived.until if waived else None,
        )

    def current_step(self) -> EscalationStep:
        """The step used next: the earliest unused one, or the last again."""
        return self._step(min(self._unused(), key=self.speaks_at))

    def next_at(self) -> Instant:
        """When the next person is told; always after the last time. While it is waived, when it is owed again."""
        if self.waiver is not None and self.waiver.ends_at is not None:
            return self.waiver.ends_at
        return min(self.speaks_at(number) for number in self._unused())

    def steps_reached(self, now: Instant) -> list[int]:
        """The steps that are due at `now`, counted from 1; one beyond the escalation's end repeats the last.

        One that an acknowledgement keeps quiet is skipped when a later one is due: its role knows already.
        """
        if self.waiver is not None:
            return []
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


Order = tuple[bool, int, Instant, str]
"""Sorts lists of obligations."""


def in_order(presses: bool, priority: Priority, falls_due: Instant, obligation: str) -> Order:
    """What is urgent or overdue first, then by priority, then by due time."""
    return not presses, priority.rank, falls_due, obligation


def flags(
    *, overdue: bool, missed_window: bool, urgent: bool, undelivered: bool, waived_until: date | None
) -> tuple[str, ...]:
    """What people must see at a glance, of one obligation or of all that a journey owes."""
    found = {
        "overdue": overdue,
        "missed-window": missed_window,
        "urgent": urgent,
        "not-delivered": undelivered,
        f"waived-until-{waived_until}": waived_until is not None,
    }
    return tuple(flag for flag, is_so in found.items() if is_so)
