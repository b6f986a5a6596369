"""Every way to ask something of a running journey.

Decisions and facts are Updates. A validator refuses what cannot be, before it costs anything; what is accepted
waits until the journey has put its outcome on record, and only then is answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.commands import AdmissionsMessage, BaseCommand, Decision
from domain.decide import decide
from domain.pathway import COMMANDS
from domain.refusal import Refusal, UnknownHere
from domain.state import JourneyState
from workflows.messages import READING, JourneySnapshot, JourneyStatus, journey_status
from workflows.not_recorded import TYPE, NotRecorded, told_to_the_caller
from workflows.pending import PendingCommand, PendingCommands
from workflows.trouble import Trouble


@dataclass
class RecordCheck:
    """A request that the journey compare itself with its record.

    Attributes:
        mended: Whether an engineer says that the record is in order.
        done: Whether it was compared.
        failed: Whether the last attempt to read the record failed.
    """

    mended: bool = False
    done: bool = False
    failed: bool = False


Handler = Callable[["UpdateHandlers", Any], Awaitable[JourneyStatus]]


def update(command: type[BaseCommand]) -> Callable[[Handler], Handler]:
    """An Update named and described as `command` is, refused early where the domain would refuse it."""

    def register(handler: Handler) -> Handler:
        registered: Any = workflow.update(name=command.name(), description=command.description())(handler)
        registered.validator(_validator_of(handler))
        return registered  # type: ignore[no-any-return]

    return register


def _validator_of(handler: Handler) -> Callable[[UpdateHandlers, Any], None]:
    def refuse_early(handlers: UpdateHandlers, command: BaseCommand) -> None:
        if handlers.pending.find(command) is not None:  # it was taken in before, and is decided when it can be recorded
            return
        if handlers.stopped is not None:
            raise refused(_stands_still(handlers.stopped))
        try:
            command.require_known()
            if handlers.state.version == 0:  # opening, or still reading the record: what waits keeps its order
                return
            outcome = decide(handlers.state, command, workflow.now())
        except UnknownHere as error:
            raise refused(Refusal(code="worker-out-of-date", sentence=f"{error}. Nothing has changed.")) from None
        if isinstance(outcome, Refusal):
            raise refused(outcome)

    # The SDK compares the two signatures as they are written.
    refuse_early.__annotations__ = {"command": handler.__annotations__["command"], "return": None}
    return refuse_early


def _stands_still(code: str) -> Refusal:
    return Refusal(
        code="standing-still",
        sentence=f"This journey stands still ({code}) until its record is mended, and operations are paged. "
        "Nothing has changed: ask again once it goes on.",
    )


def refused(refusal: Refusal) -> ApplicationError:
    """The error a caller sees: its type is the refusal's code, its message the sentence for a nurse."""
    return ApplicationError(refusal.sentence, type=refusal.code, non_retryable=True)


def not_recorded(trouble: NotRecorded) -> ApplicationError:
    """The error of an Update that is kept until it can be recorded; its detail is the cause's code."""
    return ApplicationError(told_to_the_caller(trouble), trouble.code, type=TYPE, non_retryable=True)


