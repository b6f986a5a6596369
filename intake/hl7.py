"""A thin HL7 v2 reader. It turns bytes into a `Message`, whose values are read by segment, field and component.

It accepts what real senders send (LF or CRLF line ends, a byte-order mark, unusual delimiters, lower-case segment
names) and refuses the rest with an `Hl7Error` that says what to do next. Nothing here knows about admissions.

The text is searched once for the starts of segments. A segment is split into fields when one of them is first read, and
a field is split no further than needed, so that the cost of a message depends only on its length. Work that depends on
how often a delimiter occurs is bounded: a message beyond a bound is refused, as no real message is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from intake.charsets import BYTE_ORDER_MARK, decode
from intake.escapes import Delimiters, unescape
from intake.problem import Hl7Error, Problem

__all__ = ["HEADER_CHARSET", "Hl7Error", "Message", "Problem", "parse", "read_header", "split_messages"]

HEADER_CHARSET = "latin-1"
"""The codec of a message of which only the header was read: it keeps every byte as it is."""
_ENVELOPES = ("FHS", "BHS", "BTS", "FTS")
_MOST_LINES = 200_000  # 5 MB of text at 26 characters a line
_MOST_SEGMENTS = 20_000
_LAST_FIELD = 100  # no HL7 segment that is read here defines as many
_LONGEST_VALUE = 2000
_LONGEST_HEADER = 8192
_HEADER_FIELDS = 18
_SLICE = 131_072
_BEFORE_HEADER = r"[\ufeff \t\f\v]{0,50}"
_ANOTHER_HEADER = re.compile(rf"\r{_BEFORE_HEADER}MSH[^\w\s]", re.IGNORECASE)
_HEADER_IN_A_LINE = re.compile(r"MSH([^\w\s])(?:(?!\1)[^\w\s]){2,5}\1")
_MARK = rb"[^\w\s,.;:'\"()?!-]"  # what separates fields, and not words
_HEADER_LINE = re.compile(rb"(?:\xef\xbb\xbf|[ \t\f\v])*(MSH" + _MARK + rb".*)", re.IGNORECASE | re.DOTALL)
_ENVELOPE_LINE = re.compile(rb"(?:\xef\xbb\xbf|[ \t\f\v])*(?:FHS|BHS|BTS|FTS)(?:" + _MARK + rb"|\s*$)", re.IGNORECASE)


class Segment:
    """One segment: its name in capital letters and its text."""

    def __init__(self, name: str, text: str, mark: str) -> None:
        self.name = name
        self.text = text
        self._mark = mark

    @cached_property
    def fields(self) -> Sequence[str]:
        """The raw fields, counted as HL7 counts them; 0 is the segment's name."""
        parts = self.text.split(self._mark, _LAST_FIELD + 1)[: _LAST_FIELD + 1]
        parts[0] = self.name
        if self.name == "MSH":  # MSH-1 is the separator itself
            parts.insert(1, self._mark)
        return [part.replace("\r", "\n") for part in parts]


class Message:
    """One message: its segments, its delimiters, and the codec its text was read with."""

    def __init__(self, segments: Sequence[Segment], delimiters: Delimiters, charset: str, body: str) -> None:
        """Holds what `parse` found; `body` is the text behind the first segment, line ends as CR."""
        self.segments = segments
        self.delimiters = delimiters
        self.charset = charset
        self.body = body
        self._named: dict[str, list[Segment]] = {}
        for segment in segments:
            self._named.setdefault(segment.name, []).append(segment)

    @property
    def holds_another(self) -> bool:
        """Whether another message begins in it, even with other delimiters, after blanks, or without a line end."""
        text = f"{self.segments[0].text[3:]}\r{self.body}"
        return any(next(_in_slices(each, text), None) for each in (_ANOTHER_HEADER, _HEADER_IN_A_LINE))

    def count(self, segment: str) -> int:
        """How many segments called `segment` there are."""
        return len(self._named.get(segment, ()))

    def raw(self, segment: str, field: int, occurrence: int = 1) -> str:
        """The whole field as sent, including escapes and repetitions; empty if absent.

        Args:
            segment: Its name in capital letters.
            field: From 1 to 99.
            occurrence: Which of the segments with that name, from 1.
        """
        found = self._named.get(segment, ())
        if occurrence > len(found):
            return ""
        fields = found[occurrence - 1].fields
        return fields[field] if field < len(fields) else ""

    def repetitions(self, segment: str, field: int, most: int) -> list[str]:
        """The raw repetitions of a field; none if it is empty.

        Raises:
            Hl7Error: There are more than `most`.
        """
        raw, mark = self.raw(segment, field), self.delimiters.repetition
        if mark and raw.count(mark) >= most:
            advice = f"Send at most {most} repetitions in {segment}-{field}."
            raise Hl7Error(Problem("too-many-repetitions", advice, "102", f"{segment}^1^{field}"))
        return _split(raw, mark) if raw else []

    def field(self, segment: str, field: int, component: int = 1, *, subcomponent: int = 1) -> str:
        """One value of a field's first repetition, unescaped and stripped; empty if absent.

        All positions count from 1. HL7's `""` (delete the value) comes back as those two quotation marks.

        Raises:
            Hl7Error: The value is longer than any real one.
        """
        first = _part(self.raw(segment, field), self.delimiters.repetition, 1)
        return self.part(first, component, subcomponent, place=(segment, field))

    def part(
        self,
        repetition: str,
        component: int,
        subcomponent: int = 1,
        *,
        place: tuple[str, int],
        longest: int = _LONGEST_VALUE,
    ) -> str:
        """The same for a given repetition. `place` is its segment and field; `longest` counts characters as sent."""
        text = _part(repetition, self.delimiters.component, component)
        text = _part(text, self.delimiters.subcomponent, subcomponent)
        if len(text) > longest:
            advice = f"Send at most {longest} characters in each component of {place[0]}-{place[1]}."
            raise Hl7Error(Problem("value-too-long", advice, "102", f"{place[0]}^1^{place[1]}"))
        return unescape(text, self.delimiters, self.charset).strip()


