"""The client for journeys: open one, send it a command, ask for its status."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NoReturn

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.common import WorkflowIDReusePolicy as Reuse
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.ports import Notice
from domain.authorship import UNPROVEN
from domain.commands import BaseCommand
from domain.pathway.admission import OpenJourney
from domain.state import JourneyState
from domain.values import Stage
from workflows import not_recorded
from workflows.caller_limit import CallerLimit, TooManyCallers
from workflows.card import NOT_RECORDED, PROGRAMME, STAGE
from workflows.clear_text import ClearText
from workflows.converter import encrypting_converter
from workflows.messages import PAGE, READING, TASK_QUEUE, WORKFLOW, JourneySnapshot, JourneyStart, JourneyStatus
from workflows.payload_codec import PayloadUnreadable

Sign = Callable[[str, BaseCommand], BaseCommand]
"""Signs a command for the journey of that id."""

_PATIENCE = timedelta(seconds=30)
_ENDED_MEANWHILE = "AcceptedUpdateCompletedWorkflow"
_REFUSAL = re.compile(r"[a-z]+(-[a-z0-9]+)*")
"""The form of the domain's codes. The SDK's own error types have another form."""
_BETWEEN_RUNS = timedelta(seconds=5)
"""How long a journey that continues as new may take to answer; Temporal delays its first task by a second."""
_MOMENT_SECONDS = 0.1
_OLD_OUTCOME_SECONDS = 1.0
"""An Update that took longer was tried just now. The answer to one that failed sooner may be old."""
_DESCRIBED_WITHIN = timedelta(seconds=5)
MAX_SKIPS = 10_000
"""Timers that a journey may skip in one move of its virtual clock."""


class JourneysUnreachable(Exception):
    """Temporal or the workers did not answer in time. Send the command again with the same id."""


class NamespaceMissing(JourneysUnreachable):
    """Temporal answers but has no such namespace."""


class JourneyNotRunning(Exception):
    """No journey with that id runs: it has ended, or never began."""


class TooManyWaiting(JourneysUnreachable):
    """As many decisions as Temporal allows wait at this journey. Send the command again later with the same id."""


class CommandNotRecorded(JourneysUnreachable):
    """The journey has accepted and keeps the command but cannot record it now. Send it again with the same id.

    Attributes:
        code: The cause, short and stable; see `workflows.not_recorded`.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class CommandRefused(Exception):
    """The journey refuses the command.

    Attributes:
        code: Short and stable.
        sentence: What is wrong and what to do instead.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


async def connect(address: str, namespace: str, keys: Sequence[bytes], *, virtual_time: bool = False) -> Client:
    """A Temporal client that speaks the journeys' types, and encrypts what it sends with the last of `keys`.

    With `virtual_time`, every journey that it opens has its own clock, which only moves when it is moved on.

    Raises:
        JourneysUnreachable: Nothing answers at `address`, or it refuses.
    """
    converter = encrypting_converter(keys, namespace)
    try:
        client = await Client.connect(address, namespace=namespace, data_converter=converter)
    except (RPCError, RuntimeError):
        raise JourneysUnreachable(f"no Temporal server answers at {address}: start one, then try again") from None
    if not virtual_time:
        return client
    standing_still = TimeSkippingConfig(enabled=False, max_session_skip_count=MAX_SKIPS)
    return TimeSkipper(client, config=standing_still).client


def workflow_id(journey_id: str) -> str:
    """The workflow id of a journey. It is as opaque as the journey's own id."""
    return f"journey-{journey_id}"


def journey_of(workflow: str) -> str:
    """The journey behind a workflow id."""
    return workflow.removeprefix("journey-")


