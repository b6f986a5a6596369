"""What dashboards read: each read model says what the journeys' own states and events say, and no more."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from dashboard.lists import list_journeys
from dashboard.open_obligations import open_obligations
from dashboard.projections import READ_MODELS
from dashboard.reading import row
from domain.benefits import Benefits, Verdict
from domain.pathway.admission import OpenJourney
from domain.pathway.authorisation import OBTAIN_AUTHORISATION
from domain.pathway.calls import BenefitsAnswer
from domain.pathway.care_team import AssignCareTeam, AssignObligation, HandOver
from domain.pathway.cost import AcceptCost
from domain.pathway.death import CorrectDeath
from domain.pathway.discharge import Discharge
from domain.pathway.funding import ResolveFunding
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import AcknowledgeObligation, CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationEscalated, ObligationMet, ObligationRaised
from domain.pathway.placement import DecidePlacement
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening
from domain.values import LevelOfCare, Role
from eventstore import EventStore, NewEvent
from tests.dashboard.keeping import ask, keep, named, names, projecting, reached
from tests.domain import walk
from tests.domain.walk import MONDAY, SCREENED, Walk

WALKS: dict[str, Callable[[], Walk]] = {
    "enrolled": walk.enrolled,
    "moving-up": walk.stepping_up,
    "elsewhere": walk.elsewhere,
    "missed": walk.window_missed,
    "closed": walk.closed,
    "cancelled": walk.cancelled,
    "cost-declined": walk.cost_declined,
    "discharging": walk.discharging,
    "in-hospital": walk.in_hospital_before_care,
    "withdrawing": walk.withdrawing,
    "withdrawn": walk.withdrawn,
    "died": walk.died,
    "handed-over": lambda: handed_over(),
}
ENDED = {"closed", "cancelled", "withdrawn"}


async def projected(url: str, store: EventStore, walks: dict[str, Walk]) -> None:
    for name, walked in walks.items():
        await keep(store, name, walked)
    async with projecting(url):
        await reached(url, sum(len(walked.record) for walked in walks.values()))


async def test_a_journeys_row_says_what_its_state_says(database_url: str, store: EventStore) -> None:
    walks = {name: make() for name, make in WALKS.items()}
    await projected(database_url, store, walks)
    rows = {each["journey_id"]: each for each in await ask(database_url, "select * from dash.journeys")}
    assert set(rows) == set(walks)
    for name, walked in walks.items():
        told, state = rows[name], walked.state
        owed, move = state.next_due(), state.moves.current
        assert (told["stage"], told["level"], told["placement"]) == (state.stage, state.level, state.placement.level)
        assert (told["waiting_for"], told["open_count"]) == (state.waiting_for(), len(state.obligations.open))
        assert told["next_obligation"] == (owed.id if owed else None)
        assert told["next_due"] == (owed.due_at if owed else None)
        assert told["urgent_open"] is any(each.urgent for each in state.obligations.open.values())
        assert (told["opened_at"], told["ended_at"]) == (state.admission.opened_at, state.ended_at)
        assert (told["moving_to"], told["move_due"]) == ((move.target, move.due_at) if move else (None, None))
        assert (told["version"], told["last_event"]) == (state.version, walked.record[-1].type)
        assert told["last_event_at"] == walked.record[-1].at
        now = state.crisis.current
        assert told["crisis_place"] == (now.place if now else None)
        assert told["withdrawal_reason"] == state.withdrawal.reason
        screened = state.screening.urgency, state.screening.completed_at
        assert (told["screening_urgency"], told["screened_at"]) == screened
        assert told["correctable_until"] == state.closing.correctable_until
        assert (told["track"], told["risk"]) == (state.track, state.screening.risk)
        waits = (state.waitlist.level, state.waitlist.since) if state.waits_for else (None, None)
        assert (told["waits_for"], told["waits_since"]) == waits
        assert told["waits_for_tracks"] == (" ".join(state.waitlist.tracks) or None)
    assert sorted(names(list(rows.values()), "as_of_position"))[-1] == sum(len(each.record) for each in walks.values())


async def test_the_list_of_journeys_is_what_folding_says_whether_or_not_a_projector_runs(
    database_url: str, store: EventStore
) -> None:
    walks = {name: make() for name, make in WALKS.items()}
    first, later = dict(list(walks.items())[:4]), dict(list(walks.items())[4:])
    await projected(database_url, store, first)
    for name, walked in later.items():
        await keep(store, name, walked)
    numbers = {each.stream: each.position for each in await store.read_all(limit=10_000) if each.version == 1}
    expected = {
        name: row(named(each.state, name), MONDAY).model_copy(update={"number": numbers[name]})
        for name, each in walks.items()
    }
    listing = await list_journeys(database_url, MONDAY, ended=True)
    assert {each.journey_id: each for each in listing.rows} == expected
    assert listing.behind == 0
    assert listing.rows[0].journey_id in ("moving-up", "missed", "handed-over")
    assert {each.journey_id for each in listing.rows[-4:]} == ENDED | {"died"}
    opened = {each.journey_id for each in (await list_journeys(database_url, MONDAY)).rows}
    assert opened == set(walks) - ENDED, "an ended journey that still owes something is work"
    async with projecting(database_url):
        await reached(database_url, sum(len(each.record) for each in walks.values()))
        assert (await list_journeys(database_url, MONDAY, ended=True)).rows == listing.rows
        assert {each.journey_id for each in (await list_journeys(database_url, MONDAY)).rows} == opened
        work = await ask(database_url, "select journey_id from dash.open_journeys")
        assert {each["journey_id"] for each in work} == opened


@pytest.mark.parametrize(("days", "week"), [(0, 6), (1, 6), (5, 6), (6, 7), (47, 12), (48, 13)])
async def test_the_list_says_the_week_at_a_level_counted_on_over_a_short_interruption(
    database_url: str, store: EventStore, days: int, week: int
) -> None:
    walked = walk.enrolled()
    walked.later(days=37)
    walked.do(StartStepDown, to="OP", reason="steady")
    walked.do(ConfirmArrival)
    walked.later(days=20)
    walked.do(RequestStepUp, to="IOP", reason="worse")
    walked.do(ConfirmArrival)
    await projected(database_url, store, {"j": walked})
    evening = walked.now.replace(hour=6) + timedelta(days=days + 1)  # the day is over in UTC, but not at the site
    [listed] = (await list_journeys(database_url, evening)).rows
    assert (listed.level, listed.week, listed.last_week) == ("IOP", week, 12)
    assert listed == row(named(walked.state, "j"), evening).model_copy(update={"number": 1})
    [told] = await ask(database_url, "select weeks_from, last_week, zone from dash.journeys")
    weeks_from = walked.state.calendar.local_date(walked.now) - timedelta(days=37)
    assert told == {"weeks_from": weeks_from, "last_week": 12, "zone": walked.state.calendar.zone}


def handed_over() -> Walk:
    """The clinician of a client left, and one of their obligations went to a third."""
    walked = walk.enrolled()
    walked.do(AssignCareTeam, team_role="clinician", to="s-102", by=walk.DIRECTOR)
    walked.do(HandOver, of="s-102", to="s-112", reason="left the centre", by=walk.DIRECTOR)
    walked.do(RequestStepUp, to="PHP", reason="worse at night")
    walked.do(AssignObligation, obligation="complete-step-up-1", to="s-105", by=walk.DIRECTOR)
    return walked


async def test_the_person_who_owes_it_is_a_column_of_the_read_models(database_url: str, store: EventStore) -> None:
    walked = handed_over()
    walked.hand_off()
    await projected(database_url, store, {"j": walked})
    rows = await ask(
        database_url, "select obligation_id, assignee from dash.open_obligations where assignee is not null"
    )
    assert {each["obligation_id"]: each["assignee"] for each in rows} == {
        owed.id: owed.assignee for owed in walked.state.obligations.open.values() if owed.assignee
    }
    [told] = await ask(database_url, "select waiting_for, waiting_for_person from dash.journeys")
    assert told == {"waiting_for": "clinician", "waiting_for_person": "s-105"}
    [before] = await ask(database_url, "select assignee from dash.obligations where obligation_id = 'review-1'")
    assert before["assignee"] == "s-112", "it ended as theirs"


def waived() -> Walk:
    """A follow-up is waived until a day after its due time."""
    walked = walk.discharged()
    until = walked.now.date() + timedelta(days=20)
    walked.do(WaiveObligation, obligation="follow-up-1", until=until, reason="abroad", by=walk.DIRECTOR)
    return walked


async def test_the_list_of_open_obligations_is_what_folding_says_whether_or_not_a_projector_runs(
    database_url: str, store: EventStore
) -> None:
    walks = {"handed-over": handed_over(), "closed": walk.closed(), "missed": walk.window_missed(), "waived": waived()}
    await projected(database_url, store, {name: walks[name] for name in ("handed-over", "waived")})
    await keep(store, "closed", walks["closed"])
    await keep(store, "missed", walks["missed"])
    listing = await open_obligations(database_url, since=True)
    expected = {
        (name, owed.id): (owed.owner, owed.assignee, owed.due_at, owed.urgent, owed.status)
        for name, walked in walks.items()
        for owed in walked.state.obligations.open.values()
    }
    found = {(r.journey_id, r.id): (r.owner, r.assignee, r.due_at, r.urgent, r.status) for r in listing.rows}
    assert found == expected and listing.behind == 0
    assert [each.due_at for each in listing.rows] == sorted(each.due_at for each in listing.rows)
    assert set(listing.recorded_at) == set(expected)
    for shown in listing.rows:
        owed = walks[shown.journey_id].state.obligations.open[shown.id]
        for now in (MONDAY, owed.due_at + timedelta(seconds=1)):
            assert (shown.order(now), shown.flags(now)) == (owed.order(now), owed.flags(now))
    async with projecting(database_url):
        await reached(database_url, sum(len(each.record) for each in walks.values()))
        assert (await open_obligations(database_url, since=True)).rows == listing.rows


async def test_every_obligation_ever_raised_has_a_row_with_its_end(database_url: str, store: EventStore) -> None:
    walked = walk.enrolled()
    walked.later(days=3)
    walked.do(AcknowledgeObligation, obligation="review-1")
    walked.later(weeks=7)
    walked.do(CompleteReview, outcome="continue", rationale="on the way", by=walk.DIRECTOR)
    walked.do(RequestStepUp, to="PHP", reason="worse at night")
    await projected(database_url, store, {"j": walked})
    rows = {each["obligation_id"]: each for each in await ask(database_url, "select * from dash.obligations")}
    raised = {each.obligation.id: each.obligation for each in walked.saw(ObligationRaised)}
    assert set(rows) == set(raised)
    for name, owed in raised.items():
        assert (rows[name]["kind"], rows[name]["owner"], rows[name]["due_at"]) == (owed.kind, owed.owner, owed.due_at)
    still_open = {name for name, each in rows.items() if each["ended_at"] is None}
    assert still_open == walked.owes()
    review = rows["review-1"]
    met = next(each for each in walked.saw(ObligationMet) if each.obligation == "review-1")
    assert (review["status"], review["late"], review["ended_at"]) == ("met-late", True, met.at)
    assert review["steps_taken"] == max(
        e.steps_taken for e in walked.saw(ObligationEscalated) if e.obligation == "review-1"
    )
    assert review["acknowledged_by"] == Role.CLINICIAN
    assert rows["review-2"]["status"] == "cancelled"
    up = rows["complete-step-up-1"]
    assert (up["status"], up["late"], up["urgent"]) == ("open", None, True)


async def test_the_census_counts_who_is_in_care_at_the_end_of_each_day_at_the_site(
    database_url: str, store: EventStore
) -> None:
    here = walk.enrolled()  # Monday, IOP
    late = Walk(MONDAY.replace(hour=6, minute=30) + timedelta(days=1))  # still Monday evening in Los Angeles
    _enrol(late, "IOP")
    moved = walk.enrolled("IOP")
    moved.later(days=2)
    moved.do(StartStepDown, to="OP", reason="steady")
    moved.do(ConfirmArrival)
    gone = walk.enrolled("OP")
    gone.do(Discharge, reason="goals-met")
    await projected(database_url, store, {"here": here, "late": late, "moved": moved, "gone": gone})
    rows = await ask(
        database_url, 'select day, level, admitted, "left", present from dash.census where day < %s', date(2026, 3, 20)
    )
    counted = {(each["day"].day, each["level"]): (each["admitted"], each["left"], each["present"]) for each in rows}
    assert counted[16, "IOP"] == (3, 0, 3)
    assert counted[16, "OP"] == (1, 1, 0)
    assert counted[17, "IOP"] == (0, 0, 3)
    assert counted[18, "IOP"] == (0, 1, 2)
    assert counted[18, "OP"] == (1, 0, 1)
    assert counted[19, "OP"] == (0, 0, 1)
    today = await ask(database_url, "select max(day) as last from dash.census")
    assert today[0]["last"] >= date(2026, 3, 18)


async def test_an_authorisation_is_told_from_the_day_it_was_wanted_to_its_end(
    database_url: str, store: EventStore
) -> None:
    wanted = walk.placed("IOP", Verdict.CLEAR_AUTH_REQUIRED)
    obtained = walk.placed("IOP", Verdict.CLEAR_AUTH_REQUIRED)
    (owed,) = obtained.state.open_of(OBTAIN_AUTHORISATION.kind)
    by = walk.ADMISSIONS.changed(role=Role.UTILISATION_REVIEW)
    obtained.later(days=10)
    obtained.do(CompleteObligation, obligation=owed.id, note="number 12", by=by)
    await projected(database_url, store, {"wanted": wanted, "obtained": obtained, "none": walk.placed()})
    rows = {each["journey_id"]: each for each in await ask(database_url, "select * from dash.authorisations")}
    assert set(rows) == {"wanted", "obtained"}
    assert (rows["wanted"]["status"], rows["wanted"]["ended_at"], rows["wanted"]["late"]) == ("open", None, None)
    assert (rows["wanted"]["verdict"], rows["wanted"]["level"]) == ("CLEAR_AUTH_REQUIRED", "IOP")
    assert (rows["obtained"]["status"], rows["obtained"]["late"]) == ("met-late", True)
    assert rows["obtained"]["needed_since"] == owed.raised_at


async def test_the_timeline_has_a_sentence_for_every_event_and_names_who_decided(
    database_url: str, store: EventStore
) -> None:
    walked = walk.returning()
    await projected(database_url, store, {"j": walked})
    rows = await ask(database_url, "select * from dash.timeline where journey_id = 'j' order by version")
    assert names(rows, "sentence") == [each.sentence() for each in walked.record]
    assert names(rows, "occurred_at") == [each.at for each in walked.record]
    decided = next(each for each in rows if each["type"] == "placement.decided")
    assert (decided["actor_role"], decided["actor_id"]) == (walk.CLINICIAN.role, walk.CLINICIAN.id)
    assert names(rows, "recorded_at") == sorted(names(rows, "recorded_at"))


async def test_streams_that_are_no_journeys_are_passed_over(database_url: str, store: EventStore) -> None:
    fact = NewEvent(type="client.mentioned", schema_version=3, data={"to": "nobody"}, occurred_at=MONDAY)
    await store.append("client/ref-1", expected_version=0, key="k", events=[fact])
    await keep(store, "j", walk.opened())
    await store.append("client/ref-1", expected_version=1, key="l", events=[fact])
    async with projecting(database_url):
        await reached(database_url, len(walk.opened().record) + 2)
    assert names(await ask(database_url, "select journey_id from dash.journeys"), "journey_id") == ["j"]
    assert (await list_journeys(database_url, MONDAY)).head == len(walk.opened().record) + 2


async def test_free_text_reaches_no_read_model(database_url: str, store: EventStore) -> None:
    walked = walk.answered(Verdict.INACTIVE)
    walked.do(ResolveFunding, route="other-coverage", reason="Quillfeather said so")
    walked.settle("benefits-2", BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR, cost_share=walk.COPAY)))
    walked.do(DecidePlacement, recommended="IOP", actual="OP", variance="Quillfeather cannot travel")
    walked.do(AcceptCost, estimate=_estimate(walked))
    walked.enrol()
    walked.do(CompleteReview, outcome="continue", rationale="Quillfeather does well")
    await projected(database_url, store, {"j": walked})
    for model in READ_MODELS:
        told = await ask(database_url, f"select t::text as words from dash.{model.name} t")
        assert told or model.name == "authorisations"
        assert "Quillfeather" not in str(told)
        assert not re.search(r"(?<!-)client-1", str(told))  # nor the client's reference


async def test_dashboards_read_the_views_and_nothing_else(database_url: str, store: EventStore) -> None:
    await projected(database_url, store, {"j": walk.enrolled()})
    views = [*(model.name for model in READ_MODELS), "open_journeys", "open_obligations", "census", "freshness"]
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("set role throughline_dashboards")
        for view in views:
            await connection.execute(f"select * from dash.{view}".encode())
        for table in ("dash.journeys_g1", "dash.journeys_shape", "es.events", "es.checkpoints", "es.streams"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(f"select * from {table}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("delete from dash.journeys")


async def test_the_census_counts_nobody_who_died_and_counts_them_again_after_a_mistake(
    database_url: str, store: EventStore
) -> None:
    living, dead = walk.died(), walk.died()
    living.do(CorrectDeath, reason="another client", by={"id": "s-1", "role": "clinical-supervisor"})
    await projected(database_url, store, {"living": living, "dead": dead})
    rows = {each["journey_id"]: each for each in await ask(database_url, "select * from dash.stays")}
    assert (rows["living"]["until"], rows["dead"]["until"]) == (None, dead.now)


async def test_freshness_says_how_far_behind_and_as_of_when(database_url: str, store: EventStore) -> None:
    await projected(database_url, store, {"j": walk.enrolled()})
    (before,) = await store.read_all(after_position=len(walk.enrolled().record) - 1)
    await keep(store, "k", walk.opened())
    told = await ask(database_url, "select * from dash.freshness where read_model = 'timeline'")
    assert told[0]["behind"] == len(walk.opened().record)
    assert told[0]["as_of"] == before.recorded_at
    assert await asyncio.gather(*(ask(database_url, "select 1 from dash.open_journeys") for _ in range(2)))


def _estimate(walked: Walk) -> str:
    assert walked.state.cost.estimate is not None
    return walked.state.cost.estimate.id


def _enrol(walked: Walk, level: LevelOfCare) -> None:
    walked.do(OpenJourney, journey_id="j", client_ref="c", site="main", message="m", admitted_at=walked.now)
    walked.settle("benefits-1", BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR, cost_share=walk.COPAY)))
    walked.do(CompleteScreening, **SCREENED)
    walked.do(DecidePlacement, recommended=level, actual=level)
    walked.do(AcceptCost, estimate=_estimate(walked))
    walked.enrol()
