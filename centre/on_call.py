"""Who is notified for a role, at a site, by mail or page, at a given time. Pure.

1. The on-call orders of the role that apply at that time are joined: those with hours first, and among equals the
   site's own first. The person whom the notice is meant for comes before them all; but a page goes first to those
   whose hours it is, if they are others.
2. A person who is absent that day is replaced by their cover, the cover by its own cover, and so on. An absent person
   without an available cover is skipped.
3. A person who does not hold the role, does not work at the site, or has no pager for a page is also skipped.
4. The mailbox or pager of the role itself comes last, so that every notice has an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from activities.ports import Recipient
from centre.staff import OnCall, Person, Staff
from domain.obligation_terms import Channel
from domain.values import Instant, Role


def recipients(
    staff: Staff,
    role: Role,
    site: str | None,
    channel: Channel,
    moment: Instant,
    zone: ZoneInfo,
    repeat: int = 0,
    person: str | None = None,
) -> tuple[Recipient, ...]:
    """The possible recipients, in order of preference; never empty.

    Args:
        site: None means any site.
        zone: The site's time zone, in which days and hours are counted.
        repeat: How often the same notice was sent before. Each time the next person in the order comes first; the
            role's own address stays last.
        person: The person it is meant for; None means the person on call.
    """
    local = moment.astimezone(zone)
    holding = _holding(staff, role, site, local)
    order = [staff_id for each in holding for staff_id in each.order]
    if person is not None:
        order = [*_before(person, channel, holding), person, *order]
    people = _once_each(_reachable(staff, order, role, site, channel, local.date()))
    first = repeat % len(people) if people else 0
    own = Recipient(address=staff.mailbox(role, channel), is_fallback=bool(order))
    return (*people[first:], *people[:first], own)


def present(staff: Staff, staff_id: str, day: date) -> Person | None:
    """The person, or their cover on `day`; None if there is none, or if covers go in a circle."""
    asked: set[str] = set()
    next_id: str | None = staff_id
    while next_id is not None and next_id not in asked:
        asked.add(next_id)
        person = staff.person(next_id)
        if person is None:
            return None
        absence = person.absence_on(day)
        if absence is None:
            return person
        next_id = absence.cover
    return None


def _holding(staff: Staff, role: Role, site: str | None, local: datetime) -> list[OnCall]:
    holding = [
        each
        for each in staff.on_call
        if each.role is role and (site is None or each.site in (None, site)) and each.holds_at(local)
    ]
    holding.sort(key=lambda each: (not each.has_hours, each.site != site))
    return holding


def _before(person: str, channel: Channel, holding: Iterable[OnCall]) -> list[str]:
    """Whom a page reaches before the person for whom it is meant: the night's, say, where they have the day."""
    on_duty = [staff_id for each in holding if each.has_hours for staff_id in each.order]
    return on_duty if channel is Channel.PAGE and person not in on_duty else []


def _reachable(
    staff: Staff, order: list[str], role: Role, site: str | None, channel: Channel, day: date
) -> Iterator[Recipient]:
    for staff_id in order:
        person = present(staff, staff_id, day)
        if person is None or role not in person.roles or not person.works_at(site):
            continue
        if address := person.address(channel):
            yield Recipient(
                address=address, staff_id=person.id, in_place_of=staff_id if staff_id != person.id else None
            )


def _once_each(found: Iterator[Recipient]) -> list[Recipient]:
    """The recipients without duplicates."""
    kept: dict[str | None, Recipient] = {}
    for each in found:
        kept.setdefault(each.staff_id, each)
    return list(kept.values())
