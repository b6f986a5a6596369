"""Enters what was planned and what came of it, as the person who is signed in, from a form or from a program."""

from __future__ import annotations

from datetime import datetime

from access.rules import Action
from attendance.entering import Entered, SessionEntry
from dashboard.board.looking import Recorded, recorded
from dashboard.board.visit import Visit
from domain.authorship import Via
from domain.commands import CARE_TEAM
from domain.plans import Actor
from domain.refusal import Refused
from domain.sessions.facts import Entry, Session
from domain.values import Role
from domain.wording import any_of

ENTERED_BY = (*CARE_TEAM, Role.ADMISSIONS, Role.OPERATIONS)
"""Roles that may enter sessions."""


def may_enter(visit: Visit, found: Recorded) -> bool:
    """Whether the person may enter sessions of this client."""
    return visit.may(Action.TAKE_DECISION, found.concerns) and _role(visit) is not None


async def enter(visit: Visit, journey_id: str, said: Session, entry_id: str, via: Via) -> Entered:
    """Enters it, once for the id however often it is sent.

    Args:
        entry_id: Theirs; two people who choose the same mean two entries.

    Raises:
        NoSuchPage: There is no such journey, or none for this person.
        Refused: It cannot be true, or they may not enter it. Nothing was kept.
    """
    found = await recorded(visit, journey_id)
    role = _role(visit)
    if role is None or not visit.may(Action.TAKE_DECISION, found.concerns):
        raise Refused("not-theirs-to-enter", f"Only {any_of(ENTERED_BY)} can enter a session. Ask one of them.")
    by = Actor(id=visit.viewer.person, role=role)
    entry = Entry(entry=f"{visit.viewer.person}/{entry_id}", entered_at=_entered_at(visit), by=by, said=said)
    return await SessionEntry(visit.services.session_store, via.value).enter(journey_id, entry, visit.now)


def _entered_at(visit: Visit) -> datetime:
    """Later than whatever was entered before. A demonstration's clock stands still between events, so there the time of
    day by which people live is added.
    """
    if not visit.services.virtual_time:
        return visit.now
    wall = visit.wall_clock
    return visit.now + (wall - wall.replace(hour=0, minute=0, second=0, microsecond=0))


def _role(visit: Visit) -> Role | None:
    return next((role for role in visit.viewer.roles if role in ENTERED_BY), None)
