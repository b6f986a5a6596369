"""A newer calendar of the site: from then on the journey's days are counted by it, and what is open moves.

It is about where the journey was admitted and shares that part's slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from domain.clock import is_late
from domain.commands import NOT_ENDED, Decision
from domain.events import BaseEvent, EventContext
from domain.part import Part
from domain.pathway.obligation_changes import moved
from domain.plans import Actor
from domain.refusal import require
from domain.sites import SiteId, calendar_of
from domain.values import Instant, PrivateWords, Role, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.admission import Admission
    from domain.state import JourneyState

part = Part("admission")


class CalendarChanged(BaseEvent):
    """The journey's days are counted by another calendar of its site from now on."""

    news: ClassVar[bool] = False

    type: Literal["calendar.changed"] = "calendar.changed"
    site: SiteId
    before: int
    calendar: int
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        told = f"Days are counted by calendar {self.calendar} of site {self.site}, before by {self.before}"
        return told + said_by(self.by)


class AdoptCalendar(Decision, label="Adopt a calendar", by=(Role.OPERATIONS,), at=NOT_ENDED):
    """Count the journey's days by a newer calendar of its site; open deadlines move, overdue ones stay."""

    kind: Literal["adopt-calendar"] = "adopt-calendar"
    calendar: int = Field(ge=1, description="The version of the site's calendar, as its file counts them.")
    reason: Words = Field(description="Why the calendar changed, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Never back to an older one.

        Raises:
            UnknownHere: This process does not know that version. It is no refusal, because another worker may.
        """
        held = state.admission
        require(
            self.calendar > held.calendar,
            "calendar-not-newer",
            f"This journey's days are counted by calendar {held.calendar} already. Name a later version.",
        )
        calendar_of(held.site, self.calendar)
        yield CalendarChanged(
            **when, site=held.site, before=held.calendar, calendar=self.calendar, reason=self.reason, by=self.by
        )


@part.evolves
def count_by_it(state: JourneyState, event: CalendarChanged) -> Admission:
    """What falls due from now on."""
    return state.admission.changed(calendar=event.calendar)


@part.consequence
def move_what_is_open(state: JourneyState, event: CalendarChanged, now: Instant) -> Iterator[BaseEvent]:
    """What was missed stays missed, and nothing is moved into the past."""
    for owed in sorted(state.obligations.open.values(), key=lambda each: (each.due_at, each.id)):
        anew = owed.by(state.calendar)
        if anew.due_at != owed.due_at and not is_late(min(anew.due_at, owed.due_at), now):
            yield moved(owed, anew, event)
