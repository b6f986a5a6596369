"""The people of a centre: roles, sites, absences with cover, and who is on call in which order.

Independent of the source: `centre.staff_file` makes a `Staff` from `staff.toml`. Another source, such as FHIR
Practitioner, needs one function that returns a `Staff` and checks it with `centre.staff_checks`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from access.rules import Viewer
from centre.days import Day, LocalTime
from centre.mail_address import MailAddress
from domain.obligation_terms import Channel
from domain.people import Colleague
from domain.values import Key, Role, Value, Words


class Weekday(StrEnum):
    """A day of the week, Monday first as `date.weekday` counts."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @classmethod
    def of(cls, day: date) -> Weekday:
        """The weekday of a calendar day."""
        return list(cls)[day.weekday()]


class Absence(Value):
    """Days on which a person cannot be reached. Both days are included; `cover` takes their notices."""

    first_day: Day
    last_day: Day
    cover: Key | None = None

    def includes(self, day: date) -> bool:
        """Whether the person is away on `day`."""
        return self.first_day <= day <= self.last_day


class Person(Value):
    """One member of staff.

    Attributes:
        id: Opaque staff id, the one that decisions give as `--by`. Ids are logged; names never are.
        name: Shown to people who look at the staff list.
        sites: The sites they work at; empty means every site.
        mail: Where mail reaches them.
        pager: Their pager's mail gateway. Without one they get no pages.
        caseload_clients: The most clients they have at once; None if there is no limit.
        auditor: Whether they may read who looked at whom.
    """

    id: Key
    name: Annotated[Words, Field(repr=False)]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    sites: tuple[Key, ...] = ()
    mail: Annotated[MailAddress, Field(repr=False)]
    pager: Annotated[MailAddress | None, Field(repr=False)] = None
    caseload_clients: Annotated[StrictInt, Field(ge=1)] | None = None
    auditor: bool = False
    absences: tuple[Absence, ...] = ()

    def works_at(self, site: str | None) -> bool:
        """Whether they work at `site`; None means any site."""
        return site is None or not self.sites or site in self.sites

    def address(self, channel: Channel) -> str | None:
        """Where `channel` reaches them, or None."""
        return self.pager if channel is Channel.PAGE else self.mail

    def absence_on(self, day: date) -> Absence | None:
        """The absence that includes `day`, or None if they are present."""
        return next((each for each in self.absences if each.includes(day)), None)


class OnCall(Value):
    """Who is told first, second and so on for `role`.

    Attributes:
        order: Staff ids, the first to be told first.
        site: The site; None: every site, each person for the sites where they work.
        days: Weekdays on which it applies; if empty, every day.
        starts_at: From this time of day, included. If both times are left out: the whole day.
        ends_at: Until this time, not included. If it is earlier than `starts_at`, it is on the next day, and `days` are
            the days on which the hours start.
    """

    role: Role
    order: Annotated[tuple[Key, ...], Field(min_length=1)]
    site: Key | None = None
    days: tuple[Weekday, ...] = ()
    starts_at: LocalTime | None = None
    ends_at: LocalTime | None = None

    @model_validator(mode="after")
    def _hours_are_whole(self) -> Self:
        if (self.starts_at is None) is not (self.ends_at is None):
            raise ValueError("starts_at and ends_at go together; add the other one")
        if self.starts_at is not None and self.starts_at == self.ends_at:
            raise ValueError("starts_at and ends_at are the same; leave both out for the whole day")
        if any(each is not None and each.tzinfo for each in (self.starts_at, self.ends_at)):
            raise ValueError("starts_at and ends_at are times at the site; leave the time zone out")
        return self

    @property
    def has_hours(self) -> bool:
        """Whether it applies only at some times of the week."""
        return bool(self.days) or self.starts_at is not None

    def holds_at(self, local: datetime) -> bool:
        """Whether it applies at this time, given in the site's local time."""
        day, clock = local.date(), local.time()
        if self.starts_at is not None and self.ends_at is not None:
            if self.starts_at < self.ends_at:
                inside = self.starts_at <= clock < self.ends_at
            else:
                inside = clock >= self.starts_at or clock < self.ends_at
                day -= timedelta(days=clock < self.ends_at)
            if not inside:
                return False
        return not self.days or Weekday.of(day) in self.days


def _every_role(addresses: dict[Role, str]) -> dict[Role, str]:
    if missing := [role for role in Role if role not in addresses]:
        raise ValueError(f"give an address to each role; missing: {', '.join(missing)}")
    return addresses


RoleAddresses = Annotated[dict[Role, MailAddress], AfterValidator(_every_role), Field(repr=False)]
"""An address for each role."""


class Staff(Value):
    """A centre's people.

    Attributes:
        mailboxes: Each role's own address, used if no person on call for the role can be reached.
        pagers: The same for pages, at a pager's mail gateway.
    """

    mailboxes: RoleAddresses
    pagers: RoleAddresses
    people: tuple[Person, ...] = ()
    on_call: tuple[OnCall, ...] = ()

    def person(self, staff_id: str) -> Person | None:
        """The person with this id, or None."""
        return next((each for each in self.people if each.id == staff_id), None)

    def colleague(self, staff_id: str) -> Colleague | None:
        """What a decision may know of the person with this id, or None."""
        found = self.person(staff_id)
        return Colleague(id=found.id, roles=found.roles, sites=found.sites) if found else None

    def viewer(self, staff_id: str) -> Viewer | None:
        """What decides what the person with this id may see and do, or None for somebody who is not on the list."""
        found = self.person(staff_id)
        return Viewer(person=found.id, roles=found.roles, sites=found.sites, auditor=found.auditor) if found else None

    def mailbox(self, role: Role, channel: Channel) -> str:
        """The role's own address."""
        return (self.pagers if channel is Channel.PAGE else self.mailboxes)[role]
