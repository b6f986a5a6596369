from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.escapes import Delimiters, escape, unescape
from intake.hl7 import parse, split_messages
from intake.problem import Hl7Error
from tests.intake.messages import adt

SWAPPED = (
    b"MSH^~|\\&^REG^NORTH^THROUGHLINE^CENTRE^20260302101600+0000^^ADT~A04^S1^P^2.5.1\r"
    b"EVN^^20260302101500+0000\r"
    b"PID^1^^700200~~~NORTH~MR^^PERIWINKLE~TOBIAS^^19900102^M\r"
)

MARKS = [Delimiters(), Delimiters("^", "~", "|", "\\", "&"), Delimiters("#", "@", "!", "$", "%")]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r", "\n\n"])
def test_any_line_end_separates_segments(end: str) -> None:
    message = parse(adt("A04", end=end))
    assert [segment.name for segment in message.segments] == ["MSH", "EVN", "PID", "PV1"]
    assert message.field("PID", 5, 2) == "ORSOLYA"


def test_msh_counts_its_own_separator_as_field_1() -> None:
    message = parse(adt("A04", control_id="X9"))
    assert message.field("MSH", 10) == "X9"
    assert (message.raw("MSH", 1), message.raw("MSH", 2)) == ("|", "^~\\&")


def test_a_senders_own_delimiters_are_used() -> None:
    message = parse(SWAPPED)
    assert (message.field("MSH", 9), message.field("MSH", 9, 2)) == ("ADT", "A04")
    assert message.field("PID", 3, 4) == "NORTH"


def test_repetitions_components_and_subcomponents_count_from_one() -> None:
    message = parse(adt("A04", extra="IN1|1|PLAN|A&B^C~D^E"))
    assert message.field("IN1", 3, subcomponent=2) == "B"
    first, second = message.repetitions("IN1", 3, most=2)
    assert message.part(first, 2, place=("IN1", 3)) == "C"
    assert message.part(second, 2, place=("IN1", 3)) == "E"
    assert message.part(second, 9, place=("IN1", 3)) == ""
    with pytest.raises(Hl7Error, match="too-many-repetitions"):
        message.repetitions("IN1", 3, most=1)
    assert message.field("ZZZ", 1) == ""


def test_a_byte_order_mark_is_borne() -> None:
    assert parse(b"\xef\xbb\xbf" + adt("A04")).field("MSH", 9, 2) == "A04"


@pytest.mark.parametrize(
    ("declared", "codec", "read_as"),
    [
        ("8859/1", "latin-1", "iso8859-1"),
        ("UNICODE UTF-8", "utf-8", "utf-8"),
        ("", "utf-8", "utf-8"),
        ("", "cp1252", "cp1252"),
        ("ASCII", "cp1252", "cp1252"),
    ],
)
def test_the_character_set_is_the_declared_one_else_what_fits(declared: str, codec: str, read_as: str) -> None:
    raw = adt("A04", name="MÜLLEREK^ZOË", header="||||||" + declared).decode().encode(codec)
    message = parse(raw)
    assert message.field("PID", 5) == "MÜLLEREK"
    assert message.charset == read_as


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "no-msh"),
        (b"hello", "no-msh"),
        (b"PID|1", "no-msh"),
        (b"BHS|^~\\&|A\rMSH|^~\\&|B", "batch-envelope"),
        (b"MSH", "bad-delimiters"),
        (b"MSH|", "bad-delimiters"),
        (b"MSH|||||", "bad-delimiters"),
        (b"MSH|^^^^|A", "bad-delimiters"),
        (b"MSHABCDEF|A", "bad-delimiters"),
        ("MSH|^~\\&|A".encode("utf-16"), "unsupported-charset"),
        (b"MSH|^~\\&|A\x00B", "unsupported-charset"),
        (b"MSH|^~\\&|\x81\x8d", "unsupported-charset"),
        (adt("A04", header="||||||ASCII~ISO IR87"), "unsupported-charset"),
        (adt("A04", header="||||||UNICODE UTF-16"), "unsupported-charset"),
    ],
)
def test_what_cannot_be_read_says_why(raw: bytes, code: str) -> None:
    with pytest.raises(Hl7Error) as caught:
        parse(raw)
    assert caught.value.problem.code == code
    assert caught.value.problem.advice.endswith(".")


