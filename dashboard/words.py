"""Who acted, from an event."""

from __future__ import annotations

from domain.events import BaseEvent
from domain.plans import Actor
from domain.values import Role


def actor_role(event: BaseEvent) -> Role | None:
    """The role in which a person acted, if one did."""
    by = actor(event)
    return by.role if by else None


def actor(event: BaseEvent) -> Actor | None:
    """The person who acted, if one did."""
    return event.__dict__.get("by")  # getattr takes pydantic microseconds where there is none
