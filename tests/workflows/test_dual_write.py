"""Two records, one truth: whatever fails between the append and Temporal, both agree in the end."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from itertools import groupby

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus

from domain.commands import BaseCommand
from domain.comparing import comparable
from domain.decide import decide
from domain.evolve import fold
from domain.pathway.admission import CancelAdmission, JourneyOpened, RepeatAdmission
from domain.pathway.discharge import ReportDischarge, UpdateDischargePlan
from domain.pathway.move_decisions import ConfirmArrival
from domain.pathway.placement import DecidePlacement
from domain.refusal import Refusal
from domain.values import Stage
from eventstore import EventStore, NewEvent, open_store
from migrations import migrate
from record.codec import to_record
from tests.workflows.dying import Dying
from tests.workflows.house import Case, House, until
from tests.workflows.paths import IOP, OP, PATHS, PLAN, into_care
from tests.workflows.stores import AnswersGetLost, Around, Away, DiesAfterAppend, DiesOnceToldTo
from workflows.card import STAGE, URGENT
from workflows.client import CommandNotRecorded, CommandRefused

pytestmark = pytest.mark.stack


async def assert_one_truth(case: Case) -> None:
    """Workflow and record agree, and no command led to events twice."""
    record = await case.record()
    assert fold(record) == await case.state()
    causes = [cause for cause, _ in groupby(record, lambda event: event.cause)]
    assert len(causes) == len(set(causes))


@pytest.mark.parametrize(("failing", "name"), [(DiesAfterAppend, "self-pay"), (AnswersGetLost, "cancelled")])
async def test_a_whole_path_when_every_append_fails_after_it_was_done(
    idle_house: House, failing: type[DiesAfterAppend | AnswersGetLost], name: str
) -> None:
    path = PATHS[name]
    store = failing(idle_house.store)
    async with idle_house.working(store, Dying):
        case = await idle_house.admit(**path.clinic)
        for step in path.steps:
            await case.settled()
            await step(case)
        await case.ended()
        assert (await case.path()).stages == path.stages
        await assert_one_truth(case)
        recorded = {event.cause for event in await case.record()}
    failed = store.deaths if isinstance(store, DiesAfterAppend) else store.lost
    assert failed == {(case.id, cause) for cause in recorded}


async def test_what_races_with_the_retried_task_is_decided_once(idle_house: House) -> None:
    store = DiesOnceToldTo(idle_house.store, key="decide-placement/placement")
    async with idle_house.working(store, Dying):
        case = await idle_house.admit()
        await case.screened()
        async with asyncio.TaskGroup() as racing:
            racing.create_task(case.do(DecidePlacement, id="placement", recommended=OP, actual=OP))
            await store.recorded.wait()
            racing.create_task(case.do(RepeatAdmission, message="again"))
            racing.create_task(case.handle.signal("roll-over"))
            racing.create_task(case.journeys.tell(case.id, case.command(ReportDischarge, message="left")))
            store.now.set()
        assert (await case.settled()).placement.level == OP
        await assert_one_truth(case)
    assert (case.id, "decide-placement/placement") in store.deaths


async def test_a_workflow_that_was_reset_meets_what_it_recorded_before(house: House) -> None:
    """It decides everything again, later, and asks for other events under the same keys."""
    case = await house.admit()
    await case.screened()
    await case.do(DecidePlacement, recommended=OP, actual=OP)
    before = await case.settled()
    recorded = await case.record()
    [first, *_] = await case.happened("workflow_task_completed")
    await house.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=house.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=case.handle.id),
            reason="as an engineer may",
            workflow_task_finish_event_id=first.event_id,
            request_id=str(uuid.uuid4()),
        )
    )
    assert comparable(await case.settled()) == comparable(before)
    assert [each.cause for each in await case.record()][: len(recorded)] == [each.cause for each in recorded]
    await case.do(RepeatAdmission, message="again")
    await assert_one_truth(case)


async def test_a_worker_dies_and_another_takes_over(idle_house: House) -> None:
    """The first worker never answers the task that appended; the second decides it again."""
    store = DiesOnceToldTo(idle_house.store, key="decide-placement/placement")
    async with idle_house.working(store, Dying):
        case = await idle_house.admit()
        await case.screened()
        telling = asyncio.create_task(case.do(DecidePlacement, id="placement", recommended=OP, actual=OP))
        await store.recorded.wait()
        store.now.set()
    async with idle_house.working():
        assert (await telling).stage is Stage.COST_REVIEW
        await case.settled()
        await assert_one_truth(case)


async def written_by_another(case: Case, store: EventStore, command: BaseCommand) -> None:
    """Records what `command` leads to behind the workflow's back."""
    outcome = decide(await case.state(), command, await case.now())
    assert not isinstance(outcome, Refusal)
    events: list[NewEvent] = [to_record(event) for event in outcome.events]
    await store.append(case.id, expected_version=(await case.state()).version, key=command.cause, events=events)


async def test_what_another_wrote_is_taken_in_before_deciding(house: House) -> None:
    case = await house.admit()
    await case.settled()
    for step in into_care(IOP)[:4]:
        await step(case)
    await case.settled()
    await written_by_another(case, house.store, case.command(UpdateDischargePlan, plan=PLAN))
    await case.do(RepeatAdmission, message="again")
    assert (await case.settled()).discharge.plan == PLAN
    await assert_one_truth(case)


