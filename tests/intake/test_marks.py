"""A sender may declare any marks in MSH-2, by position. What is not written with them is kept for a person."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.adt import read_adt
from intake.facts import Admission, RecordNumber
from intake.hl7 import parse
from intake.inbox import Arrival
from intake.judging import ReceivingRules, judge
from intake.problem import Hl7Error, Problem
from tests.intake.messages import adt

NOW = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
USUAL = "^~\\&"
CLIENT = RecordNumber(authority="WEST", mrn="700100")


def admission(pid_3: str, *, msh_9: str = "ADT^A04") -> bytes:
    """With the usual marks. Its authority is not the sending facility."""
    written = adt("A04").replace(b"700100^^^NORTH^MR~999-11-0000^^^^SS", pid_3.encode())
    return written.replace(b"ADT^A04", msh_9.encode()).replace(b"EVN|", b"EVN|A04")


def declared(marks: str, message: bytes) -> bytes:
    """The same bytes but for MSH-2."""
    return message.replace(USUAL.encode(), marks.encode(), 1)


def written_with(marks: str, message: bytes) -> bytes:
    """The same message in other marks."""
    return message.decode().translate(str.maketrans(USUAL, marks[:4])).replace(marks[:4], marks, 1).encode()


def key_of(message: bytes) -> RecordNumber | str:
    """Whom it is about, or why it is kept for a person."""
    try:
        fact = read_adt(parse(message), UTC, NOW).fact
    except Hl7Error as error:
        return error.problem.code
    assert isinstance(fact, Admission)
    return fact.key


BODIES = [
    "700100^^^WEST^MR",
    "700100^^^WEST&1.2&ISO^MR",
    "700100^^^&WEST&ISO^MR~999-11-0000^^^^SS",
    "999-11-0000^^^&9.9&ISO^SS~700100^^^WEST&1.2&ISO^MR",
    "700100^^^&WEST&ISO^MR",
    "4711^^^^SS~999^^^^DL~700100^^^WEST",
]
PERMUTED = ["^~&\\", "^&\\~", "^\\~&", "^\\&~", "^&~\\", "~^\\&", "&~\\^", "\\~^&", "~&^\\", "&^~\\"]


@pytest.mark.parametrize("pid_3", BODIES)
@pytest.mark.parametrize("marks", [*PERMUTED, USUAL, "^~\\&#", "@!$%", "*~\\&", "$%@!#", ":;<>", "[]{}"])
def test_a_message_is_read_by_the_marks_it_declares(marks: str, pid_3: str) -> None:
    assert key_of(written_with(marks, admission(pid_3))) == CLIENT


@pytest.mark.parametrize("pid_3", BODIES)
@pytest.mark.parametrize("marks", PERMUTED)
@pytest.mark.parametrize("msh_9", ["ADT^A04", "ADT"])
def test_what_is_not_written_with_its_marks_is_never_another_clients(marks: str, pid_3: str, msh_9: str) -> None:
    raw = declared(marks, admission(pid_3, msh_9=msh_9))
    assert key_of(raw) in (CLIENT, "delimiters-disagree")
    arrival = judge(raw, "mllp", ReceivingRules(), NOW)
    assert isinstance(arrival, Arrival)
    assert arrival.state in ("received", "quarantined")


@pytest.mark.parametrize(
    "marks", ["", "^", "^^\\&", "^~\\&^", "^~\\&#!", "abcd", "^~A&", "^~\\1", "^~ &", "    ", "_~\\&", "é~\\&"]
)
def test_marks_that_cannot_be_marks_are_refused(marks: str) -> None:
    judged = judge(declared(marks, admission("700100^^^WEST^MR")), "mllp", ReceivingRules(), NOW)
    assert isinstance(judged, Problem)
    assert judged.code == "bad-delimiters"


def test_a_mark_that_is_the_field_separator_ends_msh_2_and_the_message_is_refused() -> None:
    for marks in ("|~\\&", "^|\\&", "^~|&", "^~\\|"):
        judged = judge(declared(marks, admission("700100^^^WEST^MR")), "mllp", ReceivingRules(), NOW)
        assert isinstance(judged, Problem) or judged.state == "quarantined"


@pytest.mark.parametrize(
    ("marks", "pid_3"), [("^~\\", "700100^^^WEST^MR~9^^^^SS"), ("^~", "700100^^^WEST^MR"), ("^~", "700100")]
)
def test_marks_that_are_not_declared_may_be_left_out(marks: str, pid_3: str) -> None:
    assert key_of(declared(marks, admission(pid_3))) in (CLIENT, RecordNumber(authority="NORTH", mrn="700100"))


@pytest.mark.parametrize(("marks", "pid_3"), [("^~\\", "700100^^^WEST&1.2&ISO^MR")])
def test_marks_that_are_used_must_be_declared(marks: str, pid_3: str) -> None:
    assert key_of(declared(marks, admission(pid_3))) == "delimiters-disagree"


@given(st.text(alphabet=USUAL + "#@|1a ", max_size=6), st.sampled_from(BODIES))
def test_no_marks_make_a_message_another_clients(marks: str, pid_3: str) -> None:
    raw = declared(marks, admission(pid_3))
    judged = judge(raw, "mllp", ReceivingRules(), NOW)
    if isinstance(judged, Arrival) and judged.state == "received":
        assert judged.client == CLIENT
