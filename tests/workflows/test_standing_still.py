"""A journey that stands still says so with its cause wherever one that cannot record does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from activities import signatures as sig
from domain.pathway.admission import RepeatAdmission
from recovery.running import RunningJourneys
from tests.recovery.records import holding
from tests.workflows.house import Case, House, until
from tests.workflows.stores import Around
from tests.workflows.test_not_recorded import idle, marked, nothing_is_said, paged
from tests.workflows.test_shown import found, metadata
from workflows.card import URGENT

pytestmark = pytest.mark.stack

CODE = sig.AHEAD_OF_RECORD


async def stopped_by_reconcile(case: Case, store: Around) -> None:
    await case.handle.signal("stand-still", CODE)


async def stopped_by_itself(case: Case, store: Around) -> None:
    """It finds that the record has lost events."""
    store.inner = await holding(case.id, (await case.house.store.read(case.id))[:2])
    await case.handle.signal("catch-up")


@pytest.mark.parametrize("stop", [stopped_by_reconcile, stopped_by_itself])
async def test_it_is_shown_logged_listed_and_paged(idle_house: House, stop: object) -> None:
    assert callable(stop)
    store = Around(idle_house.store)
    with capture_logs() as logs:
        async with idle_house.working(store):
            case = await idle_house.admit()
            await case.settled()
            await stop(case, store)

            async def is_listed() -> bool:
                return await found(case, f"NotRecorded = '{CODE}' AND Urgent = true")

            await until(is_listed, "the journey is listed by its cause")
            assert (await RunningJourneys(idle_house.client).not_recorded())[case.id] == CODE
            card = (await metadata(case)).current_details
            assert "Stands still since" in card and CODE in card
            refused = await case.refused(RepeatAdmission, message="again")
            assert refused.code == "standing-still" and CODE in refused.sentence
            await paged(case, subject="stands still")
            await idle(case, timedelta(hours=4, minutes=1))
            await paged(case, times=2, subject="stands still")
            store.inner = idle_house.store
            await case.journeys.look_again(case.id)
            await paged(case, subject="recorded again")
            await nothing_is_said(case)
            assert await marked(case) is None
            assert (await case.handle.describe()).typed_search_attributes.get(URGENT) is False
    said = [each for each in logs if each["event"] == "journey-stands-still"]
    assert [(each["cause"], each["log_level"]) for each in said] == [(CODE, "error")]
