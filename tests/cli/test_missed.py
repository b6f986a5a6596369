"""`throughline missed` and `throughline why-due`, on a record with its read models."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cli.main import run
from cli.output import Exit
from dashboard.missed import list_missed, missed_of
from domain.pathway.death import RecordDeath
from domain.pathway.obligation_decisions import CompleteObligation, UndoWaiver, WaiveObligation
from domain.values import Role
from eventstore import open_store
from migrations import migrate
from tests.dashboard.keeping import keep, projecting, reached, require_equal
from tests.domain import walk
from tests.domain.walk import DIRECTOR, Walk

pytestmark = pytest.mark.stack


def late_contact() -> Walk:
    walked = walk.elsewhere()
    walked.later(days=9)
    walked.do(CompleteObligation, obligation="external-contact-1", note="called")
    return walked


def died() -> Walk:
    walked = walk.elsewhere()
    walked.later(days=9)
    walked.do(RecordDeath, source="their family told us")
    return walked


def waived() -> Walk:
    walked = walk.elsewhere()
    walked.later(days=9)
    for fields in ({}, {"all_of_kind": True, "until": "2026-05-01"}):
        walked.do(WaiveObligation, obligation="external-contact-1", reason="r", by=DIRECTOR, **fields)
        walked.do(UndoWaiver, obligation="external-contact-1", reason="r", by=DIRECTOR)
    walked.do(WaiveObligation, obligation="external-contact-1", reason="r", by=DIRECTOR, until="2026-04-10")
    walked.later(days=20)
    return walked


WALKS: dict[str, Callable[[], Walk]] = {
    "late": late_contact,
    "died": died,
    "waived": waived,
    "closed": walk.closed,
    "window": walk.window_missed,
}


@pytest.fixture
async def record(fresh_database: str) -> str:
    """The journeys of `WALKS` on record, and their read models at its head."""
    migrate(fresh_database)
    async with open_store(fresh_database) as store, projecting(fresh_database):
        total = 0
        for name, make in WALKS.items():
            walked = make()
            total += len(walked.record)
            await keep(store, name, walked)
        await reached(fresh_database, total)
        await require_equal(fresh_database, total)
    return fresh_database


def shown(capsys: pytest.CaptureFixture[str], *line: str) -> Any:
    assert run([*line, "--json"]) == Exit.OK
    return json.loads(capsys.readouterr().out)


async def test_the_read_model_has_what_each_journeys_own_events_say(record: str) -> None:
    for days in (0, 5, 40, 400):
        now = walk.MONDAY + timedelta(days=days)
        listed = Counter((each.journey_id, each.obligation_id) for each in (await list_missed(record, now)).rows)
        told: Counter[tuple[str, str]] = Counter()
        for name, make in WALKS.items():
            found = missed_of(make().record, now)
            told.update((name, each.obligation_id) for each in found)
        assert listed == told


def test_what_was_missed_is_listed_with_what_became_of_it_also_after_the_end(
    record: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", record)
    rows = shown(capsys, "missed")
    outcomes = {(each["journey_id"], each["obligation_id"]): each["outcome"] for each in rows}
    assert outcomes["died", "external-contact-1"] == "cancelled"
    assert outcomes["late", "external-contact-1"] == "met-late"
    assert outcomes["waived", "external-contact-1"] == "open", "its waiver ended and it is overdue again"
    assert outcomes["window", "complete-step-up-1"] == "open"
    early = {key[1]: outcome for key, outcome in outcomes.items() if key[0] == "closed"}
    assert early == {"early-follow-up-1": "met-late"}, "the first contact was made on the fifth day"
    contacts = shown(capsys, "missed", "--kind", "external-contact", "--month", "2026-03")
    assert {each["journey_id"] for each in contacts} == {"died", "late", "waived"}
    assert {each["site"] for each in rows} == {"main"}
    assert shown(capsys, "missed", "--site", "elsewhere") == []
    by_owner = shown(capsys, "missed", "--by", "owner")
    assert {each["owner"] for each in by_owner} <= set(Role)
    assert sum(each["missed"] for each in by_owner) == len(rows)
    assert run(["missed"]) == Exit.OK
    page = capsys.readouterr().out
    assert f"{len(rows)} missed" in page and "met-late" in page
    assert run(["journey", "died"]) == Exit.OK
    page = capsys.readouterr().out
    assert "Missed" in page and "cancelled" in page
    missed = {each["obligation_id"] for each in shown(capsys, "journey", "died")["missed"]}
    assert missed == {"external-contact-1", "mortality-review-1"}, "nobody has reviewed the death since"


def test_a_due_time_is_explained_with_the_source_of_its_number_and_what_if(
    record: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", record)
    assert run(["why-due", "window", "complete-step-up-1", "--if", "2026-03-20"]) == Exit.OK
    page = " ".join(capsys.readouterr().out.split())
    for words in (
        "complete-step-up-1: Complete the step-up",
        "transition.started: Step up IOP → PHP",
        "step_up_hours of policy us-generic-1",
        "The centre's promise: a step-up often happens within 24 hours. Checked 2026-11-26.",
        "Start Mon 16 Mar 2026 10:00 PDT, 2026-03-16T17:00:00Z",
        "Due Tue 17 Mar 2026 10:00 PDT, 2026-03-17T17:00:00Z",
        "If the start had been Fri 20 Mar 2026, and nothing else changed",
        "Due Sat 21 Mar 2026 10:00 PDT, 2026-03-21T17:00:00Z",
    ):
        assert words in page
    told = shown(capsys, "why-due", "died", "continued-stay-1")
    assert told["why"]["counted"]["rule"] == "levels.IOP.review.last_week" and "6 to 12 weeks" in told["rule"]
    assert run(["why-due", "window", "review-99"]) == Exit.NOT_FOUND
    assert "complete-step-up-1" in capsys.readouterr().err
    assert run(["why-due", "window", "complete-step-up-1", "--if", "Friday"]) == Exit.USAGE
