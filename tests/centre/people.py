"""A small centre's people, for tests that say who is told when."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from activities.ports import Recipient
from centre.on_call import recipients
from centre.staff import Absence, OnCall, Person, Staff
from domain.obligation_terms import Channel
from domain.values import Role

ZONE = ZoneInfo("America/New_York")
MONDAY_NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
"""Monday 2 March 2026, 12:00 at the site."""
MONDAY = date(2026, 3, 2)


def person(staff_id: str, *roles: Role, away: tuple[Absence, ...] = (), pages: bool = True, site: str = "") -> Person:
    return Person(
        id=staff_id,
        name=f"Canary {staff_id}",
        roles=roles or (Role.CLINICIAN,),
        sites=(site,) if site else (),
        mail=f"{staff_id}@centre.invalid",
        pager=f"{staff_id}@pager.invalid" if pages else None,
        absences=away,
    )


def away(cover: str | None = None, first: date = MONDAY, last: date = MONDAY) -> tuple[Absence, ...]:
    return (Absence(first_day=first, last_day=last, cover=cover),)


def on_call(*order: str, role: Role = Role.CLINICIAN, **when: object) -> OnCall:
    return OnCall.model_validate({"role": role, "order": order, **when})


def centre_of(*people: Person, orders: tuple[OnCall, ...] = ()) -> Staff:
    """These people; on call in this order unless other `orders` are given."""
    return Staff(
        mailboxes={role: f"{role}@desk.invalid" for role in Role},
        pagers={role: f"{role}@desk-pager.invalid" for role in Role},
        people=people,
        on_call=orders or (on_call(*(each.id for each in people)),),
    )


def told(
    staff: Staff,
    *,
    role: Role = Role.CLINICIAN,
    site: str | None = None,
    channel: Channel = Channel.PAGE,
    at: datetime = MONDAY_NOON,
    repeat: int = 0,
    person: str | None = None,
) -> tuple[Recipient, ...]:
    return recipients(staff, role, site, channel, at, ZONE, repeat, person)


def names(found: tuple[Recipient, ...]) -> list[str]:
    """Staff ids in order; the role's own address at the end is checked and left out."""
    *people, own = found
    assert own.staff_id is None
    assert all(each.staff_id for each in people)
    return [each.staff_id or "" for each in people]
