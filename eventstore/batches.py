"""Appends that wait at the same time go to the database together: one round trip, one commit, an answer each.

The record takes one commit at a time, so what is saved is the time of a commit for every append but the first.
Nobody waits for company: what is there goes, and what comes meanwhile goes next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventstore.errors import EventStoreError, StoreUnavailable
from eventstore.request import AppendRequest

_MOST_REQUESTS = 64
_MOST_EVENTS = 5_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The database's answer to one request, as `es.append_many` gives it."""

    code: str
    version: int
    first_position: int | None
    last_position: int | None
    recorded_at: datetime | None


Send = Callable[[Sequence[AppendRequest]], Awaitable[list[Outcome]]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: AppendRequest
    answer: asyncio.Future[Outcome]


class AppendBatches:
    """Sends requests in batches, one batch at a time, at most one request to a stream in each.

    Args:
        send: Carries out a batch and answers its requests in their order.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: list[_Waiting] = []
        self._sending: asyncio.Task[None] | None = None

    async def submit(self, request: AppendRequest) -> Outcome:
        """The answer to `request`. Whoever stops waiting does not take it back.

        Raises:
            EventStoreError: It could not be carried out.
        """
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(request, answer))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return await answer

    async def drain(self) -> None:
        """Returns once nothing is under way."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await self._send_batch(self._next())
        except BaseException as error:  # nobody may wait for what nobody sends any more
            _fail(self._waiting, error)
            self._waiting = []
            raise
        finally:
            self._sending = None

    def _next(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        left: list[_Waiting] = []
        streams: set[str] = set()
        room = _MOST_EVENTS
        for each in self._waiting:
            fits = not batch or (len(batch) < _MOST_REQUESTS and len(each.request.events) <= room)
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
            outcomes = await self._send([each.request for each in batch])
            answered = list(zip(batch, outcomes, strict=True))
        except StoreUnavailable as error:
            _fail(batch, error)
        except EventStoreError as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for each in batch:  # the fault of one is not the others'
                await self._send_batch([each])
        except BaseException as error:
            _fail(batch, error)
            raise
        else:
            for each, outcome in answered:
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
