"""Journeys begun by an earlier release go on under this one: the committed histories replay without a difference."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from cli.demo.script import CLIENTS
from tests.workflows.capture import HISTORIES, compact
from tests.workflows.changed import CHANGED
from worker import journey_replayer

CORPUS = sorted(HISTORIES.glob("*.json"))


def load(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json("journey", file.read_text())


def test_there_is_one_history_for_each_client_of_the_demonstration() -> None:
    assert {file.stem for file in CORPUS} == {client.name for client in CLIENTS}


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_a_history_tells_a_whole_journey_and_nothing_of_the_machine(file: Path) -> None:
    history = load(file)
    assert history.events[0].HasField("workflow_execution_started_event_attributes")
    assert sum(event.HasField("workflow_execution_update_accepted_event_attributes") for event in history.events) >= 1
    assert len(history.events) > 30
    assert compact(history).count("@") == 0


@pytest.fixture(scope="module")
def replayer() -> Replayer:
    return journey_replayer()


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
async def test_todays_workflow_replays_it(replayer: Replayer, file: Path) -> None:
    await replayer.replay_workflow(load(file))


@pytest.mark.parametrize("changed", CHANGED, ids=lambda changed: changed.__name__)
async def test_a_changed_workflow_is_found_out(changed: type) -> None:
    replayer = journey_replayer(changed)
    for file in CORPUS:
        with pytest.raises(NondeterminismError):
            await replayer.replay_workflow(load(file))
