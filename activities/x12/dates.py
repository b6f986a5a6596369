"""Whether coverage is in force on a day, from the dates a payer gives: one span that covers the day is enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum

from activities.x12.response import Period

_KIND = {
    **dict.fromkeys(("291", "346", "347"), "plan"),
    **dict.fromkeys(("307", "356", "357"), "eligibility"),
    **dict.fromkeys(("292", "348", "349", "193", "194"), "benefit"),
}
"""DTP01 codes (005010X279A1, loops 2100 and 2110) by what they date."""
_SERVICE = "472"
_HARMLESS_ONCE_PAST = frozenset({"102", "295", "304", "318", "382", "636"})
"""Card issued, primary care provider chosen, latest visit, added, enrolled, last update. Each other code may bear on
coverage: death (442), COBRA (340, 341), premium paid (342, 343), coordination of benefits (290), policy (539, 540)."""


class Standing(StrEnum):
    """Where a day lies relative to the given dates."""

    IN_FORCE = "in force"
    ENDED = "ended"  #: every date given is past
    NOT_NOW = "not now"  #: begins later, or the day lies in a gap
    UNCLEAR = "unclear"  #: the dates contradict each other or cannot be read


def dates_coverage(periods: Iterable[Period]) -> bool:
    """Whether any of `periods` says when coverage is in force."""
    return any(period.qualifier in _KIND for period in periods)


def is_understood(period: Period, day: date) -> bool:
    """Whether the date says when coverage is in force, or is known not to contradict coverage on `day`."""
    if period.qualifier in _KIND or period.qualifier == _SERVICE:
        return True
    past = period.begins is not None and period.begins <= day and not period.unreadable
    return period.qualifier in _HARMLESS_ONCE_PAST and past


def standing(own: Sequence[Period], general: Sequence[Period], day: date) -> Standing:
    """Where `day` lies for one EB.

    Args:
        own: The dates of the EB itself. They replace the general dates of the same kind.
        general: The dates of the member (loop 2100), which apply to every EB without its own dates.
        day: Calendar day at the site.

    Returns:
        The standing; `IN_FORCE` if no date is given, `UNCLEAR` if kinds disagree.
    """
    said = {}
    for kind in ("plan", "eligibility", "benefit"):
        chosen = [p for p in own if _KIND.get(p.qualifier) == kind]
        chosen = chosen or [p for p in general if _KIND.get(p.qualifier) == kind]
        if chosen:
            said[kind] = _of_one_kind(chosen, day)
    found = set(said.values())
    if not found:
        return Standing.IN_FORCE
    if len(found) == 1:
        return found.pop()
    return Standing.NOT_NOW if not found & {Standing.IN_FORCE, Standing.UNCLEAR} else Standing.UNCLEAR


def has_span_over(periods: Iterable[Period], day: date) -> bool:
    """Whether one of `periods` names a begin and an end, possibly open, with `day` between them."""
    return any(p.qualifier in _KIND and p.is_span and not p.unreadable and _covers(p, day) for p in periods)


def _of_one_kind(periods: Sequence[Period], day: date) -> Standing:
    spans = [p for p in periods if p.is_span and not p.unreadable]
    covering = [p for p in spans if _covers(p, day)]
    begins = sorted(p.begins for p in periods if not p.is_span and p.begins is not None)
    ends = sorted(p.ends for p in periods if not p.is_span and p.ends is not None)
    began = max((b for b in begins if b <= day), default=None)
    ended = max((e for e in ends if e < day), default=None)
    if covering:
        if any(p.unreadable and not p.is_span for p in periods):
            return Standing.UNCLEAR  # it may begin or end within the span
        later = ended is None or any(p.begins is not None and p.begins > ended for p in covering)
        return Standing.IN_FORCE if later else Standing.UNCLEAR
    if any(p.unreadable for p in periods):
        return Standing.UNCLEAR
    if _open_on(day, begins, ends, began, ended):
        overtaken = any(p.ends is not None and (began or date.min) <= p.ends < day for p in spans)
        return Standing.UNCLEAR if overtaken else Standing.IN_FORCE
    if not begins and not ends and not spans:
        return Standing.IN_FORCE  # only open ends: nothing contradicts the day
    upcoming = any(b > day for b in begins) or any(p.begins is not None and p.begins > day for p in spans)
    return Standing.NOT_NOW if upcoming else Standing.ENDED


def _open_on(day: date, begins: list[date], ends: list[date], began: date | None, ended: date | None) -> bool:
    """Whether `day` is covered by dates that name only a begin or only an end. The last of them decides."""
    if began is None and ended is None:
        return bool(ends) and not begins  # it ends later, and nothing says that it has not begun
    if began is None or ended is None:
        return ended is None
    return began > ended


def _covers(period: Period, day: date) -> bool:
    return (period.begins is None or period.begins <= day) and (period.ends is None or day <= period.ends)
