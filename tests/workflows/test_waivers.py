"""A waiver with an end, on the real server: the one timer waits for its end, and a new run goes on with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.pathway.obligation_decisions import UndoWaiver, WaiveObligation
from domain.pathway.obligation_events import ObligationEscalated, ObligationReopened
from domain.pathway.reviews import CONTINUED_STAY
from domain.plans import Actor
from domain.values import Role
from tests.workflows.house import House
from tests.workflows.paths import IOP, enrol
from workflows.card import card

pytestmark = pytest.mark.stack

DIRECTOR = Actor(id="director-1", role=Role.MEDICAL_DIRECTOR)
OWED = f"{CONTINUED_STAY.kind}-1"


async def test_what_is_waived_until_a_day_is_owed_again_though_the_journey_continued_as_new_meanwhile(
    house: House,
) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    await case.later(days=82)
    before = (await case.state()).obligations.open[OWED]
    day = before.due_at.date() + timedelta(days=5)
    await case.do(WaiveObligation, obligation=OWED, reason="a step-down is planned", until=day, by=DIRECTOR)
    assert f"waived-until-{day}" in card(await case.state(), await case.now())
    told = len(
        [each for each in await case.record() if isinstance(each, ObligationEscalated) and each.obligation == OWED]
    )
    await case.roll_over()
    waived = (await case.settled()).obligations.open[OWED]
    assert waived.waiver is not None and waived.waiver.until == day
    state = await case.later(days=9)
    again = state.obligations.open[OWED]
    [reopened] = [each for each in await case.record() if isinstance(each, ObligationReopened)]
    assert timedelta(0) <= reopened.at - waived.next_at() < timedelta(seconds=5)
    assert again.waiver is None and again.due_at - waived.next_at() == timedelta(days=1)
    spoke = [each for each in await case.record() if isinstance(each, ObligationEscalated) and each.obligation == OWED]
    assert len(spoke) > told and all(each.at >= reopened.at for each in spoke[told:])


async def test_a_waiver_taken_back_after_a_new_run_began_reopens_the_obligation_as_it_was(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    await case.later(days=86)
    before = (await case.state()).obligations.open[OWED]
    await case.do(WaiveObligation, obligation=OWED, reason="a step-down is planned", by=DIRECTOR)
    await case.roll_over()
    assert OWED not in (await case.settled()).obligations.open
    await case.do(UndoWaiver, obligation=OWED, reason="the client stays", by=DIRECTOR)
    assert (await case.settled()).obligations.open[OWED] == before
