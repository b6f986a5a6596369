"""On the real server: no word that people write is in Temporal, and what engineers need can be read without a key."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from deploy.stack import Stack
from domain.pathway.cost import DeclineCost
from domain.pathway.move_decisions import RequestStepUp
from domain.pathway.placement import DecidePlacement
from domain.values import Stage
from tests.workflows import every_way
from tests.workflows.every_way import EveryWay
from tests.workflows.house import ADMISSIONS, Case, House, until
from tests.workflows.paths import IOP, OP, PHP, enrol
from tests.workflows.stores import Fails
from tests.workflows.test_shown import found, metadata
from workflows.client import MAX_SKIPS, CommandRefused, Journeys, JourneysUnreachable, connect
from workflows.payload_codec import key_name

pytestmark = pytest.mark.stack

NEW = b"\x07" * 32


@pytest.fixture
def canary() -> str:
    """Words that only this test says."""
    return f"Wilhelmina-{uuid.uuid4().hex}"


@pytest.fixture
async def keyless(temporal_stack: Stack) -> Client:
    """What an engineer has who has no key, and a release before this one: the same types, and no codec."""
    client = await Client.connect(
        temporal_stack.temporal_address,
        namespace=temporal_stack.settings.temporal_namespace,
        data_converter=pydantic_data_converter,
    )
    return TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=MAX_SKIPS)).client


async def raw(client: Client, workflow_id: str) -> bytes:
    """Everything that the server tells of a workflow, all runs, as it comes over the wire."""
    told, run_id = [], (await client.get_workflow_handle(workflow_id).describe()).run_id or ""
    while run_id:
        execution = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        described = DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=execution)
        told.append((await client.workflow_service.describe_workflow_execution(described)).SerializeToString())
        asked = GetWorkflowExecutionHistoryRequest(namespace=client.namespace, execution=execution)
        history = await client.workflow_service.get_workflow_execution_history(asked)
        assert not history.next_page_token
        told.append(history.SerializeToString())
        run_id = history.history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return b"".join(told)


def on_disk(stack: Stack) -> bytes:
    """The server's own files."""
    files = sorted((stack.settings.home / "temporal").glob("temporal.db*"))
    return b"".join(file.read_bytes() for file in files)


async def test_a_decision_leaves_nothing_of_its_words(house: House, temporal_stack: Stack, canary: str) -> None:
    case = await house.admit()
    await case.screened()
    await case.do(DecidePlacement, recommended=IOP, actual=OP, variance=canary, instrument=canary)
    await case.settled()
    refused = await case.refused(RequestStepUp, to=PHP, reason=canary)
    await case.roll_over()
    await case.do(DeclineCost, by=ADMISSIONS, reason=canary)
    await case.settled()
    assert canary in str(await case.record()), "the record has them, under the client's own key"
    assert refused.code == "wrong-stage" and refused.sentence
    told = await raw(house.client, case.handle.id)
    assert b"placement.decided" in told, "the search finds what is there"
    assert canary.encode() not in told
    files = on_disk(temporal_stack)
    assert case.handle.id.encode() in files
    assert canary.encode() not in files


async def test_nor_does_an_attempt_to_record_it_that_fails(idle_house: House, canary: str) -> None:
    store = Fails(idle_house.store)
    async with idle_house.working(store):
        case = await idle_house.admit()
        await case.screened()
        store.failing[case.id] = TypeError(canary)
        told = Journeys(idle_house.client)
        with pytest.raises(JourneysUnreachable):
            await told.tell(case.id, case.command(DecidePlacement, recommended=IOP, actual=OP, variance=canary))
        assert "decide-placement" in (await metadata(case)).current_details
        await case.roll_over()  # the decision is carried into the next run
        history = await raw(idle_house.client, case.handle.id)
        assert b"unexpected" in history, "the cause is readable"
        assert canary.encode() not in history


async def test_a_text_cannot_reach_temporal_in_the_clear_in_any_way(
    house: House, temporal_stack: Stack, canary: str
) -> None:
    client, name = house.client, f"every-way-{uuid.uuid4()}"
    text = f"refuse {canary}"
    async with every_way.working(client):
        handle = await client.start_workflow(
            EveryWay.run, text, id=name, task_queue=every_way.QUEUE, memo={"said": text}, static_summary=text
        )
        await handle.signal(EveryWay.tell, text)
        assert await handle.execute_update(EveryWay.ask, canary) == canary
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await handle.execute_update(EveryWay.ask, text)
        refusal = failed.value.cause
        assert isinstance(refusal, ApplicationError)
        assert (refusal.message, refusal.details, refusal.type) == (text, (text,), "refused")

        async def is_stalling() -> bool:
            described = await handle.describe()
            return any(each.attempt > 1 for each in described.raw_description.pending_activities)

        await until(is_stalling, "an activity has failed once and sends heartbeats")
        assert canary.encode() not in await raw(client, name), "of a running activity"
        assert text in await handle.query(EveryWay.said)
        first = (await handle.describe()).run_id
        await handle.signal(EveryWay.tell, "end")

        async def continued() -> bool:
            return (await client.get_workflow_handle(name).describe()).run_id != first

        await until(continued, "it has continued as new")
        latest = client.get_workflow_handle(name)
        await latest.signal(EveryWay.tell, "end")
        with pytest.raises(WorkflowFailureError) as over:
            await latest.result()
        assert isinstance(over.value.cause, ApplicationError) and over.value.cause.message == text
    told, files = await raw(client, name), on_disk(temporal_stack)
    assert b"EveryWay" in told and name.encode() in files
    assert canary.encode() not in told and canary.encode() not in files


