from __future__ import annotations

import contextlib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.x12.inquiry import Submitter, Subscriber, clean, trace_for, write_270
from activities.x12.response import read_271
from activities.x12.rules import Rules
from activities.x12.tokens import X12Error, read_interchange
from activities.x12.verdict import judge
from tests.activities.messages import COMPANY, TRACE, answer

SUBMITTER = Submitter(
    sender_id="CENTRE", receiver_id="HOUSE", name="Example Centre", npi="1999999984", company_id=COMPANY
)
BENEFITS = ("EB*1**MH^A8^98********N*Y:", "EB*B**A8***27*30*****Y", "III*ZZ*11")


def types(text: str | bytes) -> tuple[str, ...]:
    (response,) = read_271(read_interchange(text))
    member = response.member_for(TRACE, COMPANY)
    assert member is not None
    return member.benefits[0].service_types


@pytest.mark.parametrize(
    "delimiters",
    [
        {},
        {"element": "|", "repetition": "^", "component": ">"},
        {"element": "^", "repetition": "}", "component": ":"},
        {"element": "\x1d", "repetition": ">", "component": ":"},
        {"end": "\n"},
        {"end": "\r"},
        {"end": "'", "element": "+"},
        {"element": "~", "end": "\x1c", "repetition": "!"},
    ],
)
def test_delimiters_come_from_the_isa(delimiters: dict[str, str]) -> None:
    assert types(answer(*BENEFITS, delimiters=delimiters)) == ("MH", "A8", "98")


@pytest.mark.parametrize("change", ["\ufeff{}", "  \r\n{}\r\n", "{}\x1a"])
def test_noise_around_the_interchange_is_tolerated(change: str) -> None:
    assert types(change.format(answer(*BENEFITS)).encode()) == ("MH", "A8", "98")


def test_indentation_and_line_ends_between_segments_are_tolerated() -> None:
    assert types(answer(*BENEFITS).replace("~", "~\r\n   ")) == ("MH", "A8", "98")


def test_latin_1_text_is_read() -> None:
    assert types(answer("NM1*74*1*MUÑOZ", *BENEFITS).encode("latin-1")) == ("MH", "A8", "98")


def test_wrong_trailers_are_warnings() -> None:
    text = answer(*BENEFITS)
    wrong = text.replace("SE*13*0001", "SE*99*0009").replace("IEA*1*000000007", "IEA*1*000000008")
    assert read_interchange(text).warnings == ()
    assert read_interchange(wrong).warnings == ("SE01", "SE02", "IEA02")
    assert types(wrong) == ("MH", "A8", "98")


def test_an_older_version_in_isa11_means_no_repetition() -> None:
    assert types(answer("EB*1**MH").replace("*^*00501*", "*U*00401*")) == ("MH",)


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "no-isa"), ("<html>", "no-isa"), ("ISA*00*", "bad-isa"), ("ISA" + "A" * 200, "bad-isa")],
)
def test_what_is_not_x12_says_so(text: str, code: str) -> None:
    with pytest.raises(X12Error) as caught:
        read_interchange(text)
    assert caught.value.code == code


def test_an_answer_without_its_end_is_not_read() -> None:
    whole = answer(*BENEFITS)
    with pytest.raises(X12Error, match="truncated"):
        read_271(read_interchange(whole[: whole.index("SE*")]))


def test_a_dependent_is_read_and_the_policyholders_money_is_not() -> None:
    text = answer("EB*B**MH***27*999", "HL*4*3*23*0", "NM1*03*1*PLOVER*PIP", "EB*1**MH").replace(
        f"TRN*2*{TRACE}*{COMPANY}~", ""
    )
    with_trace = text.replace("NM1*03", f"TRN*2*{TRACE}*{COMPANY}~NM1*03")
    (response,) = read_271(read_interchange(with_trace))
    member = response.member_for(TRACE, COMPANY)
    assert member is not None
    assert member.is_dependent
    assert [b.info for b in member.benefits] == ["1"]


def test_an_answer_to_another_question_is_not_ours() -> None:
    (response,) = read_271(read_interchange(answer(*BENEFITS)))
    assert response.member_for("OTHER", COMPANY) is None
    assert response.member_for(TRACE, "9000000000") is None


people = st.builds(
    Subscriber,
    member_id=st.text(max_size=90),
    family_name=st.text(max_size=90),
    given_name=st.text(max_size=50),
    payer_id=st.text(max_size=20),
    birth_date=st.none() | st.dates(min_value=date(1900, 1, 1)),
    sex=st.none() | st.sampled_from(["F", "M", "X", "female"]),
)


@given(people, st.text(min_size=1), st.sampled_from(["MH", "A8"]), st.dates(min_value=date(2000, 1, 1)))
def test_every_inquiry_is_one_sound_interchange(person: Subscriber, key: str, kind: str, day: date) -> None:
    first = write_270(SUBMITTER, person, key=key, service_type=kind, day=day)
    assert first == write_270(SUBMITTER, person, key=key, service_type=kind, day=day)
    found = read_interchange(first)
    assert found.warnings == ()
    assert [s.id for s in found.segments].count("EQ") == 1
    assert {s.at(2) for s in found.segments if s.id == "TRN"} == {trace_for(key, kind)}


def test_traces_differ_by_key_and_service_and_are_short() -> None:
    traces = {trace_for(key, kind) for key in ("a", "b", "x" * 500) for kind in ("MH", "A8")}
    assert len(traces) == 6
    assert max(map(len, traces)) <= 50


def test_names_are_cleaned_of_separators_and_accents() -> None:
    assert clean("  Núñez*de~la:Cruz^ ", 60) == "NUNEZ DE LA CRUZ"


def test_a_subscriber_does_not_show_in_a_traceback() -> None:
    assert "Heron" not in repr(Subscriber("M1", "Heron", "Hal", "P1"))


def read_all(text: str | bytes) -> None:
    for response in read_271(read_interchange(text)):
        for member in response.members:
            found = judge(member, Rules(), date(2026, 1, 5))
            amounts: list[Any] = (
                [] if found.cost_share is None else [v for _, v in found.cost_share if isinstance(v, Decimal)]
            )
            assert all(amount is None or amount >= 0 for amount in amounts)


@given(st.text() | st.binary())
def test_arbitrary_text_raises_only_the_typed_error(text: str | bytes) -> None:
    with contextlib.suppress(X12Error):
        read_all(text)


fields = st.sampled_from(["", "1", "6", "A", "B", "C", "F", "G", "I", "MH", "30", "29", "23", "27", "Y", "N", "-3"])
segments = st.builds(
    lambda name, values: "*".join([name, *values]),
    st.sampled_from(["EB", "EB", "EB", "DTP", "HSD", "III", "MSG", "AAA", "HL", "TRN", "LS", "LE", "NM1"]),
    st.lists(fields | st.text(alphabet="0123456789.-Ne:^", max_size=9), max_size=13),
)


@given(st.lists(segments, max_size=12))
def test_odd_benefits_never_make_money_negative(body: list[str]) -> None:
    read_all(answer(*body))


@given(st.integers(min_value=0, max_value=400), st.text(max_size=3))
def test_a_damaged_answer_raises_only_the_typed_error(at: int, damage: str) -> None:
    whole = answer(*BENEFITS)
    with contextlib.suppress(X12Error):
        read_all(whole[:at] + damage + whole[at + 1 :])