class Journeys:
    """All journeys of one Temporal namespace.

    With `sign`, each command that it sends is signed first. Without, it sends commands as they are.
    """

    def __init__(
        self,
        client: Client,
        *,
        patience: timedelta = _PATIENCE,
        roll_over_after: int | None = None,
        sign: Sign | None = None,
    ) -> None:
        self._client = client
        self._sign = sign
        self._patience = patience
        self._roll_over_after = roll_over_after
        self._callers = CallerLimit()

    def handle(self, journey_id: str) -> WorkflowHandle[Any, Any]:
        """The workflow's handle, for operations that this class does not have."""
        return self._client.get_workflow_handle(workflow_id(journey_id))

    async def open(self, opening: OpenJourney) -> None:
        """Starts a journey. If it is already running, nothing changes.

        Raises:
            JourneyNotRunning: The journey was started before and is over.
            JourneysUnreachable: Temporal did not answer.
        """
        try:
            await self._start(JourneyStart(opening=opening), Reuse.REJECT_DUPLICATE)
        except WorkflowAlreadyStartedError:
            raise JourneyNotRunning(f"journey {opening.journey_id} has ended") from None

    async def resume(self, start: JourneyStart) -> None:
        """Starts a new workflow for a journey that lost its own, in the state that `start` gives.

        A journey whose workflow is running is left alone.

        Raises:
            JourneysUnreachable: Temporal did not answer.
        """
        await self._start(start, Reuse.ALLOW_DUPLICATE)

    async def _start(self, start: JourneyStart, reuse: Reuse) -> None:
        try:
            await self._client.start_workflow(
                WORKFLOW,
                start.model_copy(update={"roll_over_after": self._roll_over_after}),
                id=workflow_id(start.opening.journey_id),
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=reuse,
                search_attributes=_AT_THE_START,
                static_summary=ClearText("One client's journey through care"),
                rpc_timeout=self._patience,
            )
        except RPCError as error:  # including "not found", which here can only mean the namespace
            raise unreachable(error) from None

    async def tell(self, journey_id: str, command: BaseCommand) -> JourneyStatus:
        """Sends `command` to the journey and waits until its outcome is on record.

        Sending the same command id again returns the status without doing it again.

        Raises:
            CommandRefused: The journey refuses; nothing has changed.
            JourneyNotRunning: The journey has ended or does not exist yet.
            CommandNotRecorded: The journey keeps the command until it can be recorded.
            TooManyWaiting: Nothing was recorded, because too many others wait at this journey.
            JourneysUnreachable: No answer in time; the command may still be carried out.
        """
        kind: str = type(command).model_fields["kind"].default
        asked = time.monotonic()
        if self._sign is not None:
            command = self._sign(journey_id, command)
        try:
            return await self._update(journey_id, kind, [command], command.cause)
        except (CommandNotRecorded, CommandRefused) as failed:
            may_be_old = time.monotonic() - asked <= _OLD_OUTCOME_SECONDS
            if not may_be_old or (isinstance(failed, CommandRefused) and failed.code not in UNPROVEN):
                raise
            return await self._ask_anew(journey_id, kind, command, failed)

    async def _ask_anew(self, journey_id: str, kind: str, command: BaseCommand, failed: Exception) -> JourneyStatus:
        """Asks with another Update id, because `failed` may be old: Temporal keeps an outcome for as long as the run
        lasts. It may also be about a command that someone else sent under this id.

        The journey knows the command by its own id, so it tries it again and gives a new answer.
        """
        try:
            return await self._update(journey_id, kind, [command], None)
        except TooManyWaiting:
            raise failed from None  # the journey keeps this one

    async def look_again(self, journey_id: str) -> JourneyStatus:
        """Tells a journey that stands still to check its record again. It continues if both agree.

        Raises as `tell` does: `CommandRefused` if record and workflow still contradict each other, and
        `CommandNotRecorded` if waiting commands still cannot be recorded.
        """
        return await self._update(journey_id, "look-again", [], None)

    async def _update(self, journey_id: str, name: str, args: list[Any], update_id: str | None) -> JourneyStatus:
        try:
            async with self._callers.turn(journey_id), asyncio.timeout(self._patience.total_seconds()):
                return await self._asked(journey_id, name, args, update_id or str(uuid.uuid4()))
        except WorkflowUpdateFailedError as failed:
            raise _refusal(failed, journey_id) from None
        except PayloadUnreadable as error:
            raise JourneysUnreachable(f"the answer cannot be read: {error}") from None
        except (RPCTimeoutOrCancelledError, TimeoutError):
            raise JourneysUnreachable(await self._why(journey_id) or _NO_WORKER) from None
        except TooManyCallers:
            raise TooManyWaiting(_too_many(await self._why(journey_id))) from None
        except RPCError as error:
            if _is_full(error):
                raise TooManyWaiting(_too_many(await self._why(journey_id))) from None
            _raise_for(error, journey_id)

    async def _asked(self, journey_id: str, name: str, args: list[Any], update_id: str) -> JourneyStatus:
        """The answer to one Update.

        It is sent again if Temporal drops it, which happens when there are too many callers. It is sent once more if a
        workflow task fails, which also happens when something arrives while the journey continues as new.
        """
        task_failed = False
        while True:
            try:
                answer: JourneyStatus = await self.handle(journey_id).execute_update(
                    name, args=args, id=update_id, result_type=JourneyStatus, rpc_timeout=self._patience
                )
                return answer
            except RPCError as error:
                fails_now = error.status is RPCStatusCode.FAILED_PRECONDITION
                if not _was_dropped(error) and (task_failed or not fails_now):
                    raise
                task_failed = task_failed or fails_now
            await asyncio.sleep(_MOMENT_SECONDS)

    async def _why(self, journey_id: str) -> str:
        """Why the journey cannot record, as Temporal shows it without a worker; empty if nothing is known."""
        try:
            described = await self.handle(journey_id).describe(rpc_timeout=_DESCRIBED_WITHIN)
        except RPCError:
            return ""
        code = described.typed_search_attributes.get(NOT_RECORDED)
        if code is None:
            return ""
        return f"the journey cannot record now ({code}): {not_recorded.cause(code).sentence} Ask again with the same id"

    async def status(self, journey_id: str) -> JourneyStatus:
        """The journey's status, from the workflow itself.

        Raises:
            JourneyNotRunning: There is no such workflow.
            JourneysUnreachable: No worker answered.
        """
        now: JourneyStatus = await self._ask(journey_id, "status", JourneyStatus)
        return now

    async def state(self, journey_id: str) -> JourneyState:
        """The journey's full state, from a worker of the same state schema. Raises as `status` does."""
        state: JourneyState = await self._ask(journey_id, "state", JourneyState)
        return state

    async def snapshot(self, journey_id: str) -> JourneySnapshot:
        """The workflow's own account, to compare with the record. Raises as `status` does."""
        snapshot: JourneySnapshot = await self._ask(journey_id, "snapshot", JourneySnapshot)
        return snapshot

    async def _ask(self, journey_id: str, query: str, answer: type[Any]) -> Any:
        until = time.monotonic() + min(_BETWEEN_RUNS, self._patience).total_seconds()
        while True:
            try:
                return await self.handle(journey_id).query(query, result_type=answer, rpc_timeout=self._patience)
            except WorkflowQueryFailedError as failed:
                is_reading = str(failed) == READING
                if not is_reading or time.monotonic() > until:
                    why = READING if is_reading else "the worker's log says why"  # the text itself is encrypted
                    raise JourneysUnreachable(f"the workflow does not answer {query} ({why})") from None
            except PayloadUnreadable as error:
                raise JourneysUnreachable(f"the answer to {query} cannot be read: {error}") from None
            except RPCError as error:
                if error.status is not RPCStatusCode.FAILED_PRECONDITION or time.monotonic() > until:
                    _raise_for(error, journey_id)
            await asyncio.sleep(_MOMENT_SECONDS)


