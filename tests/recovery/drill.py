"""What the lost-cluster drill needs: journeys whose virtual clocks can be set, answers in a fixed order, a cluster to
lose, and streams in a form in which two runs can be compared.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psutil
from temporalio.client import Client, Interceptor, OutboundInterceptor, StartWorkflowInput, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities import ports
from activities.calls import ClinicCalls
from activities.creations import Creations
from deploy.payload_keys import read_payload_keys
from deploy.settings import Settings
from deploy.stack import Stack
from domain import effects as fx
from domain.benefits import Benefits
from domain.evolve import fold
from eventstore import EventStore, StoredEvent
from record.codec import from_record
from workflows.client import MAX_SKIPS, journey_of
from workflows.converter import encrypting_converter
from workflows.messages import WORKFLOW

T = TypeVar("T")
_STANDING_STILL = TimeSkippingConfig(enabled=False, max_session_skip_count=MAX_SKIPS)


# Clocks


class Clocks(Interceptor):
    """Has each journey's workflow begin at the moment its virtual clock is to show.

    A workflow begins at the server's time. A journey that lost its workflow in the seventh week of its own calendar
    must go on in the seventh week, so its first task is delayed until then, and the delay is skipped.
    """

    def __init__(self) -> None:
        self.moments: dict[str, datetime] = {}

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Delayed(next, self.moments)


class _Delayed(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, moments: dict[str, datetime]) -> None:
        super().__init__(next)
        self._moments = moments

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        if input.workflow == WORKFLOW:
            input.start_delay = self._moments[journey_of(input.id)] - datetime.now(UTC)
        return await super().start_workflow(input)


async def reached(skipper: TimeSkipper, handle: WorkflowHandle[Any, Any], moment: datetime) -> None:
    """Moves a workflow whose first task is delayed to the moment at which it is due."""
    await skipper.fast_forward(handle, moment - await skipper.get_current_time(handle))


# The cluster


@dataclass
class Cluster:
    """A Temporal server of the drill's own."""

    client: Client
    skipper: TimeSkipper
    clocks: Clocks
    server: psutil.Process


@asynccontextmanager
async def cluster(home: Path) -> AsyncIterator[Cluster]:
    """Starts a server on what is left in `home`; its client sets clocks."""
    async with Stack(Settings(home=home), ports="free", postgres=False, ui=False) as stack:
        clocks, keys = Clocks(), read_payload_keys(stack.settings.require_payload_keys())
        plain = await Client.connect(
            stack.temporal_address,
            namespace=stack.settings.temporal_namespace,
            data_converter=encrypting_converter(keys, stack.settings.temporal_namespace),
            interceptors=[clocks],
        )
        skipper = TimeSkipper(plain, config=_STANDING_STILL)
        yield Cluster(skipper.client, skipper, clocks, _server_on(home / "temporal"))


