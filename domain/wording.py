"""Small pieces of plain sentences."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING

from domain.values import Instant, Role

if TYPE_CHECKING:
    from domain.plans import Actor


def moment(at: Instant) -> str:
    """Date and time in UTC, to the minute."""
    return f"{at.astimezone(UTC).isoformat(' ')[:16]}Z"


def said_by(actor: Actor) -> str:
    """Who decided, at the end of a sentence."""
    return f", by {actor.role} {actor.id}"


def named(role: Role, person: str | None) -> str:
    """A role, and its person where there is one: "clinician s-102"."""
    return f"{role} {person}" if person else role


def any_of(roles: Iterable[Role]) -> str:
    """Any one of these roles, inside a sentence: "case manager, clinician or operations"."""
    *others, last = (role.replace("-", " ") for role in roles)
    return f"{', '.join(others)} or {last}" if others else last


def in_sentence(title: str) -> str:
    """A title inside a sentence."""
    return f"{title[0].lower()}{title[1:]}"


def level_in_week(level: str, week: int | None, last_week: int | None, mode: str | None = None) -> str:
    """A level of care and how far the client is in it: "IOP week 9 of 12", "OP maintenance week 30"."""
    at = f"{level} {mode}" if mode else level
    if week is None:
        return at
    return f"{at} week {week}" + (f" of {last_week}" if last_week is not None else "")


def in_hours(minutes: int) -> str:
    """Minutes as hours, such as "4.5"."""
    return f"{minutes / 60:.1f}".removesuffix(".0")
