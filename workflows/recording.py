"""How a journey decides: each outcome is recorded before it counts, and record and journey are compared when asked."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from temporalio import workflow

from activities import signatures
from domain.commands import BaseCommand, Decision
from domain.comparing import Fingerprint, fingerprint
from domain.decide import decide
from domain.evolve import fold
from domain.pathway import Event
from domain.refusal import Refusal
from workflows.journey_record import CannotRecord, JourneyRecord
from workflows.messages import JourneyStart
from workflows.not_recorded import PAGED_EVERY
from workflows.pending import PendingCommand
from workflows.update_handlers import UpdateHandlers


class Recording(UpdateHandlers):
    """Decides and records for one journey, and stands still where the record contradicts it.

    Attributes:
        start: The workflow's input.
        stream: The journey's part of the record.
        mark: Of the last event that was folded; empty if it is not known.
    """

    start: JourneyStart
    stream: JourneyRecord
    mark: str

    def _show(self) -> None:
        """Brings the card and the search attributes up to date."""
        raise NotImplementedError

    async def answer_all(self) -> None:
        """Decides and records all that waits, in order. What cannot be recorded is kept and tried again later."""
        began, code, self.wake = workflow.now(), None, False
        try:
            await self.check_record()
            code = await self._answer_in_order()
        except CannotRecord as error:  # of none of them, then
            code = error.code
            self.pending.fail_all()
            self.wake = not all(check.failed for check in self.record_checks)  # what came in since would fail as well
        await self.trouble.attempted(code, began, self.pending.kinds(), stands_still=self.stopped is not None)
        if self.state.is_finished and self.pending:
            self.wake = True

    async def _answer_in_order(self) -> str | None:
        """Answers what waits; the cause of the first that only by itself cannot be recorded.

        Raises:
            CannotRecord: Nothing of the journey can be recorded.
        """
        code, number, self.stream.keys_are_away = None, 0, False
        while number < len(self.pending):
            pending = self.pending[number]
            try:
                await self._answer(pending)
            except CannotRecord as error:
                if not error.is_of_the_decision:
                    raise
                pending.failed = True
                code, number = code or error.code, number + 1
                self.stream.keys_are_away = self.stream.keys_are_away or error.code == signatures.KEYS_UNREACHABLE
            else:
                self.pending.take_out(number)
                if pending.refusal is not None:
                    await self.tell_refused(pending, pending.refusal)
        return code

    async def _answer(self, pending: PendingCommand) -> None:
        while True:
            await self.check_record()
            outcome = decide(self.state, pending.command, workflow.now())
            if isinstance(outcome, Refusal):
                pending.refusal = outcome
            if isinstance(outcome, Refusal) or not outcome.events:
                return
            recorded = await self.record(pending.command, outcome.events)
            self.state = fold(recorded.events, self.state)  # an earlier attempt may have recorded them at another time
            self.mark = recorded.mark if recorded.events else self.mark
            if recorded.as_asked:
                return

    async def check_record(self) -> None:
        """Compares with the record as often as was asked, and returns once the journey may decide.

        Awaits nothing where nothing was asked, so that it costs no event then.

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
        """Decides nothing until the record is to be checked; callers of decisions that wait are told why."""
        while not self.record_checks:
            self.pending.fail_all()
            await self.trouble.attempted(self.stopped, workflow.now(), self.pending.kinds(), stands_still=True)
            self._show()
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: bool(self.record_checks) or not self.pending.all_failed,
                    timeout=PAGED_EVERY,
                    timeout_summary="Stands still: operations are paged again after this",
                )

    async def _compare(self) -> str | None:
        """Takes in what the record holds beyond the journey; why that must not be done, if so."""
        known, state, mark = self.known_state, self.state, self.mark
        held = await self.stream.read(state.version, known)
        if held.version < known.version:
            return signatures.AHEAD_OF_RECORD
        if held.differs:
            return signatures.DIFFERS_FROM_RECORD
        state, batch = fold(held.events, state), held
        mark = held.mark if held.events else mark
        while state.version < held.version:
            batch = await self.stream.read(state.version)
            if not batch.events:  # it has lost events since
                return signatures.AHEAD_OF_RECORD
            state, mark = fold(batch.events, state), batch.mark
        self.state, self.mark, self.is_reading = state, mark, False
        return signatures.RECORD_CLOSED if batch.closed and not self.state.is_finished else None

    @property
    def known_state(self) -> Fingerprint:
        """The state that the journey is in; while it is still reading its record, the one that it is to read."""
        carried = self.start.carried
        return carried if self.is_reading and carried is not None else fingerprint(self.state)

    async def record(self, command: BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        """What the record holds after the events folded so far.

        Raises:
            CannotRecord: It took nothing, as far as is known; asking again under the same key is safe.
        """
        return await self.stream.append(command.cause, events, self.state, is_asked=self.pending.has_callers)

    async def tell_refused(self, pending: PendingCommand, refusal: Refusal) -> None:
        """Tells operations of a refusal that no caller waits for, since the decision was kept for later."""
        if isinstance(pending.command, Decision) and not pending.callers_waiting:
            await self.trouble.refused(pending, refusal)
