"""How many messages a lane handles at once, and what happens to slow ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class LaneRules:
    """The rules of one lane. Times are elapsed.

    Attributes:
        at_once: Messages handled at the same time.
        time_limit: A message without an answer after this time is postponed and tried again.
        slow_after: A message without an answer after this time frees its place in `at_once` and keeps waiting.
        slow: The most messages that may keep waiting in this way.
        connections: Database connections. None is held while waiting for a journey.
    """

    at_once: int
    time_limit: timedelta
    connections: int
    slow_after: timedelta = timedelta(seconds=2)
    slow: int = 1000


class Place:
    """A place, held by one message while it is handled."""


class Places:
    """The places of one lane.

    Args:
        rules: How many there are.
        on_free: Called whenever one becomes free.
    """

    def __init__(self, rules: LaneRules, on_free: Callable[[], None]) -> None:
        self._rules = rules
        self._on_free = on_free
        self._held: dict[Place, asyncio.TimerHandle] = {}
        self._slow: set[Place] = set()

    @property
    def free(self) -> int:
        """How many more messages may be started now."""
        return self._rules.at_once - len(self._held)

    def take(self) -> Place:
        """Takes a place for a message that starts now."""
        place = Place()
        self._held[place] = self._timer(place)
        return place

    def give_back(self, place: Place) -> None:
        """Frees the place, because its message is done."""
        if (timer := self._held.pop(place, None)) is not None:
            timer.cancel()
        self._slow.discard(place)
        self._on_free()

    def _timer(self, place: Place) -> asyncio.TimerHandle:
        seconds = self._rules.slow_after.total_seconds()
        return asyncio.get_running_loop().call_later(seconds, self._step_aside, place)

    def _step_aside(self, place: Place) -> None:
        if len(self._slow) >= self._rules.slow:
            self._held[place] = self._timer(place)
            return
        del self._held[place]
        self._slow.add(place)
        self._on_free()
