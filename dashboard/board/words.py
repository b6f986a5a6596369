"""How the board says times, lengths and codes. Times are the site's, with its zone; UTC is one hover away."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from dashboard.board.stages import STAGES
from domain.refusal import UnknownHere
from domain.sites import all_sites, site_named
from domain.values import Role, Stage

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_SOON = timedelta(hours=4)
_UTC = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d)(?: UTC|Z)")
"""A moment as `domain.wording.moment` says it."""


def zone_of(site: str | None) -> ZoneInfo:
    """The time zone of a site; of the centre's first one if it is not known."""
    try:
        calendar = site_named(site).calendar if site else all_sites()[0].calendar
    except UnknownHere:
        calendar = all_sites()[0].calendar
    return ZoneInfo(calendar.zone)


def clock(at: datetime, site: str | None, now: datetime) -> Markup:
    """A moment at the site: "14:03 CST" today, "Tue 09:40 CST" in this week, else with its day."""
    local, today = at.astimezone(zone_of(site)), now.astimezone(zone_of(site)).date()
    return _time(at, f"{_day_in_words(local.date(), today)}{local:%H:%M %Z}".strip())


def deadline(at: datetime, site: str | None, now: datetime) -> Markup:
    """The same for a due time. What is due as a day begins is due at the end of the day before."""
    local, today = at.astimezone(zone_of(site)), now.astimezone(zone_of(site)).date()
    if local.time() != time():
        return clock(at, site, now)
    return _time(at, f"at the end of {_date_in_words(local.date() - timedelta(days=1), today)}")


def at_site(sentence: str, site: str | None, now: datetime) -> Markup:
    """A sentence of the record, in which moments are in UTC, with the site's times."""
    said, at = Markup(""), 0
    for found in _UTC.finditer(sentence):
        said += escape(sentence[at : found.start()]) + _moment_or_text(found, site, now)
        at = found.end()
    return said + escape(sentence[at:])


def _moment_or_text(found: re.Match[str], site: str | None, now: datetime) -> Markup:
    """What looks like a moment and is none, such as 30 February, stays as it is."""
    try:
        return clock(datetime.fromisoformat(f"{found['day']}T{found['time']}+00:00"), site, now)
    except (ValueError, OverflowError):
        return escape(found[0])


def day(of: date | datetime, site: str | None, now: datetime) -> Markup:
    """The day of a moment at the site."""
    if isinstance(of, datetime):
        local = of.astimezone(zone_of(site))
        return _time(of, _date_in_words(local.date(), now.astimezone(zone_of(site)).date()))
    return escape(_date_in_words(of, now.astimezone(zone_of(site)).date()))


def _time(at: datetime, text: str) -> Markup:
    utc = at.astimezone(UTC)
    title = f"{utc:%Y-%m-%d %H:%M} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(f"{utc:%Y-%m-%dT%H:%M:%SZ}", title, text)


def _day_in_words(local: date, today: date) -> str:
    if local == today:
        return ""
    return f"{_date_in_words(local, today)} "


def _date_in_words(local: date, today: date) -> str:
    if local == today:
        return "today"
    if abs((local - today).days) < 7:
        return f"{local:%a}" if local > today else f"{local:%a %-d %b}"
    return f"{local:%-d %b}" if local.year == today.year else f"{local:%-d %b %Y}"


def length(span: timedelta) -> str:
    """A length of time in words, to two parts at most: "3 days", "2 h 40 min"."""
    span = abs(span)
    if span < _MINUTE:
        return "less than a minute"
    if span < _HOUR:
        return f"{span // _MINUTE} min"
    if span < _DAY:
        hours, rest = divmod(span, _HOUR)
        return f"{hours} h {rest // _MINUTE} min" if rest >= _MINUTE else f"{hours} h"
    days = span // _DAY
    return "1 day" if days == 1 else f"{days} days"


def time_left(due: datetime, now: datetime) -> str:
    """Time left until `due`, or how late it is: "in 3 h 12 min", "1 day late"."""
    return f"in {length(due - now)}" if due >= now else f"{length(now - due)} late"


def pressure(due: datetime, now: datetime) -> str:
    """How near a due time is, for word, shape and colour: `late`, `soon` or `fine`."""
    if due < now:
        return "late"
    return "soon" if due - now <= _SOON else "fine"


def role(of: Role | str) -> str:
    """A role as people say it."""
    return str(of).replace("-", " ")


def holder(owner: Role | None, person: str | None) -> str:
    """Who holds something: "s-104, clinician", or the role on call."""
    if owner is None:
        return "nobody"
    return f"{person}, {role(owner)}" if person else f"{role(owner)} on call"


def stage(of: Stage) -> str:
    """A stage in words."""
    return STAGES[of]


def flag(of: str) -> str:
    """A flag in words."""
    return of.replace("-", " ")
