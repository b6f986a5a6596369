"""A centre's sites as files: read whole, or refused with the file, the line and the reason."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from centre.files import EXAMPLE, CentreFileError
from centre.holiday_proposals import NoProposal, as_toml, propose
from centre.loading import load
from centre.sites import ending_calendars, read_sites
from domain.sites import all_sites, use_sites

NORTH = """\
id = "north"
title = "North"
policy = "us-generic-1"
locations = ["HARBOUR NORTH"]

[[calendars]]
version = 1
zone = "America/Denver"
known_until = 2027-12-31
closes_at = { monday = 17:00:00, saturday = 12:00:00 }

[calendars.holidays]
2026-11-26 = "Thanksgiving Day"

[[calendars.closures]]
first_day = 2026-12-24
last_day = 2026-12-31
reason = "winter break"
"""


def write(folder: Path, text: str, name: str = "north") -> Path:
    (folder / "sites").mkdir(exist_ok=True)
    (folder / "sites" / f"{name}.toml").write_text(text)
    return folder


def test_a_file_is_one_site(tmp_path: Path) -> None:
    [site] = read_sites(write(tmp_path, NORTH))
    calendar = site.calendar
    assert (site.id, site.title, site.locations, calendar.zone) == (
        "north",
        "North",
        ("HARBOUR NORTH",),
        "America/Denver",
    )
    assert calendar.day_off(date(2026, 12, 28)) == "winter break"
    assert not calendar.is_open(date(2026, 12, 28)) and not calendar.is_open(date(2026, 12, 15))
    assert calendar.is_open(date(2026, 12, 19)) and calendar.closing(date(2026, 12, 19)).hour == 19  # noon in Denver


@pytest.mark.parametrize(
    ("was", "now", "line", "reason"),
    [
        ('"north"\ntitle', '"North!"\ntitle', 1, "id: String should match pattern"),
        ('"north"\ntitle', '"south"\ntitle', 1, "give both the same name"),
        ("America/Denver", "America/Nowhere", 8, "is no time zone; write an IANA name"),
        ("zone = ", "zones = ", 6, "calendars.1.zone is missing"),
        ("monday = 17:00:00, saturday = 12:00:00", "", 10, "calendars.1.closes_at: Dictionary should have at least 1"),
        ("monday", "mondy", 10, "Input should be 'monday'"),
        ("2026-11-26 =", "2026-11-31 =", 13, "calendars.1.holidays.2026-11-31: Input"),
        ("last_day = 2026-12-31", "last_day = 2026-12-01", 15, "last_day is before first_day"),
        ("last_day = 2026-12-31", "last_day = 2029-12-31", 15, "longer than a year"),
        ("version = 1", "version = 0", 7, "greater than or equal to 1"),
        ('title = "North"\n', "", None, "title is missing; add it"),
    ],
)
def test_a_broken_file_is_refused_with_its_line_and_the_reason(
    tmp_path: Path, was: str, now: str, line: int | None, reason: str
) -> None:
    assert was in NORTH
    with pytest.raises(CentreFileError, match=r"north\.toml") as caught:
        read_sites(write(tmp_path, NORTH.replace(was, now)))
    assert reason in caught.value.reason
    assert caught.value.line == line


TRACK = """
[[tracks]]
id = "evening"
title = "IOP evening"
level = "IOP"
modalities = ["in-person"]
places = 10
conditions = ["anxiety"]
licensed_in = ["CO"]

