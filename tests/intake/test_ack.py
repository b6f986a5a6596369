from __future__ import annotations

from datetime import UTC, datetime

import pytest

from intake.ack import AckKind, ack_code, answer_unread, build_ack, build_rejection
from intake.hl7 import parse
from intake.problem import Problem
from tests.intake.messages import adt, fields
from tests.intake.test_hl7 import SWAPPED

NOW = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
PROBLEM = Problem("no-record-number", "Send A|B in PID-3.", "101", "PID^1^3")


def test_sender_and_receiver_change_places_and_the_control_id_is_echoed() -> None:
    ack = build_ack(parse(adt("A04", control_id="weird^id&1")), AckKind.ACCEPT, NOW)
    assert ack is not None
    msh, msa = fields(ack)["MSH"], fields(ack)["MSA"]
    assert msh[2:6] == ["THROUGHLINE", "CENTRE", "REG^1.2.3^ISO", "NORTH^9.8^ISO"]
    assert msh[6] == "20260302102000+0000"
    assert msh[8] == "ACK^A04^ACK"
    assert msh[10:12] == ["P", "2.5.1"]
    assert msa[1:] == ["AA", "weird^id&1"]


def test_the_answer_speaks_the_senders_delimiters_and_charset() -> None:
    ack = build_ack(parse(SWAPPED), AckKind.ERROR, NOW, PROBLEM)
    assert ack is not None
    message = parse(ack)
    assert ack.startswith(b"MSH^~|\\&^THROUGHLINE^CENTRE^REG^NORTH^")
    assert (message.field("MSA", 1), message.field("MSA", 2)) == ("AE", "S1")
    assert message.field("ERR", 3) == "101"
    assert message.field("ERR", 8) == "Send A|B in PID-3."
    latin = adt("A04", control_id="É1", header="||||||8859/1").decode().encode("latin-1")
    answer = build_ack(parse(latin), AckKind.ACCEPT, NOW)
    assert answer is not None
    assert "|É1\r".encode("latin-1") in answer
    assert parse(answer).raw("MSH", 18) == "8859/1"


def test_a_refusal_names_the_place_and_the_code_of_table_0357() -> None:
    ack = build_ack(parse(adt("A04")), AckKind.ERROR, NOW, PROBLEM)
    assert ack is not None
    assert fields(ack)["ERR"][2:6] == ["PID^1^3", "101^Required field missing^HL70357", "E", "no-record-number"]
    assert fields(ack)["MSA"][3] == "Send A\\F\\B in PID-3."


@pytest.mark.parametrize(
    ("accept", "application", "on_accept", "on_error", "on_reject"),
    [
        ("", "", "AA", "AE", "AR"),
        ("AL", "", "CA", "CE", "CR"),
        ("AL", "AL", "CA", "CE", "CR"),
        ("AL", "NE", "CA", "CE", "CR"),
        ("NE", "AL", "AA", "AE", "AR"),
        ("", "AL", "AA", "AE", "AR"),
        ("NE", "NE", None, None, None),
        ("ER", "NE", None, "CE", "CR"),
        ("SU", "NE", "CA", None, None),
        ("SU", "ER", "CA", "AE", "AR"),
        ('""', '""', "AA", "AE", "AR"),
        ('""', "", "AA", "AE", "AR"),
        ("", '""', "AA", "AE", "AR"),
        ('""', "NE", "CA", "CE", "CR"),
        ("NE", '""', "AA", "AE", "AR"),
        ("al", "NE", "CA", "CE", "CR"),
        ("ne", "NE", "CA", "CE", "CR"),
        ("X", "", "CA", "CE", "CR"),
        ("", "X", "AA", "AE", "AR"),
        (" NE ", "NE", None, None, None),
        ("A" * 3000, "", "CA", "CE", "CR"),
    ],
)
def test_enhanced_mode_answers_as_asked(
    accept: str, application: str, on_accept: str | None, on_error: str | None, on_reject: str | None
) -> None:
    message = parse(adt("A04", header=f"|||{accept}|{application}"))
    given = [ack_code(message, verdict) for verdict in (AckKind.ACCEPT, AckKind.ERROR, AckKind.REJECT)]
    assert given == [on_accept, on_error, on_reject]


@pytest.mark.parametrize(
    ("raw", "answered"),
    [
        (adt("A04", control_id="K7", header="||||||UNICODE UTF-16"), ["AR", "K7"]),
        (adt("A04", control_id="K7") + b"\x00", ["AR", "K7"]),
        (adt("A04", control_id="K7", header="|||AL|NE") + b"\x00", ["CR", "K7"]),
        (adt("A04", control_id="K7").lower() + b"\x00", ["AR", "k7"]),
        (adt("A04", control_id="9" * 300), ["AR", "9" * 300]),
        (adt("A04", control_id="9" * 1001), ["AR", ""]),
        (adt("A04", control_id="K7").replace(b"REG^", b"R" * 5_000_000), ["AR", ""]),
        (b"hello", ["AR", ""]),
    ],
)
def test_what_was_not_read_is_answered_under_its_control_id(raw: bytes, answered: list[str]) -> None:
    ack = answer_unread(raw, PROBLEM, NOW)
    assert ack is not None
    assert fields(ack)["MSA"][1:3] == answered
    assert len(ack) < 1000


def test_what_was_not_read_gets_no_answer_where_none_is_wanted() -> None:
    assert answer_unread(adt("A04", header="|||NE|NE") + b"\x00", PROBLEM, NOW) is None


def test_an_acknowledgement_is_never_answered() -> None:
    message = parse(b"MSH|^~\\&|A|B|C|D|20260302||ACK^A04^ACK|9|P|2.5.1\rMSA|AA|1\r")
    assert build_ack(message, AckKind.REJECT, NOW, PROBLEM) is None


def test_bytes_without_a_header_get_a_readable_rejection() -> None:
    message = parse(build_rejection(Problem("no-msh", "Start with MSH."), NOW))
    assert message.field("MSA", 1) == "AR"
    assert message.field("ERR", 5) == "no-msh"