def parse(raw: bytes) -> Message:
    """Reads one message.

    Raises:
        Hl7Error: The bytes are not one HL7 v2 message, or are in a character set that is not supported.
    """
    text, charset = decode(raw)
    text = text.replace("\r\n", "\r").replace("\n", "\r").strip()
    _require_start(text)
    if text.count("\r") > _MOST_LINES:
        raise Hl7Error(Problem("too-many-lines", f"Send at most {_MOST_LINES} lines in one message."))
    marks = _delimiters(text)
    segments = _segments(text, marks)
    return Message(segments, marks, charset, text[len(segments[0].text) :].lstrip("\r"))


def read_header(raw: bytes) -> Message | None:
    """The MSH segment alone, so that a message that cannot be read may still be answered; None if there is none."""
    text = raw[:_LONGEST_HEADER].removeprefix(BYTE_ORDER_MARK).lstrip().decode(HEADER_CHARSET)
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    if header[:3].upper() != "MSH":
        return None
    try:
        marks = _delimiters(header)
    except Hl7Error:
        return None
    if len(raw) > _LONGEST_HEADER and header == text and header.count(marks.field) < _HEADER_FIELDS:
        return None  # it was cut off before the end of the header
    return Message([Segment("MSH", header, marks.field)], marks, HEADER_CHARSET, "")


def split_messages(raw: bytes) -> list[bytes]:
    """Cuts a file into its messages, dropping batch and file envelopes. Line ends become CR, as on the wire.

    Text before the first message becomes a separate entry, so that it is not lost silently. A file without any message
    gives no entries.
    """
    before: list[bytes] = []
    messages: list[list[bytes]] = []
    for line in re.split(rb"[\r\n]+", raw.removeprefix(BYTE_ORDER_MARK)):
        if header := _HEADER_LINE.match(line):
            messages.append([header[1]])
        elif line.strip() and not _ENVELOPE_LINE.match(line):
            (messages[-1] if messages else before).append(line)
    found = [before, *messages] if before and messages else messages
    return [b"\r".join(lines) + b"\r" for lines in found]


def _require_start(text: str) -> None:
    name = text[:3].upper()
    if name in _ENVELOPES:
        raise Hl7Error(Problem("batch-envelope", "Send the messages of a batch one by one."))
    if name != "MSH":
        raise Hl7Error(Problem("no-msh", "Send a message that starts with an MSH segment."))


def _segments(text: str, marks: Delimiters) -> list[Segment]:
    """Splits the text into segments. A line that does not start a segment is free text of the field before it."""
    with_fields = rf"([A-Za-z][A-Za-z0-9]{{2}})(?={re.escape(marks.field)})"
    start = re.compile(rf"\r[ \t]{{0,8}}(?:{with_fields}|([A-Z][A-Z0-9]{{2}})(?=[ \t]*(?:\r|\Z)))")
    names, bounds = ["MSH"], [0]
    for found in _in_slices(start, text):
        names.append((found[1] or found[2]).upper())
        bounds.append(found.start() + 1)
        if len(names) > _MOST_SEGMENTS:
            raise Hl7Error(Problem("too-many-segments", f"Send at most {_MOST_SEGMENTS} segments in one message."))
    ends = [*bounds[1:], len(text)]
    return [
        Segment(name, text[begin:end].rstrip("\r"), marks.field)
        for name, begin, end in zip(names, bounds, ends, strict=True)
    ]


def _in_slices(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Like `pattern.finditer`, for matches that span at most a line end and the line after it.

    A search that finds nothing in megabytes would keep every other thread waiting until it ends.
    """
    begin = 0
    while begin < len(text):
        end = text.find("\r", begin + _SLICE)
        end = len(text) if end < 0 else end
        yield from pattern.finditer(text, begin, end)
        begin = end


def _delimiters(header: str) -> Delimiters:
    field = header[3:4]
    encoding = re.split(rf"[\r{re.escape(field)}]", header[4:12], maxsplit=1)[0] if field else ""
    used = field + encoding
    if not 2 <= len(encoding) <= 5 or len(set(used)) != len(used) or re.search(r"[\w\s]", used):
        raise Hl7Error(
            Problem("bad-delimiters", r"Write MSH-1 and MSH-2 as distinct marks, such as |^~\&.", "102", "MSH^1^2")
        )
    component, repetition, escape_mark, subcomponent = (*encoding[:4], "", "")[:4]
    return Delimiters(field, component, repetition, escape_mark, subcomponent)


def _split(text: str, mark: str) -> list[str]:
    return text.split(mark) if mark else [text]


def _part(text: str, mark: str, position: int) -> str:
    """The part at `position`, from 1, without cutting up what follows it."""
    parts = text.split(mark, position) if mark else [text]
    return parts[position - 1] if position <= len(parts) else ""
