"""Sessions on the board and over the API: one, a whole group, a day; who may enter and see them; the plan as a PDF."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from attendance.following import CONSUMER, follower
from dashboard.discharge_document import CannotPrint, discharge_document
from domain.pathway.discharge import UpdateDischargePlan
from domain.plans import DischargePlan
from domain.sessions.makeups import MakeupDoubt
from record.codec import from_record, to_record
from tests.centres import without_file
from tests.dashboard.api.served import Served, serving
from tests.domain import walk
from tests.domain.walk import MONDAY, WHOLE_PLAN

pytestmark = pytest.mark.stack

PATIENCE = 20.0
DAY = timedelta(days=1)


@pytest.fixture
async def served(migrated_database: str) -> AsyncIterator[Served]:
    async with serving(migrated_database) as opened:
        walks = {name: walk.enrolled() for name in ("one", "two")}
        for each in walks.values():
            each.later(days=3)
            each.do(UpdateDischargePlan, plan=WHOLE_PLAN)
        await opened.keep(walks)
        yield opened


def said(outcome: str, **fields: Any) -> dict[str, Any]:
    kept = {"attended": 50} if outcome == "kept" else {}
    made = {"session": "dbt-1", "outcome": outcome, "type": "group", "skill": "dbt", "minutes": 60, "site": "main"}
    return {**made, "starts_at": (MONDAY + DAY).isoformat(), **kept, **fields}


def entry(journey: str, number: int, outcome: str = "kept", **fields: Any) -> dict[str, Any]:
    return {"journey_id": journey, "id": f"mine-{number}", "said": said(outcome, **fields)}


async def enter(served: Served, *entries: Mapping[str, Any], person: str = "case-manager-1") -> list[dict[str, Any]]:
    answer = await served.post("/sessions", person, {"entries": list(entries)})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


async def listed(served: Served) -> None:
    """Returns once the table of sessions has all that was entered."""
    events = await served.store.read_all(limit=10_000)
    task = asyncio.create_task(follower(served.url).run())
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                with psycopg.connect(served.url) as connection:
                    at = connection.execute("select position from es.checkpoints where consumer = %s", [CONSUMER])
                    if at.fetchone() == (events[-1].position,):
                        return
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def sessions_of(served: Served, journey: str) -> list[dict[str, Any]]:
    await listed(served)
    rows: list[dict[str, Any]] = (await served.get(f"/journeys/{journey}/sessions")).json()["rows"]
    return rows


async def test_a_group_is_entered_at_once_and_what_is_wrong_keeps_no_other_from_it(served: Served) -> None:
    rows = await enter(
        served,
        entry("one", 1),
        entry("nobody", 2),
        entry("two", 3, "no-show"),
        entry("two", 4, "kept", starts_at=(MONDAY + 30 * DAY).isoformat(), session="later"),
        entry("one", 1),
    )
    assert [each["outcome"] for each in rows] == ["entered", "refused", "entered", "refused", "known"]
    assert [each["code"] for each in rows] == [None, "no-such-journey", None, "not-yet", None]
    assert [each["outcome"] for each in await sessions_of(served, "one")] == ["kept"]
    assert [each["outcome"] for each in await sessions_of(served, "two")] == ["no-show"]


async def test_entries_about_one_client_at_once_are_kept_in_their_order(served: Served) -> None:
    made = [entry("one", number, "no-show" if number % 2 else "kept", session=f"s-{number}") for number in range(9)]
    for _ in range(2):
        rows = await enter(served, *made, entry("two", 1))
        assert {each["outcome"] for each in rows} in ({"entered"}, {"known"})
    stored = await served.store.read("one/sessions")
    assert [each.data["said"]["session"] for each in stored] == [f"s-{number}" for number in range(9)]


async def test_a_whole_group_takes_no_more_statements_than_one_client(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enter(served, entry("one", 1, "planned"), entry("two", 2, "planned"))
    asked: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def counted(self: Any, query: Any, *given: Any, **options: Any) -> Any:
        asked.append(str(query))
        return await execute(self, query, *given, **options)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", counted)
    await enter(served, entry("one", 3))
    alone = len(asked)
    asked.clear()
    await enter(served, entry("one", 4), entry("two", 5))
    assert len(asked) == alone, asked


async def test_a_journey_that_has_ended_takes_no_session_whatever_was_entered_before(served: Served) -> None:
    await enter(served, entry("one", 1))
    stored = await served.store.read("one")
    last = to_record(from_record(stored[-1]))
    await served.store.append("one", expected_version=len(stored), key="last", events=[last], close=True)
    [row] = await enter(served, entry("one", 2, session="another"))
    assert row["code"] == "journey-ended"


async def test_the_hours_of_each_week_and_the_next_session_are_shown(served: Served) -> None:
    cookie, _ = await served.browser("case-manager-1")
    address = "/journeys/one/sessions"
    assert "nothing booked" in (await served.http.get(address, headers=cookie)).text
    await enter(
        served,
        entry("one", 1, attended=55),
        entry("one", 2, "planned", session="next", starts_at=(MONDAY + 4 * DAY).isoformat(), minutes=500),
    )
    await listed(served)
    answer = (await served.get(address)).json()
    [week] = answer["weeks"]
    assert (week["kept_minutes"], week["planned_minutes"], week["standing"]) == (55, 500, "on-track")
    assert answer["next_planned"]["session"] == "next"
    page = (await served.http.get(address, headers=cookie)).text
    assert "Hours at IOP" in page and "0.9 h" in page and "8.3 h" in page and "nothing booked" not in page


async def test_a_makeup_is_marked_until_the_session_it_makes_up_for_is_on_record_as_missed(served: Served) -> None:
    cookie, _ = await served.browser("case-manager-1")
    address, mark = "/journeys/one/sessions", '<span class="flag warn">{}</span>'

    async def shown(*entries: Mapping[str, Any]) -> tuple[dict[str, str], str]:
        await enter(served, *entries)
        await listed(served)
        page = (await served.http.get(address, headers=cookie)).text
        return (await served.get(address)).json()["doubtful_makeups"], page

    makeup = {"session": "makeup", "starts_at": (MONDAY + 2 * DAY).isoformat(), "makes_up_for": "dbt-1"}
    doubts, page = await shown(entry("one", 1, **makeup))
    assert doubts == {"makeup": "not-on-record"} and mark.format("not on record") in page
    doubts, page = await shown(entry("one", 2, "planned"))
    assert doubts == {"makeup": "not-missed"} and mark.format("not missed") in page
    doubts, page = await shown(entry("one", 3, "no-show"))
    assert doubts == {} and "makes up for dbt-1" in page
    assert not any(mark.format(each) in page for each in MakeupDoubt)


async def test_what_contradicts_itself_is_said_at_its_field_and_nothing_is_entered(served: Served) -> None:
    answer = await served.post("/sessions", "case-manager-1", {"entries": [entry("one", 1, "kept", attended=None)]})
    assert answer.status_code == 422 and "minutes attended" in answer.text
    assert await sessions_of(served, "one") == []


@pytest.mark.parametrize(
    ("person", "code"),
    [("north-1", "no-such-journey"), ("clinician-1", None), ("admissions-1", None), ("operations-1", None)],
)
async def test_who_may_enter_is_asked_for_each_client(served: Served, person: str, code: str | None) -> None:
    [row] = await enter(served, entry("one", 1), person=person)
    assert row["code"] == code


async def test_a_correction_is_another_entry_about_the_same_session(served: Served) -> None:
    await enter(served, entry("one", 1, "no-show"))
    await enter(served, entry("one", 2, "kept", noted=True))
    [row] = await sessions_of(served, "one")
    assert (row["outcome"], row["attended"], row["noted"]) == ("kept", 50, True)


async def test_a_day_is_listed_for_those_of_the_site_alone(served: Served) -> None:
    await enter(served, entry("one", 1), entry("two", 2))
    await listed(served)
    day = f"/sessions?day={(MONDAY + DAY).date()}&site=main"
    assert len((await served.get(day)).json()["rows"]) == 2
    assert (await served.get(day, "north-1")).json()["rows"] == []
    assert (await served.get(day.replace("main", "nowhere%00"))).json()["rows"] == []


async def test_what_came_of_a_day_is_entered_row_by_row_on_the_board(served: Served) -> None:
    await enter(served, entry("one", 1, "planned"), entry("two", 2, "planned"))
    await listed(served)
    cookie, csrf = await served.browser("case-manager-1")
    address = f"/sessions?day={(MONDAY + DAY).date()}&site=main"
    page = (await served.http.get(address, headers=cookie)).text
    assert page.count("What came of it, J-") == 2
    form = {
        **{"csrf": csrf, "journey-0": "one", "session-0": "dbt-1", "entry-0": "e-0", "outcome-0": "kept"},
        **{"attended-0": "55", "noted-0": "true"},
        **{"journey-1": "two", "session-1": "dbt-1", "entry-1": "e-1", "outcome-1": ""},
    }
    answer = await served.http.post(address, data=form, headers=cookie)
    assert answer.status_code == 303
    [one], [two] = await sessions_of(served, "one"), await sessions_of(served, "two")
    assert (one["outcome"], one["attended"], one["noted"]) == ("kept", 55, True)
    assert two["outcome"] == "planned", "it was left alone"
    wrong = await served.http.post(address, data={**form, "attended-0": "0", "entry-0": "e-2"}, headers=cookie)
    assert wrong.status_code == 422 and "say no-show" in wrong.text
    assert (await served.http.post(address, data=form | {"csrf": "other"}, headers=cookie)).status_code == 403


async def test_one_session_is_entered_on_the_clients_own_page_on_the_clock_of_the_site(served: Served) -> None:
    cookie, csrf = await served.browser("case-manager-1")
    form = {"csrf": csrf, "type": "individual", "starts_at": "2026-03-17T09:30", "minutes": "45", "outcome": "kept"}
    form |= {"modality": "telehealth", "site": "main", "attended": "", "skill": "", "led_by": "s-102", "session": ""}
    answer = await served.http.post("/journeys/one/sessions", data=form, headers=cookie)
    assert answer.status_code == 303
    [row] = await sessions_of(served, "one")
    assert (row["starts_at"], row["attended"], row["modality"]) == ("2026-03-17T16:30:00Z", 45, "telehealth")
    page = (await served.http.get("/journeys/one/sessions", headers=cookie)).text
    assert "individual" in page and "09:30" in page
    for changed, told in (({"starts_at": "soon"}, "Starts at"), ({"attended": "0"}, "say no-show")):
        wrong = await served.http.post("/journeys/one/sessions", data=form | changed, headers=cookie)
        assert wrong.status_code == 422 and told in wrong.text and "Nothing was entered" in wrong.text, changed


async def test_the_plan_is_a_pdf_for_those_who_may_read_it_and_that_is_noted(served: Served) -> None:
    address = "/journeys/one/discharge-plan.pdf"
    for person, status in (("clinician-1", 200), ("operations-1", 403), ("north-1", 404)):
        cookie, _ = await served.browser(person)
        answer = await served.http.get(f"{address}?large=true", headers=cookie)
        assert answer.status_code == status, person
        assert answer.content.startswith(b"%PDF") is (status == 200)
    assert [each.did for each in await served.services.audit.looks(person="clinician-1")] == ["read-words"]
    cookie, _ = await served.browser("clinician-1")
    page = (await served.http.get("/journeys/one", headers=cookie)).text
    assert address in page and "call or text 988" in page, "whom to call between sessions"


async def test_no_plan_is_printed_without_the_numbers_that_a_site_that_is_gone_would_give(served: Served) -> None:
    cookie, _ = await served.browser("clinician-1")
    with without_file("main"):
        answer = await served.http.get("/journeys/one/discharge-plan.pdf", headers=cookie)
        assert (await served.http.get("/journeys/one", headers=cookie)).status_code == 200
    assert answer.status_code == 503 and "sites/main.toml" in answer.text and "operations" in answer.text
    assert 'href="/journeys/one"' in answer.text


def test_large_print_takes_more_room_and_no_letter_is_left_out_in_silence() -> None:
    long = DischargePlan(follow_ups=tuple(f"Appointment {number}" for number in range(25)), summary=("Señor Muñoz",))
    usual, large = (discharge_document(long, "J-004K-K", ("call 911",), large=large) for large in (False, True))
    assert usual.count(b"/Type /Page\n") < large.count(b"/Type /Page\n")
    with pytest.raises(CannotPrint) as caught:
        discharge_document(DischargePlan(resources=("chị Hạnh",)), "J-004K-K", (), large=False)
    assert caught.value.letters == "ạị"
