"""Journey workers by the dozen, each to die by SIGKILL: a process that forks them and replaces the dead.

`python -m tests.campaigns.nursery <plan as JSON>` imports everything once, which takes seconds, and forks before
there is any thread. It ends, and all its workers with it, when its standard input is closed.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import select
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.common import RetryPolicy
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    StartActivityInput,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

import worker
from centre.loading import load
from deploy.settings import Settings
from eventstore import Appended, EventStore, KeyReused, NewEvent, StoredEvent, VersionConflict
from record.sealing import Sealer
from tests.campaigns.fate import MINE, Diary, Fate, Window
from tests.campaigns.mortal import Mortal
from tests.unchecked import Unchecked
from tests.workflows.stores import Around
from workflows.evicting_runner import EvictingRunner

_ATTEMPT = timedelta(seconds=5)
"""A clinic call whose worker died is made again after this, and not after a minute as in production."""

_OPTIONS: dict[str, Any] = {
    "sticky_queue_schedule_to_start_timeout": timedelta(seconds=0.3),
    "max_concurrent_workflow_tasks": 2,
    "workflow_runner": EvictingRunner(UnsandboxedWorkflowRunner()),
    "build_id": "campaign",
}
"""Another worker takes over from a dead one at once. Few tasks die with a worker: Temporal gives a task that has failed
three times a long pause, and refuses updates meanwhile. A sandbox, and a build id made of all code, would take most of
a worker's short life.
"""
_IMPORTED_LATE = (
    "anyio._backends._asyncio",
    "httpcore2",
    *(f"fhir.resources.R4B.{name}" for name in ("codeableconcept", "humanname", "identifier", "period", "reference")),
)
"""What a worker would otherwise import after its birth, on its first call."""


@dataclass(frozen=True)
class Plan:
    """What the nursery is to do.

    Attributes:
        environment: The settings, as `Settings.from_env` reads them.
        diary: The file in which deaths are noted.
        kills: How many workers are to die; those forked later live on.
    """

    environment: dict[str, str]
    diary: str
    seed: int
    kills: int
    workers: int = 4

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class Perilous(Around):
    """A record around whose appends the worker may die.

    Notes when an append meets an earlier one, and when a run reads its record from the first event: what a dead worker
    appended is found by the one or by the other.
    """

    def __init__(self, inner: EventStore, fate: Fate) -> None:
        super().__init__(inner)
        self._fate = fate

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        self._fate.at(Window.BEFORE, stream)
        try:
            appended = await super().append(
                stream, expected_version=expected_version, key=key, events=events, close=close
            )
        except (KeyReused, VersionConflict):
            self._fate.diary.note("meets", stream=stream)
            raise
        if appended.replayed:
            self._fate.diary.note("meets", stream=stream)
        self._fate.at(Window.AFTER, stream)
        pause = self._fate.soon_after(stream)
        if pause is not None:
            asyncio.get_running_loop().call_later(pause, self._fate.die_completing, stream)
        return appended

    async def read(self, stream: str, *, after_version: int = 0, limit: int | None = None) -> tuple[StoredEvent, ...]:
        found = await super().read(stream, after_version=after_version, limit=limit)
        if after_version == 0 and found:
            self._fate.diary.note("reads", stream=stream)
        return found


class _Hurried(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        input.start_to_close_timeout = _ATTEMPT
        input.retry_policy = RetryPolicy(initial_interval=timedelta(seconds=0.5), maximum_interval=timedelta(seconds=2))
        return super().start_activity(input)


class _Hurrying(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Hurried(outbound))


class _DiesAfterCall(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        answer = await super().execute_activity(input)
        if getattr(input.fn, "__name__", "") != "record":
            MINE[0].at(Window.CALL)
        return answer


class Perils(ClientInterceptor, Interceptor):
    """Workers may die after a clinic call, and make it again soon. A client hands it on to its worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _DiesAfterCall(next)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        return _Hurrying


def main(plan: Plan) -> None:
    """Keeps workers alive until standard input is closed."""
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    assert threading.active_count() == 1, "forking a process that has threads"
    diary, alive, number = Diary(plan.diary), set[int](), 0
    woken = _woken_by_deaths()
    try:
        while True:
            while len(alive) < plan.workers:
                number += 1
                alive.add(_fork(plan, number, diary))
            if 0 in select.select([0, woken], [], [])[0]:
                return
            os.read(woken, 1024)
            if not _bury(alive, diary):
                sys.exit("a worker ended by itself")
    finally:
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _woken_by_deaths() -> int:
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write)
    return read


def _bury(alive: set[int], diary: Diary) -> bool:
    """Takes the dead off the list; whether all of them were killed."""
    for pid in [*alive]:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            alive.remove(pid)
            if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
                return False
            diary.note("killed", pid=pid)
    return True


def _fork(plan: Plan, number: int, diary: Diary) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        chance = random.Random(f"{plan.seed}/{number}") if number <= plan.kills else None
        MINE.append(Fate(diary, chance))
        asyncio.run(_work(plan))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(1)


async def _work(plan: Plan) -> None:
    load()
    settings = Settings.from_env(plan.environment)
    client = await worker.temporal_client(settings)
    config = client.config()
    config["interceptors"] = [Perils()]
    perilous = Client(**config)
    orphaned = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, orphaned.set)
    async with (
        worker.record(settings) as store,
        worker.keyring(settings) as keys,
        worker.clinic(settings, keys) as calls,
        worker.journey_worker(perilous, Perilous(store, MINE[0]), Sealer(keys), Unchecked(), calls, Mortal, **_OPTIONS),
    ):
        await orphaned.wait()
        os._exit(0)


if __name__ == "__main__":
    main(Plan(**json.loads(sys.argv[1])))
