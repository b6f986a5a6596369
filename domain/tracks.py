"""Tracks: the groups and schedules that a site offers, each with its hours, places, specialists and licences.

They are the centre's own data, in the file of the site (`domain.sites`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, time
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.sessions.facts import Modality
from domain.values import LevelOfCare, Title, Value, Weekday

TrackId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""A track's short name: lower-case letters, digits and hyphens."""
_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
    "PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI"
)


def _known_state(code: str) -> str:
    if code not in _STATES.split():
        raise ValueError(f"{code!r} is no state or territory of the United States; write its two letters, such as CA")
    return code


UsState = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), AfterValidator(_known_state)]
"""A state or territory of the United States by its two letters, where a licence is held or a client is."""


class Condition(StrEnum):
    """What a client comes for, as far as tracks are led by specialists in it."""

    DEPRESSION = "depression"
    ANXIETY = "anxiety"
    PTSD = "ptsd"
    BIPOLAR = "bipolar"
    CO_OCCURRING = "co-occurring"  #: together with the use of a substance


class Hours(Value):
    """A time of the day, on the site's clock."""

    begins_at: time
    ends_at: time

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ends_at <= self.begins_at:
            raise ValueError("ends_at must be after begins_at, on the same day")
        return self

    def __str__(self) -> str:
        return f"{self.begins_at:%H:%M}-{self.ends_at:%H:%M}"


def _readable(text: str) -> str:
    try:
        _hours(text)
    except ValueError:
        raise ValueError("write a weekday and hours that end on the same day, such as mon 09:00-17:00") from None
    return text


def _hours(text: str) -> tuple[str, Hours]:
    found = re.fullmatch(r"(mon|tue|wed|thu|fri|sat|sun) (\d\d:\d\d)-(\d\d:\d\d)", text)
    if found is None:
        raise ValueError
    day, begins_at, ends_at = found.groups()
    return day, Hours(begins_at=time.fromisoformat(begins_at), ends_at=time.fromisoformat(ends_at))


FreeTime = Annotated[str, StringConstraints(max_length=20), AfterValidator(_readable)]
"""When a client can come, beside work, study and family: a weekday and hours on the site's clock, mon 17:00-21:00."""


def _on(day: Weekday, free: Iterable[FreeTime]) -> list[Hours]:
    """The times on that day, those that meet joined to one."""
    joined: list[Hours] = []
    for each in sorted((hours for name, hours in map(_hours, free) if name == day[:3]), key=lambda h: h.begins_at):
        if joined and each.begins_at <= joined[-1].ends_at:
            last = joined.pop()
            joined.append(Hours(begins_at=last.begins_at, ends_at=max(last.ends_at, each.ends_at)))
        else:
            joined.append(each)
    return joined


def _is_free(free: Iterable[FreeTime], day: Weekday, hours: Hours) -> bool:
    """Whether one of these times holds all of `hours`."""
    return any(each.begins_at <= hours.begins_at and hours.ends_at <= each.ends_at for each in _on(day, free))


def _overlaps(free: Iterable[FreeTime], day: Weekday, hours: Hours) -> bool:
    """Whether one of these times holds a part of `hours`."""
    return any(each.begins_at < hours.ends_at and hours.begins_at < each.ends_at for each in _on(day, free))


class Track(Value):
    """A group or schedule at one level of care.

    Attributes:
        meets: When it meets on each weekday; of single appointments, when they can be.
        modalities: How clients take part; where both are named, each client in their own way.
        places: How many clients it has room for.
        conditions: In what those who lead it are specialists.
        licensed_in: The states in which those who lead it may treat a client by telehealth.
        also_on_closed_days: Whether it meets on weekdays on which the site is closed.
        by_appointment: Whether each client comes at a time of their own within these hours.
        makeup_only: Whether its sessions only make up for missed ones of other tracks; nobody is enrolled in it.
    """

    id: TrackId
    title: Title
    level: LevelOfCare
    meets: dict[Weekday, Hours] = Field(min_length=1)
    modalities: tuple[Modality, ...] = Field(min_length=1)
    places: int = Field(ge=1, le=1000)
    conditions: tuple[Condition, ...] = Field(min_length=1)
    licensed_in: tuple[UsState, ...] = Field(min_length=1)
    also_on_closed_days: bool = False
    by_appointment: bool = False
    makeup_only: bool = False

    def meets_at(self, moment: datetime) -> bool:
        """Whether it meets then. `moment` is on the site's clock."""
        hours = self.meets.get(tuple(Weekday)[moment.weekday()])
        return hours is not None and hours.begins_at <= moment.time() < hours.ends_at

    def fits(self, free: Sequence[FreeTime]) -> bool:
        """Whether a client who can come at these times can come to all of it, or to an appointment in it."""
        if self.by_appointment:
            return any(_overlaps(free, day, hours) for day, hours in self.meets.items())
        return all(_is_free(free, day, hours) for day, hours in self.meets.items())

    def treats_in(self, state: UsState) -> bool:
        """Whether those who lead it may treat a client who is in `state`."""
        return state in self.licensed_in

    def hours_in_words(self) -> str:
        """When it meets: "mon, tue, thu 17:30-20:30"."""
        days = dict[str, list[str]]()
        for day in Weekday:
            if hours := self.meets.get(day):
                days.setdefault(str(hours), []).append(day[:3])
        return "; ".join(f"{', '.join(names)} {hours}" for hours, names in days.items())

    def modalities_in_words(self) -> str:
        """How clients take part."""
        return " or ".join(each.replace("-", " ") for each in self.modalities)
