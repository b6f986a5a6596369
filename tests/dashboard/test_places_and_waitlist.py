"""Places in tracks and the waitlist: what the read models say is what the journeys' states say."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from cli.main import run
from cli.output import Exit
from dashboard.queries.places import TrackPlaces, with_room
from domain.pathway.cost import AcceptCost
from domain.pathway.discharge import Discharge
from domain.pathway.move_decisions import ConfirmArrival
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.screening import CompleteScreening
from domain.pathway.track_change import ChangeTrack
from domain.pathway.waitlist import PutOnWaitlist, RecordInterimOffer
from domain.sites import all_sites, site_named, use_sites
from tests.dashboard.api.served import Served, serving
from tests.domain import walk
from tests.domain.walk import ADMISSIONS, CLINICIAN, MONDAY, SCREENED, TRACKS, Walk

pytestmark = pytest.mark.stack


def waiting(days: int, **found: Any) -> Walk:
    """Waits since so many days after the Monday, with what a screening found."""
    walked = walk.agreed()
    walked.do(CompleteScreening, **{**SCREENED, **found}, by=CLINICIAN)
    walked.now = MONDAY + timedelta(days=days)
    walked.do(PutOnWaitlist, by=ADMISSIONS)
    return walked


def in_care_meanwhile() -> Walk:
    walked = waiting(4)
    walked.do(RecordInterimOffer, answer="accepted")
    walked.do(DecidePlacement, recommended="IOP", actual="OP", variance="waits for room")
    walked.do(AcceptCost, estimate="estimate-2")
    walked.enrol()
    return walked


def discharged() -> Walk:
    walked = walk.enrolled()
    walked.do(Discharge, reason="goals-met")
    return walked


@pytest.fixture
async def served(migrated_database: str) -> AsyncIterator[Served]:
    async with serving(migrated_database) as opened:
        yield opened


async def test_the_waitlist_is_by_risk_and_then_by_time_waited(served: Served) -> None:
    asked = waiting(1, risk="low")
    asked.do(CompleteObligation, obligation="waitlist-check-in-1", note="managing", by=CLINICIAN)
    walks = {
        "low-early": asked,
        "low-urgent": waiting(3, urgency="urgent"),
        "unknown": waiting(3, risk="unknown"),
        "raised-late": waiting(5, risk="raised"),
        "raised-early": waiting(2, risk="raised"),
        "crisis": waiting(6, risk="low", urgency="crisis"),
        "meanwhile": in_care_meanwhile(),
        "enrolled": walk.enrolled(),
    }
    await served.keep(walks)
    rows = (await served.get("/waitlist")).json()["rows"]
    order = ["crisis", "raised-early", "unknown", "raised-late", "low-urgent", "low-early", "meanwhile"]
    assert [each["journey_id"] for each in rows] == order
    told = {each["journey_id"]: each for each in rows}
    assert told["unknown"]["risk"] == "unknown" and told["meanwhile"]["level"] == "OP"
    assert {each["waits_for"] for each in rows} == {"IOP"}
    assert {tuple(each["room_in"]) for each in rows} == {("morning", "evening", "telehealth")}
    for name, each in told.items():
        [owed] = walks[name].state.open_of("waitlist-check-in")
        assert each["check_in_due"] == owed.due_at.isoformat().replace("+00:00", "Z")
    assert (await served.get("/waitlist", "north-1")).json()["rows"] == []
    assert (await served.get("/tracks", "north-1")).json()["rows"] == []


async def test_room_is_where_the_client_could_come(served: Served) -> None:
    walked = walk.agreed()
    walked.refused(PutOnWaitlist, "track-of-another-level", tracks=["individual"], by=ADMISSIONS)
    walked.do(PutOnWaitlist, tracks=["evening", "telehealth"], by=ADMISSIONS)
    assert "Waits for room in IOP: evening or telehealth" in walked.record[-4].sentence()
    full = [walk.unseen() for _ in range(2)]
    await served.keep({"w": walked, "a": full[0], "b": full[1]})
    before, site = all_sites(), site_named("main")
    use_sites([site.changed(tracks=tuple(each.changed(places=2) for each in site.tracks))])
    try:
        [waits] = (await served.get("/waitlist")).json()["rows"]
    finally:
        use_sites(before)
    assert (waits["could_come_to"], waits["room_in"]) == (["evening", "telehealth"], ["telehealth"])


async def test_a_place_is_counted_from_the_enrolment_to_the_discharge(served: Served) -> None:
    await served.keep({"a": walk.enrolled(), "b": walk.unseen(), "c": walk.enrolled("OP"), "d": discharged()})
    told = {each["track"]: each for each in (await served.get("/tracks")).json()["rows"]}
    assert {name: each["taken"] for name, each in told.items() if each["taken"]} == {"evening": 2, "individual": 1}
    assert (told["evening"]["places"], told["evening"]["free"], told["evening"]["over"]) == (12, 10, 0)


async def test_an_overfull_track_and_one_that_no_file_names_are_told_plainly(served: Served) -> None:
    before, site = all_sites(), site_named("main")
    await served.keep({name: walk.unseen() for name in "abc"} | {"d": walk.unseen("OP"), "w": waiting(1)})
    smaller = [each.changed(places=2) for each in site.tracks if each.id == "evening"]
    use_sites([site.changed(tracks=tuple(smaller))])
    try:
        rows = (await served.get("/tracks")).json()["rows"]
        headers, _ = await served.browser("admissions-1")
        page = (await served.http.get("/tracks", headers=headers)).text
        [waits] = (await served.get("/waitlist")).json()["rows"]
    finally:
        use_sites(before)
    evening, other = rows
    assert (evening["taken"], evening["free"], evening["over"]) == (3, 0, 1)
    assert (other["track"], other["places"], other["free"]) == (TRACKS["OP"], None, None)
    assert "has 3 clients and 2 places" in page and "in no file" in page
    assert waits["room_in"] == []


async def test_the_page_offers_to_enrol_who_waits_where_there_is_room(served: Served) -> None:
    await served.keep({"w": waiting(1, risk="unknown")})
    headers, _ = await served.browser("admissions-1")
    page = (await served.http.get("/tracks", headers=headers)).text
    assert "/journeys/w?decide=confirm-enrolment#decide" in page and "morning, evening, telehealth" in page
    assert '<span class="flag bad">unknown</span>' in page and 'aria-current="page">Tracks' in page


async def test_the_form_offers_the_tracks_of_the_level_with_room_first(served: Served) -> None:
    await served.keep({"a": walk.agreed(), "b": walk.unseen()})
    before, site = all_sites(), site_named("main")
    use_sites([site.changed(tracks=tuple(each.changed(places=1) for each in site.tracks))])
    headers, _ = await served.browser("admissions-1")
    try:
        page = (await served.http.get("/journeys/a?decide=confirm-enrolment", headers=headers)).text
    finally:
        use_sites(before)
    offered = re.findall(r'<option value="(\w+)"[^>]*>IOP [^<]*?, ([^,<]*)</option>', page)
    room = "1 of 1 places free"
    assert offered == [("morning", room), ("telehealth", room), ("evening", "full")]


async def test_who_is_in_care_without_a_track_is_named_until_they_have_one(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = walk.stepping_up("OP", "IOP")
    moved.do(ConfirmArrival)
    await served.keep({"moved": moved, "in-one": walk.enrolled(), "elsewhere": walk.elsewhere()})
    without = (await served.get("/tracks")).json()["without"]
    assert [(each["journey_id"], each["level"]) for each in without] == [("moved", "IOP")]
    page = await served.http.get("/tracks", headers=await served.headers("supervisor-1"))
    assert "In care without a track" in page.text and "/journeys/moved?decide=change-track" in page.text
    capsys.readouterr()
    monkeypatch.setenv("DATABASE_URL", served.url)
    assert await asyncio.to_thread(run, ["tracks"]) == Exit.OK
    assert "is in care at IOP without a track: throughline change-track J-" in capsys.readouterr().out
    assert (await served.get("/tracks", "north-1")).json()["without"] == []


async def test_a_changed_track_counts_there_and_no_longer_before(served: Served) -> None:
    walked = walk.enrolled()
    walked.do(ChangeTrack, track="morning")
    await served.keep({"a": walked})
    told = (await served.get("/tracks")).json()
    assert {each["track"]: each["taken"] for each in told["rows"] if each["taken"]} == {"morning": 1}
    assert told["without"] == []


async def test_the_commands_say_the_same(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await served.keep({"a": walk.enrolled(), "w": waiting(1, risk="raised")})
    monkeypatch.setenv("DATABASE_URL", served.url)

    capsys.readouterr()  # what the projector logged

    async def call(*argv: str) -> str:
        code = await asyncio.to_thread(run, list(argv))
        told = capsys.readouterr()
        assert code == Exit.OK, told.err
        return told.out

    [evening] = [each for each in json.loads(await call("tracks", "--json"))["tracks"] if each["track"] == "evening"]
    assert (evening["taken"], evening["free"]) == (1, 11)
    assert "evening" not in await call("tracks", "--level", "OP")
    [waits] = json.loads(await call("waitlist", "--json"))
    assert (waits["journey_id"], waits["risk"]) == ("w", "raised")
    assert "raised" in await call("waitlist") and "nobody waits" in await call("waitlist", "--level", "OP")


def test_room_is_at_the_level_and_site_and_not_for_makeup() -> None:
    def at(**changes: Any) -> TrackPlaces:
        return TrackPlaces(**{"site": "main", "track": "t", "title": "T", "level": "IOP", "places": 2, **changes})

    assert with_room([at()], "main", "IOP")
    for changes in (
        {"taken": 2},
        {"taken": 3},
        {"makeup_only": True},
        {"level": "OP"},
        {"site": "x"},
        {"places": None},
    ):
        assert not with_room([at(**changes)], "main", "IOP")
