"""Restarts journeys on Temporal from the record: same state, same deadlines, same calls under the same keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.comparing import fingerprint
from domain.evolve import fold
from domain.pathway import Event
from domain.pathway.admission import JourneyOpened, OpenJourney
from workflows.messages import JourneyStart


class Admitted(Protocol):
    """The source of journeys that were handed over to Temporal before anything was on record."""

    async def openings(self) -> Sequence[OpenJourney]:
        """The openings of all journeys handed over that are not known to be over. They are the same each time."""


class NobodyAdmitted:
    """For use where intake's tables cannot be reached."""

    async def openings(self) -> Sequence[OpenJourney]:
        """None."""
        return ()


class NotResumable(Exception):
    """The journey's first event is not its opening: someone else wrote to its stream."""


def resumption(events: Sequence[Event]) -> JourneyStart:
    """The input with which a workflow continues a journey after its recorded events.

    The workflow reads the events itself, and everything it waits for follows from them: deadlines are absolute, and
    pending calls keep their keys.

    Raises:
        NotResumable: The events do not begin with an opening.
    """
    if not events or not isinstance(events[0], JourneyOpened):
        raise NotResumable("the stream does not begin with journey.opened: find out who wrote to it")
    return JourneyStart(opening=_opening(events[0]), carried=fingerprint(fold(events)))


def _opening(opened: JourneyOpened) -> OpenJourney:
    return OpenJourney(
        id=opened.cause,
        journey_id=opened.journey_id,
        client_ref=opened.client_ref,
        site=opened.site,
        message=opened.message,
        admitted_at=opened.admitted_at,
    )
