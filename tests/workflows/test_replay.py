"""What an earlier release began goes on under this one: the committed histories replay without a difference."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

import workflows
from activities import signatures
from cli.demo.script import CLIENTS
from tests.workflows.capture import DIGESTS, HISTORIES, SECOND_RUN, compact
from tests.workflows.changed import CHANGED, HesitatesWithDigests, ReadsNothing
from tests.workflows.digest_run import told
from worker import journey_replayer
from workflows.converter import encrypting_converter
from workflows.digests import DigestsWorkflow
from workflows.messages import JourneyStart

DIGESTS_FILE = HISTORIES / f"{DIGESTS}.json"
CONVERTER = encrypting_converter([bytes(32)], "throughline")
"""The histories are of a release that encrypted nothing."""
CORPUS = sorted(file for file in HISTORIES.glob("*.json") if file != DIGESTS_FILE)


def load(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json("journey", file.read_text())


def test_there_is_one_history_for_each_client_of_the_demonstration_and_one_of_a_second_run() -> None:
    assert {file.stem for file in CORPUS} == {*(client.name for client in CLIENTS), SECOND_RUN}


async def test_the_second_run_begins_by_reading_its_record() -> None:
    history = load(HISTORIES / f"{SECOND_RUN}.json")
    started = history.events[0].workflow_execution_started_event_attributes
    [start] = await CONVERTER.decode(started.input.payloads, [JourneyStart])
    assert start.carried is not None and start.carried.version > 0
    scheduled = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    with pytest.raises(NondeterminismError):
        await journey_replayer(CONVERTER, ReadsNothing).replay_workflow(history)
    assert next(each for each in scheduled if each) == signatures.CHECK_RECORD


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_a_history_tells_a_whole_journey_and_nothing_of_the_machine(file: Path) -> None:
    history = load(file)
    assert history.events[0].HasField("workflow_execution_started_event_attributes")
    assert sum(event.HasField("workflow_execution_update_accepted_event_attributes") for event in history.events) >= 1
    assert len(history.events) > 30
    assert compact(history).count("@") == 0
    assert "site-packages" not in file.read_text(), "a stack trace names where this was captured"


@pytest.fixture(scope="module")
def replayer() -> Replayer:
    return journey_replayer(CONVERTER)


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
async def test_todays_workflow_replays_it(replayer: Replayer, file: Path) -> None:
    await replayer.replay_workflow(load(file))


@pytest.mark.parametrize("changed", CHANGED, ids=lambda changed: changed.__name__)
async def test_a_changed_workflow_is_found_out(changed: type) -> None:
    replayer = journey_replayer(CONVERTER, changed)
    for file in CORPUS:
        with pytest.raises(NondeterminismError):
            await replayer.replay_workflow(load(file))


async def test_todays_digests_replay_openings_and_a_closed_day() -> None:
    history = load(DIGESTS_FILE)
    assert [sent.made for _, sent in await told(history, CONVERTER)] == [True, False, True]
    assert (await told(history, CONVERTER))[-1][1].digests > 0
    assert compact(history).count("@") == 0
    await journey_replayer(CONVERTER, DigestsWorkflow).replay_workflow(history)


async def test_changed_digests_are_found_out() -> None:
    with pytest.raises(NondeterminismError):
        await journey_replayer(CONVERTER, HesitatesWithDigests).replay_workflow(load(DIGESTS_FILE))


def test_no_workflow_uses_local_activities() -> None:
    """The SDK can write a history with them that it cannot replay: docs/decisions/018."""
    sources = Path(workflows.__file__).parent.glob("*.py")
    assert [source.name for source in sources if "_local_activity" in source.read_text()] == []
