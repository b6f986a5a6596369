"""A thin HL7 v2 reader: bytes to a `Message` whose values are asked for by segment, field and component.

It reads what real senders send (LF or CRLF line ends, a byte-order mark, delimiters of their own) and refuses
the rest with an `Hl7Error` that says what to do next. Nothing here knows about admissions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_ENVELOPES = ("FHS", "BHS", "BTS", "FTS")
_SEGMENT_ID = re.compile(r"[A-Z][A-Z0-9]{2}")
_CHARSETS = {
    "ASCII": "ascii",
    "UTF-8": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "WINDOWS-1252": "cp1252",
    "CP1252": "cp1252",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
_WIDE_CHARSETS = ("UNICODE", "UNICODE UTF-16", "UNICODE UTF-32", "UTF-16", "UTF-32")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a message cannot be used, fit to be sent back and stored: it never holds client data.

    Attributes:
        code: Short and stable, e.g. `no-msh`.
        advice: One sentence saying what to do next.
        table_0357: HL7's own error code.
        location: ERR-2 in HL7's terms (segment^sequence^field), or empty.
    """

    code: str
    advice: str
    table_0357: str = "100"
    location: str = ""


class Hl7Error(Exception):
    """Bytes that cannot be read as one HL7 v2 message."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.advice}")
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The five characters a sender separates with; an empty one is not used by that sender."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @property
    def encoding_characters(self) -> str:
        """MSH-2 as this sender writes it."""
        return self.component + self.repetition + self.escape + self.subcomponent


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its segments as lists of raw fields, its delimiters, and the codec its text was read with."""

    segments: tuple[tuple[str, ...], ...]
    delimiters: Delimiters
    charset: str

    def count(self, segment: str) -> int:
        """How many segments called `segment` there are."""
        return sum(1 for fields in self.segments if fields[0] == segment)

    def raw(self, segment: str, field: int, occurrence: int = 1) -> str:
        """The whole field as sent, escapes and repetitions included; empty where absent."""
        found = [fields for fields in self.segments if fields[0] == segment]
        if occurrence > len(found):
            return ""
        fields = found[occurrence - 1]
        return fields[field] if field < len(fields) else ""

    def repetitions(self, segment: str, field: int) -> int:
        """How often a field repeats; 0 where it is empty."""
        raw = self.raw(segment, field)
        return len(_split(raw, self.delimiters.repetition)) if raw else 0

    def field(self, segment: str, field: int, component: int = 1, *, repetition: int = 1, subcomponent: int = 1) -> str:
        """One value, unescaped and stripped; empty where absent. All positions count from 1.

        HL7's `""` (delete the value) comes back as those two quotation marks.
        """
        marks = self.delimiters
        text = self.raw(segment, field)
        for mark, position in (
            (marks.repetition, repetition),
            (marks.component, component),
            (marks.subcomponent, subcomponent),
        ):
            parts = _split(text, mark)
            text = parts[position - 1] if position <= len(parts) else ""
        return unescape(text, marks, self.charset).strip()


def parse(raw: bytes) -> Message:
    """Reads one message.

    Raises:
        Hl7Error: The bytes are not one HL7 v2 message, or are in a character set that is not read here.
    """
    text, charset = _decode(raw)
    lines = re.split(r"[\r\n]+", text.strip())
    if lines[0][:3] in _ENVELOPES:
        raise Hl7Error(Problem("batch-envelope", "Send the messages of a batch one by one."))
    if not lines[0].startswith("MSH"):
        raise Hl7Error(Problem("no-msh", "Send a message that starts with an MSH segment."))
    marks = _delimiters(lines[0])
    return Message(tuple(_segments(lines, marks)), marks, charset)


def split_messages(raw: bytes) -> list[bytes]:
    """Cuts a file into its messages, dropping batch and file envelopes. Line ends become CR, as on the wire."""
    messages: list[list[bytes]] = []
    for line in re.split(rb"[\r\n]+", raw.removeprefix(_BYTE_ORDER_MARK)):
        if line.startswith(b"MSH"):
            messages.append([])
        if messages and line.strip() and line[:3].decode("latin-1") not in _ENVELOPES:
            messages[-1].append(line)
    return [b"\r".join(lines) + b"\r" for lines in messages]


