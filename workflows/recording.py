"""How a journey decides: each outcome is recorded before it counts, and record and journey are compared when asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress

from temporalio import workflow

from activities import signatures
from domain.commands import BaseCommand, Decision, SignedCommand
from domain.comparing import Fingerprint, fingerprint
from domain.decide import decide
from domain.evolve import fold
from domain.pathway import Event
from domain.refusal import Refusal
from domain.state import JourneyState
from workflows.clear_text import ClearText
from workflows.display import Display
from workflows.journey_record import CannotRecord, JourneyRecord
from workflows.messages import JourneySnapshot, JourneyStart
from workflows.not_recorded import PAGED_EVERY, NotRecorded
from workflows.pending import PendingCommand, PendingCommands
from workflows.record_checks import RecordCheck, RecordChecks
from workflows.trouble import Trouble


class Recording:
    """Decides and records for one journey.

    Attributes:
        state: The journey as far as it is on record.
        mark: Of the last event in `state`; empty if it is not known.
        is_reading: Whether the record is still to be read, so that `state` is empty and says nothing.
        pending: Commands whose outcome is not on record yet, in their order.
        checks: Comparisons with the record that were asked for, and whether the journey stands still.
        trouble: Why what was decided cannot be recorded now.
        wake: Whether something came in that was not tried yet.
    """

    def __init__(self, start: JourneyStart) -> None:
        self.state = JourneyState()
        self.mark = ""
        self.is_reading = start.carried is not None
        self.pending = PendingCommands(start.kept)
        self.checks = RecordChecks(at_once=self.is_reading)
        self.trouble = Trouble(start.opening.journey_id, start.not_recorded)
        self.wake = False
        self._carried = start.carried
        self._record = JourneyRecord(start.opening)
        self._display = Display()
        if start.carried is None and self.pending.find(start.opening) is None:
            self.pending.put(start.opening, first=True)

    def put(self, command: BaseCommand) -> PendingCommand:
        """Has `command` decided and recorded soon, once."""
        self.wake = True
        return self.pending.put(command)

    def ask_check(self, *, mended: bool = False) -> RecordCheck:
        """Has the journey compared with its record soon."""
        self.wake = True
        return self.checks.ask(mended=mended)

    def was_tried(self, check: RecordCheck) -> bool:
        """Whether what `check` asked for has come to an end, good or bad.

        The end is one of: the record could not be read; it was read and the journey stands still; it was read and
        nothing waits, or everything that waits has failed for a known reason.
        """
        if check.failed and self.trouble.known is not None:
            return True
        if not check.done:
            return False
        if self.trouble.known is not None:
            return self.pending.all_failed
        return self.checks.stopped is not None or not self.pending

    @property
    def known_state(self) -> Fingerprint:
        """The state that the journey is in; while it is still reading its record, the one that it is to read."""
        return self._carried if self.is_reading and self._carried is not None else fingerprint(self.state)

    def snapshot(self, calls: Collection[str]) -> JourneySnapshot:
        """What the workflow says of itself. An answer that waits counts as a call: it is not to be made again.

        Args:
            calls: The concurrency keys of the calls under way.
        """
        return JourneySnapshot(
            state=self.known_state,
            is_reading=self.is_reading,
            calls=tuple(sorted({*calls, *self.pending.answered_calls()})),
            waiting=len(self.pending),
            stopped=self.checks.stopped,
            not_recorded=self.trouble.known,
        )

    def show(self) -> None:
        """Brings the card and the search attributes up to date."""
        if self.is_reading:
            self._display.show_reading(self.trouble.known, self.pending.kinds())
        else:
            self._display.show(self.state, self.mark, self.trouble.known, self.pending.kinds())

    async def wait_until(self, has_to_act: Callable[[], bool]) -> None:
        """Waits for something to do. What cannot be recorded is tried again after a pause that grows."""
        trouble = self.trouble.now
        with suppress(TimeoutError):
            await workflow.wait_condition(
                has_to_act,
                timeout=trouble.pause(workflow.now()) if trouble else None,
                timeout_summary=_tried_again(trouble) if trouble else None,
            )

    async def answer_all(self) -> None:
        """Decides and records all that waits, in order. What cannot be recorded is kept and tried again later."""
        began, code, self.wake = workflow.now(), None, False
        try:
            await self.check_record()
            code = await self._answer_in_order()
        except CannotRecord as error:  # of none of them, then
            code = error.code
            self.pending.fail_all()
            self.wake = not self.checks.all_failed  # what came in since would fail as well
        stands_still = self.checks.stopped is not None
        await self.trouble.attempted(code, began, self.pending.kinds(), stands_still=stands_still)
        if self.state.is_finished and self.pending:
            self.wake = True

    async def _answer_in_order(self) -> str | None:
        """Answers what waits; the cause of the first that only by itself cannot be recorded.

        Raises:
            CannotRecord: Nothing of the journey can be recorded.
        """
        code, number, self._record.keys_are_away = None, 0, False
        while number < len(self.pending):
            pending = self.pending[number]
            try:
                await self._answer(pending)
            except CannotRecord as error:
                if not error.is_of_the_decision:
                    raise
                pending.failed = True
                code, number = code or error.code, number + 1
                self._record.keys_are_away = self._record.keys_are_away or error.code == signatures.KEYS_UNREACHABLE
            else:
                self.pending.take_out(number)
                await self._tell_a_late_refusal(pending)
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
            if recorded.refusal is not None:
                pending.refusal = recorded.refusal
                return
            self.state = fold(recorded.events, self.state)  # an earlier attempt may have recorded them at another time
            self.mark = recorded.mark if recorded.events else self.mark
            if recorded.as_asked:
                return

    async def record(self, command: BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        """What the record holds after the events folded so far, or why the command was not believed.

        Raises:
            CannotRecord: It took nothing, as far as is known; asking again under the same key is safe.
        """
        site = self.state.admission.site
        authorship = command.authorship(site) if isinstance(command, SignedCommand) else None
        asked = self.pending.has_callers
        return await self._record.append(command.cause, events, self.state, authorship=authorship, is_asked=asked)

    async def _tell_a_late_refusal(self, pending: PendingCommand) -> None:
        """Tells operations of a refused decision that was kept for later, so that no caller waits for it."""
        refusal = pending.refusal
        if refusal is not None and isinstance(pending.command, Decision) and not pending.callers_waiting:
            await self.trouble.refused(pending, refusal)

    async def check_record(self) -> None:
        """Compares with the record as often as was asked, and returns once the journey may decide.

        Raises:
            CannotRecord: The record cannot be read.
        """
        says_mended = self.checks.says_mended
        await self.checks.clear(self._compare, self._stand_still)
        if says_mended:  # what was under way when it was said may have failed since
            self.pending.try_all_again()

    async def _stand_still(self) -> None:
        """Decides nothing until the record is to be checked; callers of decisions that wait are told why."""
        while not self.checks:
            self.pending.fail_all()
            kinds = self.pending.kinds()
            await self.trouble.attempted(self.checks.stopped, workflow.now(), kinds, stands_still=True)
            self.show()
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: bool(self.checks) or not self.pending.all_failed,
                    timeout=PAGED_EVERY,
                    timeout_summary=ClearText("Stands still: operations are paged again after this"),
                )

    async def _compare(self) -> str | None:
        """Takes in what the record holds beyond the journey; why that must not be done, if so."""
        known, state, mark = self.known_state, self.state, self.mark
        held = await self._record.read(state.version, known)
        if held.version < known.version:
            return signatures.AHEAD_OF_RECORD
        if held.differs:
            return signatures.DIFFERS_FROM_RECORD
        state, batch = fold(held.events, state), held
        mark = held.mark if held.events else mark
        while state.version < held.version:
            batch = await self._record.read(state.version)
            if not batch.events:  # it has lost events since
                return signatures.AHEAD_OF_RECORD
            state, mark = fold(batch.events, state), batch.mark
        self.state, self.mark, self.is_reading = state, mark, False
        return signatures.RECORD_CLOSED if batch.closed and not self.state.is_finished else None


def _tried_again(trouble: NotRecorded) -> ClearText:
    return ClearText(f"Cannot be recorded ({trouble.code}): tried again after this")
