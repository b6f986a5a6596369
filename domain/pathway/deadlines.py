"""What time alone changes: each part says what has fallen due."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from domain.commands import BaseCommand
from domain.events import BaseEvent, EventContext
from domain.part import Part

if TYPE_CHECKING:
    from domain.state import JourneyState

part = Part("deadlines")


class TimePassed(BaseCommand):
    """It is now later: what fell due since is looked at."""

    kind: Literal["time-passed"] = "time-passed"

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Everything that fell due by now, each once, however late it is."""
        for held in state.timed_slices():
            yield from held.pass_time(state, when)
