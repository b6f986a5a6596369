"""What is known of sessions: the last word on each, whatever order the entries came in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.sessions.attendance import Attendance, attendance_of
from domain.sessions.facts import Entry, Session, sessions_of
from tests.domain.strategies import ENTRIES
from tests.domain.walk import CLINICIAN, MONDAY

DAY = timedelta(days=1)


def session(name: str, outcome: str, days: float = 0, **said: Any) -> Session:
    """A session so many days after the Monday."""
    if outcome == "kept":
        said.setdefault("attended", 60)
    fields = {"type": "group", "minutes": 60, "site": "main", "starts_at": MONDAY + days * DAY, **said}
    return Session.model_validate({"session": name, "outcome": outcome, **fields})


def entries(*said: Session) -> list[Entry]:
    """Entered one after the other."""
    return [
        Entry(entry=f"e-{number}", entered_at=MONDAY + timedelta(minutes=number), by=CLINICIAN, said=each)
        for number, each in enumerate(said)
    ]


def known(*said: Session) -> Attendance:
    return attendance_of(entries(*said))


@given(ENTRIES, st.data())
@settings(deadline=None)
def test_the_same_entries_in_any_order_and_some_of_them_twice_say_the_same(
    made: list[Entry], data: st.DataObject
) -> None:
    again = [*made, *data.draw(st.lists(st.sampled_from(made), max_size=4))] if made else made
    shuffled = data.draw(st.permutations(again))
    assert sessions_of(shuffled) == sessions_of(made)
    assert attendance_of(shuffled) == attendance_of(made)


def test_the_last_word_counts_by_when_it_was_entered_and_not_by_when_it_arrived() -> None:
    first, second = entries(session("a", "no-show"), session("a", "kept"))
    assert attendance_of([second, first]) == attendance_of([first, second]) == known(session("a", "kept"))


def test_at_the_same_moment_the_id_decides() -> None:
    one, other = entries(session("a", "no-show"), session("a", "kept"))
    other = other.changed(entered_at=one.entered_at)
    assert attendance_of([one, other]) == attendance_of([other, one])


def test_missed_sessions_are_counted_in_a_row_since_the_client_last_came() -> None:
    told = known(
        session("a", "no-show"), session("b", "kept", 1), session("c", "no-show", 2), session("d", "late-cancel", 3)
    )
    assert (told.missed, told.missed_since) == (2, MONDAY + 2 * DAY)


@pytest.mark.parametrize("outcome", ["planned", "cancelled", "called-off", "entered-in-error"])
def test_what_is_not_the_clients_fault_neither_counts_nor_ends_the_row(outcome: str) -> None:
    told = known(session("a", "no-show"), session("b", outcome, 1), session("c", "no-show", 2))
    assert told.missed == 2


def test_a_session_that_makes_up_for_a_missed_one_takes_it_out_of_the_row() -> None:
    missed = session("a", "no-show"), session("b", "no-show", 1)
    makeup = session("c", "kept", -1, makes_up_for="a")  # held before the second was missed, entered after it
    assert known(*missed, makeup).missed == 1


def test_an_entry_in_error_takes_everything_back() -> None:
    before = known(session("a", "kept"))
    assert known(session("a", "kept"), session("b", "kept", 9), session("b", "entered-in-error", 9)) == before


def test_the_earliest_kept_session_without_a_note_is_named_by_when_it_ended() -> None:
    told = known(session("a", "kept", 1), session("b", "kept", 0), session("c", "kept", -1, noted=True))
    assert told.unnoted_since == MONDAY + timedelta(hours=1)
    assert known(session("a", "kept", type="case-management")).unnoted_since is None


def test_a_journey_is_not_told_of_every_session_of_a_week() -> None:
    one = known(session("a", "kept", 0, noted=True))
    more = known(session("a", "kept", 0, noted=True), session("b", "kept", 2, noted=True))
    assert one == more, "nothing has to be decided"
    assert more.seen_week == date(2026, 3, 16)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"outcome": "kept", "attended": None}, "minutes attended"),
        ({"outcome": "no-show", "attended": 30}, "minutes attended"),
        ({"outcome": "kept", "attended": 0}, "no-show"),
        ({"outcome": "planned", "noted": True}, "progress note"),
        ({"outcome": "planned", "makes_up_for": "a"}, "itself"),
    ],
)
def test_what_contradicts_itself_is_refused_in_words(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        session("a", said.pop("outcome"), **said)
