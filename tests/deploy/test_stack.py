"""The real stack: its data survive, its processes do not, whatever ends it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from deploy.errors import PortTakenError, StackBusyError, StackError
from deploy.processes import port_is_free
from deploy.settings import Settings
from deploy.stack import Stack
from deploy.temporal import require_free
from deploy.temporal_setup import SEARCH_ATTRIBUTES, prepare_temporal

pytestmark = pytest.mark.stack

PROGRAMME = SearchAttributeKey.for_keyword("Programme")
STAGE = SearchAttributeKey.for_keyword("Stage")
NEXT_DEADLINE = SearchAttributeKey.for_datetime("NextDeadline")
URGENT = SearchAttributeKey.for_bool("Urgent")


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="throughline-stack-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@workflow.defn(sandboxed=False)
class Waits:
    """Waits a day of its own time, or until it is told to finish."""

    def __init__(self) -> None:
        self._finished = False

    @workflow.run
    async def run(self) -> str:
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._finished, timeout=timedelta(days=1))
        return "done"

    @workflow.update
    async def finish(self) -> None:
        self._finished = True


def start_script(home: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.deploy.stack_script", str(home)]
    script = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert script.stdout is not None
    assert script.stdout.readline() == "up\n"
    return script


def _named(processes: list[psutil.Process]) -> Iterator[tuple[psutil.Process, str]]:
    """Without those that ended since: PostgreSQL's short-lived children do."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            yield process, process.name()


def processes_of(script: subprocess.Popen[str]) -> list[psutil.Process]:
    named = dict(_named(psutil.Process(script.pid).children(recursive=True)))
    found = list(named)
    assert {"postgres", "temporal"} <= set(named.values())
    assert len(found) >= 5  # and PostgreSQL's own children, the extra process, the reaper
    return found


def assert_all_end(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []


def count_rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])


async def test_a_second_start_finds_the_data_of_the_first(home: Path) -> None:
    workflow_id = f"kept-{uuid.uuid4()}"
    async with Stack(Settings(home=home), ports="free", ui=False) as stack:
        with psycopg.connect(stack.database_url) as connection:
            connection.execute("create table kept as select 1 as one")
        client = await Client.connect(stack.temporal_address, namespace="throughline")
        await client.start_workflow(Waits.run, id=workflow_id, task_queue="kept")
        with pytest.raises(StackBusyError, match="THROUGHLINE_HOME"):
            async with Stack(Settings(home=home), ports="free"):
                pass
    assert not (home / "stack.json").exists()
    async with Stack(Settings(home=home), ports="free", ui=False) as stack:
        assert count_rows(stack.database_url) == 1
        client = await Client.connect(stack.temporal_address, namespace="throughline")
        handle = client.get_workflow_handle(workflow_id)
        # At once: a server that waits for the peers of its earlier run would keep it for most of a minute.
        async with Worker(client, task_queue="kept", workflows=[Waits]):
            await asyncio.wait_for(handle.execute_update(Waits.finish), 30)
            assert await handle.result() == "done"


def test_nothing_survives_a_kill_and_the_next_start_works(home: Path) -> None:
    script = start_script(home)
    settings = Settings.load({"THROUGHLINE_HOME": str(home)})
    with psycopg.connect(settings.require_database_url()) as connection:
        connection.execute("create table kept as select 1 as one")
    processes = processes_of(script)
    script.kill()
    script.wait()
    assert_all_end(processes)
    assert (home / "stack.json").exists()
    assert Settings.load({"THROUGHLINE_HOME": str(home)}).database_url is None

    again = start_script(home)
    assert count_rows(Settings.load({"THROUGHLINE_HOME": str(home)}).require_database_url()) == 1
    processes = processes_of(again)
    again.send_signal(signal.SIGINT)
    assert again.communicate(timeout=60)[0] == "down\n"
    assert again.returncode == 0
    assert_all_end(processes)