async def send_page(client: Client, notice: Notice, *, patience: timedelta | None = None) -> bool:
    """Sends `notice` once for its key, by a workflow of its own; False if it was sent before.

    In a workflow it is `workflows.paging.page_once`.

    Raises:
        JourneysUnreachable: Temporal did not answer.
    """
    try:
        await client.start_workflow(
            PAGE,
            notice,
            id=f"page/{notice.key}",
            task_queue=TASK_QUEUE,
            id_reuse_policy=Reuse.REJECT_DUPLICATE,
            static_summary=ClearText(notice.subject),
            rpc_timeout=patience,
        )
    except WorkflowAlreadyStartedError:
        return False
    except RPCError as error:
        raise unreachable(error) from None
    return True


_NO_WORKER = "no worker answered in time: check that one runs, then ask again"
_AT_THE_START = TypedSearchAttributes(
    [SearchAttributePair(PROGRAMME, "none"), SearchAttributePair(STAGE, Stage.REFERRED.value)]
)


def _refusal(failed: WorkflowUpdateFailedError, journey_id: str) -> Exception:
    cause = failed.cause
    if not isinstance(cause, ApplicationError) or cause.type == _ENDED_MEANWHILE:
        return JourneysUnreachable(f"journey {journey_id} ended while it was being asked: ask again")
    if cause.type == not_recorded.TYPE:
        return CommandNotRecorded(str(cause.details[0]), cause.message)
    if cause.type and _REFUSAL.fullmatch(cause.type):
        return CommandRefused(cause.type, cause.message)
    return JourneysUnreachable(f"the worker could not read the command ({cause.type}): check that both are one release")


def _was_dropped(error: RPCError) -> bool:
    """Whether Temporal dropped an Update before the journey accepted it."""
    return error.status in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.ABORTED) and "update" in error.message.lower()


def _is_full(error: RPCError) -> bool:
    """Whether Temporal accepts no more Updates of this workflow. Its other limits are for the whole namespace."""
    return error.status is RPCStatusCode.RESOURCE_EXHAUSTED and "in-flight updates" in error.message


def _too_many(why: str) -> str:
    text = "too many decisions are waiting at this journey: try again in a minute; nothing was recorded"
    return f"{text}. Why they wait: {why}" if why else text


def _raise_for(error: RPCError, journey_id: str) -> NoReturn:
    if error.status is RPCStatusCode.NOT_FOUND and "namespace" not in error.message.lower():
        raise JourneyNotRunning(f"no journey {journey_id} runs: it has ended, or never began") from None
    if error.status is RPCStatusCode.FAILED_PRECONDITION:
        where = f"the Temporal UI says why, at {workflow_id(journey_id)}"
        raise JourneysUnreachable(f"the journey's workflow task fails and is tried again: {where}") from None
    if error.status in (RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED):
        raise JourneysUnreachable(_NO_WORKER) from None
    raise unreachable(error) from None


def unreachable(error: RPCError) -> JourneysUnreachable:
    """The meaning of a Temporal error that is not about one journey."""
    if "namespace" in error.message.lower() and error.status is RPCStatusCode.NOT_FOUND:
        return NamespaceMissing(
            "Temporal has no such namespace: set TEMPORAL_NAMESPACE, or let `throughline up` make it"
        )
    if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
        return JourneysUnreachable("Temporal is busy (resource_exhausted): try again in a minute")
    return JourneysUnreachable(f"Temporal did not answer ({error.status.name.lower()}): try again")
