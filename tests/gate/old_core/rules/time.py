"""What time alone changes: ladders speak, searches repeat, the 24-hour window ends."""

from __future__ import annotations

from collections.abc import Iterator

from tests.gate.old_core import commands as cmd
from tests.gate.old_core import events as ev
from tests.gate.old_core.obligations import Obligation
from tests.gate.old_core.rules.common import Occasion
from tests.gate.old_core.state import JourneyState


def pass_time(state: JourneyState, command: cmd.TimePassed, when: Occasion) -> Iterator[ev.Event]:
    """Everything that fell due by now, each once, however late `now` is."""
    now = when["at"]
    for owed in sorted(state.obligations.values(), key=lambda o: (o.next_at(), o.id)):
        for climbed in owed.rungs_reached(now):
            yield _escalated(owed, climbed, when)
    move = state.transition
    if move and state.step_up_window_ends() and move.due_at <= now:
        yield ev.StepUpWindowMissed(**when, due_at=move.due_at)
    if move and move.next_search_at and move.next_search_at <= now:
        yield ev.PlaceSearchStarted(**when, attempt=move.searches + 1)


def _escalated(owed: Obligation, climbed: int, when: Occasion) -> ev.ObligationEscalated:
    return ev.ObligationEscalated(
        **when,
        obligation=owed.id,
        climbed=climbed,
        to=owed.ladder[min(climbed, len(owed.ladder)) - 1].to,
        planned_at=owed.speaks_at(climbed),
        overdue=owed.is_overdue(when["at"]),
    )
