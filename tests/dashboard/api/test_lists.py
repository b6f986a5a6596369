"""The lists over HTTP: each row once, counts that fit, and no answer older than was asked for."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.queries.filters import Due, Standing
from dashboard.queries.paging import CursorUnreadable, Order, cursor_after, key_by_id, key_in
from domain.obligation_terms import Priority
from domain.values import Role, Stage
from tests.dashboard.api.served import Served
from tests.dashboard.keeping import projecting
from tests.domain import walk


async def pages(served: Served, path: str, size: int) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    found, after = [], ""
    while True:
        mark = "&" if "?" in path else "?"
        answer = await served.get(f"{path}{mark}size={size}{after}")
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["rows"])
        if answer.json()["next"] is None:
            return found
        after = f"&after={answer.json()['next']}"


async def test_paging_gives_each_row_once_while_rows_come_and_change(served: Served) -> None:
    kinds = (walk.enrolled, walk.stepping_up)
    await served.keep({f"j{number:02}": kinds[number % 2]() for number in range(0, 36, 3)})
    seen, after = [], ""
    for step in range(100):
        answer = (await served.get(f"/journeys?size=3{after}")).json()
        shown = [each["journey_id"] for each in answer["rows"]]
        seen += shown
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
        # What was shown changes its place in the order of the board: to the front, and from the front to the end.
        for journey in shown:
            await _turn_round(served, journey, step)
        await served.keep({f"j{3 * step + 1:02}": walk.stepping_up()})
    assert len(seen) == len(set(seen))
    assert {f"j{number:02}" for number in range(0, 36, 3)} <= set(seen), "what was there all the time is on one page"


async def _turn_round(served: Served, journey: str, step: int) -> None:
    """Begins a move that presses, or takes it back."""
    path, body = f"/journeys/{journey}/decisions", {"id": f"d{step}", "reason": "it changed"}
    taken = await served.post(f"{path}/withdraw-move", "clinician-1", body)
    if taken.status_code == 409:
        taken = await served.post(f"{path}/request-step-up", "clinician-1", {**body, "to": "PHP"})
    assert taken.status_code == 200, taken.text


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("path", ["/journeys?standing=open", "/journeys?standing=ended", "/duties?"])
async def test_pages_of_any_size_are_the_whole_list_in_its_order(filled: Served, path: str, order: Order) -> None:
    [whole] = await pages(filled, f"{path}&order={order}", 200)
    assert whole
    for size in (1, 2, 5):
        parts = await pages(filled, f"{path}&order={order}", size)
        assert [each for part in parts for each in part] == whole
        assert all(len(part) == size for part in parts[:-1])


@pytest.mark.parametrize(
    "path",
    [
        *(f"/journeys?standing={each}" for each in Standing),
        *(f"/journeys?stage={each}" for each in Stage),
        *(f"/journeys?waiting_for={each}" for each in Role),
        *(f"/duties?due={each}" for each in Due),
        *(f"/duties?priority={each}" for each in Priority),
        *(f"/duties?owner={each}" for each in Role),
        "/duties?stuck=true",
        "/journeys?level=IOP",
        "/journeys?site=north",
        "/duties?kind=review&site=main",
    ],
)
async def test_the_count_is_the_length_of_the_list(filled: Served, path: str) -> None:
    found = (await filled.get(f"{path}&size=200")).json()
    assert found["total"] == len(found["rows"])
    assert found["next"] is None
    if "stage=" in path:
        assert {each["stage"] for each in found["rows"]} <= {path.rpartition("=")[2]}


async def test_a_list_shows_only_the_sites_of_the_person(filled: Served) -> None:
    for path in ("/journeys", "/duties", "/step-ups", "/census"):
        assert (await filled.get(path)).json()["rows"]
        assert (await filled.get(path, "north-1")).json()["rows"] == []
        assert (await filled.get(path, "north-1")).json()["as_of"] == (await filled.get(path)).json()["as_of"]


async def test_a_list_says_as_of_which_event_it_is(served: Served) -> None:
    position = await served.keep({"j": walk.enrolled()})
    found = (await served.get("/journeys")).json()
    assert (found["as_of"], found["head"], found["behind"]) == (position, position, 0)
    assert found["rows"][0]["reference"].startswith("J-")
    taken = await served.post("/journeys/j/decisions/acknowledge-obligation", "clinician-1", _acknowledged("a"))
    found = (await served.get("/journeys")).json()
    assert (found["as_of"], found["head"]) == (position, taken.json()["position"])
    assert found["behind"] == found["head"] - position > 0


async def test_an_answer_that_the_caller_has_is_not_sent_again(filled: Served) -> None:
    for path in ("/journeys", "/duties?due=overdue", "/census", "/step-ups", "/messages", "/journeys/enrolled"):
        first = await filled.get(path)
        tag = first.headers["etag"]
        assert tag.startswith('W/"')
        assert first.headers["cache-control"] == "private, no-cache"
        again = await filled.get(path, If_None_Match=f'"other", {tag}')
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert (await filled.get(path, If_None_Match='W/"other"')).status_code == 200


async def test_the_tag_differs_by_query_person_and_position(served: Served) -> None:
    await served.keep({"enrolled": walk.enrolled()})
    tags = [
        (await served.get("/journeys")).headers["etag"],
        (await served.get("/journeys?size=3")).headers["etag"],
        (await served.get("/duties")).headers["etag"],
        (await served.get("/journeys", "clinician-1")).headers["etag"],
        (await served.get("/journeys", "clinician-2")).headers["etag"],
    ]
    await served.keep({"another": walk.opened()})
    tags.append((await served.get("/journeys")).headers["etag"])
    assert len(set(tags)) == len(tags)


async def test_an_answer_is_never_older_than_was_asked_for(served: Served) -> None:
    position = await served.keep({"j": walk.enrolled()})
    assert (await served.get("/journeys", Wait_For=str(position))).json()["as_of"] == position
    taken = await served.post("/journeys/j/decisions/acknowledge-obligation", "clinician-1", _acknowledged("a"))
    reached = taken.json()["position"]
    assert reached > position
    for path in ("/journeys", "/duties", "/position", "/census", "/step-ups", "/messages", "/journeys.csv"):
        late = await served.get(path, Wait_For=str(reached))  # nothing projects it
        assert (late.status_code, late.json()["code"]) == (503, "not-there-yet"), path
        assert int(late.headers["retry-after"]) >= 1
    own = await served.get("/journeys/j", Wait_For=str(reached))
    assert own.json()["position"] == reached, "the record itself is never behind"
    await served.project()
    assert (await served.get("/journeys", Wait_For=str(reached))).json()["as_of"] == reached


async def test_who_waits_for_their_own_decision_sees_it(served: Served) -> None:
    await served.keep({"j": walk.enrolled()})
    taken = await served.post("/journeys/j/decisions/request-step-up", "clinician-1", _step_up())
    reached = str(taken.json()["position"])
    async with asyncio.timeout(60), projecting(served.url):
        while (answer := await served.get("/journeys?standing=step-up", Wait_For=reached)).status_code == 503:
            pass
    assert [each["journey_id"] for each in answer.json()["rows"]] == ["j"]


def _step_up() -> dict[str, object]:
    return {"id": "d", "to": "PHP", "reason": "worse"}


def _acknowledged(decision: str) -> dict[str, object]:
    return {"id": decision, "obligation": "review-1"}


async def test_a_position_that_the_record_does_not_have_is_refused(served: Served) -> None:
    position = await served.keep({"j": walk.opened()})
    for path in ("/journeys", "/position", "/journeys/j"):
        answer = await served.get(path, Wait_For=str(position + 1))
        assert (answer.status_code, answer.json()["code"]) == (422, "beyond-the-record")
    for given_ in ("-1", "soon", "9" * 30):
        answer = await served.get("/journeys", Wait_For=given_)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Wait-For")


def forged(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


FORGED = [
    "x",
    "%00",
    forged(),
    forged(0, 0, 0.0, "j"),
    forged(2**40, 0, 0.0, "j", ""),
    forged(0, 2**40, 0.0, "j", ""),
    forged(0, 0, 0.0, "a\x00b", ""),
    forged(0, 0, 0.0, "j", "\ud800"),
    forged(-1, 0, 0.0, "", ""),
    forged(1e400, 0, 0.0, "j", ""),
    "W" * 601,
]


@pytest.mark.parametrize("order", Order)
async def test_a_cursor_that_no_page_gave_is_refused(filled: Served, order: Order) -> None:
    other = cursor_after(key_by_id("j")) if order is Order.PRESSING else cursor_after((0, 1, 2.0, "j", ""))
    for cursor in (*FORGED, other):
        for path in ("/journeys", "/duties"):
            answer = await filled.get(f"{path}?order={order}&after={cursor}")
            assert (answer.status_code, answer.json()["code"]) == (422, "cursor-unreadable"), cursor


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda held: base64.urlsafe_b64encode(held).decode()))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    for order in Order:
        try:
            key = key_in(text, order)
        except CursorUnreadable:
            continue
        assert key is None or key_in(cursor_after(key), order) == key


async def test_the_person_learns_what_they_may_do(filled: Served) -> None:
    found = (await filled.get("/me", "north-1")).json()
    assert (found["person"], found["roles"], found["sites"]) == ("north-1", ["clinical-supervisor"], ["north"])
    assert "export" in found["may"] and "read-audit" not in found["may"]
    assert found["csrf"] is None
    cookie, csrf = await filled.browser("case-manager-1")
    found = (await filled.http.get("/api/v1/me", headers=cookie)).json()
    assert (found["csrf"], found["sites"]) == (csrf, None)
    assert "export" not in found["may"]


async def test_step_ups_and_census_say_what_the_lists_say(filled: Served) -> None:
    ups = (await filled.get("/step-ups")).json()["rows"]
    listed = (await filled.get("/journeys?standing=step-up&size=200")).json()
    assert sorted(each["journey_id"] for each in ups) == sorted(each["journey_id"] for each in listed["rows"])
    assert all(each["moving_to"] == "PHP" for each in ups)
    counted = {each["level"]: each["count"] for each in (await filled.get("/census")).json()["rows"]}
    for level, count in counted.items():
        assert (await filled.get(f"/journeys?level={level}&size=200")).json()["total"] >= count
