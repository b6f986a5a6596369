"""`throughline digest`, on a record with its read models."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.main import run
from cli.output import Exit
from domain.sites import site_named
from eventstore import open_store
from migrations import migrate
from tests.dashboard.keeping import keep, projecting, reached
from tests.domain import walk

pytestmark = pytest.mark.stack


@pytest.fixture
async def owed(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is owed and not urgent on the record's only journey, overdue since March 2026."""
    migrate(fresh_database)
    walked = walk.enrolled()
    async with open_store(fresh_database) as store, projecting(fresh_database):
        await keep(store, "enrolled", walked)
        await reached(fresh_database, len(walked.record))
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    return [each.id for each in walked.state.obligations.open.values() if not each.urgent]


def shown(capsys: pytest.CaptureFixture[str], *line: str) -> Any:
    assert run(["digest", *line, "--json"]) == Exit.OK
    return json.loads(capsys.readouterr().out)


def test_each_reader_is_shown_with_what_counts_as_new(owed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC)
    found = shown(capsys)
    assert found and {each["site"] for each in found} == {"main"}
    opening = site_named("main").calendar.last_opening(before)
    assert {datetime.fromisoformat(each["since"]) for each in found} == {opening}
    assert all(datetime.fromisoformat(each["until"]) >= before for each in found)
    text = "".join(each["body"] for each in found)
    assert owed and all(f"({each}, journey enrolled)" in text for each in owed)
    assert run(["digest"]) == Exit.OK
    page = capsys.readouterr().out
    assert f"main: {len(found)} digest" in page and f"New is what came since {opening:%Y-%m-%d %H:%M}Z" in page
    assert all(each["subject"] in page and each["body"] in page for each in found)


def test_what_is_new_is_counted_from_the_time_that_is_given(
    owed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new(shown(capsys)) == 0, "it came in the last minute"
    monkeypatch.setattr("dashboard.digests._SETTLED", timedelta(0))  # rather than wait for a minute
    assert new(shown(capsys)) == len(owed)
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    found = shown(capsys, "--since", an_hour_ago.isoformat())
    assert new(found) == len(owed) and datetime.fromisoformat(found[0]["since"]) == an_hour_ago
    assert new(shown(capsys, "--since", datetime.now(UTC).isoformat())) == 0
    ahead = datetime.now(UTC) + timedelta(minutes=5)
    assert run(["digest", "--since", ahead.isoformat()]) == Exit.USAGE
    assert "in the past" in capsys.readouterr().err


def new(found: list[dict[str, Any]]) -> int:
    """What is new in all of them, by their subjects."""
    return sum(int(each["subject"].removeprefix("Today: ").partition(" new")[0]) for each in found)


def test_one_person_or_site_can_be_asked_for(owed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    everyone = shown(capsys)
    person = next(each["person"] for each in everyone if each["person"])
    [theirs] = shown(capsys, "--site", "main", "--person", person)
    assert theirs["person"] == person
    assert run(["digest", "--person", "s-999"]) == Exit.USAGE
    assert "s-999 is not in staff.toml" in capsys.readouterr().err
    assert run(["digest", "--site", "nowhere"]) == Exit.USAGE
    assert "the centre's sites are: main" in capsys.readouterr().err
