"""Levels of care that only a policy's file adds, from admission to the end, on the real parts in virtual time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from centre.files import EXAMPLE
from domain.evolve import fold
from domain.pathway.coverage import RecordBenefits
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reviews import CompleteReview
from domain.plans import Actor, ReviewOutcome
from domain.values import Role, Stage
from tests.centres import loaded
from tests.policies import write_php, write_residential
from tests.workflows.house import ADMISSIONS, Case, House
from tests.workflows.paths import OUT_OF_CARE, decide, into_care, later
from workflows.client import CommandRefused

pytestmark = pytest.mark.stack
DIRECTOR = Actor(id="director-1", role=Role.MEDICAL_DIRECTOR)
IN_CARE = (
    *(Stage.REFERRED, Stage.BENEFITS_CHECK, Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING),
    *(Stage.ENROLLED, Stage.ACTIVE),
)
MOVED = (Stage.TRANSITION, Stage.ACTIVE)
TO_THE_END = (Stage.DISCHARGED, Stage.FOLLOW_UP, Stage.CLOSED)


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[None]:
    """A centre with two more sites: a day hospital, and a house where clients live. Nothing but files."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    write_php(tmp_path / "policies")
    write_residential(tmp_path / "policies")
    main = (tmp_path / "sites" / "main.toml").read_text()
    for site, policy in (("day-hospital", "us-php-1"), ("house", "us-residential-1")):
        text = main.replace('id = "main"', f'id = "{site}"').replace("us-generic-1", policy)
        (tmp_path / "sites" / f"{site}.toml").write_text(text)
    with loaded(tmp_path):
        yield


async def walked(case: Case, *steps: object) -> None:
    for step in steps:
        await case.settled()
        await step(case)  # type: ignore[operator]
    await case.ended()
    assert fold(await case.record()) == await case.state()


async def test_php_given_by_us_from_admission_to_the_end(house: House, centre: None) -> None:
    case = await house.admit(site="day-hospital")
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


async def test_residential_from_admission_to_the_end(house: House, centre: None) -> None:
    case = await house.admit(site="house")
    screened, placed, accepted, *enrolled = into_care("RESIDENTIAL")
    share = {"copay": 50, "only_for": "RESIDENTIAL"}
    await walked(
        case,
        screened,
        placed,
        decide(RecordBenefits, verdict="CLEAR", cost_share=share, note="called the plan"),
        decide(CompleteObligation, obligation="obtain-authorisation-1", note="authorised for 30 days", by=ADMISSIONS),
        accepted,
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


async def test_a_journey_moves_to_another_policy_and_goes_on_under_it(house: House, centre: None) -> None:
    case = await house.admit()
    with pytest.raises(CommandRefused, match="policy 'us-lost-1' is unknown here") as refused:
        await case.do(ChangePolicy, to="us-lost-1", reason="typed wrongly", by=DIRECTOR)
    assert refused.value.code == "worker-out-of-date"
    await walked(
        case,
        *into_care("IOP"),
        decide(ChangePolicy, to="us-php-1", reason="moved to the day hospital", by=DIRECTOR),
        decide(RequestStepUp, to="PHP", reason="worse"),
        decide(ConfirmArrival),
        decide(StartStepDown, to="IOP", reason="better"),
        decide(ConfirmArrival),
        *OUT_OF_CARE,
    )
    assert (await case.path()).stages == (*IN_CARE, *MOVED, *MOVED, *TO_THE_END)
    assert (await case.state()).policy.version == "us-php-1"
