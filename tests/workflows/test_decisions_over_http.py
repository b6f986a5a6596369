"""Decisions over HTTP on the real server: each is on record once, and a refusal is the journey's own."""

from __future__ import annotations

import pytest

from domain.pathway.screening import ScreeningCompleted
from tests.dashboard.api.served import serving
from tests.workflows.conftest import Ground
from tests.workflows.house import Case, House

pytestmark = pytest.mark.stack

SCREENED = {"id": "1", "urgency": "routine", "risk": "low", "treatment": "given", "note": "spoke with the client"}


async def test_a_decision_over_http_is_on_record_once_with_who_took_it(house: House, ground: Ground) -> None:
    case = await house.admit()
    await case.settled()
    async with serving(ground.database_url, sealer=house.sealer, journeys=house.journeys) as served:
        path = f"/journeys/{case.id}/decisions"
        answers = [await served.post(f"{path}/complete-screening", "admissions-1", SCREENED) for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 200], [each.text for each in answers]
        [screened] = [each for each in await case.record() if isinstance(each, ScreeningCompleted)]
        assert (screened.by.id, screened.by.role, screened.note) == ("admissions-1", "admissions", SCREENED["note"])
        events = (await served.get(f"/journeys/{case.id}/events?size=200", "admissions-1")).json()["rows"]
        [shown] = [each for each in events if each["type"] == "screening.completed"]
        assert shown["position"] <= answers[0].json()["position"]
        assert shown["words"] == {"/note": SCREENED["note"]}
        refused = await served.post(f"{path}/discharge", "clinician-1", {"id": "2", "reason": "moved"})
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong-stage")


async def test_a_journey_that_does_not_run_any_more_is_refused(house: House, ground: Ground) -> None:
    case: Case = await house.admit()
    await case.settled()
    await case.handle.terminate("for the test")
    async with serving(ground.database_url, sealer=house.sealer, journeys=house.journeys) as served:
        path = f"/journeys/{case.id}/decisions/complete-screening"
        answer = await served.post(path, "admissions-1", SCREENED)
        assert (answer.status_code, answer.json()["code"]) == (409, "journey-ended")