def test_a_start_right_after_a_kill_waits_for_the_old_processes(home: Path) -> None:
    first = start_script(home)
    processes = processes_of(first)
    first.kill()
    second = start_script(home)
    assert_all_end(processes)
    second.send_signal(signal.SIGTERM)
    assert second.communicate(timeout=60)[0] == "down\n"
    first.wait()


def test_a_stale_postmaster_note_that_names_another_process_does_no_harm(home: Path) -> None:
    script = start_script(home)
    processes = processes_of(script)
    script.kill()
    script.wait()
    assert_all_end(processes)
    (home / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{home}\n0\n5432\n{home}\n\n\nready\n")
    again = start_script(home)
    again.send_signal(signal.SIGINT)
    assert again.communicate(timeout=60)[0] == "down\n"


async def test_a_started_process_knows_the_stacks_addresses(stack: Stack, tmp_path: Path) -> None:
    code = "import os, sys; open(sys.argv[1], 'w').write(os.environ['TEMPORAL_ADDRESS'] + os.environ['MORE'])"
    note = tmp_path / "note"
    process = await stack.start_process("env", [sys.executable, "-c", code, str(note)], {"MORE": "!"})
    assert await process.wait() == 0
    await stack.stop_process(process)
    assert note.read_text() == stack.temporal_address + "!"


async def test_journeys_can_be_found_by_their_search_attributes(temporal_client: Client) -> None:
    stage = f"ACTIVE-{uuid.uuid4()}"
    due = datetime(2031, 3, 1, 17, tzinfo=UTC)
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(PROGRAMME, "IOP"),
            SearchAttributePair(STAGE, stage),
            SearchAttributePair(NEXT_DEADLINE, due),
            SearchAttributePair(URGENT, True),
        ]
    )
    handle = await temporal_client.start_workflow(
        Waits.run, id=f"found-{uuid.uuid4()}", task_queue="found", search_attributes=attributes
    )
    query = f"Stage = '{stage}' AND Programme = 'IOP' AND Urgent = true AND NextDeadline < '2031-03-02T00:00:00Z'"
    deadline = time.monotonic() + 30
    found: list[str] = []
    while not found and time.monotonic() < deadline:
        found = [each.id async for each in temporal_client.list_workflows(query)]
        await asyncio.sleep(0.05)
    assert found == [handle.id]
    assert [each.id async for each in temporal_client.list_workflows(f"Stage = '{stage}' AND Urgent = false")] == []
    await handle.terminate()


async def test_preparing_again_changes_nothing(temporal_address: str) -> None:
    namespace = f"again-{uuid.uuid4()}"
    for _ in range(2):
        await prepare_temporal(temporal_address, namespace)
    client = await Client.connect(temporal_address, namespace=namespace)
    query = " OR ".join(f"{name} is not null" for name in SEARCH_ATTRIBUTES)
    assert [each async for each in client.list_workflows(query)] == []


async def test_an_absent_server_is_named() -> None:
    with pytest.raises(StackError, match=r"127\.0\.0\.1:9"):
        await prepare_temporal("127.0.0.1:9", "throughline")


async def test_a_workflow_runs_through_its_day_by_time_skipping(temporal_client: Client) -> None:
    skipper = TimeSkipper(temporal_client, config=TimeSkippingConfig(enabled=False))
    async with Worker(temporal_client, task_queue="skips", workflows=[Waits]):
        handle = await temporal_client.start_workflow(Waits.run, id=f"skips-{uuid.uuid4()}", task_queue="skips")
        await skipper.fast_forward(handle, timedelta(days=2))
        assert await asyncio.wait_for(handle.result(), 60) == "done"


async def test_a_taken_port_is_named(temporal_address: str) -> None:
    port = int(temporal_address.rpartition(":")[2])
    assert not port_is_free(port)
    with pytest.raises(PortTakenError, match=str(port)):
        require_free({"Temporal": port})
