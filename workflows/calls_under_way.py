"""Calls to clinic systems that a journey has started and that are not answered yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial

from domain.effects import Effect
from domain.pathway.calls import Answer


class CallsUnderWay:
    """At most one call for each concurrency key.

    Attributes:
        fault: The error that prevented a call: a bug in this release.
    """

    def __init__(
        self, carry_out: Callable[[Effect], Awaitable[Answer]], answered: Callable[[Effect, Answer], object]
    ) -> None:
        """`answered` is called with each answer."""
        self._carry_out = carry_out
        self._answered = answered
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.fault: BaseException | None = None

    def keys(self) -> set[str]:
        """The concurrency keys of the calls."""
        return set(self._tasks)

    def begin(self, effects: Iterable[Effect], busy: Collection[str]) -> None:
        """Begins the calls for `effects`, in order, unless one with the same key is under way or in `busy`.

        A call under way for none of them is wanted no more: it is cancelled, and nothing is answered.
        """
        effects = list(effects)
        self._stop_all_but({effect.concurrency_key for effect in effects})
        taken = {*busy, *self._tasks}
        for effect in effects:
            key = effect.concurrency_key
            if key not in taken:
                taken.add(key)
                self._tasks[key] = task = asyncio.create_task(self._call(effect))
                task.add_done_callback(partial(self._ended, key))

    def _stop_all_but(self, wanted: set[str]) -> None:
        for key in [key for key in self._tasks if key not in wanted]:
            self._tasks.pop(key).cancel()

    async def _call(self, effect: Effect) -> None:
        answer = await self._carry_out(effect)
        if self._tasks.get(effect.concurrency_key) is asyncio.current_task():  # or it was cancelled meanwhile
            del self._tasks[effect.concurrency_key]
            self._answered(effect, answer)

    def _ended(self, key: str, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            if self._tasks.get(key) is task:
                del self._tasks[key]
            self.fault = self.fault or task.exception()
