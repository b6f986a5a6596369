"""Levels of care that only a policy's file adds, from admission to the end, on the real parts in virtual time."""

from __future__ import annotations

import pytest

from domain.evolve import fold
from domain.pathway.coverage import RecordBenefits
from domain.pathway.moves import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reviews import CompleteReview
from domain.plans import Actor, ReviewOutcome
from domain.values import Role, Stage
from tests.policies import OTHERS
from tests.workflows.house import Case, House
from tests.workflows.paths import OUT_OF_CARE, decide, into_care, later

pytestmark = pytest.mark.stack
DIRECTOR = Actor(id="director-1", role=Role.MEDICAL_DIRECTOR)
IN_CARE = (Stage.REFERRED, Stage.BENEFITS_CHECK, Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING, Stage.ACTIVE)
MOVED = (Stage.TRANSITION, Stage.ACTIVE)
TO_THE_END = (Stage.DISCHARGED, Stage.FOLLOW_UP, Stage.CLOSED)


async def under(house: House, version: str) -> Case:
    assert version in OTHERS
    case = await house.admit()
    await case.settled()
    await case.do(ChangePolicy, to=version, reason="its site gives this level", by=DIRECTOR)
    return case


async def walked(case: Case, *steps: object) -> None:
    for step in steps:
        await case.settled()
        await step(case)  # type: ignore[operator]
    await case.handle.result()
    assert fold(await case.record()) == await case.state()


async def test_php_given_by_us_from_admission_to_the_end(house: House) -> None:
    case = await under(house, "us-php-1")
    await walked(
        case,
        *into_care("IOP"),
        decide(RequestStepUp, to="PHP", reason="worse"),
        later(hours=2),
        decide(ConfirmArrival),
        later(days=7),
        decide(CompleteReview, outcome=ReviewOutcome.CONTINUE, rationale="progress"),
        later(days=21),
        decide(CompleteReview, outcome=ReviewOutcome.CONTINUE, rationale="not yet", by=DIRECTOR),
        decide(StartStepDown, to="IOP", reason="better"),
        decide(ConfirmArrival),
        *OUT_OF_CARE,
    )
    been = await case.path()
    assert been.levels == ("IOP", "PHP", "IOP")
    assert been.stages == (*IN_CARE, *MOVED, *MOVED, *TO_THE_END), "PHP is ours: the client never is elsewhere"


async def test_residential_from_admission_to_the_end(house: House) -> None:
    case = await under(house, "us-residential-1")
    placed, _, *enrolled = into_care("RESIDENTIAL")
    share = {"copay": 50, "only_for": "RESIDENTIAL"}
    await walked(
        case,
        placed,
        decide(RecordBenefits, verdict="CLEAR", cost_share=share, note="called the plan"),
        decide(CompleteObligation, obligation="obtain-authorisation-1", note="authorised for 30 days"),
        into_care("RESIDENTIAL")[1],
        *enrolled,
        later(days=7),
        decide(CompleteReview, outcome=ReviewOutcome.CONTINUE, rationale="progress"),
        later(days=7),
        decide(CompleteReview, outcome=ReviewOutcome.STEP_DOWN, to="IOP", rationale="ready"),
        decide(ConfirmArrival),
        *OUT_OF_CARE,
    )
    been = await case.path()
    assert been.levels == ("RESIDENTIAL", "IOP")
    assert been.stages == (*IN_CARE, *MOVED, *TO_THE_END)
    estimate = (await case.state()).cost.estimate
    assert estimate is not None and estimate.high == 1500, "30 days at a copay of 50"
