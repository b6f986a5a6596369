"""One client's journey, from admission to the last follow-up.

The workflow decides nothing itself: it brings commands to the domain, puts the outcome on record, makes the
calls the new state asks for, and waits for a command or the next deadline, whichever comes first. Nothing it
decides is visible anywhere before it is in the record.
"""

from __future__ import annotations

from contextlib import suppress

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.calls import carry_out, settled
    from workflows.calls_under_way import CallsUnderWay
    from workflows.deadline_timer import DeadlineTimer, sleep_until, time_passed
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus, journey_status
    from workflows.newer_state import refuse_newer
    from workflows.recording import Recording
    from workflows.rolling_over import next_start, should_roll_over
    from workflows.uncancelled import to_its_end
    from workflows.update_handlers import UpdateHandlers


class CallNotMade(Exception):
    """A call or the timer could not even be asked for: a fault of this release. The workflow task fails, which the
    Temporal UI reports, and is retried until the release is mended.
    """


@workflow.defn(name=WORKFLOW)
class JourneyWorkflow(UpdateHandlers):
    """A client's episode of care as a durable workflow."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        self.start = start
        self.recording = Recording(start)
        self.calls = CallsUnderWay(
            lambda effect: carry_out(self.recording.state, effect),
            lambda effect, answer: self.recording.put(settled(effect, answer)),
        )
        self.timer = DeadlineTimer(
            lambda due, pause: sleep_until(self.recording.state, due, pause),
            lambda due: self.recording.put(time_passed(self.recording.state, due)),
        )
        self.wants_new_run = False

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        """Runs until nothing more is owed to the client.

        Raises:
            NewerState: A newer release began the run. The workflow task fails, and a worker of that release goes on.
        """
        refuse_newer(start.carried)
        return await to_its_end(self._live())

    async def _live(self) -> JourneyStatus:
        while True:
            await self.recording.answer_all()
            self.recording.show()
            if self._is_over():
                await self._answer_the_last()
                if self._is_over():  # unless it was told to stand still, or could not record what came last
                    break
            self._make_calls()
            await self._wait()
            if (fault := self._fault()) is not None:
                raise CallNotMade("a call could not be made; mend the release that runs") from fault
        if not self.recording.state.is_finished:
            # Calls under way are left behind: the next run makes them again under the same keys.
            workflow.continue_as_new(next_start(self.start, self.recording))
        return journey_status(self.recording.state)

    def _make_calls(self) -> None:
        """Makes the calls that the state asks for, and sets the timer to its next deadline."""
        state, pending = self.recording.state, self.recording.pending
        self.calls.begin(state.pending().values(), busy=pending.answered_calls())
        if not pending.has_time_passed:
            self.timer.set(state.next_deadline())

    async def _wait(self) -> None:
        """For something to do; what cannot be recorded is tried again after a pause that grows."""
        trouble = self.recording.trouble.now
        with suppress(TimeoutError):
            await workflow.wait_condition(
                self._has_to_act,
                timeout=trouble.pause(workflow.now()) if trouble else None,
                timeout_summary=f"Cannot be recorded ({trouble.code}): tried again after this" if trouble else None,
            )

    def _has_to_act(self) -> bool:
        return bool(self.recording.wake or self.recording.checks.stopped or self._fault()) or self._should_roll_over()

    async def _answer_the_last(self) -> None:
        """Returns with all tried and no caller waiting; nothing is awaited between that check and the end."""
        while self._is_over() and not self._is_quiet():
            await self.recording.answer_all()
            await workflow.wait_condition(lambda: self.recording.wake or self._is_quiet() or not self._is_over())

    def _is_quiet(self) -> bool:
        return not self.recording.wake and workflow.all_handlers_finished()

    def _is_over(self) -> bool:
        is_finished = self.recording.state.is_finished and self.recording.trouble.now is None
        return is_finished or self._should_roll_over()

    def _should_roll_over(self) -> bool:
        return should_roll_over(self.start, self.recording, is_asked=self.wants_new_run)

    def _fault(self) -> BaseException | None:
        return self.calls.fault or self.timer.fault
