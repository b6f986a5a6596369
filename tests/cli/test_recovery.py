"""`throughline reconcile`, `recover` and `look-again` against a house that is up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from activities.signatures import Reconciled
from cli.access import temporal_client
from cli.output import Exit
from deploy.home import running_stack_env
from deploy.settings import Settings
from recovery.schedule import SCHEDULE
from tests.cli.conftest import Call, Command
from tests.cli.desk import CLINICIAN, SCREENED, admission
from tests.recovery.test_schedule import run_now
from workflows.client import Journeys

pytestmark = pytest.mark.stack


@pytest.fixture
def journey(house: Command, there: Call, tmp_path: Path) -> Iterator[str]:
    """A journey in a house whose own comparison is paused, so that only the command sets right."""
    asyncio.run(_paused(house.home))
    known = {each["journey_id"] for each in there("journeys", "--json").json}
    assert there("send", admission(tmp_path)).code == Exit.OK
    house.until(lambda: bool(_ids(there) - known))
    yield (_ids(there) - known).pop()


def _ids(there: Call) -> set[str]:
    return {each["journey_id"] for each in there("journeys", "--json").json}


async def _paused(home: Path) -> None:
    settings = Settings.from_env(running_stack_env(home))
    client = await temporal_client(settings)
    await client.get_schedule_handle(SCHEDULE).pause()


async def _terminated(home: Path, journey_id: str) -> None:
    settings = Settings.from_env(running_stack_env(home))
    client = await temporal_client(settings)
    await Journeys(client).handle(journey_id).terminate("lost")


async def _stopped(home: Path, journey_id: str) -> None:
    settings = Settings.from_env(running_stack_env(home))
    client = await temporal_client(settings)
    await Journeys(client).handle(journey_id).signal("stand-still", "ahead-of-record")


def named(there: Call, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = there("reconcile", "--json", *options).json["differences"]
    return found


def test_what_agrees_is_said_in_a_line(house: Command, there: Call, journey: str) -> None:
    house.until(lambda: there("reconcile").code == Exit.OK)  # Temporal's list takes a moment
    answer = there("reconcile")
    assert "all agree with the record" in answer.out
    assert there("reconcile", "--fix", "--json").json["differences"] == []
    assert there("recover", "--json").json["started"] == 0
    assert there("look-again", journey, "--json").json["journey_id"] == journey
    assert there("look-again", "nobody").code == Exit.NOT_FOUND
    assert there("look-again").code == there("look-again", journey, "--all").code == Exit.USAGE


def test_a_journey_that_stands_still_is_named_until_it_is_told_to_look_again(
    house: Command, there: Call, journey: str
) -> None:
    asyncio.run(_stopped(house.home, journey))
    house.until(lambda: [each["kind"] for each in named(there)] == ["stopped"])
    refused = there("acknowledge-obligation", journey, "--obligation", "x", *CLINICIAN)
    assert refused.code == Exit.REFUSED and "standing-still" in refused.err
    answer = there("reconcile", "--fix")
    assert answer.code == Exit.DIFFERS and "look-again" in answer.out
    assert there("look-again", "--all", "--json").json == {"go_on": 1, "failed": []}
    assert there("reconcile").code == Exit.OK


def test_a_lost_workflow_is_named_without_change_and_fixed_when_asked(
    house: Command, there: Call, journey: str
) -> None:
    asyncio.run(_terminated(house.home, journey))
    house.until(lambda: [each["kind"] for each in named(there)] == ["missing"])
    answer = there("reconcile")
    assert answer.code == Exit.DIFFERS
    assert journey in answer.out and "--fix" in answer.err
    assert there("reconcile", "--fix").code == Exit.OK
    house.until(lambda: there("reconcile").code == Exit.OK)
    assert there("look-again", journey).code == Exit.OK


def test_recover_starts_it_as_well(house: Command, there: Call, journey: str) -> None:
    asyncio.run(_terminated(house.home, journey))
    house.until(lambda: bool(named(there)))
    answer = there("recover")
    assert answer.code == Exit.OK and answer.out.startswith("1 of ")
    house.until(lambda: there("reconcile").code == Exit.OK)


def test_without_a_house_each_says_what_to_do(call: Call) -> None:
    for arguments in (("reconcile",), ("reconcile", "--fix"), ("recover",), ("look-again", "x")):
        answer = call(*arguments)
        assert answer.code == Exit.UNREACHABLE
        assert len(answer.err.splitlines()) == 1


def test_what_the_house_runs_by_itself_comes_to_its_end(house: Command, journey: str) -> None:
    done = asyncio.run(_scheduled(house.home))
    assert done.journeys >= 1


async def _scheduled(home: Path) -> Reconciled:
    settings = Settings.from_env(running_stack_env(home))
    client = await temporal_client(settings)
    return await run_now(client, client.get_schedule_handle(SCHEDULE))


def test_a_decision_that_cannot_be_recorded_is_said_by_every_command(house: Command, there: Call, journey: str) -> None:
    """The house's own record has a rule that no placement meets."""
    house.until(lambda: there("journey", journey, "--json").json["journey"]["stage"] == "PLACEMENT")
    assert there("complete-screening", journey, *SCREENED).code == Exit.OK
    words = ("--recommended", "IOP", "--actual", "OP", "--variance", "lives far away")
    decide = ("decide-placement", journey, *words, *CLINICIAN, "--id", "placement")
    with no_placement_is_taken(house.home):
        answer = there(*decide)
        assert answer.code == Exit.UNREACHABLE and len(answer.err.splitlines()) == 1
        for word in ("record-refused", "Nothing is lost", "--id placement"):
            assert word in answer.err
        house.until(lambda: "1 journey cannot record: record-refused" in there("status").out)
        assert there("status").code == Exit.UNREACHABLE
        [found] = named(there)
        assert found["kind"] == "not recorded" and "record-refused" in found["sentence"]
        assert there("reconcile").code == there("reconcile", "--fix").code == Exit.DIFFERS
        assert there("look-again", journey).code == Exit.UNREACHABLE
    assert there("reconcile", "--fix").code == Exit.OK
    answer = there(*decide)
    assert answer.code == Exit.OK and "COST_REVIEW" in answer.out
    house.until(lambda: "cannot record" not in there("status").out)


@contextmanager
def no_placement_is_taken(home: Path) -> Iterator[None]:
    url = Settings.from_env(running_stack_env(home)).require_database_url()
    with psycopg.connect(url, autocommit=True) as connection:
        rule = "check (type <> 'placement.decided') not valid"
        connection.execute(f"alter table es.events add constraint mistaken {rule}".encode())
        try:
            yield
        finally:
            connection.execute("alter table es.events drop constraint mistaken")
