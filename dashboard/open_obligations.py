"""The open obligations of all journeys, read from the read models and brought up to the record's head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString

import psycopg

from dashboard.lists import position, wait_for
from dashboard.projections import JOURNEYS, OBLIGATIONS
from dashboard.projections.folding import Folding
from domain.clock import is_late
from domain.obligation_terms import Priority
from domain.obligations import Obligation, ObligationStatus, Order, flags, in_order
from domain.pathway import OBLIGATIONS as KINDS
from domain.state import JourneyState
from domain.values import Instant, Role, Value
from eventstore.following.bulk import Session, open_session, read_head, read_page
from eventstore.postgres import translated

ROW_COLUMNS: LiteralString = """
o.journey_id, o.site, o.obligation_id as id, o.kind, o.owner, o.assignee, o.due_at, o.urgent, o.status,
coalesce(o.owner_since_version, 0) as owner_since_version, coalesce(o.priority, 'administrative') as priority,
o.waived_until, coalesce(o.falls_due, o.due_at) as falls_due, o.window_opens is not null as in_window,
coalesce(o.undelivered, false) as undelivered
"""
"""What an `OpenObligation` is made of, from `dash.obligations o`."""
_OPEN = f"select {ROW_COLUMNS} from dash.obligations o where o.ended_at is null"  # noqa: S608 - made of constants
_RECORDED_AT = """
select wanted.stream, wanted.version, e.recorded_at
from unnest(%s::text[], %s::bigint[]) as wanted (stream, version)
join es.events e on e.stream = wanted.stream and e.version = wanted.version
"""


class OpenObligation(Value):
    """One open obligation in a list over all journeys.

    Attributes:
        id: Unique in its journey.
        owner: The role that owes it.
        assignee: The person who does, by staff id; None for the person on call for the role.
        owner_since_version: The event of the journey with which it became its owner's.
        waived_until: While it is waived: the day at the site on which it is owed again.
        falls_due: When it falls due; while it is waived, when it is owed again.
        in_window: Whether it can be met in a window of days only.
        undelivered: Whether the last notice about it did not reach anybody.
        number: Of the journey; see `domain.reference`. None where it is not known yet.
    """

    journey_id: str
    site: str
    id: str
    kind: str
    owner: Role
    assignee: str | None
    due_at: Instant
    urgent: bool
    status: ObligationStatus
    owner_since_version: int = 0
    priority: Priority
    waived_until: date | None = None
    falls_due: Instant
    in_window: bool = False
    undelivered: bool = False
    number: int | None = None

    @property
    def title(self) -> str:
        """What to do, for people."""
        known = KINDS.get(self.kind)
        return known.title if known else self.kind

    def is_overdue(self, now: Instant) -> bool:
        """Whether its due time has passed. Exactly then it is on time."""
        return self.waived_until is None and is_late(self.due_at, now)

    def order(self, now: Instant) -> Order:
        """Its place in every list."""
        presses = self.waived_until is None and (self.urgent or self.is_overdue(now))
        return in_order(presses, self.priority, self.falls_due, self.id)

    def flags(self, now: Instant) -> tuple[str, ...]:
        """What people must see about it at a glance."""
        overdue = self.is_overdue(now)
        return flags(
            overdue=overdue,
            missed_window=overdue and self.in_window,
            urgent=self.urgent and self.waived_until is None,
            undelivered=self.undelivered,
            waived_until=self.waived_until,
        )


@dataclass(frozen=True, slots=True)
class OpenObligations:
    """All of them as of an event of the record; `head` was the last one when they were asked for.

    Attributes:
        recorded_at: When the record learnt that each became its owner's, by journey and obligation.
    """

    rows: list[OpenObligation]
    as_of: int
    head: int
    recorded_at: dict[tuple[str, str], datetime]

    @property
    def behind(self) -> int:
        """How many events are missing from it."""
        return max(0, self.head - self.as_of)


async def open_obligations(
    database_url: str, *, since: bool = False, patience_seconds: float = 2.0, folded: int = 20_000
) -> OpenObligations:
    """Every open obligation, the earliest due first.

    As in `dashboard.lists`, what the projector has not taken in is folded here, unless it is too much to wait for.

    Args:
        database_url: `postgresql://...`, migrated before.
        since: Whether `recorded_at` is asked for too.
        patience_seconds: For the projector to come to the record's head, elapsed.
        folded: The most events that are folded here.

    Raises:
        EventStoreError: The database does not answer, or is not migrated.
    """
    async with await open_session(database_url, "obligations") as session:
        try:
            head = await read_head(session)
            await wait_for(session, head, patience_seconds, JOURNEYS, OBLIGATIONS)
            async with session.transaction():
                await session.execute("set transaction isolation level repeatable read")
                as_of = await position(session, JOURNEYS, OBLIGATIONS)
                rows = await _rows(session)
            if as_of < head <= as_of + folded:
                as_of = await _fold_rest(session, as_of, folded, rows)
            found = sorted(
                (each for of in rows.values() for each in of), key=lambda each: (each.due_at, each.id, each.journey_id)
            )
            recorded_at = await _recorded_at(session, found) if since else {}
        except psycopg.Error as error:
            raise translated(error) from None
    return OpenObligations(found, as_of, head, recorded_at)


async def _rows(session: Session) -> dict[str, list[OpenObligation]]:
    cursor = await session.execute(_OPEN)
    names = [column.name for column in cursor.description or ()]
    rows: dict[str, list[OpenObligation]] = {}
    async for each in cursor:
        rows.setdefault(each[0], []).append(OpenObligation.model_validate(dict(zip(names, each, strict=True))))
    return rows


async def _fold_rest(session: Session, as_of: int, most: int, rows: dict[str, list[OpenObligation]]) -> int:
    events = await read_page(session, as_of, most)
    for change in await Folding(session).changes(events):
        rows[change.recorded.stream] = [
            _row(change.recorded.stream, change.after, owed) for owed in change.after.obligations.open.values()
        ]
    return as_of + len(events)


def _row(journey_id: str, state: JourneyState, owed: Obligation) -> OpenObligation:
    return OpenObligation(
        journey_id=journey_id,
        site=state.admission.site,
        id=owed.id,
        kind=owed.kind,
        owner=owed.owner,
        assignee=owed.assignee,
        due_at=owed.due_at,
        urgent=owed.urgent,
        status=owed.status,
        owner_since_version=owed.owner_since_version,
        priority=owed.priority,
        waived_until=owed.waiver.until if owed.waiver else None,
        falls_due=owed.falls_due,
        in_window=owed.counted.window_days is not None,
        undelivered=owed.undelivered,
    )


async def _recorded_at(session: Session, rows: Sequence[OpenObligation]) -> dict[tuple[str, str], datetime]:
    wanted = [each.journey_id for each in rows], [each.owner_since_version for each in rows]
    cursor = await session.execute(_RECORDED_AT, wanted)
    found = {(stream, version): recorded_at async for stream, version, recorded_at in cursor}
    keys = ((each, (each.journey_id, each.owner_since_version)) for each in rows)
    return {(each.journey_id, each.id): found[key] for each, key in keys if key in found}