async def test_what_an_engineer_needs_at_night_is_readable_without_a_key(house: House, keyless: Client) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    await case.settled()
    without = Case(house, Journeys(keyless), case.id, case.person)
    card = (await metadata(without)).current_details
    for word in ("TRANSITION", "IOP", "Complete the step-up", "complete-step-up-1", "clinician"):
        assert word in card
    assert await found(without, "Stage = 'TRANSITION' AND Urgent = true")
    described = await without.handle.describe()
    assert await described.static_summary() == "One client's journey through care"
    timers = await without.happened("timer_started")
    said = [pydantic_data_converter.payload_converter.from_payload(each.user_metadata.summary, str) for each in timers]
    assert any("handoff-1: tell " in each for each in said), said
    with pytest.raises(KeyError, match="binary/encrypted"):
        await without.handle.query("state")


async def test_whoever_has_another_key_is_told_which_one_is_missing(
    house: House, temporal_address: str, payload_keys: list[bytes]
) -> None:
    case = await house.admit()
    await case.settled()
    other = Journeys(await connect(temporal_address, house.client.namespace, [NEW]))
    with pytest.raises(JourneysUnreachable, match=f"payload key {key_name(payload_keys[-1])} is not in"):
        await other.status(case.id)


async def test_a_journey_waits_for_the_key_that_its_worker_lacks(
    idle_house: House, temporal_address: str, payload_keys: list[bytes]
) -> None:
    rotated = await connect(temporal_address, idle_house.client.namespace, [*payload_keys, NEW], virtual_time=True)
    async with idle_house.working():
        case = await idle_house.admit(journeys=Journeys(rotated))

        async def has_failed() -> bool:
            return bool(await case.happened("workflow_task_failed"))

        await until(has_failed, "the first task has failed")
        [failed, *_] = await case.happened("workflow_task_failed")
        failure = failed.workflow_task_failed_event_attributes.failure
        assert failure.application_failure_info.type == "PayloadKeyMissing"
        assert f"payload key {key_name(NEW)} is not in" in failure.message
    usual, idle_house.client = idle_house.client, rotated
    async with idle_house.working():
        assert (await case.settled()).stage is Stage.PLACEMENT
    idle_house.journeys = Journeys(usual)


@pytest.fixture
async def begun_before(idle_house: House, keyless: Client) -> AsyncIterator[Case]:
    """A journey that the release before began, and in which it recorded a decision."""
    encrypting, idle_house.client = idle_house.client, keyless
    async with idle_house.working():
        case = await idle_house.admit(journeys=Journeys(keyless))
        await case.screened()
    idle_house.client = encrypting
    yield case


async def test_a_journey_of_the_release_before_goes_on_and_is_encrypted_from_then_on(
    idle_house: House, begun_before: Case, canary: str
) -> None:
    """The house replays its history at the end, the plain part and the encrypted one."""
    case = begun_before
    assert case.person.client_ref.encode() in await raw(idle_house.client, case.handle.id)
    case.journeys = Journeys(idle_house.client)
    async with idle_house.working():
        await case.do(DecidePlacement, recommended=IOP, actual=OP, variance=canary)
        assert (await case.settled()).stage is Stage.COST_REVIEW
    told = await raw(idle_house.client, case.handle.id)
    assert case.person.client_ref.encode() in told, "what it wrote stays as it was"
    assert canary.encode() not in told


async def test_a_worker_of_the_release_before_fails_and_loses_nothing(idle_house: House, keyless: Client) -> None:
    encrypting, idle_house.client = idle_house.client, keyless
    async with idle_house.working():
        case = await idle_house.admit(journeys=Journeys(encrypting))

        async def has_failed() -> bool:
            return bool(await case.happened("workflow_task_failed"))

        await until(has_failed, "the first task has failed")
    idle_house.client = encrypting
    async with idle_house.working():
        assert (await case.settled()).stage is Stage.PLACEMENT
        with pytest.raises(CommandRefused):
            await case.do(DeclineCost, by=ADMISSIONS, reason="too early")
