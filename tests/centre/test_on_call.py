from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centre.staff import Absence, Person
from domain.obligation_terms import Channel
from domain.values import Role
from tests.centre.people import MONDAY_NOON, ZONE, away, centre_of, names, on_call, person, told


def at_site(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZONE).astimezone(UTC)  # type: ignore[arg-type,misc]


def test_the_first_in_the_order_is_told() -> None:
    found = told(centre_of(person("a"), person("b")))
    assert names(found) == ["a", "b"]
    assert found[0].address == "a@pager.invalid"
    assert told(centre_of(person("a")), channel=Channel.MAIL)[0].address == "a@centre.invalid"


def test_the_cover_stands_in_for_an_absent_person_and_is_told_so() -> None:
    staff = centre_of(person("a", away=away("c")), person("b"), person("c"), orders=(on_call("a", "b"),))
    found = told(staff)
    assert names(found) == ["c", "b"]
    assert found[0].in_place_of == "a"
    assert found[1].in_place_of is None


def test_the_cover_of_a_cover_stands_in() -> None:
    people = person("a", away=away("b")), person("b", away=away("c")), person("c")
    assert names(told(centre_of(*people, orders=(on_call("a"),)))) == ["c"]


@pytest.mark.parametrize(
    "people",
    [
        (person("a", away=away()), person("b")),
        (person("a", away=away("c")), person("b"), person("c", away=away("a"))),
        (person("a", away=away("c")), person("b"), person("c", away=away())),
        (person("a", away=away("c")), person("b"), person("c", Role.OPERATIONS)),
        (person("a", away=away("c")), person("b"), person("c", pages=False)),
        (person("a", pages=False), person("b")),
        (person("a", Role.OPERATIONS), person("b")),
    ],
    ids=["no-cover", "circle", "absent-cover", "cover-of-another-role", "cover-unpaged", "unpaged", "another-role"],
)
def test_who_cannot_be_told_is_left_out(people: tuple[object, ...]) -> None:
    staff = centre_of(*people, orders=(on_call("a", "b"),))  # type: ignore[arg-type]
    assert names(told(staff)) == ["b"]


def test_without_a_person_the_roles_own_address_is_told_and_says_so() -> None:
    (own,) = told(centre_of(person("a", away=away())))
    assert own.address == "clinician@desk-pager.invalid"
    assert own.is_fallback


def test_a_role_without_an_order_has_its_own_address_and_nothing_is_missing() -> None:
    (own,) = told(centre_of(person("a")), role=Role.ADMISSIONS, channel=Channel.MAIL)
    assert own.address == "admissions@desk.invalid"
    assert not own.is_fallback


def test_both_days_of_an_absence_count_and_they_are_days_at_the_site() -> None:
    staff = centre_of(person("a", away=away("b", date(2026, 3, 3), date(2026, 3, 4))), person("b"))
    assert told(staff, at=at_site(2026, 3, 2, 23, 59))[0].staff_id == "a"
    assert told(staff, at=at_site(2026, 3, 3, 0, 0))[0].staff_id == "b"
    assert told(staff, at=at_site(2026, 3, 4, 23, 59))[0].staff_id == "b"
    assert told(staff, at=at_site(2026, 3, 5, 0, 0))[0].staff_id == "a"


WEEKNIGHTS = on_call("b", days=["mon", "tue", "wed", "thu", "fri"], starts_at="17:00", ends_at="08:00")


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        ((2026, 3, 2, 7, 59), "a"),  # Monday morning: the night before began on Sunday
        ((2026, 3, 2, 16, 59), "a"),
        ((2026, 3, 2, 17, 0), "b"),
        ((2026, 3, 3, 7, 59), "b"),
        ((2026, 3, 3, 8, 0), "a"),
        ((2026, 3, 7, 7, 59), "b"),  # Saturday morning: the night began on Friday
        ((2026, 3, 7, 17, 0), "a"),
        ((2026, 3, 8, 1, 59), "a"),  # the night in which the clocks go forward
        ((2026, 3, 9, 17, 0), "b"),  # by the site's clocks, an hour earlier in UTC than a week ago
    ],
)
def test_an_order_with_hours_holds_in_them_and_the_other_one_outside(moment: tuple[int, ...], first: str) -> None:
    staff = centre_of(person("a"), person("b"), orders=(on_call("a"), WEEKNIGHTS))
    assert told(staff, at=at_site(*moment))[0].staff_id == first


def test_days_without_hours_are_whole_days() -> None:
    staff = centre_of(person("a"), person("b"), orders=(on_call("a"), on_call("b", days=["sat", "sun"])))
    assert told(staff, at=at_site(2026, 3, 8, 0, 0))[0].staff_id == "b"
    assert told(staff, at=at_site(2026, 3, 9, 0, 0))[0].staff_id == "a"


