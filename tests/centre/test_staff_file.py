from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from activities.ports import Notice
from centre.files import EXAMPLE, CentreFileError, read
from centre.staff import Staff
from centre.staff_file import StaffFile, examine, read_staff
from domain.obligation_terms import Channel
from domain.values import Role
from tests.centre.people import MONDAY_NOON, ZONE, centre_of, person

ADDRESSES = "".join(
    f"[{table}]\n" + "".join(f'{role} = "{role}@{table}.invalid"\n' for role in Role)
    for table in ("mailboxes", "pagers")
)
GOOD = (
    ADDRESSES
    + """\
[[people]]
id = "s-1"
name = "Canary One"
roles = ["clinician"]
sites = ["north"]
mail = "s-1@centre.invalid"
pager = "s-1@pager.invalid"
caseload_clients = 20

[[people.absences]]
first_day = 2026-03-02
last_day = 2026-03-06
cover = "s-2"

[[people.absences]]
first_day = 2026-04-06
last_day = 2026-04-10
cover = "s-2"

[[people]]
id = "s-2"
name = "Canary Two"
roles = ["clinician", "operations"]
mail = "s-2@centre.invalid"

[[on_call]]
role = "clinician"
site = "north"
order = ["s-1", "s-2"]

[[on_call]]
role = "operations"
days = ["mon"]
starts_at = 08:00:00
ends_at = "17:00"
order = ["s-2"]
"""
)
AFTER = ADDRESSES.count("\n")
"""The lines before the first person."""


def written(tmp_path: Path, text: str = GOOD) -> Path:
    file = tmp_path / "staff.toml"
    file.write_text(text)
    return file


def test_a_good_file_is_read(tmp_path: Path) -> None:
    staff = read_staff(written(tmp_path), sites=["north"])
    assert [each.id for each in staff.people] == ["s-1", "s-2"]
    assert staff.people[0].caseload_clients == 20
    assert [each.cover for each in staff.people[0].absences] == ["s-2", "s-2"]
    assert [each.has_hours for each in staff.on_call] == [False, True]


def test_the_example_can_be_used_and_tells_a_person_where_it_names_one() -> None:
    staff = read_staff(EXAMPLE / "staff.toml")
    assert {each.role for each in staff.on_call} >= {Role.CLINICIAN, Role.OPERATIONS}


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('roles = ["clinician"]', 'roles = ["nurse"]', 4, "people.1.roles.1: Input should be 'admissions'"),
        ('roles = ["clinician"]', "roles = []", 4, "at least 1 item"),
        ('roles = ["clinician"]\n', "", 1, "people.1.roles is missing"),
        ('cover = "s-2"', 'cover = "s-9"', 13, "no person with the id s-9"),
        ('cover = "s-2"', 'cover = "s-1"', 13, "s-1 cannot be their own cover"),
        ('id = "s-2"', 'id = "s-1"', 21, "s-1 is another person's id"),
        ("last_day = 2026-03-06", "last_day = 2026-04-06", 15, "overlaps an earlier one"),
        ("last_day = 2026-03-06", "last_day = 2026-03-01", 12, "ends before it begins"),
        ("last_day = 2026-03-06", "last_day = 20260306", 12, "a number is not a day"),
        (
            "last_day = 2026-03-06",
            "last_day = 'soon'",
            12,
            "people.1.absences.1.last_day: Input should be a valid date",
        ),
        ('order = ["s-1", "s-2"]', 'order = ["s-1", "s-3"]', 29, "no person with the id s-3"),
        ('order = ["s-1", "s-2"]', 'order = ["s-1", "s-1"]', 29, "s-1 is in this order twice"),
        ('order = ["s-1", "s-2"]', "order = []", 29, "at least 1 item"),
        ('order = ["s-2"]', 'order = ["s-1"]', 36, "s-1 is not operations"),
        ('site = "north"', 'site = "south"', 29, "s-1 does not work at south"),
        (
            'site = "north"\norder',
            'site = "nroth"\norder',
            28,
            "nroth is not a site of this centre; there are north, south",
        ),
        ('role = "clinician"', 'role = "nurse"', 27, "on_call.1.role: Input should be 'admissions'"),
        ('ends_at = "17:00"', "", 31, "starts_at and ends_at go together"),
        ('ends_at = "17:00"', 'ends_at = "08:00"', 31, "are the same"),
        ('ends_at = "17:00"', "ends_at = 17", 35, "a number is not a day or a time"),
        ('ends_at = "17:00"', 'ends_at = "17:00Z"', 31, "leave the time zone out"),
        ('days = ["mon"]', 'days = ["monday"]', 33, "on_call.2.days.1: Input should be 'mon'"),
        ('mail = "s-1@centre.invalid"', 'mail = "s-1 centre.invalid"', 6, "people.1.mail: this is not a mail address"),
        ('mail = "s-1@centre.invalid"', 'mail = "One <s-1@centre.invalid>"', 6, "not a mail address"),
        ('mail = "s-1@centre.invalid"', 'mail = "a@centre.invalid, b@centre.invalid"', 6, "not a mail address"),
        ('mail = "s-1@centre.invalid"', 'mail = "a@centre.invalid\\nBcc: b@centre.invalid"', 6, "not a mail address"),
        ('pager = "s-1@pager.invalid"', 'pager = "5550100"', 7, "people.1.pager: this is not a mail address"),
        ("caseload_clients = 20", "caseload_clients = 0", 8, "greater than or equal to 1"),
        ("caseload_clients = 20", "caseload = 20", 8, "people.1.caseload is not known"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, reason: str) -> None:
    assert old in GOOD
    with pytest.raises(CentreFileError) as caught:
        read_staff(written(tmp_path, GOOD.replace(old, new, 1)), sites=["north", "south"])
    assert reason in str(caught.value)
    assert caught.value.line == AFTER + line
    assert "Canary" not in str(caught.value)