def test_a_line_break_inside_free_text_belongs_to_its_field() -> None:
    message = parse(adt("A04", extra="NTE|1||first line\nsecond line|after"))
    assert message.field("NTE", 3) == "first line\nsecond line"
    assert message.field("NTE", 4) == "after"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
        (r"\E\R\ ", "\\R\\ "),
        (r"one\X0D0A\two", "one\r\ntwo"),
        (r"one\.br\two", "one\ntwo"),
        (r"\H\bold\N\ ", "bold "),
        (r"\Z12\kept", r"\Z12\kept"),
        (r"\X00\kept", r"\X00\kept"),
        (r"\XC3\kept", r"\XC3\kept"),
        (r"\XC3A9\ ", "é "),
        ("odd\\", "odd\\"),
    ],
)
def test_escapes(sent: str, meant: str) -> None:
    assert unescape(sent, Delimiters()) == meant


@given(
    st.text(),
    st.sampled_from(MARKS),
)
def test_escaping_round_trips(text: str, marks: Delimiters) -> None:
    escaped = escape(text, marks)
    assert unescape(escaped, marks) == text
    separators = {marks.field, marks.component, marks.repetition, marks.subcomponent, "\r", "\n"}
    assert not separators & set(escaped)


@given(st.one_of(st.binary(), st.binary().map(lambda tail: b"MSH|^~\\&|" + tail)))
def test_arbitrary_bytes_raise_nothing_but_the_typed_error(raw: bytes) -> None:
    try:
        message = parse(raw)
    except Hl7Error as error:
        assert error.problem.advice
        return
    for segment in message.segments:
        for position in range(len(segment.fields) + 1):
            assert isinstance(message.field(segment.name, position or 1), str)


def test_a_file_is_cut_into_its_messages() -> None:
    batch = b"\r\n".join([b"FHS|^~\\&|F", b"BHS|^~\\&|B", adt("A04", end="\n"), b"", adt("A03"), b"BTS|2", b"FTS|1"])
    messages = split_messages(b"\xef\xbb\xbf" + batch)
    assert [parse(message).field("MSH", 9, 2) for message in messages] == ["A04", "A03"]
    assert [len(parse(message).segments) for message in messages] == [4, 4]


@pytest.mark.parametrize("before", [b"", b" ", b"\xef\xbb\xbf", b"\t\xef\xbb\xbf"])
def test_files_that_were_joined_are_cut_where_a_header_starts(before: bytes) -> None:
    messages = split_messages(before + adt("A04") + before + adt("A03"))
    assert [parse(message).field("MSH", 9, 2) for message in messages] == ["A04", "A03"]


def test_what_stands_before_the_first_message_is_not_lost_unseen() -> None:
    assert split_messages(b"PID|1||700\r\n" + adt("A04"))[0] == b"PID|1||700\r"


@pytest.mark.parametrize("line", ["bts closed at five", "MSH staff today", "fhs"])
def test_free_text_does_not_cut_a_message(line: str) -> None:
    [message] = split_messages(adt("A04", extra=f"NTE|1||first\r{line}, and more"))
    assert line in parse(message).raw("NTE", 3)


NAMES = st.sampled_from(["EVN", "PID", "PV1", "NTE", "IN1"])
PLAIN = st.text(alphabet="AbZ19 .-", max_size=6).map(str.strip)
VALUES = st.lists(PLAIN, min_size=1, max_size=3).map("^".join)
FIELDS = st.lists(st.lists(VALUES, min_size=1, max_size=2).map("~".join), min_size=1, max_size=6)


@given(st.lists(st.tuples(NAMES, FIELDS), max_size=6), st.sampled_from(["\r", "\n", "\r\n", "\r\r"]), st.booleans())
def test_an_ordinary_message_reads_as_if_it_were_simply_split(
    segments: list[tuple[str, list[str]]], end: str, small: bool
) -> None:
    lines = ["MSH|^~\\&|A|B|C|D|20260302||ADT^A04|1|P|2.5.1"]
    lines += ["|".join([name.lower() if small else name, *fields]) for name, fields in segments]
    message = parse(end.join(lines).encode())
    assert [each.name for each in message.segments] == ["MSH", *(name for name, _ in segments)]
    for name in {name for name, _ in segments}:
        fields = next(fields for found, fields in segments if found == name)
        for position, field in enumerate(fields, 1):
            assert message.raw(name, position) == field
            for component, value in enumerate(field.split("~")[0].split("^"), 1):
                assert message.field(name, position, component) == value
            repeated = message.repetitions(name, position, most=9)
            assert repeated == (field.split("~") if field else [])
        assert message.raw(name, len(fields) + 1) == ""
