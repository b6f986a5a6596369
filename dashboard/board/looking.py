"""Reads one journey for a person: only if they may, and noted in the audit before anything is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog

from access.rules import About, Action
from clientkeys.errors import KeysUnavailable
from dashboard.board.errors import NoSuchPage
from dashboard.board.journey import about, masked
from dashboard.board.visit import Visit
from dashboard.reading import state_of
from domain.pathway import Event
from domain.state import JourneyState
from eventstore.errors import InvalidRequest
from eventstore.events import StoredEvent
from record.codec import is_journey

log = structlog.get_logger(__name__)

_SAME_LOOK = timedelta(hours=1)
"""Elapsed. A page that is open for longer is another look."""


class Recorded(NamedTuple):
    """A journey that the person may see.

    Attributes:
        events: All of them, at least one; what people wrote is still sealed.
        concerns: What decides what the person may see and do here.
    """

    events: tuple[StoredEvent, ...]
    state: JourneyState
    concerns: About

    def reads_words(self, visit: Visit) -> bool:
        """Whether the person may read what people wrote about the client."""
        return visit.may(Action.READ_WORDS, self.concerns)


async def recorded(visit: Visit, journey_id: str) -> Recorded:
    """The journey as the record has it. Raises NoSuchPage if there is none, or none for this person."""
    try:
        events = tuple(await visit.services.store.read(journey_id)) if is_journey(journey_id) else ()
    except InvalidRequest:
        events = ()
    if not events:
        raise NoSuchPage
    state = state_of(events)
    concerns = about(state)
    if not visit.may(Action.READ_JOURNEY, concerns):
        raise NoSuchPage
    return Recorded(events, state, concerns)


async def note(visit: Visit, found: Recorded, part: str = "", *, again: bool = False) -> None:
    """Puts in the audit that the person is about to see the journey, or which part of it.

    Args:
        again: Whether a page says that it shows itself again. It is believed only if the same look is there already.
    """
    looked = "read-words" if found.reads_words(visit) else "opened-journey"
    audit, now, person = visit.services.audit, visit.wall_clock, visit.viewer.person
    if again:
        await audit.add_once(now, now - _SAME_LOOK, person, looked, found.state.journey_id, part)
    else:
        await audit.add(now, person, looked, found.state.journey_id, part)


async def opened(visit: Visit, found: Recorded) -> Sequence[Event]:
    """The journey's events, with what people wrote if the person may read it."""
    return await visit.services.sealer.open(found.events) if found.reads_words(visit) else masked(found.events)


class Opened(NamedTuple):
    """A journey's events, as far as they can be read now.

    Attributes:
        words_away: Whether the person may read what people wrote, and the database of keys does not answer.
    """

    events: Sequence[Event]
    words_away: bool = False


async def opened_as_far_as_possible(visit: Visit, found: Recorded) -> Opened:
    """As `opened`, without the words while nobody can read them: a step-up is not to wait for a database of keys."""
    try:
        return Opened(await opened(visit, found))
    except KeysUnavailable as error:
        log.warning("words-away", error=type(error).__name__)
        return Opened(masked(found.events), words_away=True)
