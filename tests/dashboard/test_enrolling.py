"""A full track is never filled silently, and two enrolments at once do not take the last place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from dashboard.enrolling import room
from domain.pathway.cost import AcceptCost
from domain.pathway.enrolment import ConfirmEnrolment
from domain.sites import all_sites, site_named, use_sites
from tests.dashboard.api.served import Served, serving
from tests.dashboard.keeping import ask, projecting, reached
from tests.domain import walk
from tests.domain.walk import ADMISSIONS

pytestmark = pytest.mark.stack


@pytest.fixture
async def served(migrated_database: str) -> AsyncIterator[Served]:
    async with serving(migrated_database) as opened:
        yield opened


@pytest.fixture(autouse=True)
def one_place(served: Served) -> Iterator[None]:
    """Each track of the site has one place."""
    before, site = all_sites(), site_named("main")
    use_sites([site.changed(tracks=tuple(each.changed(places=1) for each in site.tracks))])
    yield
    use_sites(before)


async def enrol(served: Served, journey: str, number: str = "1", **fields: Any) -> httpx2.Response:
    body = {"id": f"{journey}-{number}", "track": "evening", **fields}
    return await served.post(f"/journeys/{journey}/decisions/confirm-enrolment", "admissions-1", body)


async def test_a_full_track_is_refused_until_a_reason_is_given(served: Served) -> None:
    await served.keep({"a": walk.unseen(), "b": walk.agreed()})
    refused = await enrol(served, "b")
    assert (refused.status_code, refused.json()["code"]) == (409, "track-full")
    assert "1 places, and 1 are taken" in refused.json()["detail"] and "waitlist" in refused.json()["detail"]
    assert served.journeys.told == [], "nothing was sent"
    taken = await enrol(served, "b", "2", exceptions=["full"], reason="starts on Monday, when another leaves")
    assert taken.status_code == 200, taken.text
    await served.project()
    told = await ask(
        served.url, "select sentence from dash.timeline where journey_id = 'b' and type = 'client.enrolled'"
    )
    assert "though the track was full" in told[0]["sentence"] and "Monday" not in told[0]["sentence"]
    rows = {each["track"]: each for each in (await served.get("/tracks")).json()["rows"]}
    assert (rows["evening"]["taken"], rows["evening"]["over"]) == (2, 1)


async def test_a_change_to_a_full_track_is_refused_and_one_to_a_free_track_is_taken(served: Served) -> None:
    async def change(journey: str, number: str, track: str) -> httpx2.Response:
        body = {"id": f"{journey}-{number}", "track": track}
        return await served.post(f"/journeys/{journey}/decisions/change-track", "admissions-1", body)

    await served.keep({"a": walk.unseen(), "b": walk.enrolled()})
    assert (await change("b", "1", "morning")).status_code == 200
    await served.project()
    full = await change("a", "1", "morning")
    assert (full.status_code, full.json()["code"]) == (409, "track-full")
    assert (await change("b", "2", "morning")).json()["code"] == "track-held"


async def test_an_exception_that_is_none_is_refused(served: Served) -> None:
    await served.keep({"a": walk.agreed()})
    refused = await enrol(served, "a", exceptions=["full"], reason="I thought so")
    assert (refused.status_code, refused.json()["code"]) == (409, "track-has-room")


async def test_an_enrolment_sent_again_is_answered_as_before(served: Served) -> None:
    await served.keep({"a": walk.agreed()})
    assert (await enrol(served, "a")).status_code == 200
    await served.project()
    again = await enrol(served, "a")
    assert (again.status_code, again.json()["stage"]) == (200, "ENROLLED")


async def test_of_two_at_once_one_gets_the_last_place(served: Served) -> None:
    names = [f"j{number}" for number in range(6)]
    await served.keep({name: walk.agreed() for name in names})
    async with projecting(served.url):
        await reached(served.url, 1)
        answers = await asyncio.gather(*(enrol(served, name) for name in names))
    codes = sorted(each.json().get("code", "enrolled") for each in answers)
    assert codes == ["enrolled", *["track-full"] * 5]


async def test_another_track_and_another_decision_wait_for_nobody(served: Served) -> None:
    await served.keep({"a": walk.agreed(), "b": walk.agreed(), "c": walk.placed()})
    connect = served.services.pool.connection
    enrolment = ConfirmEnrolment(id="1", by=ADMISSIONS, track="evening")
    async with room(connect, "a", enrolment):
        assert (await enrol(served, "b", track="morning")).status_code == 200
        async with room(connect, "c", AcceptCost(id="1", by=ADMISSIONS, estimate="estimate-1")):
            pass


async def test_a_track_that_no_file_names_is_not_counted(served: Served) -> None:
    use_sites([site_named("main").changed(tracks=())])
    await served.keep({"a": walk.unseen(), "b": walk.agreed()})
    assert (await enrol(served, "b")).status_code == 200
