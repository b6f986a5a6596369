"""Appends that wait at the same time go to the database together: one round trip, one commit, an answer each.

The record takes one commit at a time, so what is saved is the time of a commit for every append but the first.
Nobody waits for company: what is there goes, and what comes meanwhile goes next. Two batches may be under way, so that
the database is not idle while this process makes up the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from eventstore.errors import EventStoreError, StoreUnavailable
from eventstore.request import AppendRequest

_UNDER_WAY = 2
_MOST_REQUESTS = 64
_MOST_EVENTS = 5_000


class AppendAnswer(NamedTuple):
    """The database's answer to one request, as `es.append_many` gives it."""

    code: str
    version: int
    first_position: int | None
    last_position: int | None
    recorded_at: datetime | None


Send = Callable[[Sequence[AppendRequest]], Awaitable[list[AppendAnswer]]]


class _Waiting(NamedTuple):
    request: AppendRequest
    answer: asyncio.Future[AppendAnswer]


class AppendBatches:
    """Sends requests in batches, two batches at a time, and at most one request to a stream at a time.

    Args:
        send: Carries out a batch and answers its requests in their order.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: list[_Waiting] = []
        self._sending: dict[asyncio.Task[None], set[str]] = {}
        self._about_to_send = False

    async def submit(self, request: AppendRequest) -> AppendAnswer:
        """The answer to `request`. A caller that stops waiting does not take it back.

        Raises:
            EventStoreError: It could not be carried out.
        """
        answer: asyncio.Future[AppendAnswer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(request, answer))
        self._send_soon()
        return await answer

    async def drain(self) -> None:
        """Returns once nothing is under way."""
        while self._waiting or self._sending:
            await (asyncio.wait(self._sending) if self._sending else asyncio.sleep(0))

    def _send_soon(self) -> None:
        """After all that is about to run now, since that may submit more."""
        if not self._about_to_send:
            self._about_to_send = True
            asyncio.get_running_loop().call_soon(self._send_waiting)

    def _send_waiting(self) -> None:
        self._about_to_send = False
        for free in range(_UNDER_WAY - len(self._sending), 0, -1):
            batch = self._next(-(-len(self._waiting) // free))
            if batch:
                task = asyncio.create_task(self._send_batch(batch))
                self._sending[task] = {each.request.stream for each in batch}
                task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        if task.cancelled():  # the loop is ending: nobody may wait for what nobody sends any more
            _fail(self._waiting, asyncio.CancelledError())
            self._waiting = []
        elif self._waiting:
            self._send_soon()

    def _next(self, most: int) -> list[_Waiting]:
        batch: list[_Waiting] = []
        left: list[_Waiting] = []
        streams = set().union(*self._sending.values())
        most, room = min(most, _MOST_REQUESTS), _MOST_EVENTS
        for each in self._waiting:
            fits = not batch or (len(batch) < most and len(each.request.events) <= room)
            if fits and each.request.stream not in streams:
                batch.append(each)
                room -= len(each.request.events)
            else:
                left.append(each)
            streams.add(each.request.stream)  # also of one left behind: its successors stay behind it
        self._waiting = left
        return batch

    async def _send_batch(self, batch: list[_Waiting]) -> None:
        try:
            await self._answer_each(batch)
        except BaseException as error:
            _fail(batch, error)
            if not isinstance(error, EventStoreError):
                raise

    async def _answer_each(self, batch: list[_Waiting]) -> None:
        try:
            await self._answer(batch)
        except StoreUnavailable:
            raise
        except EventStoreError:
            if len(batch) == 1:
                raise
            for each in batch:  # the fault of one is not the others'
                await self._send_batch([each])

    async def _answer(self, batch: list[_Waiting]) -> None:
        outcomes = await self._send([each.request for each in batch])
        for each, outcome in list(zip(batch, outcomes, strict=True)):
            if not each.answer.done():
                each.answer.set_result(outcome)


def _fail(batch: list[_Waiting], error: BaseException) -> None:
    for each in batch:
        if each.answer.done():
            continue
        if isinstance(error, asyncio.CancelledError):
            each.answer.cancel()
        else:
            each.answer.set_exception(error)
