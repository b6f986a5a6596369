"""How a journey and its record stay one truth: what is decided is recorded, and compared when someone asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn, TypeVar

import structlog
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError, TimeoutError, is_cancelled_exception

from activities import signatures
from domain.commands import BaseCommand, Decision
from domain.comparing import Fingerprint, fingerprint
from domain.evolve import fold
from domain.pathway import Event
from domain.refusal import Refusal
from domain.values import Instant, Value
from workflows.messages import JourneyStart
from workflows.not_recorded import (
    CAUSES,
    PAGED_EVERY,
    NotRecorded,
    cause,
    failed,
    page,
    page_when_over,
    page_when_refused,
)
from workflows.paging import page_once
from workflows.update_handlers import PendingCommand, UpdateHandlers

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer", bound=Value)

_ONE_TRY = timedelta(seconds=6)
"""Elapsed. Longer than the recorder waits for the store, so a try that ends by this has lost its worker."""
_TRIES = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=2)
_ALL_TRIES = timedelta(seconds=16)
"""Elapsed, with what they wait for their turn in the worker, which is long when many clients are admitted at once."""
_ALL_TRIES_WHEN_ASKED = timedelta(seconds=8)
"""Elapsed, where a caller waits to be told."""


class CannotRecord(Exception):
    """An attempt to use the record failed.

    Attributes:
        code: The cause; see `workflows.not_recorded`.
        is_of_the_decision: Whether other decisions of the journey may be recorded all the same.
    """

    def __init__(self, code: str, *, is_of_the_decision: bool) -> None:
        super().__init__(code)
        self.code = code
        self.is_of_the_decision = is_of_the_decision


class Recording(UpdateHandlers):
    """Records for one journey, keeps what cannot be recorded, and stands still where the record contradicts it.

    Attributes:
        start: The workflow's input.
        keys_are_away: Whether the keys did not answer for an earlier command of this attempt: they are not waited for
            again.
    """

    start: JourneyStart
    keys_are_away: bool

    def _show(self) -> None:
        """Brings the card and the search attributes up to date."""
        raise NotImplementedError

    async def check_record(self) -> None:
        """Compares with the record as often as was asked, and returns once the journey may decide.

        Awaits nothing where nothing was asked: a journey that nobody looks after costs no event for it.

        Raises:
            CannotRecord: The record cannot be read.
        """
        while self.record_checks or self.stopped:
            if not self.record_checks:
                await self._stand_still()
                continue
            try:
                contradiction = await self._compare()
            except CannotRecord:
                for check in self.record_checks:
                    check.failed = True
                raise
            check = self.record_checks.popleft()
            if contradiction or check.mended:
                self.stopped = contradiction
            check.done, check.failed = True, False

    async def _stand_still(self) -> None:
        """Decides nothing until the record is to be looked at; callers of decisions that wait are told why."""
        while not self.record_checks:
            for pending in self.inbox:
                pending.failed = True
            await self.tell_of_attempt(self.stopped, workflow.now())
            self._show()
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: bool(self.record_checks) or not all(each.failed for each in self.inbox),
                    timeout=PAGED_EVERY,
                    timeout_summary="Stands still: operations are paged again after this",
                )

    async def _compare(self) -> str | None:
        """Takes in what the record holds beyond the journey; why that must not be done, if so."""
        known, state = self.known_state, self.state
        held = await self._look(state.version, known)
        if held.version < known.version:
            return signatures.AHEAD_OF_RECORD
        if held.differs:
            return signatures.DIFFERS_FROM_RECORD
        state, batch = fold(held.events, state), held
        while state.version < held.version:
            batch = await self._look(state.version)
            if not batch.events:  # it has lost events since
                return signatures.AHEAD_OF_RECORD
            state = fold(batch.events, state)
        self.state, self.is_reading = state, False
        return signatures.RECORD_CLOSED if batch.closed and not self.state.is_finished else None

    @property
    def known_state(self) -> Fingerprint:
        """The state that the journey is in; while it is still reading its record, the one that it is to read."""
        carried = self.start.carried
        return carried if self.is_reading and carried is not None else fingerprint(self.state)

    async def _look(self, after: int, known: Fingerprint | None = None) -> signatures.RecordChecked:
        request = signatures.CheckRequest(stream=self.start.opening.journey_id, after=after, known=known)
        summary = f"Read the record after event {after}" + (f", compare event {known.version}" if known else "")
        try:
            return await self._ask_the_record(signatures.CHECK_RECORD, request, signatures.RecordChecked, summary)
        except FailureError as error:
            _fail(error, anything_else=False)

    async def record(self, command: BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        """What the record holds after the events folded so far.

        Raises:
            CannotRecord: It took nothing, as far as is known; asking again under the same key is safe.
        """
        request = signatures.RecordRequest(
            stream=self.start.opening.journey_id,
            expected_version=self.state.version,
            key=command.cause,
            events=events,
            close=fold(events, self.state).is_finished,
            client_ref=self.start.opening.client_ref,
            keys_are_away=self.keys_are_away,
        )
        summary = f"Record {events[0].type} and what follows ({len(events)} events)"
        try:
            return await self._ask_the_record(signatures.RECORD, request, signatures.Recorded, summary)
        except FailureError as error:
            _fail(error, anything_else=self.state.version > 0)  # nothing goes before the opening

    async def _ask_the_record(self, activity: str, request: Value, result_type: type[Answer], summary: str) -> Answer:
        is_asked = bool(self.record_checks) or any(each.callers_waiting for each in self.inbox)
        answer: Answer = await workflow.execute_activity(
            activity,
            request,
            result_type=result_type,
            start_to_close_timeout=_ONE_TRY,
            schedule_to_close_timeout=_ALL_TRIES_WHEN_ASKED if is_asked else _ALL_TRIES,
            retry_policy=_TRIES,
            summary=summary,
        )
        return answer

    async def tell_of_attempt(self, code: str | None, began: Instant) -> None:
        """Logs and pages what became of an attempt at all that waits, where that is new or was long ago.

        Args:
            code: The cause of the first failure; None where there was none.
            began: When the attempt began.
        """
        before = self.not_recorded
        if code is None:
            self.not_recorded = None
            if before is not None:
                await self._tell_that_it_is_over(before)
            return
        trouble = failed(before, code, began, workflow.now(), stands_still=self.stopped is not None)
        self.not_recorded = trouble
        if trouble.is_news_after(before):
            self._log("journey-stands-still" if trouble.stands_still else "decision-not-recorded", trouble)
        if trouble.page_is_due(workflow.now()):
            self.not_recorded = trouble.model_copy(update={"paged_at": workflow.now()})
            await page_once(page(trouble, self.start.opening.journey_id, kinds_of(self.inbox), workflow.now()))

    async def _tell_that_it_is_over(self, trouble: NotRecorded) -> None:
        if trouble.known:
            self._log("recorded-again", trouble)
        if trouble.paged_at is not None:
            await page_once(page_when_over(trouble, self.start.opening.journey_id, workflow.now()))

    async def tell_refused(self, pending: PendingCommand, refusal: Refusal) -> None:
        """Tells operations of a refusal that no caller waits for, since the decision was kept for later."""
        if isinstance(pending.command, Decision) and not pending.callers_waiting:
            journey, kind = self.start.opening.journey_id, kinds_of([pending])[0]
            if not workflow.unsafe.is_replaying():
                log.error("kept-decision-refused", journey=journey, kind=kind, code=refusal.code)
            await page_once(page_when_refused(journey, pending.command.cause, kind, refusal.code))

    def _log(self, event: str, trouble: NotRecorded) -> None:
        if workflow.unsafe.is_replaying():
            return
        tell = log.error if trouble is self.not_recorded else log.warning
        tell(
            event,
            journey=self.start.opening.journey_id,
            cause=trouble.code,
            since=trouble.since.isoformat(),
            advice=trouble.sentence,
            waiting=kinds_of(self.inbox),
        )


def kinds_of(letters: Sequence[PendingCommand]) -> list[str]:
    """The kinds of what waits, e.g. `decide-placement`; never a word of it."""
    return [str(type(each.command).model_fields["kind"].default) for each in letters]


def _fail(error: FailureError, *, anything_else: bool) -> NoReturn:
    if is_cancelled_exception(error):
        raise error
    code = _code_of(error)
    raise CannotRecord(code, is_of_the_decision=anything_else and cause(code).is_of_the_decision) from None


def _code_of(error: FailureError) -> str:
    """The cause that the recorder named; one that named none in time did not answer."""
    link: BaseException | None = error
    timed_out = False
    while link is not None:
        if isinstance(link, ApplicationError) and link.type in CAUSES:
            return str(link.type)
        timed_out = timed_out or isinstance(link, TimeoutError)
        link = link.__cause__
    return signatures.RECORD_UNREACHABLE if timed_out else signatures.UNEXPECTED
