"""Journeys put back on Temporal from the record alone: same state, same deadlines, same calls under the same keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.comparing import fingerprint
from domain.evolve import fold
from domain.pathway import Event
from domain.pathway.admission import JourneyOpened, OpenJourney
from workflows.messages import JourneyStart


class Admitted(Protocol):
    """Who handed journeys over to Temporal before anything of them was on record."""

    async def openings(self) -> Sequence[OpenJourney]:
        """The openings of all journeys handed over that are not known to be over; asked again they are the same."""


class NobodyAdmitted:
    """For a place where intake's tables are out of reach."""

    async def openings(self) -> Sequence[OpenJourney]:
        """None."""
        return ()


class NotResumable(Exception):
    """The journey's first event is not its opening: somebody else wrote to its stream."""


def resumption(events: Sequence[Event]) -> JourneyStart:
    """What a workflow needs to take a journey up after its recorded events.

    It reads them itself, and everything it waits for follows from them: deadlines are absolute, pending calls keep
    their keys.

    Raises:
        NotResumable: They do not begin with an opening.
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
