from __future__ import annotations

from datetime import date, timedelta

from centre.files import EXAMPLE
from centre.staff import Staff
from centre.staff_checks import errors, warnings
from centre.staff_file import read_staff
from domain.values import Role
from tests.centre.people import MONDAY, away, centre_of, on_call, person


def warned(staff: Staff, today: date = MONDAY) -> list[str]:
    """Without the warnings about roles that have no order."""
    assert list(errors(staff)) == []
    return [reason for _, reason in warnings(staff, today) if not reason.startswith("no one is on call")]


def test_two_people_on_call_and_no_one_away_give_no_warning() -> None:
    assert warned(centre_of(person("a"), person("b"))) == []


def test_a_role_with_one_person_on_call() -> None:
    assert warned(centre_of(person("a"))) == ["a is the only person on call as clinician"]


def test_a_role_without_an_order() -> None:
    reasons = [reason for _, reason in warnings(centre_of(person("a"), person("b")), MONDAY)]
    assert len(reasons) == len(Role) - 1
    assert "no one is on call as operations: all notices go to the role's own addresses" in reasons


def test_a_person_on_call_without_a_pager() -> None:
    assert warned(centre_of(person("a", pages=False), person("b"))) == [
        "a is on call as clinician without a pager: pages go to the next person"
    ]


def test_an_absence_without_cover_until_it_is_over() -> None:
    staff = centre_of(person("a", away=away()), person("b"))
    assert warned(staff) == ["a is absent from 2026-03-02 on and has no cover"]
    assert warned(staff, today=MONDAY + timedelta(days=1)) == []


def test_an_absent_cover_names_the_days() -> None:
    friday = MONDAY + timedelta(days=4)
    people = person("a", away=away("b", last=friday)), person("b", away=away(first=friday, last=friday)), person("c")
    assert warned(centre_of(*people)) == [
        "no cover of a is there on 1 of the days, the first 2026-03-06",
        "b is absent from 2026-03-06 on and has no cover",
    ]
    covered = person("b", away=away("c", friday, friday))
    assert warned(centre_of(people[0], covered, people[2])) == []


def test_an_absence_without_an_end_is_looked_at_for_a_year() -> None:
    people = (
        person("a", away=away("b", last=date.max)),
        person("b", away=away("c", last=date.max)),
        person("c", pages=True),
    )
    staff = centre_of(*people, orders=(on_call("a", "b"),))
    assert warned(staff) == []
    gone = centre_of(people[0], person("b", away=away(last=date.max)), orders=(on_call("a", "b"),))
    assert "no cover of a is there on 366 of the days, the first 2026-03-02" in warned(gone)


def test_covers_that_go_in_a_circle() -> None:
    staff = centre_of(person("a", away=away("b")), person("b", away=away("a")))
    assert [reason for reason in warned(staff) if "no cover" in reason] == [
        "no cover of a is there on 1 of the days, the first 2026-03-02",
        "no cover of b is there on 1 of the days, the first 2026-03-02",
    ]


def test_a_cover_who_could_not_take_the_notices() -> None:
    people = (
        person("a", away=away("c")),
        person("b", site="north", away=away("d")),
        person("c", Role.OPERATIONS),
        person("d", site="south"),
        person("e", away=away("d")),
    )
    assert warned(centre_of(*people, orders=(on_call("a", "b", "e"),))) == [
        "c is not clinician and gets no such notices for a",
        "d does not work at north and gets no notices from there for b",
        "d works at south only and gets no other notices for e",
    ]


def test_a_warning_points_at_its_place() -> None:
    staff = centre_of(person("b"), person("a", away=away()))
    assert [path for path, reason in warnings(staff, MONDAY) if "no cover" in reason] == [("people", 1, "absences", 0)]


def test_the_example_has_no_warning_but_for_roles_without_an_order() -> None:
    staff = read_staff(EXAMPLE / "staff.toml")
    assert warned(staff, today=date(2026, 1, 1)) == []
