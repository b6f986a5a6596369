"""Enters what was planned and what came of it, as the person who is signed in, from a form or from a program."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from access.rules import About, Action
from attendance.entering import Entered, SessionEntry, no_such_journey
from attendance.standing import Standing, standings
from dashboard.board.looking import Recorded
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


class NewEntry(NamedTuple):
    """Something to enter about one session.

    Attributes:
        entry_id: Theirs; two people who choose the same mean two entries.
    """

    journey_id: str
    entry_id: str
    said: Session


async def enter(visit: Visit, new: NewEntry, via: Via) -> Entered:
    """Enters it, once for the id however often it is sent.

    Raises:
        Refused: It cannot be true, or they may not enter it. Nothing was kept.
    """
    [outcome] = await enter_all(visit, [new], via)
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


async def enter_all(visit: Visit, new: Sequence[NewEntry], via: Via) -> list[Entered | Refused]:
    """Enters them, such as those of a whole group, and says what became of each. One that is refused keeps no other.

    What must be known of their journeys is read at once, and what goes to the record at the same time goes together.
    """
    async with visit.services.pool.connection() as connection:
        known = await standings(connection, [each.journey_id for each in new])
    entering = SessionEntry(visit.services.session_store, via.value)
    made = (_enter(visit, entering, each, known.get(each.journey_id)) for each in new)
    outcomes = await asyncio.gather(*made, return_exceptions=True)
    return [_outcome(each) for each in outcomes]


async def _enter(visit: Visit, entering: SessionEntry, new: NewEntry, standing: Standing | None) -> Entered:
    """Who may see and enter is decided by the journey's site alone, so the rest of it is not read."""
    about, role = About(site=standing.site if standing else None), _role(visit)
    if standing is None or not visit.may(Action.READ_JOURNEY, about):
        raise no_such_journey()
    if role is None or not visit.may(Action.TAKE_DECISION, about):
        raise Refused("not-theirs-to-enter", f"Only {any_of(ENTERED_BY)} can enter a session. Ask one of them.")
    by = Actor(id=visit.viewer.person, role=role)
    key = f"{visit.viewer.person}/{new.entry_id}"
    entry = Entry(entry=key, entered_at=_entered_at(visit), by=by, said=new.said)
    return await entering.enter(new.journey_id, entry, visit.now, standing)


def _outcome(of: Entered | BaseException) -> Entered | Refused:
    if isinstance(of, BaseException) and not isinstance(of, Refused):
        raise of
    return of


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
