"""Finds errors in a staff list, and things that are only worth a warning. Pure.

A path names the place in the list, such as `("people", 2, "absences", 0)`, counted from 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from centre.on_call import present
from centre.staff import Absence, OnCall, Person, Staff
from domain.obligation_terms import Channel
from domain.values import Role

Path = tuple[int | str, ...]


_DAYS_LOOKED_AT = 366
"""The most days of one absence to check, from today on: a leave without an end is entered with a distant day."""


class Problem(NamedTuple):
    """The place of a problem and what to do about it. Names staff ids, never people's names."""

    path: Path
    reason: str


def errors(staff: Staff, sites: Collection[str] | None = None) -> Iterator[Problem]:
    """Why this list cannot be used; nothing if it can.

    Args:
        sites: The ids of the centre's sites, if known.
    """
    yield from _ids_used_twice(staff)
    for number, person in enumerate(staff.people):
        yield from _unknown_sites(("people", number, "sites"), person.sites, sites)
        yield from _absence_errors(staff, person, ("people", number))
    for number, entry in enumerate(staff.on_call):
        yield from _unknown_sites(("on_call", number, "site"), [entry.site] if entry.site else [], sites)
        yield from _on_call_errors(staff, entry, ("on_call", number))
        if any(_same_time(entry, earlier) for earlier in staff.on_call[:number]):
            yield Problem(
                ("on_call", number), f"there is another order for {entry.role} at the same site and hours; make one"
            )


def warnings(staff: Staff, today: date) -> Iterator[Problem]:
    """What a centre should know about, although the list can be used. Past absences are left out."""
    yield from _thin_orders(staff)
    for number, person in enumerate(staff.people):
        for which, absence in enumerate(person.absences):
            if absence.last_day >= today:
                yield from _cover_warnings(staff, person, absence, ("people", number, "absences", which), today)


def _ids_used_twice(staff: Staff) -> Iterator[Problem]:
    known: set[str] = set()
    for number, person in enumerate(staff.people):
        if person.id in known:
            yield Problem(("people", number, "id"), f"{person.id} is another person's id; give each person their own")
        known.add(person.id)


def _unknown_sites(path: Path, named: Collection[str], sites: Collection[str] | None) -> Iterator[Problem]:
    if sites is not None:
        for site in named:
            if site not in sites:
                yield Problem(path, f"{site} is not a site of this centre; there are {', '.join(sorted(sites))}")


def _absence_errors(staff: Staff, person: Person, path: Path) -> Iterator[Problem]:
    for number, absence in enumerate(person.absences):
        here: Path = (*path, "absences", number)
        if absence.last_day < absence.first_day:
            yield Problem((*here, "last_day"), f"this absence of {person.id} ends before it begins")
        if any(_overlap(absence, earlier) for earlier in person.absences[:number]):
            yield Problem(here, f"this absence of {person.id} overlaps an earlier one; correct the days")
        if absence.cover == person.id:
            yield Problem((*here, "cover"), f"{person.id} cannot be their own cover")
        elif absence.cover is not None and staff.person(absence.cover) is None:
            yield Problem((*here, "cover"), _unknown(absence.cover))


def _on_call_errors(staff: Staff, entry: OnCall, path: Path) -> Iterator[Problem]:
    here: Path = (*path, "order")
    for number, staff_id in enumerate(entry.order):
        person = staff.person(staff_id)
        if staff_id in entry.order[:number]:
            yield Problem(here, f"{staff_id} is in this order twice")
        elif person is None:
            yield Problem(here, _unknown(staff_id))
        elif entry.role not in person.roles:
            yield Problem(here, f"{staff_id} is not {entry.role}; add the role to the person, or take them out")
        elif not person.works_at(entry.site):
            yield Problem(
                here, f"{staff_id} does not work at {entry.site}; add the site to the person, or take them out"
            )


def _thin_orders(staff: Staff) -> Iterator[Problem]:
    for role in Role:
        entries = [(number, each) for number, each in enumerate(staff.on_call) if each.role is role]
        people = list(dict.fromkeys(staff_id for _, each in entries for staff_id in each.order))
        if not entries:
            yield Problem(
                ("mailboxes", role), f"no one is on call as {role}: all notices go to the role's own addresses"
            )
            continue
        if len(people) == 1:
            yield Problem(("on_call", entries[0][0], "order"), f"{people[0]} is the only person on call as {role}")
        for staff_id in people:
            person = staff.person(staff_id)
            if person is not None and person.address(Channel.PAGE) is None:
                number = next(number for number, each in entries if staff_id in each.order)
                reason = f"{staff_id} is on call as {role} without a pager: pages go to the next person"
                yield Problem(("on_call", number, "order"), reason)


def _cover_warnings(staff: Staff, person: Person, absence: Absence, path: Path, today: date) -> Iterator[Problem]:
    if absence.cover is None:
        yield Problem(path, f"{person.id} is absent from {absence.first_day} on and has no cover")
        return
    first = max(absence.first_day, today)
    days = [first + timedelta(days=count) for count in range(min((absence.last_day - first).days + 1, _DAYS_LOOKED_AT))]
    missing = [day for day in days if present(staff, person.id, day) is None]
    if missing:
        yield Problem(
            (*path, "cover"),
            f"no cover of {person.id} is there on {len(missing)} of the days, the first {missing[0]}",
        )
    cover = staff.person(absence.cover)
    if cover is not None:
        yield from _unfit_cover(staff, person, cover, (*path, "cover"))


def _unfit_cover(staff: Staff, person: Person, cover: Person, path: Path) -> Iterator[Problem]:
    """Warns if a cover lacks a role or a site: they only get notices for their own roles and sites."""
    entries = [each for each in staff.on_call if person.id in each.order]
    lacking = dict.fromkeys(each.role for each in entries if each.role not in cover.roles)
    if lacking:
        yield Problem(path, f"{cover.id} is not {' or '.join(lacking)} and gets no such notices for {person.id}")
    elsewhere = [site for site in person.sites if not cover.works_at(site)]
    if elsewhere:
        yield Problem(
            path, f"{cover.id} does not work at {', '.join(elsewhere)} and gets no notices from there for {person.id}"
        )
    elif cover.sites and not person.sites:
        yield Problem(
            path, f"{cover.id} works at {', '.join(cover.sites)} only and gets no other notices for {person.id}"
        )


def _same_time(one: OnCall, other: OnCall) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("role", "site", "starts_at", "ends_at")) and set(
        one.days
    ) == set(other.days)


def _overlap(one: Absence, other: Absence) -> bool:
    return one.first_day <= other.last_day and other.first_day <= one.last_day


def _unknown(staff_id: str) -> str:
    return f"there is no person with the id {staff_id}; correct it, or add the person"
