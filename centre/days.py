"""Days and times of day in a centre's files, as TOML values or text; never as a number of seconds."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any

from pydantic import BeforeValidator


def _day(value: Any) -> Any:
    return _read(date, value)


def _time(value: Any) -> Any:
    return _read(time, value)


def _read(kind: type[date] | type[time], value: Any) -> Any:
    if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
        raise ValueError('a number is not a day or a time; write a day like 2026-12-24, a time like "17:00"')
    try:
        return kind.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value  # pydantic says what is wrong with it


Day = Annotated[date, BeforeValidator(_day)]
"""A calendar day at the site."""
LocalTime = Annotated[time, BeforeValidator(_time)]
"""A time of day at the site, by its clocks."""