@pytest.mark.parametrize(("table", "line"), [("mailboxes", 1), ("pagers", len(Role) + 2)])
def test_a_role_that_could_not_be_reached_is_named(tmp_path: Path, table: str, line: int) -> None:
    text = GOOD.replace(f'medical-director = "medical-director@{table}.invalid"\n', "")
    with pytest.raises(CentreFileError, match="missing: medical-director") as caught:
        read_staff(written(tmp_path, text))
    assert caught.value.line == line


def test_an_address_of_an_unknown_role_is_named(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match=r"mailboxes\.nurse: Input should be") as caught:
        read_staff(written(tmp_path, GOOD.replace("[mailboxes]", '[mailboxes]\nnurse = "n@centre.invalid"')))
    assert caught.value.line == 2


def test_two_orders_for_the_same_hours_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match="another order for clinician"):
        read_staff(written(tmp_path, GOOD + '[[on_call]]\nrole = "clinician"\nsite = "north"\norder = ["s-2"]\n'))


def test_all_faults_are_found_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('cover = "s-2"', 'cover = "s-9"').replace('order = ["s-2"]', 'order = ["s-1"]')
    _, faults = examine(read(written(tmp_path, text)))
    assert [each.line for each in faults] == [AFTER + line for line in (13, 18, 36)]


def test_no_name_and_no_address_is_in_what_a_traceback_prints() -> None:
    assert "Canary" not in repr(person("s-1"))
    assert "invalid" not in repr(centre_of(person("s-1")))


NOTICE = Notice(key="k", channel=Channel.PAGE, to=Role.CLINICIAN, subject="A review is due", body="Look.")
ONE_PERSON = (
    ADDRESSES
    + '[[on_call]]\nrole = "clinician"\norder = ["{0}"]\n[[people]]\nid = "{0}"\nname = "N"\n'
    + ('roles = ["clinician"]\nmail = "{0}@centre.invalid"\npager = "{0}@pager.invalid"\n')
)


def change(file: Path, text: str) -> None:
    """Written anew, at another moment even where the file system's clock is coarse."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text)
    os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


def first(roster: StaffFile) -> str | None:
    return roster.recipients(NOTICE, MONDAY_NOON)[0].staff_id


def test_a_changed_file_is_used_without_a_restart(tmp_path: Path) -> None:
    file = written(tmp_path, ONE_PERSON.format("s-1"))
    roster = StaffFile(file, lambda site: ZONE)
    assert first(roster) == "s-1"
    change(file, ONE_PERSON.format("s-2"))
    assert first(roster) == "s-2"


@pytest.mark.parametrize("broken", ["[[people", ONE_PERSON.format("s-2").replace("N", ""), None])
def test_a_changed_file_that_cannot_be_used_leaves_the_staff_before_and_says_so(
    tmp_path: Path, broken: str | None
) -> None:
    file = written(tmp_path, ONE_PERSON.format("s-1"))
    roster = StaffFile(file, lambda site: ZONE)
    file.unlink() if broken is None else change(file, broken)
    for _ in range(2):
        with capture_logs() as logs:
            told = roster.recipients(NOTICE, MONDAY_NOON)
        assert told[0].staff_id == "s-1"
        assert told[0].note and "staff.toml" in told[0].note and "The one before is used" in told[0].note
        assert [(each["event"], each["log_level"]) for each in logs] == [("staff-file-unusable", "error")]
        assert "staff.toml" in logs[0]["reason"]
    change(file, ONE_PERSON.format("s-3"))
    told = roster.recipients(NOTICE, MONDAY_NOON)
    assert (told[0].staff_id, told[0].note) == ("s-3", None)


def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []

    def counted(file: Path, sites: Collection[str] | None = None) -> Staff:
        reads.append(file)
        return read_staff(file, sites)

    monkeypatch.setattr("centre.staff_file.read_staff", counted)
    roster = StaffFile(written(tmp_path), lambda site: ZONE)
    for _ in range(3):
        roster.current()
    assert len(reads) == 1


def test_a_broken_file_stops_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match="s-9"):
        StaffFile(written(tmp_path, GOOD.replace('cover = "s-2"', 'cover = "s-9"')))
