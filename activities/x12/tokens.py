"""Splits an X12 interchange into segments, tolerating what payers and clearinghouses really send.

Delimiters come from the ISA segment alone. A byte-order mark, indentation, line ends after the terminator
and wrong trailer counts are accepted (the last as warnings); anything else raises `X12Error`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_CHARS, MAX_SEGMENTS = 3_000_000, 50_000
"""A full answer about one person has a few hundred segments."""
_BLANK = " \t\r\n"
_ISA_ELEMENTS = 16


class X12Error(Exception):
    """The text cannot be read as X12. `code` is stable; no part of the text is repeated."""

    def __init__(self, code: str) -> None:
        super().__init__(f"not readable as X12: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The four separators of one interchange; `repetition` is empty before 5010."""

    element: str
    repetition: str
    component: str
    segment: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; elements are counted from 1 as the standard does, and a missing one reads as empty."""

    id: str
    elements: tuple[str, ...]
    delimiters: Delimiters

    @property
    def text(self) -> str:
        """The segment with `*` between its elements, for a person to read."""
        return "*".join((self.id, *(element.strip(_BLANK) for element in self.elements)))

    def at(self, position: int) -> str:
        """The element at `position`, without padding."""
        return self.elements[position - 1].strip(_BLANK) if 0 < position <= len(self.elements) else ""

    def repeats(self, position: int) -> tuple[str, ...]:
        """The non-empty repetitions of the element at `position`."""
        return _split(self.at(position), self.delimiters.repetition)

    def components(self, position: int) -> tuple[str, ...]:
        """The non-empty components of the element at `position`."""
        return _split(self.at(position), self.delimiters.component)


@dataclass(frozen=True, slots=True)
class Transaction:
    """ST to SE, both included; `complete` is False if SE is missing."""

    kind: str
    segments: tuple[Segment, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Interchange:
    """One ISA to IEA. `warnings` are codes of faults that did not matter."""

    delimiters: Delimiters
    segments: tuple[Segment, ...]
    warnings: tuple[str, ...]

    def transactions(self) -> Iterator[Transaction]:
        """Each ST..SE in order."""
        opened: list[Segment] = []
        for segment in self.segments:
            if segment.id == "ST":
                if opened:
                    yield _transaction(opened, complete=False)
                opened = [segment]
            elif segment.id == "SE" and opened:
                yield _transaction([*opened, segment], complete=True)
                opened = []
            elif opened and segment.id not in ("GE", "IEA"):
                opened.append(segment)
        if opened:
            yield _transaction(opened, complete=False)


def read_interchange(data: bytes | str) -> Interchange:
    """Reads the first interchange in `data`.

    Raises:
        X12Error: It does not begin with a usable ISA segment, or has more than `MAX_CHARS` or
            `MAX_SEGMENTS`.
    """
    text = (_decode(data) if isinstance(data, bytes) else data).lstrip("\ufeff" + _BLANK)
    if len(text) > MAX_CHARS:
        raise X12Error("too-large")
    delimiters = _delimiters(text)
    if text.count(delimiters.segment) > MAX_SEGMENTS:
        raise X12Error("too-large")
    segments = []
    for raw in text.split(delimiters.segment):
        if (stripped := raw.strip(_trimmable(delimiters))) and stripped.strip("\x00\x1a\ufeff"):
            name, *elements = stripped.split(delimiters.element)
            segments.append(Segment(name.strip(_BLANK), tuple(elements), delimiters))
            if name == "IEA":
                break
    return Interchange(delimiters, tuple(segments), tuple(_warnings(segments)))


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1").removeprefix("\xef\xbb\xbf")


def _delimiters(text: str) -> Delimiters:
    if len(text) < 4 or not text.startswith("ISA"):
        raise X12Error("no-isa")
    element = text[3]
    parts = text.split(element, _ISA_ELEMENTS)
    if element.isalnum() or element in _BLANK or len(parts) <= _ISA_ELEMENTS or len(parts[-1]) < 2:
        raise X12Error("bad-isa")
    component, terminator, eleventh = parts[-1][0], parts[-1][1], parts[11].strip(_BLANK)
    if terminator.isalnum() or terminator == " " or len({element, component, terminator}) < 3:
        raise X12Error("bad-delimiters")
    usable = len(eleventh) == 1 and not eleventh.isalnum() and eleventh not in (element, terminator)
    return Delimiters(element, eleventh if usable else "", component, terminator)


def _trimmable(delimiters: Delimiters) -> str:
    return "".join(c for c in _BLANK if c not in (delimiters.component, delimiters.repetition))


def _split(value: str, separator: str) -> tuple[str, ...]:
    parts = value.split(separator) if separator else [value]
    return tuple(part.strip(_BLANK) for part in parts if part.strip(_BLANK))


def _transaction(segments: list[Segment], *, complete: bool) -> Transaction:
    return Transaction(segments[0].at(1), tuple(segments), complete)


def _warnings(segments: list[Segment]) -> Iterator[str]:
    start, opener = 0, None
    for index, segment in enumerate(segments):
        if segment.id == "ST":
            start, opener = index, segment
        elif segment.id == "SE":
            if segment.at(1) != str(index - start + 1):
                yield "SE01"
            if opener is None or segment.at(2) != opener.at(2):
                yield "SE02"
    if not segments or segments[-1].id != "IEA":
        yield "no-IEA"
    elif segments[-1].at(2) != segments[0].at(13):
        yield "IEA02"
