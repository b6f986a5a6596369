"""One client's journey, from admission to the last follow-up.

The workflow decides nothing itself: it brings commands to the domain, puts the outcome on record, makes the
calls the new state asks for, and waits for its inbox or the next deadline, whichever comes first. Nothing it
decides is visible anywhere before it is in the record.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import commands as cmd
    from domain import effects as fx
    from domain.decide import decide
    from domain.evolve import fold
    from domain.refusal import Refusal
    from domain.state import JourneyState
    from domain.values import Instant
    from workflows.calls import carry_out, slot_of
    from workflows.card import attributes, card, shown, timer_summary
    from workflows.desk import Letter
    from workflows.messages import WORKFLOW, Account, JourneyStart, Standing, standing
    from workflows.scribe import Scribe


class CallNotMade(Exception):
    """A call or the timer could not even be asked for: a fault of this release. The workflow task fails, which the
    Temporal UI reports, and is retried until the release is mended.
    """


@workflow.defn(name=WORKFLOW)
class JourneyWorkflow(Scribe):
    """A client's episode of care as a durable workflow."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        self.start = start
        self.state = start.state or JourneyState()
        self.inbox = deque()
        self.looks = deque()
        self.stopped = self.refused = self.shown = None
        self.wants_new_run = False
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.Task[None] | None = None
        self._timer_due: Instant | None = None
        self._fault: BaseException | None = None

    @workflow.run
    async def run(self, start: JourneyStart) -> Standing:
        """Runs until nothing more is owed to the client.

        A request to cancel the workflow is not heeded: what ends a journey is a decision on record, and a client
        whose workflow somebody cancelled would be forgotten.
        """
        life = asyncio.create_task(self._live(start))
        while True:
            try:
                return await asyncio.shield(life)
            except asyncio.CancelledError:
                if life.cancelled():
                    raise

    async def _live(self, start: JourneyStart) -> Standing:
        if start.state is None:
            self.inbox.appendleft(Letter(start.opening))
        while True:
            await self.heed()
            await self._answer_all()
            self._show()
            if self._is_over():
                await self._answer_the_last()
                if self._is_over():  # unless it was told to stand still meanwhile
                    break
            self._make_calls()
            self._keep_timer()
            await workflow.wait_condition(self._has_to_act)
            if self._fault is not None:
                raise CallNotMade("a call could not be made; mend the release that runs") from self._fault
        if not self.state.is_finished:
            # Calls under way are left behind: the next run makes them again under the same keys.
            workflow.continue_as_new(self.start.model_copy(update={"state": self.state}))
        return standing(self.state)

    def _is_over(self) -> bool:
        return self.state.is_finished or self._should_roll_over()

    def _has_to_act(self) -> bool:
        return bool(self.inbox or self.looks or self.stopped or self._fault) or self._should_roll_over()

    async def _answer_the_last(self) -> None:
        """Returns with an empty inbox and nobody waiting; nothing is awaited between that check and the end."""
        while self.inbox or self.looks or not workflow.all_handlers_finished():
            await self.heed()
            await self._answer_all()
            await workflow.wait_condition(lambda: bool(self.inbox or self.looks) or workflow.all_handlers_finished())

    async def _answer_all(self) -> None:
        while self.inbox:
            letter = self.inbox[0]
            await self._answer(letter)
            self.inbox.popleft()
            letter.answered = True

    async def _answer(self, letter: Letter) -> None:
        while True:
            await self.heed()
            outcome = decide(self.state, letter.command, workflow.now())
            if isinstance(outcome, Refusal):
                letter.refusal = outcome
            if isinstance(outcome, Refusal) or not outcome:
                return
            recorded = await self.record(letter.command, outcome)
            self.state = fold(recorded.events, self.state)
            if recorded.as_asked:
                return

    def _make_calls(self) -> None:
        for key, effect in self.state.pending().items():
            slot = slot_of(key)
            if slot not in self._calls:
                self._calls[slot] = self._begin(self._call(slot, effect))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._look_for_fault)
        return task

    def _look_for_fault(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._fault = self._fault or task.exception()

    async def _call(self, slot: str, effect: fx.Effect) -> None:
        answer = await carry_out(self.state, effect)
        del self._calls[slot]
        settled = cmd.SettleEffect(id=f"settle/{effect.key}", key=effect.key, answer=answer)
        self.inbox.append(Letter(settled))

    def _keep_timer(self) -> None:
        due = self.state.next_deadline()
        if due == self._timer_due:
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
        self.inbox.append(Letter(cmd.TimePassed(id=f"time/{self.state.version}/{due.isoformat()}")))

    def _show(self) -> None:
        now = workflow.now()
        workflow.set_current_details(card(self.state, now))
        values = shown(self.state, now)
        if values != self.shown:
            self.shown = values
            workflow.upsert_search_attributes(attributes(values))

    def account(self) -> Account:
        """What the workflow says of itself. An answer in the inbox counts as a call: it is not to be made again."""
        answers = (letter.command for letter in self.inbox)
        settled = {slot_of(each.key) for each in answers if isinstance(each, cmd.SettleEffect)}
        return Account(
            state=self.state,
            calls=tuple(sorted(settled | set(self._calls))),
            waiting=len(self.inbox),
            stopped=self.stopped or self.refused,
        )

    def _should_roll_over(self) -> bool:
        if self.looks or self.stopped:  # neither is carried over
            return False
        info, limit = workflow.info(), self.start.roll_over_after
        too_long = limit is not None and info.get_current_history_length() > limit
        return self.wants_new_run or too_long or info.is_continue_as_new_suggested()
