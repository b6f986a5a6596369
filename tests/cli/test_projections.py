"""The read models by the command: how far they are, made again, held against the record, and listed."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli.main import run
from cli.output import Exit
from dashboard.projections import READ_MODELS
from eventstore import NewEvent, open_store
from migrations import migrate
from tests.cli.conftest import PATIENCE_SECONDS, Call, Command, command
from tests.cli.test_house import admitted
from tests.dashboard.keeping import keep, projecting, reached
from tests.domain import walk

pytestmark = pytest.mark.stack


def listed(there: Call) -> Any:
    answer = there("projections", "list", "--json")
    assert answer.code == Exit.OK
    return answer.json


def test_the_house_keeps_its_read_models_and_rebuilds_them_while_it_works(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(each["position"] < each["head"] for each in listed(there)["generations"] if each["status"] == "live"):
        assert time.monotonic() < deadline, listed(there)
    assert listed(there)["projector"] == "active"

    rebuilt = there("projections", "rebuild", "journeys", "timeline", "--json").json
    assert set(rebuilt["generations"]) == {"journeys", "timeline"}
    assert journey in there("journeys").out
    verified = there("projections", "verify", "--json")
    assert verified.code == Exit.OK
    assert {each["read_model"]: each["differing"] for each in verified.json} == {m.name: 0 for m in READ_MODELS}

    back = there("projections", "rebuild", "journeys", "--previous", "--json").json
    assert back["generations"]["journeys"] < rebuilt["generations"]["journeys"]
    assert "journeys" in there("projections", "list").out
    assert "ms to switch" in there("projections", "rebuild").out


@pytest.fixture
async def with_journeys(fresh_database: str) -> str:
    """A record of two journeys, its read models at its head, and nobody who keeps them any more."""
    migrate(fresh_database)
    async with open_store(fresh_database) as store, projecting(fresh_database):
        for name in ("j-1", "j-2"):
            await keep(store, name, walk.stepping_up())
        await reached(fresh_database, 2 * len(walk.stepping_up().record))
    return fresh_database


def test_a_row_that_is_not_what_the_record_says_is_named_and_mended(
    with_journeys: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", with_journeys)
    with psycopg.connect(with_journeys) as connection:
        connection.execute("update dash.journeys_g1 set level = 'PHP' where journey_id = 'j-2'")
    assert run(["projections", "verify"]) == Exit.FAILED
    out = capsys.readouterr().out
    assert "journeys 1" in out
    assert "1 rows differ" in out
    assert "  changed: journey_id j-2  level\n" in out
    assert run(["projections", "verify", "obligations"]) == Exit.OK
    assert run(["projections", "rebuild", "journeys"]) == Exit.OK
    assert run(["projections", "verify"]) == Exit.OK


def test_the_list_is_right_where_nobody_keeps_the_read_models(
    with_journeys: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", with_journeys)
    with psycopg.connect(with_journeys) as connection:
        connection.execute("delete from dash.journeys_g1")
        connection.execute("update es.checkpoints set position = 0")
    assert run(["journeys", "--json"]) == Exit.OK
    told = capsys.readouterr()
    assert [each["journey_id"] for each in json.loads(told.out)] == ["j-1", "j-2"]
    assert told.err == ""
    assert run(["projections", "list"]) == Exit.OK
    assert "no projector is active" in capsys.readouterr().out

    monkeypatch.setenv("THROUGHLINE_DASHBOARD_FOLDED_EVENTS", "10")  # the rest is too much to fold for a list
    assert run(["journeys", "--json"]) == Exit.OK
    told = capsys.readouterr()
    assert json.loads(told.out) == []
    assert told.err.startswith(f"throughline: as of event 0 of {2 * len(walk.stepping_up().record)}: ")


def assert_told_in_one_line(saying: str, capsys: pytest.CaptureFixture[str], *lines: tuple[str, ...]) -> None:
    for line in lines:
        assert run(list(line)) == Exit.FAILED
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.count("\n") == 1
        assert saying in told.err


async def test_an_event_of_another_release_is_told_in_one_line(
    with_journeys: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", with_journeys)
    async with open_store(with_journeys) as store:
        newer = NewEvent(type="moon.landed", schema_version=1, occurred_at=walk.MONDAY, data={}, meta={})
        head = await store.head("j-2")
        assert head is not None
        await store.append("j-2", expected_version=head.version, key="newer", events=[newer])
    lines = (("journeys",), ("journey", "j-2"), ("journey", "j-2", "--json"))
    await asyncio.to_thread(assert_told_in_one_line, "moon.landed", capsys, *lines)


def test_a_hole_in_the_record_is_told_in_one_line(
    with_journeys: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", with_journeys)
    with psycopg.connect(with_journeys) as connection:
        connection.execute("update es.checkpoints set position = 0")
        connection.execute("alter table es.events disable trigger append_only")
        connection.execute("delete from es.events where position = 3")
    assert_told_in_one_line("between positions 2 and 4", capsys, ("journeys",))


@pytest.mark.parametrize("asked", ["rebuild", "verify"])
def test_a_read_model_of_no_such_name_is_told_with_those_there_are(call: Call, asked: str) -> None:
    answer = call("projections", asked, "diagnoses")
    assert (answer.code, answer.out) == (Exit.USAGE, "")
    assert answer.err.count("\n") == 1
    assert "journeys, obligations, stays, authorisations, timeline" in answer.err


def test_a_projector_ends_at_sigterm(house: Command, there: Call) -> None:
    with command(house.home, "projector") as second:
        second.until(lambda: "standing-by" in second.err)
        second.process.terminate()
        assert second.ended() == Exit.OK
        assert "Traceback" not in second.err