def unescape(text: str, marks: Delimiters, charset: str = "utf-8") -> str:
    r"""Resolves `\F\ \S\ \T\ \R\ \E\ \Xdd..\ \.br\ \H\ \N\`. An unknown escape is kept as it stands."""
    if not marks.escape or marks.escape not in text:
        return text
    mark = re.escape(marks.escape)
    return re.sub(f"{mark}([^{mark}]*){mark}", lambda found: _resolve(found, marks, charset), text)


def escape(text: str, marks: Delimiters) -> str:
    """Makes any text safe inside a field; the reverse of `unescape`."""
    if not marks.escape:
        return "".join(" " if char in _special(marks) else char for char in text)
    names = _special(marks)
    return "".join(f"{marks.escape}{names[c]}{marks.escape}" if c in names else c for c in text)


def _special(marks: Delimiters) -> dict[str, str]:
    named = {
        marks.field: "F",
        marks.component: "S",
        marks.subcomponent: "T",
        marks.repetition: "R",
        marks.escape: "E",
        "\r": "X0D",
        "\n": "X0A",
    }
    return {mark: name for mark, name in named.items() if mark}


def _resolve(found: re.Match[str], marks: Delimiters, charset: str) -> str:
    name = found.group(1)
    known = {"H": "", "N": "", ".br": "\n"} | {
        letter: mark for mark, letter in _special(marks).items() if len(letter) == 1
    }
    if name in known:
        return known[name]
    if re.fullmatch(r"X([0-9A-Fa-f]{2})+", name) and "00" not in re.findall("..", name[1:]):
        try:
            return bytes.fromhex(name[1:]).decode(charset)
        except UnicodeDecodeError:
            return found.group(0)
    return found.group(0)


def _split(text: str, mark: str) -> list[str]:
    return text.split(mark) if mark else [text]


def _segments(lines: list[str], marks: Delimiters) -> list[tuple[str, ...]]:
    segments: list[list[str]] = []
    for line in lines:
        if line.startswith("MSH"):
            segments.append(["MSH", marks.field, *line[4:].split(marks.field)])
        elif _SEGMENT_ID.match(line) and (len(line.rstrip()) == 3 or line[3:4] == marks.field):
            segments.append(line.split(marks.field))
            segments[-1][0] = segments[-1][0].rstrip()
        elif line.strip():
            # A line break inside free text: it belongs to the field before it.
            head, *rest = line.split(marks.field)
            segments[-1][-1] += "\n" + head
            segments[-1].extend(rest)
    return [tuple(fields) for fields in segments]


def _delimiters(header: str) -> Delimiters:
    field = header[3:4]
    encoding = header[4:].split(field)[0] if field else ""
    used = field + encoding
    if not 2 <= len(encoding) <= 5 or len(set(used)) != len(used) or re.search(r"[\w\s]", used):
        raise Hl7Error(
            Problem("bad-delimiters", r"Write MSH-1 and MSH-2 as distinct marks, such as |^~\&.", "102", "MSH^1^2")
        )
    component, repetition, escape_mark, subcomponent = (*encoding[:4], "", "")[:4]
    return Delimiters(field, component, repetition, escape_mark, subcomponent)


def _decode(raw: bytes) -> tuple[str, str]:
    if raw.startswith(_UTF16_MARKS):
        raise _charset_error("Send the message in UTF-8, not UTF-16.")
    marked = raw.startswith(_BYTE_ORDER_MARK)
    body = raw.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if b"\x00" in body:
        raise _charset_error("Send text without NUL bytes, in UTF-8 or the set that MSH-18 names.")
    declared = "utf-8" if marked else _declared_charset(body)
    for codec in (declared, "utf-8", "cp1252"):
        try:
            return body.decode(codec), codec
        except UnicodeDecodeError:
            continue
    raise _charset_error("Send text in UTF-8 or in the set that MSH-18 names.")


def _declared_charset(body: bytes) -> str:
    header = re.split(rb"[\r\n]", body, maxsplit=1)[0].decode("latin-1")
    fields = header[4:].split(header[3:4] or "|")
    if not header.startswith("MSH") or len(fields) < 17:
        return "utf-8"
    name, *others = fields[16].upper().split(fields[0][1:2] or "~")
    if name.strip() in _WIDE_CHARSETS or any(other.strip() not in ("", name.strip()) for other in others):
        raise _charset_error("Name one single-byte set or UTF-8 in MSH-18.")
    return _CHARSETS.get(name.strip(), "utf-8")


def _charset_error(advice: str) -> Hl7Error:
    return Hl7Error(Problem("unsupported-charset", advice, "102", "MSH^1^18"))
