"""`evolve(state, event)`: what an event makes of a state. Pure and total: every event is taken from any state.

It reads the event and the state, and nothing else: what an event needs from a policy is in the event.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.events import BaseEvent
from domain.pathway import RULES
from domain.state import REMEMBERED_COMMANDS, JourneyState


def evolve(state: JourneyState, event: BaseEvent) -> JourneyState:
    """The state after `event`."""
    kind, version = type(event), state.version + 1
    changes: dict[str, Any] = {"version": version}
    for name, rule in RULES.evolves[kind]:
        changes[name] = rule(state, event)
    for call in RULES.calls.get(kind, ()):
        if effect := call(state, event):
            changes["calls"] = changes.get("calls", state.calls).adding(effect)
    if event.is_news:
        changes["news"], changes["news_at"] = version, event.at
    answered = state.answered
    if not answered or answered[-1] != event.cause:
        changes["answered"] = (*answered, event.cause)[-REMEMBERED_COMMANDS:]
    return state.changed(**changes)


def fold(events: Iterable[BaseEvent], start: JourneyState | None = None) -> JourneyState:
    """The state after all of `events`, in order."""
    state = start or JourneyState()
    for event in events:
        state = evolve(state, event)
    return state
