"""What is asked of a running journey: refusals cost nothing, repeats change nothing."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain import commands as cmd
from domain.plans import Contact, DischargeReason
from domain.values import Stage
from tests.workflows.house import ADMISSIONS, CLINICIAN, House
from tests.workflows.paths import IOP, OP, PHP, enrol
from workflows.client import JourneyNotRunning

pytestmark = pytest.mark.stack

AT_PLACEMENT: list[tuple[type[cmd.Decision], dict[str, Any], str]] = [
    (cmd.ConfirmArrival, {}, "wrong-stage"),
    (cmd.AcceptCost, {"estimate": "estimate-1"}, "wrong-stage"),
    (cmd.Discharge, {"reason": DischargeReason.MOVED}, "wrong-stage"),
    (cmd.RecordFollowUp, {"contact": Contact.REACHED}, "wrong-stage"),
    (cmd.DecidePlacement, {"recommended": OP, "actual": OP, "by": ADMISSIONS}, "not-a-clinician"),
    (cmd.DecidePlacement, {"recommended": PHP, "actual": PHP}, "level-not-ours"),
    (cmd.DecidePlacement, {"recommended": IOP, "actual": OP}, "variance-missing"),
    (cmd.AcknowledgeObligation, {"obligation": "review-9"}, "no-such-obligation"),
    (cmd.WaiveObligation, {"obligation": "decide-placement-1", "reason": "no"}, "not-waivable"),
    (cmd.CompleteObligation, {"obligation": "decide-placement-1", "note": "done"}, "has-its-own-decision"),
]


async def test_a_refusal_says_what_to_do_and_leaves_no_trace(house: House) -> None:
    case = await house.admit()
    before = await case.settled()
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
        await case.handle.execute_update("confirm-arrival", case.command(cmd.ConfirmArrival))
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.non_retryable) == ("wrong-stage", True)


async def test_a_command_repeated_is_answered_without_being_done_again(house: House) -> None:
    case = await house.admit()
    await case.settled()
    placement = case.command(cmd.DecidePlacement, recommended=OP, actual=OP, by=CLINICIAN)
    first = await case.journeys.tell(case.id, placement)
    assert await case.journeys.tell(case.id, placement) == first
    await case.settled()
    assert sum(event.type == "placement.decided" for event in await case.record()) == 1


async def test_a_journey_that_never_began_is_not_running(house: House) -> None:
    with pytest.raises(JourneyNotRunning):
        await house.journeys.tell("nobody", cmd.RepeatAdmission(id="one", message="message-1"))
    with pytest.raises(JourneyNotRunning):
        await house.journeys.standing("nobody")


async def test_a_request_to_cancel_the_workflow_forgets_nobody(house: House) -> None:
    case = await house.admit()
    await enrol(case)
    await case.handle.cancel()
    await case.later(days=1)
    await case.do(cmd.RequestStepUp, to=PHP, reason="worse")
    assert (await case.handle.describe()).status is WorkflowExecutionStatus.RUNNING
    assert (await case.path()).stages[-1] is Stage.TRANSITION
