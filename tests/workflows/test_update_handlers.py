"""What is asked of a running journey: refusals cost nothing, repeats change nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.commands import Decision
from domain.pathway.admission import RepeatAdmission
from domain.pathway.cost import AcceptCost, CostAccepted
from domain.pathway.discharge import Discharge, UpdateDischargePlan
from domain.pathway.enrolment import ConfirmEnrolment, Enrolled
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp
from domain.pathway.obligation_decisions import AcknowledgeObligation, CompleteObligation, WaiveObligation
from domain.pathway.placement import DecidePlacement, PlacementDecided
from domain.plans import Contact, DischargeReason
from domain.values import Stage
from tests.workflows.house import ADMISSIONS, CLINICIAN, House, until
from tests.workflows.paths import IOP, OP, PHP, PLAN, enrol
from tests.workflows.stumbling import Stumbling
from workflows.client import JourneyNotRunning, Journeys, JourneysUnreachable, _refusal

pytestmark = pytest.mark.stack

AT_PLACEMENT: list[tuple[type[Decision], dict[str, Any], str]] = [
    (ConfirmArrival, {}, "wrong-stage"),
    (AcceptCost, {"estimate": "estimate-1"}, "wrong-stage"),
    (Discharge, {"reason": DischargeReason.MOVED}, "wrong-stage"),
    (RecordFollowUp, {"contact": Contact.REACHED}, "wrong-stage"),
    (DecidePlacement, {"recommended": OP, "actual": OP, "by": ADMISSIONS}, "not-their-decision"),
    (DecidePlacement, {"recommended": PHP, "actual": PHP}, "level-not-ours"),
    (DecidePlacement, {"recommended": IOP, "actual": OP}, "variance-missing"),
    (AcknowledgeObligation, {"obligation": "review-9"}, "no-such-obligation"),
    (WaiveObligation, {"obligation": "decide-placement-1", "reason": "no"}, "not-waivable"),
    (CompleteObligation, {"obligation": "decide-placement-1", "note": "done"}, "has-its-own-decision"),
]


async def test_a_refusal_says_what_to_do_and_leaves_no_trace(house: House) -> None:
    case = await house.admit()
    before = await case.screened()
    length = (await case.handle.describe()).history_length
    for kind, fields, code in AT_PLACEMENT:
        refused = await case.refused(kind, **fields)
        assert refused.code == code, kind
        assert refused.sentence.endswith(".") and len(refused.sentence.split()) >= 5
    assert await case.state() == before
    assert (await case.handle.describe()).history_length == length


async def test_a_refusal_is_an_application_error_for_any_client(house: House) -> None:
    case = await house.admit()
    await case.settled()
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await case.handle.execute_update("confirm-arrival", case.command(ConfirmArrival))
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.non_retryable) == ("wrong-stage", True)


async def test_a_command_repeated_is_answered_without_being_done_again(house: House) -> None:
    case = await house.admit()
    await case.screened()
    placement = case.command(DecidePlacement, recommended=OP, actual=OP, by=CLINICIAN)
    first = await case.journeys.tell(case.id, placement)
    assert await case.journeys.tell(case.id, placement) == first
    await case.settled()
    assert sum(event.type == "placement.decided" for event in await case.record()) == 1


async def test_a_journey_that_never_began_is_not_running(house: House) -> None:
    with pytest.raises(JourneyNotRunning):
        await house.journeys.tell("nobody", RepeatAdmission(id="one", message="message-1"))
    with pytest.raises(JourneyNotRunning):
        await house.journeys.status("nobody")


async def test_a_request_to_cancel_the_workflow_forgets_nobody(house: House) -> None:
    case = await house.admit()
    await enrol(case)
    await case.handle.cancel()
    await case.later(days=1)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    assert (await case.handle.describe()).status is WorkflowExecutionStatus.RUNNING
    assert (await case.path()).stages[-1] is Stage.TRANSITION


async def test_the_same_id_for_another_kind_is_another_command(house: House) -> None:
    case = await house.admit()
    await case.screened()
    await case.do(DecidePlacement, id="same", recommended=OP, actual=OP)
    await case.do(AcceptCost, id="same", estimate="estimate-1")
    assert (await case.do(ConfirmEnrolment, id="same", track="individual")).stage is Stage.ENROLLED
    causes = [e.cause for e in await case.record() if isinstance(e, PlacementDecided | CostAccepted | Enrolled)]
    assert causes == ["decide-placement/same", "accept-cost/same", "confirm-enrolment/same"]
    accepted = [
        event.workflow_execution_update_accepted_event_attributes.accepted_request.meta.update_id
        for event in await case.happened("workflow_execution_update_accepted")
    ]
    assert accepted[1:] == causes, "the screening came first"


async def test_a_decision_that_calls_itself_an_answer_does_not_shadow_the_answer(house: House) -> None:
    case = await house.admit(ehr_delay=0.3)
    await enrol(case)
    soon = (await case.state()).version + 1
    await asyncio.gather(*(case.do(UpdateDischargePlan, id=f"settle/ehr-{soon + n}", plan=PLAN) for n in range(6)))
    state = await case.settled()
    assert state.ehr.synced == state.news


class FromANewerRelease(DecidePlacement):
    """A command that this release cannot read."""

    wish: str


async def test_a_command_the_worker_cannot_read_is_not_refused_and_not_quoted(house: House) -> None:
    case = await house.admit()
    before = await case.settled()
    command = FromANewerRelease(id="new", by=CLINICIAN, recommended=OP, actual=OP, wish="Bartolomea wants a window")
    with pytest.raises(JourneysUnreachable, match="one release") as failed:
        await case.journeys.tell(case.id, command)
    assert "Bartolomea" not in str(failed.value) and failed.value.__suppress_context__
    assert await case.state() == before


@pytest.mark.parametrize("kind", ["RuntimeError", "ValidationError", "not_kebab", "Wrong-stage", "", None])
def test_only_the_domains_own_codes_are_refusals(kind: str | None) -> None:
    failed = WorkflowUpdateFailedError(ApplicationError("Bartolomea wants a window", type=kind))
    told = _refusal(failed, "journey-1")
    assert isinstance(told, JourneysUnreachable) and "Bartolomea" not in str(told)


async def test_an_arrival_by_ambulance_gives_back_what_the_search_still_finds(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    house.clinic.script("*", ehr_delay=0.3)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    await case.do(ConfirmArrival, facility="County Hospital")
    state = await case.settled()
    assert (state.level, state.stage) == (PHP, Stage.EXTERNAL)
    held = house.clinic.fhir("Slot", status="busy-tentative")
    assert not [slot for slot in held if case.id in str(slot["identifier"])]


def hurried(house: House) -> Journeys:
    return Journeys(house.client, patience=timedelta(milliseconds=500))


async def test_a_journey_whose_workflow_stumbles_says_where_to_look(idle_house: House) -> None:
    async with idle_house.working(workflow=Stumbling):
        case = await idle_house.admit()

        async def says_so() -> bool:
            with pytest.raises(JourneysUnreachable) as failed:
                await hurried(idle_house).status(case.id)
            return "workflow task fails" in str(failed.value) and f"journey-{case.id}" in str(failed.value)

        await until(says_so, "Temporal fails what asks of a task that failed several times")


async def test_a_journey_without_a_worker_says_that_none_answered(idle_house: House) -> None:
    async with idle_house.working():
        case = await idle_house.admit()
        await case.settled()
    with pytest.raises(JourneysUnreachable, match="no worker answered in time"):
        await hurried(idle_house).status(case.id)