[tracks.meets]
monday = { begins_at = 17:30:00, ends_at = 20:30:00 }
"""


def test_a_site_has_tracks(tmp_path: Path) -> None:
    [site] = read_sites(write(tmp_path, NORTH + TRACK))
    [track] = site.tracks_at("IOP")
    assert site.tracks_at("OP") == () and site.track("morning") is None and site.track("evening") is track
    assert track.hours_in_words() == "mon 17:30-20:30" and track.treats_in("CO") and not track.treats_in("CA")


@pytest.mark.parametrize(
    ("was", "now", "line", "reason"),
    [
        ("ends_at = 20:30", "ends_at = 17:30", 30, "ends_at must be after begins_at"),
        ("places = 10", "places = 0", 25, "tracks.1.places: Input should be greater than or equal to 1"),
        ("places = 10", "places = 10.5", 25, "valid integer"),
        ("monday", "tuesday", 20, "meets when the site is closed (tuesday); if so, add also_on_closed_days = true"),
        ('"anxiety"', '"grief"', 26, "Input should be 'depression'"),
        ('["anxiety"]', "[]", 26, "The list should have at least 1"),
        ('["in-person"]', "[]", 24, "The list should have at least 1"),
        ('"CO"', '"XX"', 27, "is no state or territory of the United States"),
        ('id = "evening"', 'id = "The evening"', 21, "tracks.1.id: String should match pattern"),
        ("licensed_in", "licences", 20, "tracks.1.licensed_in is missing; add it"),
    ],
)
def test_a_broken_track_is_refused_with_its_line_and_the_reason(
    tmp_path: Path, was: str, now: str, line: int, reason: str
) -> None:
    assert was in TRACK
    with pytest.raises(CentreFileError, match=r"north\.toml") as caught:
        read_sites(write(tmp_path, NORTH + TRACK.replace(was, now)))
    assert reason in caught.value.reason
    assert caught.value.line == line


def test_a_track_may_meet_when_the_site_is_closed_if_it_says_so(tmp_path: Path) -> None:
    sunday = TRACK.replace("monday", "sunday").replace("places", "also_on_closed_days = true\nplaces")
    [site] = read_sites(write(tmp_path, NORTH + sunday))
    assert site.tracks[0].also_on_closed_days


def test_two_tracks_have_two_ids(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match=r"line 32: there are two tracks 'evening'; give one another id"):
        read_sites(write(tmp_path, NORTH + TRACK + TRACK))


@pytest.mark.parametrize("level", ["PHP", "IOPX"])
def test_a_track_is_at_a_level_that_the_centre_gives(tmp_path: Path, level: str) -> None:
    before = all_sites()
    text = NORTH + TRACK.replace('level = "IOP"', f'level = "{level}"')
    with pytest.raises(CentreFileError, match=f"line 23: track 'evening': the centre does not give {level}; choose"):
        load(with_policies(write(tmp_path, text)))
    assert all_sites() == before


def test_calendar_versions_stand_in_order_and_once(tmp_path: Path) -> None:
    calendar = NORTH[NORTH.index("[[calendars]]") : NORTH.index("[calendars.holidays]")]
    with pytest.raises(CentreFileError, match="list the versions in order"):
        read_sites(write(tmp_path, NORTH + calendar))


def test_two_sites_cannot_claim_one_location(tmp_path: Path) -> None:
    write(tmp_path, NORTH)
    south = NORTH.replace('"north"', '"south"').replace("HARBOUR NORTH", "Harbour North")
    with pytest.raises(CentreFileError, match=r"south.toml, line 4: location 1 is also a location of site 'north'"):
        read_sites(write(tmp_path, south, "south"))


def test_a_centre_has_a_site(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match="has no site"):
        read_sites(tmp_path)


def with_policies(folder: Path) -> Path:
    shutil.copytree(EXAMPLE / "policies", folder / "policies")
    return folder


def test_a_policy_that_does_not_exist_stops_the_start_and_changes_nothing(tmp_path: Path) -> None:
    before = all_sites()
    with pytest.raises(CentreFileError, match="policy 'us-generic-9' is unknown"):
        load(with_policies(write(tmp_path, NORTH.replace("us-generic-1", "us-generic-9"))))
    assert all_sites() == before


def test_loading_a_folder_replaces_the_sites(tmp_path: Path) -> None:
    before = all_sites()
    try:
        load(with_policies(write(tmp_path, NORTH)))
        assert [each.id for each in all_sites()] == ["north"]
    finally:
        use_sites(before)


def test_a_calendar_that_ends_soon_is_named(tmp_path: Path) -> None:
    sites = read_sites(write(tmp_path, NORTH))
    assert ending_calendars(sites, date(2027, 6, 1)) == ()
    [told] = ending_calendars(sites, date(2027, 8, 1))
    assert "site north" in told and "2027-12-31" in told and "propose-holidays north" in told


def test_a_proposal_can_be_pasted_into_a_file(tmp_path: Path) -> None:
    found = propose("US", "CO", 2027, 2028)
    text = NORTH.replace('2026-11-26 = "Thanksgiving Day"', as_toml(found))
    [site] = read_sites(write(tmp_path, text))
    assert site.calendar.holidays == found
    assert found[date(2027, 7, 5)] == "Independence Day (observed)" and date(2028, 1, 1) in found


def test_a_name_with_quotes_can_be_pasted_too(tmp_path: Path) -> None:
    found = {date(2026, 1, 2): 'The "long" day \\ night'}
    [site] = read_sites(write(tmp_path, NORTH.replace('2026-11-26 = "Thanksgiving Day"', as_toml(found))))
    assert site.calendar.holidays == found


@pytest.mark.parametrize(("country", "subdivision", "years"), [("XX", None, (2027, 2028)), ("US", "QQ", (2027, 2028))])
def test_a_place_that_is_not_known_has_no_proposal(country: str, subdivision: str, years: tuple[int, int]) -> None:
    with pytest.raises(NoProposal, match="give an ISO country"):
        propose(country, subdivision, *years)


@pytest.mark.parametrize("years", [(2028, 2027), (1900, 2100)])
def test_years_are_in_order_and_not_too_many(years: tuple[int, int]) -> None:
    with pytest.raises(NoProposal, match="at most 20 years"):
        propose("US", None, *years)


def test_no_process_that_counts_days_loads_the_library_of_holidays() -> None:
    """So an update of it cannot move a deadline."""
    parts = "intake.service, dashboard.projections.projector, recovery.reconcile"
    names = f"import sys, worker, cli.services, cli.sites, {parts}"
    code = f"{names}; from centre.loading import load; load(); sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_example_knows_its_holidays_until_2032() -> None:
    [site] = read_sites(EXAMPLE)
    found = propose("US", "CA", 2024, 2032)
    assert site.calendar.holidays == found and site.calendar.known_until == date(2032, 12, 31)


def test_the_example_has_tracks_for_work_study_and_family() -> None:
    [site] = read_sites(EXAMPLE)
    assert [each.id for each in site.tracks_at("IOP")] == ["morning", "evening", "telehealth", "weekend"]
    assert [each.id for each in site.tracks_at("OP")] == ["individual"]
