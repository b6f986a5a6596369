from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.adt import parse_time, read_adt
from intake.facts import (
    Admission,
    AdmissionCancelled,
    AdmissionKind,
    CancelReason,
    ClientFact,
    DischargeReported,
    Fact,
    IdentityChanged,
    Ignored,
    NeedsPerson,
    RecordNumber,
)
from intake.hl7 import parse
from intake.problem import Hl7Error
from tests.intake.messages import adt

NOW = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")


def fact_of(raw: bytes) -> Fact:
    return read_adt(parse(raw), CHICAGO, NOW).fact


def client_fact(raw: bytes) -> ClientFact:
    fact = fact_of(raw)
    assert not isinstance(fact, Ignored | NeedsPerson)
    return fact


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("A01", AdmissionKind.ADMITTED),
        ("A04", AdmissionKind.REGISTERED),
        ("A05", AdmissionKind.PRE_ADMITTED),
        ("A14", AdmissionKind.PRE_ADMITTED),
    ],
)
def test_admissions(event: str, kind: AdmissionKind) -> None:
    fact = fact_of(adt(event))
    assert isinstance(fact, Admission)
    assert (fact.kind, fact.visit, fact.key) == (kind, "V1", RecordNumber(authority="NORTH", mrn="700100"))


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("A11", CancelReason.CANCELLED),
        ("A27", CancelReason.PRE_ADMISSION_CANCELLED),
        ("A38", CancelReason.PRE_ADMISSION_CANCELLED),
    ],
)
def test_cancellations(event: str, reason: CancelReason) -> None:
    fact = fact_of(adt(event))
    assert isinstance(fact, AdmissionCancelled)
    assert fact.reason == reason


def test_other_events() -> None:
    assert isinstance(fact_of(adt("A03")), DischargeReported)
    assert isinstance(fact_of(adt("A08")), IdentityChanged)
    assert isinstance(fact_of(adt("A31")), IdentityChanged)


def test_msh_9_decides_and_evn_1_only_warns() -> None:
    reading = read_adt(parse(adt("A11").replace(b"EVN|", b"EVN|A01")), UTC, NOW)
    assert isinstance(reading.fact, AdmissionCancelled)
    assert reading.warnings == ("evn-1-differs",)


@pytest.mark.parametrize(
    ("pid_3", "expected"),
    [
        ("1^^^AUTH^SS~2^^^AUTH^MR", ("AUTH", "2")),
        ("1^^^NHS^NHSNBR~2^^^HOSP^MRN", ("HOSP", "2")),
        ("3^^^&1.2.3&ISO^MR", ("1.2.3", "3")),
        ("4", ("NORTH", "4")),
        ("5^^^X^PI~6^^^Y^MR", ("Y", "6")),
        ("7^^^Z^LOCAL", ("Z", "7")),
        ("8^^^X^ss~9^^^Y^mr", ("Y", "9")),
        ('10^^^""^MR', ("NORTH", "10")),
        ('11^^^""&1.2.3&ISO^MR', ("1.2.3", "11")),
        ('12^^^&""^MR', ("NORTH", "12")),
    ],
)
def test_the_record_number_is_the_repetition_typed_mr(pid_3: str, expected: tuple[str, str]) -> None:
    raw = adt("A04").replace(b"700100^^^NORTH^MR~999-11-0000^^^^SS", pid_3.encode())
    key = client_fact(raw).key
    assert (key.authority, key.mrn) == expected


def test_pid_2_serves_where_pid_3_is_empty() -> None:
    raw = adt("A04").replace(b"PID|1||700100^^^NORTH^MR~999-11-0000^^^^SS|", b"PID|1|88||")
    assert client_fact(raw).key == RecordNumber(authority="NORTH", mrn="88")


@pytest.mark.parametrize("pid_3", [b"", b'""', b"999-11-0000^^^^SS", b"9" * 201])
def test_without_a_record_number_an_event_that_matters_is_an_error(pid_3: bytes) -> None:
    with pytest.raises(Hl7Error) as caught:
        fact_of(adt("A04").replace(b"700100^^^NORTH^MR~999-11-0000^^^^SS", pid_3))
    assert "999-11" not in str(caught.value)
    assert caught.value.problem.location == "PID^1^3"


