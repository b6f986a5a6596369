"""Every message is acted on, kept for a person, or ignored by a named rule; none is acknowledged and dropped."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.ack import AckKind
from intake.adt import read_adt
from intake.event import event_of
from intake.facts import Admission, Fact, Ignored, NeedsPerson
from intake.hl7 import parse
from intake.inbox import Arrival
from intake.judging import ReceivingRules, judge
from intake.problem import Hl7Error
from intake.rules import ACTED_ON, FOR_A_PERSON, IGNORED, NOT_ADT, RULES
from tests.intake.messages import adt

NOW = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
DOCUMENTED = Path(__file__).parents[2] / "docs" / "intake.md"


def message(msh_9: str, evn_1: str = "", *, marks: str = "^~\\&") -> bytes:
    """An admission whose event is written as given; `marks` is MSH-2 only."""
    written = adt("A04").replace(b"ADT^A04", msh_9.encode()).replace(b"EVN|", b"EVN|" + evn_1.encode())
    return written.replace(b"^~\\&", marks.encode(), 1)


def fact_of(raw: bytes) -> Fact:
    return read_adt(parse(raw), UTC, NOW).fact


def judged(raw: bytes) -> Arrival:
    arrival = judge(raw, "mllp", ReceivingRules(), NOW)
    assert isinstance(arrival, Arrival)
    return arrival


@pytest.mark.parametrize(
    ("msh_9", "evn_1"),
    [
        ("ADT^A04", ""),
        ("ADT^A04", "A08"),
        ("ADT", "A04"),
        ("ADT^", "a04"),
        ('ADT^""', "A04"),
        ("adt^a04", ""),
        ("Adt^A04^adt_a01", ""),
        (" ADT ^ A04 ", ""),
        ("ADT^^ADT_A01", "A04"),
        ("ADT_A01", "A04"),
        ("ADT_A04", ""),
        ("ADT^ADT_A04", ""),
        ("ADT^^ADT_A04", ""),
        ("^A04^ADT_A01", ""),
        ("ADT_A01^A04", "A01"),
    ],
)
def test_an_admission_is_found_however_its_event_is_written(msh_9: str, evn_1: str) -> None:
    raw = message(msh_9, evn_1)
    assert isinstance(fact_of(raw), Admission)
    assert event_of(parse(raw)) == "ADT^A04"
    assert judged(raw).state == "received"


@pytest.mark.parametrize("written", [str.lower, str.swapcase])
@pytest.mark.parametrize("segment", ["MSH", "EVN", "PID", "PV1"])
def test_letter_case_of_segment_names_does_not_matter(segment: str, written: object) -> None:
    assert callable(written)
    raw = message("ADT", "A04").replace(segment.encode() + b"|", written(segment).encode() + b"|")
    assert fact_of(raw) == fact_of(message("ADT", "A04"))


@pytest.mark.parametrize(
    ("msh_9", "evn_1", "marks", "code"),
    [
        ("ADT", "", "^~\\&", "no-trigger"),
        ("ADT^^ADT_A01", "", "^~\\&", "no-trigger"),
        ("ADT_A01", "", "^~\\&", "no-trigger"),
        ("ADT_A04", "A08", "^~\\&", "trigger-unclear"),
        ("A04", "", "^~\\&", "unknown-message-type"),
        ("^A04", "", "^~\\&", "unknown-message-type"),
        ("ATD^A04", "", "^~\\&", "unknown-message-type"),
        ("ADMIT", "A04", "^~\\&", "unknown-message-type"),
        ("Jane^Doe", "", "^~\\&", "unknown-message-type"),
        ("ORU^A04", "", "^~\\&", "type-and-trigger-disagree"),
        ("ZAD^A01", "", "^~\\&", "type-and-trigger-disagree"),
        ("BAR^ADT_A04", "", "^~\\&", "type-and-trigger-disagree"),
        ("ORU^^ADT_A01", "A04", "^~\\&", "type-and-trigger-disagree"),
        ("ORM^O01^ADT_A04", "", "^~\\&", "type-and-trigger-disagree"),
        ("ZDT", "A04", "^~\\&", "type-and-trigger-disagree"),
        ("ADR^A04", "A04", "^~\\&", "type-and-trigger-disagree"),
        ("QBP^A04", "", "^~\\&", "type-and-trigger-disagree"),
        ("ADT", "A28~A04", "^~\\&", "trigger-unclear"),
        ("ADT", "A28^A04", "^~\\&", "trigger-unclear"),
        ("ADT", "A28|x\rEVN|A04", "^~\\&", "trigger-unclear"),
        ("ADT^A04", "", "*~\\&", "delimiters-disagree"),
        ("ADT^A04", "A04", "~^\\&", "delimiters-disagree"),
        ("ADT^A04", "A04", "&~\\^", "delimiters-disagree"),
        ("ADT#A04", "A04", "^~\\&", "delimiters-disagree"),
        ("ADT^A04~ADT^A08", "", "^~\\&", "delimiters-disagree"),
        ("ADT", "A04", "*~\\&", "delimiters-disagree"),
        ("ADT", "A04", "^~", "delimiters-disagree"),
    ],
)
def test_what_cannot_be_told_is_refused_and_kept_for_a_person(msh_9: str, evn_1: str, marks: str, code: str) -> None:
    raw = message(msh_9, evn_1, marks=marks)
    if code == "delimiters-disagree" and marks == "^~":
        raw = raw.replace(b"NORTH^MR", b"NORTH&1.2&ISO^MR")
    with pytest.raises(Hl7Error) as caught:
        fact_of(raw)
    assert caught.value.problem.code == code
    arrival = judged(raw)
    assert (arrival.state, arrival.verdict, arrival.reason_code) == ("quarantined", AckKind.ERROR, code)
    assert arrival.reason is not None
    assert arrival.reason.endswith(".")


@pytest.mark.parametrize("before", [b"", b" ", b"\t", b"\x0c", b"\xef\xbb\xbf", b"  \t"])
@pytest.mark.parametrize("marks", [b"|^~\\&", b"#^~\\&", b"|~^\\&"])
def test_a_second_message_in_one_frame_is_never_swallowed(before: bytes, marks: bytes) -> None:
    second = adt("A04", control_id="C2").replace(b"|^~\\&", marks, 1)
    arrival = judged(adt("A08") + before + second)
    assert (arrival.state, arrival.reason_code) == ("quarantined", "several-messages")


@pytest.mark.parametrize("marks", [b"|^~\\&", b"#^~\\&", b"|~^\\&", b"|^~\\&@", b"^~!\\&"])
def test_a_second_message_behind_a_missing_line_end_is_never_swallowed(marks: bytes) -> None:
    second = adt("A04", control_id="C2").replace(b"|^~\\&", marks, 1).replace(b"|", marks[:1])
    for before in (b"", b"|", b" ", b"END"):
        arrival = judged(adt("A08").rstrip(b"\r") + before + second)
        assert (arrival.state, arrival.reason_code) == ("quarantined", "several-messages")


@pytest.mark.parametrize("note", ["MSH-----", "MSH: see below", "(MSH) ward", "MSH...,;", "xMSH|E|"])
def test_free_text_that_looks_like_a_header_is_no_second_message(note: str) -> None:
    assert judged(adt("A04", extra=f"NTE|1||{note}")).state == "received"


@pytest.mark.parametrize("second", ["700200^^^NORTH^MR", "", "700100^^^SOUTH^MR"])
def test_a_message_about_two_clients_goes_to_a_person(second: str) -> None:
    arrival = judged(adt("A04", extra=f"PID|2||{second}||PERIWINKLE^TOBIAS"))
    assert (arrival.state, arrival.verdict, arrival.reason_code) == ("quarantined", AckKind.ERROR, "several-clients")
    assert arrival.client is None


def test_the_same_client_named_twice_is_one_client() -> None:
    first = adt("A04").split(b"\r")[2].decode()
    assert judged(adt("A04", extra=first)).state == "received"


@pytest.mark.parametrize("blank", [" ", "\t", "    "])
@pytest.mark.parametrize("segment", ["EVN", "PID", "PV1"])
def test_a_segment_behind_blanks_is_not_swallowed(segment: str, blank: str) -> None:
    raw = message("ADT", "A04").replace(f"\r{segment}|".encode(), f"\r{blank}{segment}|".encode())
    assert fact_of(raw) == fact_of(message("ADT", "A04"))


def test_a_message_without_a_type_is_rejected_and_kept() -> None:
    for msh_9 in ("", '""', " "):
        arrival = judged(message(msh_9, "A04"))
        assert (arrival.state, arrival.verdict) == ("quarantined", AckKind.REJECT)
        assert arrival.reason_code == "no-message-type"


@pytest.mark.parametrize("number", range(100))
def test_every_trigger_is_acted_on_left_to_a_person_or_ignored_by_a_rule(number: int) -> None:
    trigger = f"A{number:02}"
    arrival, fact = judged(message(f"ADT^{trigger}")), fact_of(message(f"ADT^{trigger}"))
    assert arrival.verdict is AckKind.ACCEPT
    if trigger in ACTED_ON:
        assert (arrival.state, arrival.reason_code) == ("received", None)
    elif trigger in IGNORED:
        assert (arrival.state, arrival.reason_code) == ("ignored", IGNORED[trigger].code)
        assert arrival.reason == IGNORED[trigger].reason
    else:
        assert isinstance(fact, NeedsPerson)
        expected = "needs-a-person" if trigger in FOR_A_PERSON else "unknown-trigger"
        assert (arrival.state, arrival.reason_code) == ("quarantined", expected)
        assert f"ADT^{trigger}" in (arrival.reason or "")


SHARED_STRUCTURES = {
    "A01": "A01 A04 A08 A13; 2.3.1: A05 A14 A28 A31",
    "A02": "A02; 2.3.1: A21 A22 A23 A25 A26 A27 A29 A32 A33; 2.4 UK: A03 A21 A22",
    "A05": "A05 A14 A28 A31",
    "A06": "A06 A07",
    "A09": "A09 A10 A11; 2.3.1: A15",
    "A11": "2.4 UK: A11 A12",
    "A21": "A21 A22 A23 A25 A26 A27 A29 A32 A33",
    "A28": "A28 A31; 2.4 UK: A34",
    "A30": "A30 A34 A35 A36 A46 A47 A48 A49",
    "A39": "A39 A40 A41 A42",
    "A43": "A43 A44",
    "A50": "A50 A51",
    "A52": "A52 A53",
    "A54": "A54 A55",
    "A61": "A61 A62",
}
"""By hand from HL7 table 0354 as published with version 2.8.2, with what 2.3.1 and the UK edition of 2.4 add.

