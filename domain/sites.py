"""Sites: where care is given, and the calendar by which each counts its days.

Both are the centre's own data, read from its files when a process starts (`centre.loading`). A journey names its site
and the version of the site's calendar by which its days are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.refusal import UnknownHere
from domain.tracks import Track
from domain.values import Instant, LevelOfCare, Title, Value, Weekday

_WEEK = tuple(Weekday)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write an IANA name such as America/Denver") from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
SiteId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""A site's short name: lower-case letters, digits and hyphens."""
_LONGEST_CLOSURE = timedelta(days=366)


class Closure(Value):
    """Days on which a site is closed besides its holidays.

    Attributes:
        last_day: The last of them; the first where there is only one.
        reason: For people: "burst pipe".
    """

    first_day: date
    last_day: date | None = None
    reason: Title

    def covers(self, day: date) -> bool:
        """Whether the site is closed on `day` because of it."""
        return self.first_day <= day <= (self.last_day or self.first_day)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError("last_day is before first_day")
        if self.last_day is not None and self.last_day - self.first_day > _LONGEST_CLOSURE:
            raise ValueError("a closure is not longer than a year; a site that stays closed is no site")
        return self


class Calendar(Value):
    """One version of a site's calendar. A version that was in use never changes; a change is a new version.

    Attributes:
        version: Counts the site's calendars from 1.
        zone: IANA time zone.
        closes_at: Local closing time of each weekday on which the site is open; the other weekdays are left out.
        opens_at: Local time at which it opens on each of them.
        holidays: The days off that the centre accepted, each with its name.
        closures: Other days on which the site is closed.
        known_until: The last day for which the holidays were accepted. Later days count as if there were none.
    """

    version: int = Field(ge=1)
    zone: Zone
    closes_at: dict[Weekday, time] = Field(min_length=1)
    opens_at: time = time(8)
    holidays: dict[date, Title] = {}
    closures: tuple[Closure, ...] = ()
    known_until: date

    def local_date(self, moment: Instant) -> date:
        """The calendar day at the site."""
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def closing_time(self, day: date) -> time:
        """Local time at which what is due on `day` falls due; on a day off the week's latest closing time."""
        return self.closes_at.get(_WEEK[day.weekday()]) or max(self.closes_at.values())

    def closing(self, day: date) -> datetime:
        """The moment at which what is due on `day` falls due, in UTC."""
        return datetime.combine(day, self.closing_time(day), ZoneInfo(self.zone)).astimezone(UTC)

    def day_begins(self, day: date) -> datetime:
        """The moment at which `day` begins at the site, in UTC."""
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)

    def day_ends(self, day: date) -> datetime:
        """The moment at which `day` ends at the site, in UTC: the next one begins."""
        return self.day_begins(day + timedelta(days=1))

    def is_open(self, day: date) -> bool:
        """Whether `day` is a business day at the site."""
        return _WEEK[day.weekday()] in self.closes_at and self.day_off(day) is None

    def opening(self, day: date) -> datetime:
        """The moment at which the site opens on an open `day`, in UTC."""
        return datetime.combine(day, self.opens_at, ZoneInfo(self.zone)).astimezone(UTC)

    def next_opening(self, moment: Instant) -> datetime:
        """When the site opens next after `moment`, in UTC."""
        day = self.local_date(moment)
        while not self.is_open(day) or self.opening(day) <= moment:
            day += timedelta(days=1)
        return self.opening(day)

    def last_opening(self, moment: Instant) -> datetime:
        """When the site opened last, at `moment` or before, in UTC."""
        day = self.local_date(moment)
        while not self.is_open(day) or self.opening(day) > moment:
            day -= timedelta(days=1)
        return self.opening(day)

    def in_opening_hours(self, moment: Instant) -> datetime:
        """`moment` while the site is open, up to its closing; else when it opens next. In UTC."""
        day = self.local_date(moment)
        if self.is_open(day) and self.opening(day) <= moment <= self.closing(day):
            return moment.astimezone(UTC)
        return self.next_opening(moment)

    def day_off(self, day: date) -> str | None:
        """Why the site is closed on a `day` on which it would be open by the week: the holiday or the reason."""
        if _WEEK[day.weekday()] not in self.closes_at:
            return None
        closed = (each.reason for each in self.closures if each.covers(day))
        return self.holidays.get(day) or next(closed, None)

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if min(self.closes_at.values()) <= self.opens_at:
            raise ValueError("opens_at must be before the closing time of every day")
        return self


class Site(Value):
    """A place where the centre gives care.

    Attributes:
        policy: Version of the policy under which new journeys open here.
        contacts: Whom a client can call between sessions, one line each. They stand on the client's page and on what
            the client is given.
        locations: How senders of admissions name it: a facility of HL7's PV1-3 or MSH-4, or a name of the centre's own.
        calendars: Its calendars, the oldest first.
        tracks: The groups and schedules that clients are enrolled in. They change from day to day, so no rule of a
            journey depends on them: they are asked before a decision is taken in.
    """

    id: SiteId
    title: Title
    policy: str
    contacts: tuple[Title, ...] = ()
    locations: tuple[Title, ...] = ()
    calendars: tuple[Calendar, ...] = Field(min_length=1)
    tracks: tuple[Track, ...] = ()

    @property
    def calendar(self) -> Calendar:
        """The newest calendar: new journeys open under it."""
        return self.calendars[-1]

    def tracks_at(self, level: LevelOfCare) -> tuple[Track, ...]:
        """Its tracks at that level; none where its file names none."""
        return tuple(each for each in self.tracks if each.level == level)

    def track(self, name: str) -> Track | None:
        """The track of that id; None if its file names no such track."""
        return next((each for each in self.tracks if each.id == name), None)

    def calendar_version(self, version: int) -> Calendar:
        """One of its calendars.

        Raises:
            UnknownHere: This process knows no such version.
        """
        for each in self.calendars:
            if each.version == version:
                return each
        raise UnknownHere(
            f"calendar {version} of site {self.id!r} is unknown here: deploy the centre's newer file "
            f"sites/{self.id}.toml"
        )

    @model_validator(mode="after")
    def _versions_in_order(self) -> Self:
        versions = [each.version for each in self.calendars]
        if versions != sorted(set(versions)):
            raise ValueError("calendars: list the versions in order, each once")
        return self


_SITES: dict[str, Site] = {}


def use_sites(sites: Iterable[Site]) -> None:
    """Makes these the centre's sites, for this process."""
    found = {each.id: each for each in sites}
    _SITES.clear()
    _SITES.update(found)


def all_sites() -> tuple[Site, ...]:
    """The centre's sites, by id."""
    return tuple(_SITES[each] for each in sorted(_SITES))


def site_named(site: str) -> Site:
    """The site with that id.

    Raises:
        UnknownHere: This process knows no such site.
    """
    try:
        return _SITES[site]
    except KeyError:
        known = ", ".join(sorted(_SITES)) or "none were loaded"
        raise UnknownHere(
            f"site {site!r} is unknown here (known: {known}): deploy the centre's file sites/{site}.toml"
        ) from None


def calendar_of(site: str, version: int) -> Calendar:
    """The calendar that a journey holds.

    Raises:
        UnknownHere: This process knows no such site, or no such version of its calendar.
    """
    return site_named(site).calendar_version(version)