async def test_what_another_wrote_may_lead_to_a_refusal_after_acceptance(house: House) -> None:
    case = await house.admit()
    await case.screened()
    placement = case.command(DecidePlacement, recommended=OP, actual=OP)
    await written_by_another(case, house.store, case.command(CancelAdmission, message="cancelled"))
    with pytest.raises(CommandRefused) as refused:
        await case.journeys.tell(case.id, placement)
    assert refused.value.code == "journey-ended"
    assert len(await case.happened("workflow_execution_update_accepted")) == 2, "the screening and the placement"
    assert (await case.ended())["stage"] == Stage.CANCELLED
    await assert_one_truth(case)


async def test_a_command_that_another_carried_out_is_answered(house: House) -> None:
    case = await house.admit()
    await case.screened()
    placement = case.command(DecidePlacement, recommended=OP, actual=OP)
    await written_by_another(case, house.store, placement)
    assert (await case.journeys.tell(case.id, placement)).stage is Stage.COST_REVIEW
    await case.settled()
    await assert_one_truth(case)


async def test_nothing_is_decided_while_the_record_has_lost_events(
    idle_house: House, database_url_factory: Callable[[], str]
) -> None:
    """The database comes back from an old backup: the journey stops visibly until the record is mended."""
    store = Around(idle_house.store)
    backup_url = database_url_factory()
    migrate(backup_url)
    async with idle_house.working(store), open_store(backup_url) as backup:
        case = await idle_house.admit()
        before = await case.screened()
        first = (await idle_house.store.read(case.id))[:1]
        await backup.append(case.id, expected_version=0, key="open/message-1", events=[_as_new(first[0])])
        store.inner = backup
        placement = case.command(DecidePlacement, recommended=OP, actual=OP)
        with pytest.raises(CommandNotRecorded) as told:
            await case.journeys.tell(case.id, placement)
        assert told.value.code == "ahead-of-record"

        async def it_is_visible() -> bool:
            return any(
                b"ahead-of-record" in timer.SerializeToString() for timer in await case.happened("timer_started")
            )

        await until(it_is_visible, "the journey said that it stands still and why")
        described = await case.handle.describe()
        assert described.typed_search_attributes.get(URGENT) is True
        assert (await case.handle.describe()).status is WorkflowExecutionStatus.RUNNING
        assert len(await backup.read(case.id)) == 1
        store.inner = idle_house.store
        assert (await case.journeys.tell(case.id, placement)).version > before.version
        await case.settled()
        await assert_one_truth(case)
        described = await case.handle.describe()
        assert described.typed_search_attributes.get(URGENT) is False


def _as_new(stored: NewEvent) -> NewEvent:
    return NewEvent(**{name: getattr(stored, name) for name in NewEvent.model_fields})


async def test_nothing_is_visible_before_it_is_on_record(idle_house: House) -> None:
    store = Away(idle_house.store)
    async with idle_house.working(store):
        case = await idle_house.admit()
        before = await case.screened()
        told_before = idle_house.clinic.ledger(journey=case.id)
        store.is_away = True
        telling = asyncio.create_task(case.do(DecidePlacement, recommended=OP, actual=OP))
        await store.asked.wait()
        assert await case.state() == before
        described = await case.handle.describe()
        assert described.typed_search_attributes.get(STAGE) == Stage.PLACEMENT
        assert idle_house.clinic.ledger(journey=case.id) == told_before
        assert fold(await case.record()) == before
        assert not telling.done()
        store.is_away = False
        assert (await telling).stage is Stage.COST_REVIEW
        await case.settled()
        await assert_one_truth(case)


async def test_an_admission_waits_for_the_record(idle_house: House) -> None:
    """Told at once, before anything is on record: what is accepted unseen is decided in order, or refused then."""
    store = Away(idle_house.store)
    store.is_away = True
    async with idle_house.working(store):
        case = await idle_house.admit()
        await store.asked.wait()
        too_early = asyncio.create_task(case.refused(ConfirmArrival))
        repeated = asyncio.create_task(case.do(RepeatAdmission, message="again"))
        store.is_away = False
        assert (await too_early).code == "wrong-stage"
        assert (await repeated).version > 0
        first, *_ = await case.record()
        assert isinstance(first, JourneyOpened)
        await case.settled()
        await assert_one_truth(case)


async def test_a_worker_stops_although_the_record_is_away_and_the_next_one_goes_on(idle_house: House) -> None:
    store = Away(idle_house.store)
    working = idle_house.working(store)
    await working.__aenter__()
    case = await idle_house.admit()
    await case.screened()
    store.is_away = True
    telling = asyncio.create_task(case.do(DecidePlacement, recommended=OP, actual=OP))
    await store.asked.wait()
    async with asyncio.timeout(30):  # only so that a fault fails this test rather than hang it
        await working.__aexit__(None, None, None)
    async with idle_house.working():
        assert (await telling).stage is Stage.COST_REVIEW
        await case.settled()
        await assert_one_truth(case)
