"""`throughline sites`: what the centre's files say, proposals, and journeys moved to a newer calendar."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from cli.output import Exit
from domain.sites import all_sites, use_sites
from tests.centres import three_sites
from tests.cli.conftest import Call

WHO = ("--by", "s-31", "--role", "operations", "--reason", "The roof leaks.")


@pytest.fixture
def with_files(call: Call) -> Iterator[Callable[[Path], Call]]:
    """The command with another centre's files."""
    before = all_sites()

    def of(folder: Path) -> Call:
        return partial(call, centre=folder)

    yield of
    use_sites(before)


def test_the_list_names_each_site_and_its_calendar(with_files: Callable[[Path], Call], tmp_path: Path) -> None:
    call = with_files(three_sites(tmp_path, closed="mesa"))
    listed = {each["id"]: each for each in json.loads(call("sites", "list", "--json").out)}
    assert {name: each["calendar"] for name, each in listed.items()} == {"harbour": 1, "mesa": 2, "pier": 1}
    assert (listed["mesa"]["zone"], listed["mesa"]["known_until"]) == ("America/Phoenix", "2032-12-31")
    assert "America/New_York" in call("sites", "list").out


def test_the_tracks_are_listed_as_the_files_say(call: Call) -> None:
    evening = next(
        each for each in json.loads(call("sites", "tracks", "main", "--json").out) if each["id"] == "evening"
    )
    assert (evening["site"], evening["level"], evening["places"]) == ("main", "IOP", 12)
    shown = call("sites", "tracks").out
    assert "17:30-20:30" in shown and "for makeup only" in shown
    assert call("sites", "tracks", "nowhere").code == Exit.USAGE


def test_a_check_passes_or_names_what_is_missing(with_files: Callable[[Path], Call], tmp_path: Path) -> None:
    call = with_files(three_sites(tmp_path))
    assert call("sites", "check").code == Exit.OK
    file = tmp_path / "sites" / "pier.toml"
    file.write_text(file.read_text().replace("2032-12-31", "2026-12-31"))
    told = call("sites", "check")
    assert told.code == Exit.DIFFERS
    assert "site pier: holidays are known until 2026-12-31" in told.err and "harbour" not in told.err


def test_a_broken_file_is_one_line_with_its_place(with_files: Callable[[Path], Call], tmp_path: Path) -> None:
    call = with_files(three_sites(tmp_path))
    file = tmp_path / "sites" / "pier.toml"
    file.write_text(file.read_text().replace("America/Los_Angeles", "Pacific/Nowhere"))
    told = call("sites", "check")
    assert told.code == Exit.FAILED
    assert told.err.strip().splitlines()[-1].startswith("throughline: pier.toml, line 8: calendars.1.zone: 'Pacific/No")


def test_proposed_holidays_are_toml_and_change_nothing(call: Call) -> None:
    told = call("sites", "propose-holidays", "main", "--years", "2027-2028", "--subdivision", "CA")
    assert told.code == Exit.OK
    found = tomllib.loads(told.out)
    assert found["2027-07-05"] == "Independence Day (observed)" and "2028-11-23" in found
    assert "known_until = 2028-12-31" in told.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("propose-holidays", "main", "--years", "soon"), Exit.USAGE, "--years: write 2027-2029"),
        (
            ("propose-holidays", "main", "--years", "2027", "--country", "XX"),
            Exit.USAGE,
            "no holidays are known for XX",
        ),
        (("propose-holidays", "nowhere", "--years", "2027"), Exit.USAGE, "the centre's sites are: main"),
        (("adopt", "nowhere", "2", *WHO), Exit.USAGE, "the centre's sites are: main"),
        (("adopt", "main", "2", *WHO), Exit.USAGE, "has no calendar 2; its versions are: 1"),
        (("adopt", "main", "1", *WHO, "--per-minute", "0"), Exit.USAGE, "--per-minute"),
        (
            ("adopt", "main", "1", "--by", "s-1", "--role", "clinician", "--reason", "x"),
            Exit.REFUSED,
            "only operations",
        ),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(
    call: Call, arguments: tuple[str, ...], code: Exit, told: str
) -> None:
    answer = call("sites", *arguments)
    assert answer.code == code and told in answer.err


@pytest.mark.stack
def test_where_no_journey_is_behind_nothing_is_done(there: Call) -> None:
    assert there("sites", "adopt", "main", "1", *WHO, "--dry-run").out.startswith("0 open journeys at main")
    answer = there("sites", "adopt", "main", "1", *WHO)
    assert (answer.code, answer.out.strip()) == (Exit.OK, "0 of 0 journeys now have the calendar; 0 deadlines moved")
