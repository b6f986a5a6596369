"""One client's journey, from admission to the last follow-up.

The workflow decides nothing itself: it brings commands to the domain, puts the outcome on record, makes the
calls the new state asks for, and waits for a command or the next deadline, whichever comes first. Nothing it
decides is visible anywhere before it is in the record.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import effects as fx
    from domain.pathway.calls import Answer, SettleEffect
    from domain.pathway.deadlines import TimePassed
    from domain.state import JourneyState
    from domain.values import Instant
    from workflows.calls import carry_out
    from workflows.calls_under_way import CallsUnderWay
    from workflows.card import timer_summary
    from workflows.deadline_timer import DeadlineTimer
    from workflows.display import Display
    from workflows.journey_record import JourneyRecord
    from workflows.messages import WORKFLOW, JourneySnapshot, JourneyStart, JourneyStatus, journey_status
    from workflows.newer_state import refuse_newer
    from workflows.pending import PendingCommands
    from workflows.recording import Recording
    from workflows.trouble import Trouble
    from workflows.update_handlers import RecordCheck


class CallNotMade(Exception):
    """A call or the timer could not even be asked for: a fault of this release. The workflow task fails, which the
    Temporal UI reports, and is retried until the release is mended.
    """


@workflow.defn(name=WORKFLOW)
class JourneyWorkflow(Recording):
    """A client's episode of care as a durable workflow."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        self.start = start
        self.state = JourneyState()
        self.mark = ""
        self.is_reading = start.carried is not None
        self.pending = PendingCommands(start.kept)
        self.record_checks = deque([RecordCheck()] if self.is_reading else [])
        self.stream = JourneyRecord(start.opening)
        self.trouble = Trouble(start.opening.journey_id, start.not_recorded)
        self.stopped = None
        self.wake = self.wants_new_run = False
        self._display = Display()
        self._calls = CallsUnderWay(self._carry_out, self._answered)
        self._timer = DeadlineTimer(self._wait_until, self._rang)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        """Runs until nothing more is owed to the client.

        A request to cancel the workflow is not heeded: what ends a journey is a decision on record, and a client
        whose workflow somebody cancelled would be forgotten.

        Raises:
            NewerState: A newer release began the run. The workflow task fails, and a worker of that release goes on.
        """
        refuse_newer(start.carried)
        life = asyncio.create_task(self._live(start))
        while True:
            try:
                return await asyncio.shield(life)
            except asyncio.CancelledError:
                if life.cancelled():
                    raise

    async def _live(self, start: JourneyStart) -> JourneyStatus:
        if start.carried is None and self.pending.find(start.opening) is None:
            self.pending.put(start.opening, first=True)
        while True:
            await self.answer_all()
            self._show()
            if self._is_over():
                await self._answer_the_last()
                if self._is_over():  # unless it was told to stand still, or could not record what came last
                    break
            self._make_calls()
            self._set_timer()
            await self._wait()
            if (fault := self._fault()) is not None:
                raise CallNotMade("a call could not be made; mend the release that runs") from fault
        if not self.state.is_finished:
            # Calls under way are left behind: the next run makes them again under the same keys.
            workflow.continue_as_new(self._next_start())
        return journey_status(self.state)

    def _next_start(self) -> JourneyStart:
        """The next run's input. The state stays behind: the next run folds it from the record in the shape it knows."""
        known = self.known_state
        carried = {"carried": known if known.version else None, "kept": self.pending.commands()}
        return self.start.model_copy(update={**carried, "not_recorded": self.trouble.now})

    def _is_over(self) -> bool:
        return (self.state.is_finished and self.trouble.now is None) or self._should_roll_over()

    def _has_to_act(self) -> bool:
        return self.wake or bool(self.stopped or self._fault()) or self._should_roll_over()

    def _fault(self) -> BaseException | None:
        return self._calls.fault or self._timer.fault

    async def _wait(self) -> None:
        """For something to do; what cannot be recorded is tried again after a pause that grows."""
        trouble = self.trouble.now
        with suppress(TimeoutError):
            await workflow.wait_condition(
                self._has_to_act,
                timeout=trouble.pause(workflow.now()) if trouble else None,
                timeout_summary=f"Cannot be recorded ({trouble.code}): tried again after this" if trouble else None,
            )

    async def _answer_the_last(self) -> None:
        """Returns with all tried and no caller waiting; nothing is awaited between that check and the end."""
        while self._is_over() and (self.wake or not workflow.all_handlers_finished()):
            await self.answer_all()
            await workflow.wait_condition(lambda: self.wake or workflow.all_handlers_finished() or not self._is_over())

    def _make_calls(self) -> None:
        self._calls.begin(self.state.pending().values(), busy=self.pending.answered_calls())

    async def _carry_out(self, effect: fx.Effect) -> Answer:
        return await carry_out(self.state, effect)

    def _answered(self, effect: fx.Effect, answer: Answer) -> None:
        self.put(SettleEffect(id=f"settle/{effect.key}", key=effect.key, answer=answer, revision=effect.told))

    def _set_timer(self) -> None:
        if not self.pending.has_time_passed:
            self._timer.set(self.state.next_deadline())

    async def _wait_until(self, due: Instant) -> None:
        rest = due - workflow.now()
        if rest > timedelta(0):
            await workflow.sleep(rest, summary=timer_summary(self.state, due))

    def _rang(self, due: Instant) -> None:
        self.put(TimePassed(id=f"time/{self.state.version}/{due.isoformat()}"))

    def _show(self) -> None:
        """Brings the card and the search attributes up to date."""
        if self.is_reading:
            self._display.show_reading(self.trouble.known, self.pending.kinds())
        else:
            self._display.show(self.state, self.mark, self.trouble.known, self.pending.kinds())

    def snapshot(self) -> JourneySnapshot:
        """What the workflow says of itself. An answer that waits counts as a call: it is not to be made again."""
        return JourneySnapshot(
            state=self.known_state,
            is_reading=self.is_reading,
            calls=tuple(sorted(self.pending.answered_calls() | self._calls.keys())),
            waiting=len(self.pending),
            stopped=self.stopped,
            not_recorded=self.trouble.known,
        )

    def _should_roll_over(self) -> bool:
        if self.stopped or self.trouble.is_starting:  # the callers wait to be told
            return False
        if any(not check.failed for check in self.record_checks):  # none is carried over
            return False
        info, limit = workflow.info(), self.start.roll_over_after
        too_long = limit is not None and info.get_current_history_length() > limit
        return self.wants_new_run or too_long or info.is_continue_as_new_suggested()