@pytest.mark.parametrize("facility", ["", '""', " ", "^9.8^ISO"])
@pytest.mark.parametrize("pid", ["PID|1||700100^^^^MR", 'PID|1||700100^^^""^MR', "PID|1|700100|"])
def test_a_number_without_an_authority_goes_to_a_person(pid: str, facility: str) -> None:
    raw = adt("A04").replace(b"PID|1||700100^^^NORTH^MR~999-11-0000^^^^SS", pid.encode())
    with pytest.raises(Hl7Error, match="no-authority"):
        fact_of(raw.replace(b"NORTH^9.8^ISO", facility.encode()))


def test_the_identity_holds_what_an_eligibility_inquiry_needs() -> None:
    identity = client_fact(adt("A04", extra="IN1|1|PLAN7|PAY42^^^X" + "|" * 33 + "MEM-1")).identity
    assert (identity.family_name, identity.given_name, identity.sex) == ("QUILLFEATHER", "ORSOLYA", "F")
    assert identity.birth_date == date(1987, 6, 11)
    assert (identity.payer_id, identity.member_id) == ("PAY42", "MEM-1")
    in_49 = client_fact(adt("A04", extra="IN1|1|PLAN7|PAY42" + "|" * 46 + "MEM-2")).identity
    assert in_49.member_id == "MEM-2"


def test_two_quotes_delete_and_nothing_changes_nothing() -> None:
    identity = client_fact(adt("A08", name='""^', extra='IN1|1|P|""')).identity
    assert identity.cleared == {"family_name", "payer_id"}
    assert (identity.family_name, identity.given_name, identity.payer_id) == (None, None, None)


@given(st.lists(st.tuples(st.integers(0, 400), st.text(max_size=8))), st.sampled_from(["A04", "A08", "A11", "A40"]))
def test_a_mangled_message_raises_nothing_but_the_typed_error(edits: list[tuple[int, str]], event: str) -> None:
    text = adt(event, extra="IN1|1|PLAN7|PAY42" + "|" * 33 + "MEM-1").decode()
    for position, put in edits:
        text = text[:position] + put + text[position + len(put) :]
    try:
        read_adt(parse(text.encode()), CHICAGO, NOW)
    except Hl7Error as error:
        assert error.problem.advice


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260302101500+0000", datetime(2026, 3, 2, 10, 15, tzinfo=UTC)),
        ("202603021015-0530", datetime(2026, 3, 2, 15, 45, tzinfo=UTC)),
        ("20260302101500.1234", datetime(2026, 3, 2, 10, 15, 0, 123400, tzinfo=CHICAGO)),
        ("20260302", datetime(2026, 3, 2, tzinfo=CHICAGO)),
        ("2026", None),
        ("20261302", None),
        ("20260302101500+9900", None),
        ("99991231235959-1200", None),  # the year 10000 in UTC
        ("00010101000000+1200", None),
        ("yesterday", None),
    ],
)
def test_times(text: str, expected: datetime | None) -> None:
    assert parse_time(text, CHICAGO) == expected


def test_the_event_time_is_evn_6_then_evn_2_then_msh_7_then_receipt() -> None:
    in_evn_6 = adt("A04", evn="20260302101500+0000||||20260301080000+0000")
    assert client_fact(in_evn_6).occurred_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert client_fact(adt("A04")).occurred_at == datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    assert client_fact(adt("A04", evn="")).occurred_at == datetime(2026, 3, 2, 10, 16, tzinfo=UTC)
    reading = read_adt(parse(adt("A04", evn="soon").replace(b"|20260302101600+0000|", b"||")), CHICAGO, NOW)
    assert isinstance(reading.fact, Admission)
    assert reading.fact.occurred_at == NOW
    assert reading.warnings == ("bad-time-evn-2", "no-event-time")
    assert reading.fact.occurred_at.utcoffset() == timedelta(0)
