"""`decide(state, command, now)`: the events a command leads to, or why it is refused. Pure and total."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.commands import BaseCommand
from domain.events import BaseEvent
from domain.evolve import evolve
from domain.pathway import PART_OF_COMMAND, RULES
from domain.pathway.admission import OpenJourney
from domain.refusal import Refusal, Refused
from domain.state import JourneyState
from domain.values import Instant


@dataclass(frozen=True, slots=True)
class Decided:
    """What a command led to.

    Attributes:
        events: In order; none if it was answered before.
        state: The state after them.
    """

    events: tuple[BaseEvent, ...]
    state: JourneyState


Outcome = Decided | Refusal


def decide(state: JourneyState, command: BaseCommand, now: Instant) -> Outcome:
    """What `command` leads to at `now`.

    A command whose id was answered before leads to nothing new. Everything that follows from the first events
    is included, so nothing is left undecided.
    """
    if command.cause in state.answered:
        return Decided(events=(), state=state)
    if state.version == 0 and not isinstance(command, OpenJourney):
        return Refusal(code="not-open", sentence="This journey has not begun. Send its admission first.")
    made: list[BaseEvent] = []
    try:
        _require_the_part(state, command)
        after = _taken(state, command.decide(state, command.context(state, now)), now, made)
    except Refused as refused:
        return refused.refusal
    return Decided(events=tuple(made), state=after)


def _require_the_part(state: JourneyState, command: BaseCommand) -> None:
    part = PART_OF_COMMAND[type(command)]
    if state.version and part not in state.policy.parts:
        name = part.replace("_", " ")
        raise Refused("not-in-this-policy", f"This client's policy has no {name}. Ask operations which policy applies.")


def _taken(state: JourneyState, events: Iterable[BaseEvent], now: Instant, made: list[BaseEvent]) -> JourneyState:
    """The state after `events` and all that follows from them, which is added to `made`."""
    for event in events:
        made.append(event)
        state = evolve(state, event)
        running = state.policy.parts
        for part, rule in RULES.consequence[type(event)]:
            if part in running:
                state = _taken(state, rule(state, event, now), now, made)
    return state