def test_the_order_without_hours_goes_on_where_the_one_with_hours_ends() -> None:
    orders = (on_call("a", "b"), on_call("b", starts_at="08:00", ends_at="17:00"))
    assert names(told(centre_of(person("a"), person("b"), orders=orders))) == ["b", "a"]


def test_a_sites_own_order_comes_first_there_and_only_there() -> None:
    people = person("a"), person("n", site="north"), person("s", site="south")
    staff = centre_of(*people, orders=(on_call("a"), on_call("n", site="north"), on_call("s", site="south")))
    assert names(told(staff, site="north")) == ["n", "a"]
    assert names(told(staff, site="south")) == ["s", "a"]
    assert names(told(staff, site="east")) == ["a"]
    assert names(told(staff, site=None)) == ["a", "n", "s"]


def test_an_order_for_every_site_asks_each_only_for_their_own() -> None:
    staff = centre_of(person("n", site="north"), person("s", site="south"))
    assert names(told(staff, site="south")) == ["s"]


def test_each_repeat_tells_the_next_person_and_starts_over() -> None:
    staff = centre_of(person("a"), person("b"), person("c"))
    assert [names(told(staff, repeat=number))[0] for number in range(5)] == ["a", "b", "c", "a", "b"]
    assert names(told(staff, repeat=1)) == ["b", "c", "a"]


IDS = ("a", "b", "c", "d")
ABSENCES = st.builds(
    lambda first, days, cover: (
        Absence(
            first_day=date(2026, 3, 1) + timedelta(first),
            last_day=date(2026, 3, 1) + timedelta(first + days),
            cover=cover,
        ),
    ),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([*IDS, None]),
)


@given(
    absences=st.tuples(*(ABSENCES | st.just(()) for _ in IDS)),
    order=st.lists(st.sampled_from(IDS), unique=True, min_size=1),
    repeat=st.integers(0, 9),
    later=st.integers(0, 100),
)
def test_there_is_always_an_address_and_never_an_absent_person_or_one_twice(
    absences: tuple[tuple[Absence, ...], ...], order: list[str], repeat: int, later: int
) -> None:
    moment = MONDAY_NOON + timedelta(hours=later)
    people = [person(staff_id, away=away) for staff_id, away in zip(IDS, absences, strict=True)]
    found = told(centre_of(*people, orders=(on_call(*order),)), at=moment, repeat=repeat)
    ids = names(found)
    assert found[-1].address == "clinician@desk-pager.invalid"
    assert len(set(ids)) == len(ids)
    there = {each.id for each in people if each.absence_on(moment.astimezone(ZONE).date()) is None}
    assert set(ids) <= there
    assert there & set(order) <= set(ids)


def test_the_person_it_is_meant_for_is_told_before_the_order() -> None:
    staff = centre_of(person("a"), person("b"), person("c"), orders=(on_call("a", "b"),))
    assert names(told(staff, person="c")) == ["c", "a", "b"]
    assert names(told(staff, person="b")) == ["b", "a"]


def test_while_the_person_is_absent_their_cover_is_told_and_then_whoever_is_on_call() -> None:
    staff = centre_of(person("a"), person("b", away=away("c")), person("c"), orders=(on_call("a"),))
    found = told(staff, person="b")
    assert names(found) == ["c", "a"] and found[0].in_place_of == "b"
    uncovered = centre_of(person("a"), person("b", away=away()), orders=(on_call("a"),))
    assert names(told(uncovered, person="b")) == ["a"]


@pytest.mark.parametrize("gone", [(), (person("b", Role.OPERATIONS),), (person("b", site="north"),)])
def test_a_person_who_left_changed_roles_or_works_elsewhere_is_passed_over(gone: tuple[Person, ...]) -> None:
    staff = centre_of(person("a"), *gone, orders=(on_call("a"),))
    assert names(told(staff, person="b", site="main")) == ["a"]


def test_at_night_a_page_goes_first_to_those_whose_night_it_is_and_a_mail_to_the_person() -> None:
    night = on_call("c", starts_at="17:00", ends_at="08:00")
    staff = centre_of(person("a"), person("b"), person("c"), orders=(on_call("a"), night))
    at = at_site(2026, 3, 2, 23)
    assert names(told(staff, person="b", at=at)) == ["c", "b", "a"]
    assert names(told(staff, person="b", at=at, channel=Channel.MAIL)) == ["b", "c", "a"]
    assert names(told(staff, person="b")) == ["b", "a"], "by day"
    assert names(told(staff, person="c", at=at)) == ["c", "a"], "it is their own night"