All others serve the one trigger they are named for (A03 A12 A15 A16 A17 A18 A20 A24 A37 A38 A44 A45 A60), or are
structures of no version, and then a sender wrote the trigger in their place (A04 A07 A08 A10 A13 A14 A19 A22 ...).
"""


@pytest.mark.parametrize("number", range(1, 63))
def test_a_structure_tells_the_trigger_only_where_it_serves_one(number: int) -> None:
    structure = f"A{number:02}"
    for msh_9 in (f"ADT_{structure}", f"ADT^ADT_{structure}", f"ADT^^ADT_{structure}"):
        found = judged(message(msh_9))
        if structure in SHARED_STRUCTURES:
            assert (found.state, found.reason_code) == ("quarantined", "no-trigger")
        else:
            assert found.event == f"ADT^{structure}"
        for trigger in re.findall("A[0-9]{2}", SHARED_STRUCTURES.get(structure, structure)):
            assert judged(message(msh_9, trigger)).event == f"ADT^{trigger}"


@pytest.mark.parametrize("trigger", ["A4", "A004", "ADT", "Z01", "A99", "04"])
def test_an_unknown_trigger_goes_to_a_person(trigger: str) -> None:
    assert judged(message(f"ADT^{trigger}")).reason_code == "unknown-trigger"
    assert judged(message("ADT", trigger)).reason_code == "unknown-trigger"


def test_the_tables_do_not_overlap() -> None:
    assert len({*ACTED_ON, *FOR_A_PERSON, *IGNORED}) == len(ACTED_ON) + len(FOR_A_PERSON) + len(IGNORED)
    assert len({rule.code for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("msh_9", ["ORU^R01", "oru^r01", "SIU^S12", "ZPI^Z01", "QRY^A19", "BAR^P01", "MDM"])
def test_other_types_are_ignored_by_a_rule(msh_9: str) -> None:
    arrival = judged(message(msh_9))
    assert (arrival.state, arrival.reason_code, arrival.reason) == ("ignored", NOT_ADT.code, NOT_ADT.reason)


def test_an_acknowledgement_is_ignored_by_a_rule_of_its_own() -> None:
    arrival = judged(message("ACK^A04"))
    assert (arrival.state, arrival.reason_code, arrival.ack) == ("ignored", "acknowledgement", None)


@pytest.mark.parametrize(
    ("place", "put"),
    [
        (b"|P|2.5.1", b"| p |2.5.1"),
        (b"|P|2.5.1", b"|d^T|2.5.1"),
        (b"|P|2.5.1", b'|""|""'),
        (b"|P|2.5.1", b"||"),
        (b"|P|2.5.1", b"|P| v2.3^USA"),
        (b"|P|2.5.1", b"|P|2"),
    ],
)
def test_processing_id_and_version_may_be_padded_small_or_null(place: bytes, put: bytes) -> None:
    assert judged(adt("A04").replace(place, put)).state == "received"


WRITTEN = st.text(alphabet='ADTadtORU^_&~\\0148 "-', max_size=12)


@given(WRITTEN, WRITTEN, st.sampled_from(["^~\\&", "*~\\&", "~^\\&", "&^~\\", "^~", "_^~&"]))
def test_nothing_is_acknowledged_and_dropped(msh_9: str, evn_1: str, marks: str) -> None:
    arrival = judge(message(msh_9, evn_1, marks=marks), "mllp", ReceivingRules(), NOW)
    if not isinstance(arrival, Arrival):
        return  # kept, and refused with AR
    if arrival.state == "ignored":
        assert arrival.reason_code in {rule.code for rule in RULES}
        assert not arrival.event.startswith("ADT") or arrival.event.split("^")[1] in IGNORED
    else:
        assert arrival.state in ("received", "quarantined")
        assert (arrival.problem is not None) == (arrival.state == "quarantined")


def test_the_docs_list_every_trigger_and_every_rule() -> None:
    page = DOCUMENTED.read_text()
    assert [rule.code for rule in RULES if f"`{rule.code}`" not in page] == []
    assert [trigger for trigger in (*ACTED_ON, *FOR_A_PERSON, *IGNORED) if trigger not in page] == []


def test_an_ignored_fact_names_its_rule() -> None:
    fact = fact_of(message("ADT^A02"))
    assert fact == Ignored(event="ADT^A02", code="location-only", reason=IGNORED["A02"].reason)
