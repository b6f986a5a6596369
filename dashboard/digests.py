"""The daily digest: a mail to each person with what they owe that is new, due soon or overdue. Pure.

A person for whom there is none of these gets no mail. Urgent obligations have notices of their own; the digest only
counts them. What no person owes is in the digest of the person on call for its role, and what an absent person owes is
in their cover's. It says nothing about a client.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from activities.ports import Notice, Recipient
from centre.on_call import recipients
from centre.staff import Staff
from dashboard.open_obligations import OpenObligation
from domain.obligation_terms import Channel
from domain.sites import Site
from domain.values import Instant, Role

_LISTED = 30
"""Lines of a section. More are only counted, so that the mail stays short."""
_SETTLED = timedelta(minutes=1)
"""What the record took in the last minute may not be seen yet: it is new in the next digest instead, and only there."""
RecordedAt = Mapping[tuple[str, str], Instant]
"""When the record learnt that an obligation became its owner's, by journey and obligation."""


class Span(NamedTuple):
    """From the last digest of a site, `since`, to this one, `until`."""

    site: Site
    since: Instant
    until: Instant

    @property
    def zone(self) -> ZoneInfo:
        """Of the site."""
        return ZoneInfo(self.site.calendar.zone)

    @property
    def soon(self) -> datetime:
        """The end of the next open day, the last moment that counts as due soon."""
        calendar = self.site.calendar
        day = calendar.local_date(calendar.next_opening(calendar.closing(calendar.local_date(self.until))))
        return datetime.combine(day + timedelta(days=1), datetime.min.time(), self.zone)

    def is_new(self, recorded_at: Instant | None) -> bool:
        """Whether this digest, and no other, tells as new what was recorded then."""
        return recorded_at is not None and self.since < recorded_at + _SETTLED <= self.until


class _Reader(NamedTuple):
    """Who gets a digest: a person, or the role's own mailbox for a site."""

    person: str | None
    role: Role | None = None
    site: str | None = None

    @property
    def name(self) -> str:
        """For the digest's key."""
        return self.person or f"{self.role}@{self.site}"


class _Item(NamedTuple):
    """An obligation in a digest. `whose` is empty for the reader's own."""

    owed: OpenObligation
    is_new: bool
    whose: str


def digests(
    rows: Iterable[OpenObligation], recorded_at: RecordedAt, staff: Staff, sites: Sequence[Site], span: Span
) -> list[Notice]:
    """The digests that are due at the opening of the span's site.

    A person's digest comes at the opening of their first site, or of the centre's first if they work at all, and covers
    every site. What is waived until a day is in none.
    """
    items: dict[_Reader, list[_Item]] = defaultdict(list)
    zones = {site.id: ZoneInfo(site.calendar.zone) for site in sites}
    for owed in (each for each in rows if each.waived_until is None):
        zone = zones.get(owed.site, span.zone)
        first = recipients(staff, owed.owner, owed.site, Channel.MAIL, span.until, zone, person=owed.assignee)[0]
        reader = _Reader(first.staff_id) if first.staff_id else _Reader(None, owed.owner, owed.site)
        if _read_at(staff, reader, sites) == span.site.id:
            is_new = span.is_new(recorded_at.get((owed.journey_id, owed.id)))
            items[reader].append(_Item(owed, is_new, _whose(owed, first)))
    made = (_digest(reader, found, span) for reader, found in sorted(items.items(), key=lambda each: each[0].name))
    return [notice for notice in made if notice is not None]


def _read_at(staff: Staff, reader: _Reader, sites: Sequence[Site]) -> str | None:
    if reader.person is None:
        return reader.site
    person = staff.person(reader.person)
    return person.sites[0] if person and person.sites else sites[0].id


def _whose(owed: OpenObligation, reader: Recipient) -> str:
    if owed.assignee is None:
        return f"{owed.owner}, no person"
    return "" if owed.assignee == reader.staff_id else f"for {owed.assignee}"


def _digest(reader: _Reader, items: Sequence[_Item], span: Span) -> Notice | None:
    calm = [each for each in items if not each.owed.urgent]
    overdue = [each for each in calm if each.owed.is_overdue(span.until)]
    due = [each for each in calm if each not in overdue and each.owed.due_at <= span.soon]
    new = [each for each in calm if each.is_new]
    if not (overdue or due or new):
        return None
    later = [each for each in new if each not in overdue and each not in due]
    return Notice(
        key=f"digest/{reader.name}/{span.until.astimezone(span.zone):%Y-%m-%d}",
        channel=Channel.MAIL,
        to=items[0].owed.owner,
        person=reader.person,
        site=span.site.id,
        subject=f"Today: {len(new)} new, {len(due)} due, {len(overdue)} overdue",
        body="\n".join(
            [
                *_section("Overdue", overdue, span),
                *_section(f"Due by the end of {span.soon - timedelta(days=1):%a %d %b}", due, span),
                *_section("New, due later", later, span),
                *_totals(reader, items, new, span),
            ]
        ),
    )


def _section(title: str, items: Sequence[_Item], span: Span) -> Iterator[str]:
    if not items:
        return
    yield f"{title}: {len(items)}"
    ordered = sorted(items, key=lambda each: (each.owed.due_at, each.owed.id))
    yield from (_line(each, span) for each in ordered[:_LISTED])
    if len(items) > _LISTED:
        yield f"  and {len(items) - _LISTED} more"
    yield ""


def _line(item: _Item, span: Span) -> str:
    owed = item.owed
    notes = "; ".join(filter(None, ["new" if item.is_new else "", item.whose]))
    due = f"{owed.due_at.astimezone(span.zone):%a %d %b %H:%M}"
    return f"  {due}  {owed.title} ({owed.id}, journey {owed.journey_id[:8]})" + (f" [{notes}]" if notes else "")


def _totals(reader: _Reader, items: Sequence[_Item], new: Sequence[_Item], span: Span) -> Iterator[str]:
    if new:
        kinds = Counter(each.owed.title for each in new)
        yield "New by kind: " + ", ".join(f"{title} {count}" for title, count in sorted(kinds.items()))
    urgent = sum(each.owed.urgent for each in items)
    yield f"Open in all: {len(items)}" + (f", {urgent} of them urgent, with notices of their own" if urgent else "")
    whose = f"--person {reader.person}" if reader.person else f"--owner {reader.role} --site {reader.site} --unassigned"
    yield f"See all: throughline obligations {whose}"
    yield f"Times are those of {span.site.id}, {span.zone.key}."
    yield ""
