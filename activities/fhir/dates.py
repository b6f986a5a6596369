"""FHIR's dateTime, which may be a year, a month, a day or a point in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_LAST_ZONE = timedelta(hours=12)
"""The last place where a calendar day ends is twelve hours behind UTC."""


def last_moment(text: object) -> datetime | None:
    """When the period that `text` names is over everywhere. None if it cannot be read or is beyond the calendar."""
    if not isinstance(text, str):
        return None
    try:
        return _last_moment(text)
    except (ValueError, OverflowError):
        return None


def _last_moment(text: str) -> datetime:
    if len(text) > 10:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC) + _LAST_ZONE
    first = datetime.fromisoformat(f"{text}-01-01"[:10]).replace(tzinfo=UTC)
    if len(text) == 4:
        return first.replace(year=first.year + 1) + _LAST_ZONE
    if len(text) == 7:
        return (first + timedelta(days=32)).replace(day=1) + _LAST_ZONE
    return first + timedelta(days=1) + _LAST_ZONE
