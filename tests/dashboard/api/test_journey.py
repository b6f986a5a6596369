"""One journey over HTTP: who sees it, and who reads what people wrote."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.move_words import move_words
from domain.pathway.care_team import AssignCareTeam
from domain.pathway.discharge import UpdateDischargePlan
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.treatment_decisions import SetGoal, UpdateTreatmentPlan
from domain.plans import DischargePlan
from record.sealing import MASK
from tests.dashboard.api.served import API, Served
from tests.dashboard.test_read_models import WALKS, handed_over
from tests.domain import walk

SECRET = "Quillfeather"


async def test_a_journey_says_what_its_state_says(filled: Served) -> None:
    for name, make in WALKS.items():
        state = make().state
        found = (await filled.get(f"/journeys/{name}")).json()
        assert (found["journey_id"], found["stage"], found["level"]) == (name, state.stage, state.level)
        assert {each["id"] for each in found["duties"]} == set(state.obligations.open)
        assert all(each["why"] for each in found["duties"])
        assert (found["estimate"] or {}).get("id") == (state.cost.estimate.id if state.cost.estimate else None)
        assert found["version"] == state.version
        assert found["prepared"] == move_words(state)
        events = (await filled.get(f"/journeys/{name}/events?size=200")).json()
        assert [each["sentence"] for each in events["rows"]] == [each.sentence() for each in make().record]
        assert events["position"] == found["position"] == events["rows"][-1]["position"]


async def test_events_come_in_pages(filled: Served) -> None:
    whole = (await filled.get("/journeys/closed/events?size=200")).json()
    seen, after = [], 0
    while after is not None:
        page = (await filled.get(f"/journeys/closed/events?size=7&after={after}")).json()
        seen += page["rows"]
        after = page["next"]
    assert seen == whole["rows"]
    assert [each["version"] for each in seen] == list(range(1, whole["version"] + 1))
    beyond = (await filled.get("/journeys/closed/events?after=9999")).json()
    assert (beyond["rows"], beyond["next"]) == ([], None)


async def test_events_say_what_led_to_them_and_who_decided(filled: Served) -> None:
    rows = (await filled.get("/journeys/moving-up/events?size=200")).json()["rows"]
    [asked] = [each for each in rows if each["type"] == "transition.started"]
    assert asked["cause"].startswith("request-step-up")
    assert asked["by"] == {"person": "clinician-1", "role": "clinician"}
    assert asked["words"] == {"/reason": "worse at night"}


async def test_words_are_for_who_has_the_client_on_their_caseload(served: Served) -> None:
    walked = handed_over()  # to the clinician s-112
    walked.do(UpdateDischargePlan, plan=DischargePlan(follow_ups=(f"call {SECRET}",)), by=walk.DIRECTOR)
    walked.do(SetGoal, words=f"{SECRET} sleeps", measure=f"diary of {SECRET}", by=walk.DIRECTOR)
    criteria = (f"{SECRET} is steady",)
    walked.do(UpdateTreatmentPlan, discharge_criteria=criteria, participation="agreed", by=walk.DIRECTOR)
    await served.keep({"j": walked})
    for person, reads in (("supervisor-1", True), ("clinician-1", False), ("operations-1", False)):
        journey, events = (
            await served.get("/journeys/j", person),
            await served.get("/journeys/j/events?size=200", person),
        )
        assert journey.json()["reads_words"] is reads
        assert (SECRET in journey.text, SECRET in events.text) == (reads, reads)
        assert (journey.json()["discharge_plan"]["follow_ups"] is None) is not reads
        plan = journey.json()["treatment_plan"]
        assert (plan["goals"][-1]["words"] is None, plan["discharge_criteria"] is None) == (not reads, not reads)
        assert (plan["goals"][-1]["progress"], plan["participation"], plan["missing"]) == ("not-started", "agreed", [])
        assert {each["words"] is None for each in events.json()["rows"]} == {not reads}
        assert journey.json()["discharge_plan"]["is_begun"] is True
    assert MASK not in (await served.get("/journeys/j", "clinician-1")).json()["discharge_plan"]["missing"]


def on_leave_again() -> walk.Walk:
    """The client of the clinician s-102 was on leave for two days, and is on leave for five."""
    walked = walk.enrolled()
    walked.do(AssignCareTeam, team_role="clinician", to="s-102", by=walk.DIRECTOR)
    for days, category, reason in ((3, "family", f"a funeral at {SECRET}"), (5, "travel", f"a wedding at {SECRET}")):
        if walked.state.leave.until:
            walked.later(days=2)
            walked.do(EndLeave, by=walk.DIRECTOR)
        until = walked.state.calendar.local_date(walked.now) + timedelta(days=days)
        walked.do(StartLeave, until=until, category=category, reason=reason, by=walk.DIRECTOR)
    return walked


@pytest.mark.parametrize(("person", "reads"), [("supervisor-1", True), ("clinician-1", False), ("operations-1", False)])
async def test_all_who_see_a_journey_see_its_leaves_and_who_reads_words_the_reasons(
    served: Served, person: str, reads: bool
) -> None:
    walked = on_leave_again()
    await served.keep({"j": walked})
    since, left = walk.MONDAY.date(), walked.state.policy.leave_days_in_all - 2 - 5
    back, until = since + timedelta(days=2), since + timedelta(days=7)
    answer = await served.get("/journeys/j", person)
    before, now = (f"a {what} at {SECRET}" if reads else None for what in ("funeral", "wedding"))
    taken = {"since": f"{since}", "until": f"{back}", "days": 2, "category": "family", "reason": before}
    present = {"since": f"{back}", "until": f"{until}", "category": "travel", "reason": now}
    assert answer.json()["leave"] == {**present, "days_before": 2, "remaining": left, "taken": [taken]}
    cookie, _ = await served.browser(person)
    page = (await served.http.get("/journeys/j", headers=cookie)).text
    line = f'<span class="sub">family leave from {since} to {back}, 2 days</span>'
    assert f"until {until}; 2 days taken before, {left} left" in page and line in page
    assert (f"{line}a funeral at {SECRET}<br>" in page) is reads and f"{line}{MASK}" not in page
    assert (answer.json()["reads_words"], SECRET in answer.text, SECRET in page) == (reads, reads, reads)


async def test_each_look_is_in_the_audit(served: Served) -> None:
    await served.keep({"enrolled": walk.enrolled()})
    await served.get("/journeys/enrolled", "operations-1")
    await served.get("/journeys/enrolled/events", "supervisor-1")
    assert [(each.person, each.did, each.journey_id) for each in await served.services.audit.looks()] == [
        ("supervisor-1", "read-words", "enrolled"),
        ("operations-1", "opened-journey", "enrolled"),
    ]


async def test_a_journey_of_another_site_looks_like_one_that_is_not_there(served: Served) -> None:
    await served.keep({"enrolled": walk.enrolled()})
    answers = set()
    for name in ("enrolled", "nobody", "%00", "a%2Fb", "x" * 200):
        for path in (f"/journeys/{name}", f"/journeys/{name}/events"):
            answer = await served.get(path, "north-1")
            assert answer.status_code == 404, path
            answers.add(answer.text)
        body = {"id": "d", "obligation": "review-1"}
        answer = await served.post(f"/journeys/{name}/decisions/acknowledge-obligation", "north-1", body)
        assert answer.status_code == 404, name
        answers.add(answer.text)
    assert len(answers) == 1
    assert await served.services.audit.looks() == []


@pytest.mark.parametrize("path", ["client/c-1", "calendar/main"])
async def test_a_stream_that_is_no_journey_is_not_shown(filled: Served, path: str) -> None:
    assert (await filled.get(f"/journeys/{path}")).status_code == 404


async def test_a_browser_shows_the_same(filled: Served) -> None:
    cookie, _ = await filled.browser("supervisor-1")
    found = (await filled.http.get(f"{API}/journeys/enrolled", headers=cookie)).json()
    assert found == (await filled.get("/journeys/enrolled")).json()
