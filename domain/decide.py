"""`decide(state, command, now)`: the events a command leads to, or why it is refused. Pure and total."""

from __future__ import annotations

from collections.abc import Iterator

from domain import events as ev
from domain.commands import BaseCommand
from domain.consequences import follows
from domain.evolve import evolve
from domain.pathway.admission import OpenJourney
from domain.refusal import Refusal, Refused
from domain.state import JourneyState
from domain.values import Instant

Outcome = tuple[ev.Event, ...] | Refusal

_MADE_NOW = (ev.BenefitsRequested, ev.PlaceSearchStarted)
"""Calls begin now, also where what led to them is typed in late."""


def decide(state: JourneyState, command: BaseCommand, now: Instant) -> Outcome:
    """What `command` leads to at `now`.

    A command whose id was answered before leads to nothing new. Everything that follows from the first events
    is included, so folding the result leaves nothing undecided.
    """
    if command.cause in state.answered:
        return ()
    if state.version == 0 and not isinstance(command, OpenJourney):
        return Refusal(code="not-open", sentence="This journey has not begun. Send its admission first.")
    try:
        first = command.decide(state, command.occasion(state, now))
        return tuple(_with_consequences(state, first, now))
    except Refused as refused:
        return refused.refusal


def _with_consequences(state: JourneyState, events: Iterator[ev.Event], now: Instant) -> Iterator[ev.Event]:
    for event in events:
        if isinstance(event, _MADE_NOW):
            event = event.changed(at=now)
        yield event
        state = evolve(state, event)
        for consequence in _with_consequences(state, follows(event, state), now):
            yield consequence
            state = evolve(state, consequence)
