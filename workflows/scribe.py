"""How a journey and its record stay one truth: what is decided is recorded, and compared when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from activities import signatures
from domain import commands as cmd
from domain.comparing import fingerprint
from domain.events import Event
from domain.evolve import fold
from domain.values import Value
from workflows.card import URGENT, Shown, still
from workflows.desk import Desk
from workflows.messages import JourneyStart

Answer = TypeVar("Answer", bound=Value)

_WAIT_IN_THE_TASK = timedelta(seconds=3)
"""Shorter pauses are waited out inside the workflow task; longer ones are timers, so that a worker can stop."""
_WHILE_THE_RECORD_IS_AWAY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(minutes=2)
)
_ATTEMPT = timedelta(seconds=10)


def _pauses() -> Iterator[timedelta]:
    """Before the record is asked again: 1 s, doubling to 10 min, without end. A few events each time."""
    pause = timedelta(seconds=1)
    while True:
        yield pause
        pause = min(pause * 2, timedelta(minutes=10))


class Scribe(Desk):
    """Records for one journey, and stands still where the record contradicts it.

    Attributes:
        refused: Why the record did not take what was decided last, until it does.
        shown: What the search attributes say; None to have them said anew.
    """

    start: JourneyStart
    refused: str | None
    shown: Shown | None

    async def heed(self) -> None:
        """Compares with the record as often as was asked, and returns once the journey may decide.

        Awaits nothing where nothing was asked: a journey that nobody looks after costs no event for it.
        """
        while self.looks or self.stopped:
            if not self.looks:
                self._say_stopped()
                await workflow.wait_condition(lambda: bool(self.looks))
            contradiction = await self._compare()
            look = self.looks.popleft()
            if contradiction or look.mended:
                self.stopped = contradiction
            look.done = True

    async def _compare(self) -> str | None:
        """Takes in what the record holds beyond the journey; why that must not be done, if so."""
        held = await self._look()
        if held.version < self.state.version:
            return signatures.AHEAD_OF_RECORD
        if held.fingerprint != fingerprint(self.state):
            return signatures.DIFFERS_FROM_RECORD
        self.state = fold(held.events, self.state)
        return signatures.RECORD_CLOSED if held.closed and not self.state.is_finished else None

    async def _look(self) -> signatures.Looked:
        request = signatures.LookRequest(stream=self.start.opening.journey_id, version=self.state.version)
        for pause in _pauses():
            try:
                summary = f"Compare with the record, event {self.state.version} folded"
                return await self._ask_the_record(signatures.LOOK, request, signatures.Looked, summary)
            except FailureError as error:
                await workflow.sleep(pause, summary=self._refused_with(error))
        raise AssertionError("the pauses never end")

    async def record(self, command: cmd.BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        """What the record holds after the events folded so far; nothing yet if the journey has to look first."""
        request = signatures.RecordRequest(
            stream=self.start.opening.journey_id,
            expected_version=self.state.version,
            key=command.cause,
            events=events,
            close=fold(events, self.state).is_finished,
            client_ref=self.start.opening.client_ref,
        )
        for pause in _pauses():
            try:
                summary = f"Record {events[0].type} and what follows ({len(events)} events)"
                return await self._ask_the_record(signatures.RECORD, request, signatures.Recorded, summary)
            except FailureError as error:  # a local activity's own error comes bare, and would end the journey
                await self._stand_still(error, pause)
                if self.looks or self.stopped:
                    return signatures.Recorded(events=(), as_asked=False)
        raise AssertionError("the pauses never end")

    async def _ask_the_record(self, activity: str, request: Value, result_type: type[Answer], summary: str) -> Answer:
        answer: Answer = await workflow.execute_local_activity(
            activity,
            request,
            result_type=result_type,
            start_to_close_timeout=_ATTEMPT,
            retry_policy=_WHILE_THE_RECORD_IS_AWAY,
            local_retry_threshold=_WAIT_IN_THE_TASK,
            summary=summary,
        )
        self.refused = None
        return answer

    async def _stand_still(self, error: FailureError, pause: timedelta) -> None:
        """The record refused what the workflow is sure of. It decides nothing, says so, and asks again later.

        Failing the workflow task would say so too, but the refusal may already stand in the history as a marker,
        and then no replay would ever ask the record again.
        """
        summary = self._refused_with(error)
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: bool(self.looks or self.stopped), timeout=pause, timeout_summary=summary
            )

    def _refused_with(self, error: FailureError) -> str:
        if is_cancelled_exception(error):
            raise error
        self.refused = error.type or "failed" if isinstance(error, ApplicationError) else type(error).__name__
        workflow.set_current_details(still(f"the record refused ({self.refused})"))
        if self.shown is not None:
            workflow.upsert_search_attributes([URGENT.value_set(True)])
            self.shown = None  # shown anew, and as it is, once the record takes events again
        return f"Stopped by the record ({self.refused}); asks it again"

    def _say_stopped(self) -> None:
        workflow.set_current_details(still(f"record and workflow contradict each other ({self.stopped})"))
        workflow.upsert_search_attributes([URGENT.value_set(True)])
        self.shown = None
