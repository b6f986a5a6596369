"""An obligation's escalation: its steps in absolute times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from domain.due_times import Counted
from domain.obligation_terms import Channel, Offset, StepTerms
from domain.sites import Calendar
from domain.values import Instant, Role, Value


class EscalationStep(Value):
    """From `at` on, `to` is told by `how`.

    Attributes:
        offset: When that is; see `Offset`.
    """

    at: Instant
    offset: Offset
    to: Role
    how: Channel


def escalation_steps(
    terms: Iterable[StepTerms], since: Instant, counted: Counted, calendar: Calendar, *, around_the_clock: bool
) -> tuple[EscalationStep, ...]:
    """The steps by `calendar`, in order; none is before `since`, when the obligation is raised or owed again.

    Unless people are told around the clock, steps that fall outside opening hours move to the next opening.
    """
    due_at, first_day = counted.due_at(calendar), counted.first_day(calendar)
    opens_at = calendar.day_begins(first_day) if first_day else None

    def time_of(offset: Offset) -> Instant:
        planned = opens_at if offset == "opens" else offset
        if planned is None:
            return since
        at = max(since, due_at + timedelta(hours=planned) if isinstance(planned, int) else planned)
        return at if around_the_clock else calendar.in_opening_hours(at)

    steps = (
        EscalationStep(at=time_of(step.hours), offset=step.hours, to=step.tell, how=step.by)
        for step in terms
        if step.hours != "opens" or opens_at is not None
    )
    return tuple(sorted(steps, key=lambda step: step.at))


def telling_the_owner_at_once(
    escalation: tuple[EscalationStep, ...], owner: Role, raised_at: Instant
) -> tuple[EscalationStep, ...]:
    """The same, with a first step to the owner if there is none as it is raised."""
    if any(step.to is owner and step.at <= raised_at for step in escalation):
        return escalation
    return (EscalationStep(at=raised_at, offset=None, to=owner, how=escalation[0].how), *escalation)
