"""One client's journey, from admission to the last follow-up.

The workflow decides nothing itself: it brings commands to the domain, puts the outcome on record, makes the
calls the new state asks for, and waits for its inbox or the next deadline, whichever comes first. Nothing it
decides is visible anywhere before it is in the record.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import signatures
    from domain import effects as fx
    from domain.decide import decide
    from domain.evolve import fold
    from domain.pathway.calls import SettleEffect
    from domain.pathway.deadlines import TimePassed
    from domain.refusal import Refusal
    from domain.state import JourneyState
    from domain.values import Instant
    from workflows.calls import carry_out
    from workflows.card import Shown, attributes, cannot_record, card, card_while_reading, shown, timer_summary
    from workflows.messages import WORKFLOW, JourneySnapshot, JourneyStart, JourneyStatus, journey_status
    from workflows.newer_state import refuse_newer
    from workflows.not_recorded import shown_on_the_card
    from workflows.recording import CannotRecord, Recording, kinds_of
    from workflows.update_handlers import PendingCommand, RecordCheck


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
        self.is_reading = start.carried is not None
        self.inbox = deque(map(PendingCommand, start.kept))
        self.record_checks = deque([RecordCheck()] if self.is_reading else [])
        self.not_recorded = start.not_recorded
        self.stopped = None
        self._shown: Shown | None = None
        self._cause_shown: str | None = None
        self.wake = self.wants_new_run = self.keys_are_away = False
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.Task[None] | None = None
        self._timer_due: Instant | None = None
        self._fault: BaseException | None = None

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
        if start.carried is None and self.kept(start.opening) is None:
            self.inbox.appendleft(PendingCommand(start.opening))
        while True:
            await self._try_all()
            self._show()
            if self._is_over():
                await self._answer_the_last()
                if self._is_over():  # unless it was told to stand still, or could not record what came last
                    break
            self._make_calls()
            self._keep_timer()
            await self._wait()
            if self._fault is not None:
                raise CallNotMade("a call could not be made; mend the release that runs") from self._fault
        if not self.state.is_finished:
            # Calls under way are left behind: the next run makes them again under the same keys.
            workflow.continue_as_new(self._next_start())
        return journey_status(self.state)

    def _next_start(self) -> JourneyStart:
        """The next run's input. The state stays behind: the next run folds it from the record in the shape it knows."""
        known = self.known_state
        kept = tuple(pending.command for pending in self.inbox)
        carried = {"carried": known if known.version else None, "kept": kept, "not_recorded": self.not_recorded}
        return self.start.model_copy(update=carried)

    def _is_over(self) -> bool:
        return (self.state.is_finished and self.not_recorded is None) or self._should_roll_over()

    def _has_to_act(self) -> bool:
        return self.wake or bool(self.stopped or self._fault) or self._should_roll_over()

    async def _wait(self) -> None:
        """For something to do; what cannot be recorded is tried again after a pause that grows."""
        trouble = self.not_recorded
        with suppress(TimeoutError):
            await workflow.wait_condition(
                self._has_to_act,
                timeout=trouble.pause(workflow.now()) if trouble else None,
                timeout_summary=f"Cannot be recorded ({trouble.code}): tried again after this" if trouble else None,
            )

    async def _answer_the_last(self) -> None:
        """Returns with all tried and no caller waiting; nothing is awaited between that check and the end."""
        while self._is_over() and (self.wake or not workflow.all_handlers_finished()):
            await self._try_all()
            await workflow.wait_condition(lambda: self.wake or workflow.all_handlers_finished() or not self._is_over())

    async def _try_all(self) -> None:
        """Decides and records all that waits, in order. What cannot be recorded is kept and tried again later."""
        began, code, self.wake = workflow.now(), None, False
        try:
            await self.check_record()
            code = await self._answer_all()
        except CannotRecord as error:  # of none of them, then
            code = error.code
            for pending in self.inbox:
                pending.failed = True
            self.wake = not all(check.failed for check in self.record_checks)  # what came in since would fail as well
        await self.tell_of_attempt(code, began)
        if self.state.is_finished and self.inbox:
            self.wake = True

    async def _answer_all(self) -> str | None:
        """Answers what is in the inbox; the cause of the first that only by itself cannot be recorded.

        Raises:
            CannotRecord: Nothing of the journey can be recorded.
        """
        code, number, self.keys_are_away = None, 0, False
        while number < len(self.inbox):
            pending = self.inbox[number]
            try:
                await self._answer(pending)
            except CannotRecord as error:
                if not error.is_of_the_decision:
                    raise
                pending.failed = True
                code, number = code or error.code, number + 1
                self.keys_are_away = self.keys_are_away or error.code == signatures.KEYS_UNREACHABLE
            else:
                del self.inbox[number]
                pending.answered = True
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
            if recorded.as_asked:
                return

    def _make_calls(self) -> None:
        busy = self._calls.keys() | self._answers_kept()
        for effect in self.state.pending().values():
            concurrency_key = effect.concurrency_key
            if concurrency_key not in busy:
                busy.add(concurrency_key)
                self._calls[concurrency_key] = self._begin(self._call(concurrency_key, effect))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._look_for_fault)
        return task

    def _look_for_fault(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._fault = self._fault or task.exception()

    async def _call(self, concurrency_key: str, effect: fx.Effect) -> None:
        answer = await carry_out(self.state, effect)
        del self._calls[concurrency_key]
        self.put(SettleEffect(id=f"settle/{effect.key}", key=effect.key, answer=answer, revision=effect.told))

    def _answers_kept(self) -> set[str]:
        """The slots of calls that were answered, and whose answer is not on record yet."""
        kept = (pending.command for pending in self.inbox)
        return {each.concurrency_key for each in kept if isinstance(each, SettleEffect)}

    def _keep_timer(self) -> None:
        due = self.state.next_deadline()
        if due == self._timer_due or any(isinstance(each.command, TimePassed) for each in self.inbox):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._begin(self._ring(due)) if due else None

    async def _ring(self, due: Instant) -> None:
        rest = due - workflow.now()
        if rest > timedelta(0):
            await workflow.sleep(rest, summary=timer_summary(self.state, due))
        self._timer = self._timer_due = None
        self.put(TimePassed(id=f"time/{self.state.version}/{due.isoformat()}"))

    def _show(self) -> None:
        """Brings the card and the search attributes up to date."""
        now, trouble = workflow.now(), self.known_trouble
        first = [shown_on_the_card(trouble, kinds_of(self.inbox)), ""] if trouble else []
        if self.is_reading:
            self._show_reading(first, trouble.code if trouble else None)
            return
        workflow.set_current_details("\n".join([*first, card(self.state, now)]))
        values = shown(self.state, now, trouble.code if trouble else None)
        if values != self._shown:
            self._shown = values
            workflow.upsert_search_attributes(attributes(values))

    def _show_reading(self, first: list[str], cause: str | None) -> None:
        """What else the search attributes say is still what the run before said."""
        workflow.set_current_details("\n".join([*first, card_while_reading()]))
        if cause is not None and cause != self._cause_shown:
            self._cause_shown = cause
            workflow.upsert_search_attributes(cannot_record(cause))

    def snapshot(self) -> JourneySnapshot:
        """What the workflow says of itself. An answer in the inbox counts as a call: it is not to be made again."""
        return JourneySnapshot(
            state=self.known_state,
            is_reading=self.is_reading,
            calls=tuple(sorted(self._answers_kept() | set(self._calls))),
            waiting=len(self.inbox),
            stopped=self.stopped,
            not_recorded=self.known_trouble,
        )

    def _should_roll_over(self) -> bool:
        starting = self.not_recorded is not None and not self.not_recorded.known  # its callers wait to be told
        if self.stopped or starting or any(not check.failed for check in self.record_checks):  # none is carried over
            return False
        info, limit = workflow.info(), self.start.roll_over_after
        too_long = limit is not None and info.get_current_history_length() > limit
        return self.wants_new_run or too_long or info.is_continue_as_new_suggested()
