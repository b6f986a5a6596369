"""Every way to ask something of a running journey.

Decisions and facts are Updates. A validator refuses what cannot be, before it costs anything; what is accepted
waits until the journey has put its outcome on record, and only then is answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.commands import BaseCommand, SignedCommand
from domain.decide import decide
from domain.pathway import COMMANDS
from domain.refusal import Refusal, Refused, UnknownHere
from domain.state import JourneyState
from workflows.calls_under_way import CallsUnderWay
from workflows.messages import READING, JourneySnapshot, JourneyStatus, journey_status
from workflows.not_recorded import TYPE, NotRecorded, told_to_the_caller
from workflows.recording import Recording

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
        recording = handlers.recording
        if recording.pending.find(command) is not None:  # taken in before, and decided when it can be recorded
            return
        refusal = recording.checks.refusal() or _refusal(recording.state, command)
        if refusal is not None:
            raise refused(refusal)

    # The SDK compares the two signatures as they are written.
    refuse_early.__annotations__ = {"command": handler.__annotations__["command"], "return": None}
    return refuse_early


def _refusal(state: JourneyState, command: BaseCommand) -> Refusal | None:
    try:
        command.require_known(state)
        if state.version == 0:  # opening, or still reading the record: what waits keeps its order
            return None
        outcome = decide(state, command, workflow.now())
    except UnknownHere as error:
        return Refusal(code="worker-out-of-date", sentence=f"{error}. Nothing has changed.")
    except Refused as error:
        return error.refusal
    return outcome if isinstance(outcome, Refusal) else None


def refused(refusal: Refusal) -> ApplicationError:
    """The error a caller sees: its type is the refusal's code, its message the sentence for a nurse."""
    return ApplicationError(refusal.sentence, type=refusal.code, non_retryable=True)


def not_recorded(trouble: NotRecorded) -> ApplicationError:
    """The error of an Update that is kept until it can be recorded; its detail is the cause's code."""
    return ApplicationError(told_to_the_caller(trouble), trouble.code, type=TYPE, non_retryable=True)


class UpdateHandlers:
    """Receives what people and systems say to one journey.

    Attributes:
        recording: Has what they say decided and recorded.
        calls: The calls to clinic systems under way.
        wants_new_run: Whether someone asked that the journey continue as new.
    """

    recording: Recording
    calls: CallsUnderWay
    wants_new_run: bool

    async def _ask(self, command: BaseCommand) -> JourneyStatus:
        recording, pending = self.recording, self.recording.put(command)
        pending.callers_waiting += 1
        while not pending.answered:
            trouble = recording.trouble.known
            if pending.failed and trouble:
                pending.callers_waiting -= 1
                raise not_recorded(trouble)
            await workflow.wait_condition(
                lambda: pending.answered or (pending.failed and bool(recording.trouble.known))
            )
        if pending.refusal is not None:
            raise refused(pending.refusal)
        return journey_status(recording.state)

    def _state(self) -> JourneyState:
        if self.recording.is_reading:
            raise ApplicationError(READING, non_retryable=True)
        return self.recording.state

    @workflow.query(name="status", description="Where the journey stands: stage, level, waiting for whom, until when")
    def ask_status(self) -> JourneyStatus:
        """The short form. Fails while the record is being read."""
        return journey_status(self._state())

    @workflow.query(name="state", description="Everything the journey has on its mind, for engineers")
    def ask_state(self) -> JourneyState:
        """The whole state, in the shape that this release gives it. Fails while the record is being read."""
        return self._state()

    @workflow.query(name="snapshot", description="State, calls under way, and whether it stands still; for `reconcile`")
    def ask_snapshot(self) -> JourneySnapshot:
        """For comparison with the record."""
        return self.recording.snapshot(self.calls.keys())

    @workflow.signal(name="roll-over", description="Continue as new soon, e.g. to move to a new release; loses nothing")
    def roll_over(self) -> None:
        """Asks for a new run with the same state and deadlines."""
        self.wants_new_run = True

    @workflow.signal(
        name="catch-up", description="Compare with the record, take in what is new, make calls that are owed"
    )
    def catch_up(self) -> None:
        """From `throughline reconcile`. A journey that stands still does not go on by it."""
        self.recording.ask_check()

    @workflow.signal(name="stand-still", description="Decide nothing until look-again: record and workflow contradict")
    def stand_still(self, code: str) -> None:
        """From `throughline reconcile`, which pages operations."""
        self.recording.checks.stand_still(code)

    @workflow.update(name="look-again", description="The record was mended: try what waits, go on if both agree")
    async def look_again(self) -> JourneyStatus:
        """By an engineer. Refused while the contradiction, or what keeps decisions from the record, is still there."""
        recording = self.recording
        recording.pending.try_all_again()
        check = recording.ask_check(mended=True)
        await workflow.wait_condition(lambda: recording.was_tried(check))
        if (refusal := recording.checks.still_stopped()) is not None:
            raise refused(refusal)
        if recording.trouble.known is not None:
            raise not_recorded(recording.trouble.known)
        return journey_status(recording.state)


def _handler_of(command: type[BaseCommand]) -> Handler:
    # The SDK skips a first argument that is named self.
    async def handler(self: UpdateHandlers, command: BaseCommand) -> JourneyStatus:
        return await self._ask(command)

    handler.__name__ = command.name().replace("-", "_")
    handler.__qualname__ = f"{UpdateHandlers.__qualname__}.{handler.__name__}"
    handler.__doc__ = command.description()
    handler.__annotations__ = {"command": command, "return": JourneyStatus}  # the SDK reads the payload by it
    return update(command)(handler)


ASKED_FROM_OUTSIDE = tuple(each for each in COMMANDS.values() if issubclass(each, SignedCommand))
"""The commands that are Updates. Each is signed; the journey gives itself the others."""

for _command in ASKED_FROM_OUTSIDE:
    _handler = _handler_of(_command)
    setattr(UpdateHandlers, _handler.__name__, _handler)