def _server_on(folder: Path) -> psutil.Process:
    """The server that works in `folder`, a child of the stack's processes."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    [server] = [each for each in children if each.cwd() == str(folder) and each.name() == "temporal"]
    return server


def lose(cluster: Cluster, home: Path) -> None:
    """The server dies without a word, and its disk with it."""
    cluster.server.send_signal(signal.SIGKILL)
    cluster.server.wait(20)
    files = list((home / "temporal").glob("temporal.db*"))
    assert files
    for file in (*files, home / "temporal" / "made"):
        file.unlink(missing_ok=True)


# Answers in a fixed order

_ORDER: dict[type[fx.Effect], int] = {
    fx.Notify: 0,
    fx.ReleasePlace: 1,
    fx.SyncEhr: 2,
    fx.HoldPlace: 3,
    fx.CheckBenefits: 4,
}


class InOrder:
    """The clinic's systems, whose answers arrive in one order however the calls race.

    Two runs can only be equal if their clinics answer in the same order. A call is made at once; its answer is held
    back until the record says that the calls before it in the order were answered.
    """

    def __init__(self, calls: ClinicCalls, store: EventStore) -> None:
        self._calls = calls
        self._store = store

    def as_calls(self) -> ClinicCalls:
        return ClinicCalls(self, self, self, self)

    async def check(self, inquiry: ports.EligibilityInquiry) -> Benefits:
        benefits = await self._calls._eligibility.check(inquiry)
        return await self._in_turn(inquiry.key, fx.CheckBenefits, benefits)

    async def sync(self, record: ports.EhrRecord, creations: Creations | None = None) -> str:
        return await self._in_turn(record.key, fx.SyncEhr, await self._calls._ehr.sync(record, creations))

    async def hold(self, request: ports.PlaceRequest) -> ports.PlaceSearch:
        return await self._in_turn(request.key, fx.HoldPlace, await self._calls._places.hold(request))

    async def release(self, key: str, journey_id: str) -> None:
        await self._calls._places.release(key, journey_id)
        await self._in_turn(key, fx.ReleasePlace, None)

    async def send(self, notice: ports.Notice) -> str:
        sent = await self._calls._messenger.send(notice)
        return await self._in_turn(notice.key, fx.Notify, sent)

    async def _in_turn(self, key: str, kind: type[fx.Effect], answer: T) -> T:
        journey_id, _, effect = key.partition("/")
        ours = (_ORDER[kind], effect if kind is fx.Notify else "")
        while True:
            events = [from_record(each) for each in await self._store.read(journey_id)]
            state = fold(events)
            pending, due = state.pending().values(), state.next_deadline()
            turns = ((_ORDER[type(each)], each.key if isinstance(each, fx.Notify) else "") for each in pending)
            is_someone_to_be_told = kind is not fx.Notify and due is not None and due <= events[-1].at
            if not is_someone_to_be_told and not any(turn < ours for turn in turns):
                return answer
            await asyncio.sleep(0.05)


# Streams that can be compared


@dataclass(frozen=True)
class Told:
    """An event without what differs from run to run: who, which run, when it was recorded."""

    type: str
    content: str
    moments: tuple[datetime, ...] = field(compare=False)


def told(stream: Sequence[StoredEvent]) -> list[Told]:
    """The stream for comparison. Moments are set apart: they must be close, not equal.

    That a notice went out comes last. Two deadlines may lie seconds apart, as the steps that set them did, and whether
    the notice of the first is answered before the second passes is a race that nothing else on record depends on.
    """
    names = {stream[0].data["journey_id"]: "JOURNEY", stream[0].data["client_ref"]: "CLIENT"}
    sent = [each for each in stream if _is_notice_sent(each)]
    others = [each for each in stream if not _is_notice_sent(each)]
    return [_told(each, names) for each in (*others, *sorted(sent, key=lambda each: str(each.data["key"])))]


def _is_notice_sent(stored: StoredEvent) -> bool:
    return stored.type == "effect.settled" and stored.data["call"] == "notify"


def _told(stored: StoredEvent, names: dict[str, str]) -> Told:
    moments = [stored.occurred_at]
    content = {"data": dict(stored.data), "command": stored.meta["command_id"]}
    for own in ("reference", "place_id"):  # the other system's own numbers
        content["data"].pop(own, None)
    (content["data"].get("benefits") or {}).pop("trace", None)  # made of the journey's id
    if content["command"].startswith("time/"):
        content["command"] = "time"  # it names the deadline, which is among the moments
    text = json.dumps(_without_moments(content, moments), sort_keys=True)
    for name, mask in names.items():
        text = text.replace(name, mask)
    return Told(f"{stored.type} v{stored.schema_version}", text, tuple(moments))


def _without_moments(value: Any, moments: list[datetime]) -> Any:
    if isinstance(value, dict):
        return {key: _without_moments(each, moments) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_moments(each, moments) for each in value]
    if isinstance(value, str) and (moment := _moment(value)) is not None:
        moments.append(moment)
        return "MOMENT"
    return value


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
