"""Messages of up to five megabytes that cost a careless reader minutes. All persons are invented."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.intake.messages import adt

SIZE = 5 * 1024 * 1024
_PID_3 = b"700100^^^NORTH^MR~999-11-0000^^^^SS"
_PID_5 = b"QUILLFEATHER^ORSOLYA"


def _filled(before: bytes, unit: bytes, after: bytes = b"\r", size: int = SIZE) -> bytes:
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


def _in_place_of(place: bytes, unit: bytes, size: int = SIZE) -> bytes:
    before, after = adt("A04").split(place, 1)
    return _filled(before, unit, after, size)


def _behind(unit: bytes, before: bytes = b"", event: str = "A04") -> bytes:
    return _filled(adt(event) + before, unit)


def _in_marks(marks: bytes, message: bytes) -> bytes:
    return message.replace(b"^~\\&", marks, 1)


_LINE = b"QUJDREVGR0hJSktM" * 4 + b"QUJDREVGR0hJ"  # 76 characters, as base64 is broken by MIME
HOSTILE: Mapping[str, Callable[[], bytes]] = {
    "identifiers, 32 kB": lambda: _in_place_of(_PID_3, b"A~", 32_000),
    "identifiers": lambda: _in_place_of(_PID_3, b"A~"),
    "identifiers, all empty": lambda: _in_place_of(_PID_3, b"~"),
    "long identifiers, as many as are taken": lambda: _in_place_of(_PID_3, b"A" * 27_000 + b"~"),
    "escapes in identifiers, as many as are taken": lambda: _in_place_of(
        _PID_3, b"^".join([b"\\X41\\" * 80] * 5) + b"^" * 24_400 + b"~"
    ),
    "components of an identifier": lambda: _in_place_of(_PID_3, b"^"),
    "subcomponents of an identifier": lambda: _in_place_of(_PID_3, b"&"),
    "identifiers of what is ignored": lambda: _in_place_of(_PID_3, b"A~").replace(b"ADT^A04", b"ADT^A60"),
    "identifiers in marks of the sender's own": lambda: _in_marks(b"^~&\\", _in_place_of(_PID_3, b"A~")),
    "escapes in marks of the sender's own": lambda: _in_marks(b"^&~\\", _in_place_of(_PID_3, b"~X4141")),
    "components in marks of the sender's own": lambda: _in_marks(b"^~&\\", _in_place_of(_PID_3, b"A^\\")),
    "fields of PID": lambda: _in_place_of(_PID_5, b"|"),
    "fields of MSH": lambda: _filled(adt("A04").split(b"\r")[0], b"|"),
    "fields of EVN": lambda: adt("A04").replace(b"EVN|", b"EVN" + b"|" * 5_000_000),
    "lines of free text": lambda: _behind(b"A\r"),
    "lines of free text, as many as are taken": lambda: _behind(b"free text of some length...\r\n", b"NTE|1||x"),
    "line ends": lambda: adt("A04") + b"\r" * 5_000_000 + b"PV2|\r",
    "mixed line ends": lambda: _behind(b"\r\n\n\r", b"NTE|1||x"),
    "segments": lambda: _behind(b"PID\r"),
    "segments, as many as are taken": lambda: _behind(b"OBX|1|TX|||" + b"a" * 255 + b"\r"),
    "segments with fields": lambda: _behind(b"OBX|1|TX|||a\r"),
    "MSH segments": lambda: _behind(b"MSH|\r"),
    "segments in small letters": lambda: _behind(b"pid|\n"),
    "a document in base64": lambda: _behind(_LINE + b"\r\n", b"OBX|1|ED|PDF||^application^pdf^Base64^"),
    "a document in one line": lambda: _behind(b"QUJD", b"OBX|1|ED|PDF||^application^pdf^Base64^"),
    "escapes in the name": lambda: _in_place_of(_PID_5, b"\\X41\\"),
    "unfinished escapes in the name": lambda: _in_place_of(_PID_5, b"\\"),
    "components of the name": lambda: _in_place_of(_PID_5, b"^"),
    "characters of the name": lambda: _in_place_of(_PID_5, "Ł".encode()),
    "character sets": lambda: _filled(adt("A04").split(b"\r")[0] + b"||||||", b"ASCII~"),
    "message type": lambda: _in_place_of(b"A04", b"A04^"),
    "sender": lambda: _in_place_of(b"REG^", b"R"),
    "control id": lambda: _in_place_of(b"C1", b"9"),
    "separators": lambda: _filled(b"MSH", b"|"),
    "encoding characters": lambda: _filled(b"MSH|", b"^~"),
    "one byte that is no UTF-8, at the end": lambda: _filled(adt("A04") + b"NTE|1||", b"note ", b"\xe9\r"),
    "one byte that is in no set, at the end": lambda: _filled(adt("A04") + b"NTE|1||", b"x", b"\x81\r"),
    "garbage": lambda: _filled(b"", b"x"),
    "white space": lambda: _filled(b"", b" "),
    "a visit number": lambda: _in_place_of(b"V1", b"9"),
    "times": lambda: _in_place_of(b"20260302101500+0000", b"2 "),
    "insurances": lambda: _behind(b"IN1|1||X~\r"),
}
"""By name, made when asked for."""