class UpdateHandlers:
    """Receives what people and systems say to one journey.

    Attributes:
        pending: Commands whose outcome is not on record yet, in their order.
        is_reading: Whether the record is still to be read, so that `state` is empty and says nothing.
        wake: Whether something came in that was not tried yet.
        trouble: Why what was decided cannot be recorded now.
    """

    state: JourneyState
    pending: PendingCommands
    record_checks: deque[RecordCheck]
    is_reading: bool
    wake: bool
    stopped: str | None
    trouble: Trouble
    wants_new_run: bool

    def snapshot(self) -> JourneySnapshot:
        """What the journey says of itself."""
        raise NotImplementedError

    def _require_state(self) -> None:
        if self.is_reading:
            raise ApplicationError(READING, non_retryable=True)

    def put(self, command: BaseCommand) -> PendingCommand:
        """Has `command` decided and recorded soon, once."""
        self.wake = True
        return self.pending.put(command)

    async def _ask(self, command: BaseCommand) -> JourneyStatus:
        pending = self.put(command)
        pending.callers_waiting += 1
        while not pending.answered:
            trouble = self.trouble.known
            if pending.failed and trouble:
                pending.callers_waiting -= 1
                raise not_recorded(trouble)
            await workflow.wait_condition(lambda: pending.answered or (pending.failed and bool(self.trouble.known)))
        if pending.refusal is not None:
            raise refused(pending.refusal)
        return journey_status(self.state)

    @workflow.query(name="status", description="Where the journey stands: stage, level, waiting for whom, until when")
    def ask_status(self) -> JourneyStatus:
        """The short form. Fails while the record is being read."""
        self._require_state()
        return journey_status(self.state)

    @workflow.query(name="state", description="Everything the journey has on its mind, for engineers")
    def ask_state(self) -> JourneyState:
        """The whole state, in the shape that this release gives it. Fails while the record is being read."""
        self._require_state()
        return self.state

    @workflow.signal(name="roll-over", description="Continue as new soon, e.g. to move to a new release; loses nothing")
    def roll_over(self) -> None:
        """Asks for a new run with the same state and deadlines."""
        self.wants_new_run = True

    @workflow.query(name="snapshot", description="State, calls under way, and whether it stands still; for `reconcile`")
    def ask_snapshot(self) -> JourneySnapshot:
        """For comparison with the record."""
        return self.snapshot()

    @workflow.signal(
        name="catch-up", description="Compare with the record, take in what is new, make calls that are owed"
    )
    def catch_up(self) -> None:
        """From `throughline reconcile`. A journey that stands still does not go on by it."""
        self.record_checks.append(RecordCheck())
        self.wake = True

    @workflow.signal(name="stand-still", description="Decide nothing until look-again: record and workflow contradict")
    def stand_still(self, code: str) -> None:
        """From `throughline reconcile`, which pages operations."""
        self.stopped = self.stopped or code

    @workflow.update(name="look-again", description="The record was mended: try what waits, go on if both agree")
    async def look_again(self) -> JourneyStatus:
        """By an engineer. Refused while the contradiction, or what keeps decisions from the record, is still there."""
        check = RecordCheck(mended=True)
        self.record_checks.append(check)
        self.pending.try_all_again()
        self.wake = True
        await workflow.wait_condition(lambda: self._was_tried(check))
        if self.stopped is not None:
            sentence = f"The journey still stands still ({self.stopped}): see `throughline reconcile`."
            raise refused(Refusal(code=self.stopped, sentence=sentence))
        if self.trouble.known is not None:
            raise not_recorded(self.trouble.known)
        return journey_status(self.state)

    def _was_tried(self, check: RecordCheck) -> bool:
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
        return self.stopped is not None or not self.pending


def _handler_of(command: type[BaseCommand]) -> Handler:
    # The SDK skips a first argument that is named self.
    async def handler(self: UpdateHandlers, command: BaseCommand) -> JourneyStatus:
        return await self._ask(command)

    handler.__name__ = command.name().replace("-", "_")
    handler.__qualname__ = f"{UpdateHandlers.__qualname__}.{handler.__name__}"
    handler.__doc__ = command.description()
    handler.__annotations__ = {"command": command, "return": JourneyStatus}  # the SDK reads the payload by it
    return update(command)(handler)


ASKED_FROM_OUTSIDE = tuple(each for each in COMMANDS.values() if issubclass(each, AdmissionsMessage | Decision))
"""The commands that are Updates; the journey gives itself the others."""

for _command in ASKED_FROM_OUTSIDE:
    _handler = _handler_of(_command)
    setattr(UpdateHandlers, _handler.__name__, _handler)
