"""Sessions that make up for others: where what an entry says of the other one does not fit what is known of it.

Entries come in any order, so a makeup is never refused because of another session: it is shown until it fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from domain.sessions.facts import Session, SessionOutcome


class MakeupDoubt(StrEnum):
    """Why it is not clear that one session makes up for another."""

    NOT_ON_RECORD = "not-on-record"
    NOT_MISSED = "not-missed"
    MADE_UP_TWICE = "made-up-twice"


def doubtful_makeups(sessions: Iterable[Session]) -> Mapping[str, MakeupDoubt]:
    """The sessions, by id, that are said to make up for another and may not.

    Args:
        sessions: The last word on each session of one client.
    """
    known = {each.session: each for each in sessions}
    makeups = {each.session: each.makes_up_for for each in known.values() if each.makes_up_for and _stands(each)}
    times = Counter(makeups.values())
    doubts = {session: _doubt(known.get(other), times[other]) for session, other in makeups.items()}
    return {session: doubt for session, doubt in doubts.items() if doubt is not None}


def _stands(makeup: Session) -> bool:
    """Whether the client came, or is still to come."""
    return makeup.outcome in (SessionOutcome.KEPT, SessionOutcome.PLANNED)


def _doubt(other: Session | None, times: int) -> MakeupDoubt | None:
    if other is None:
        return MakeupDoubt.NOT_ON_RECORD
    if other.is_kept or other.outcome is SessionOutcome.PLANNED:
        return MakeupDoubt.NOT_MISSED
    return MakeupDoubt.MADE_UP_TWICE if times > 1 else None
