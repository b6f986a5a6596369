"""The answer to a message: HL7 v2 acknowledgements in original and enhanced mode.

At most one answer is given to a message. In enhanced mode (MSH-15 or MSH-16 set) that is the accept answer
(CA, CE, CR) where MSH-15 asks for it, else the application answer (AA, AE, AR) where MSH-16 asks for it. A second,
deferred application answer on a connection of our own is not sent: everything accepted is kept, and what becomes
of it is seen at the desk.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from intake.hl7 import Delimiters, Message, Problem, escape

_CODES_0357 = {
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "207": "Application internal error",
}


class Verdict(StrEnum):
    """What the sender is told."""

    ACCEPT = "accept"  #: kept safely; no need to send again
    ERROR = "error"  #: the content cannot be used, or keeping it failed
    REJECT = "reject"  #: sending the same again can never help


_LETTER = {Verdict.ACCEPT: "A", Verdict.ERROR: "E", Verdict.REJECT: "R"}
_WANTED = {
    "AL": frozenset(Verdict),
    "ER": frozenset({Verdict.ERROR, Verdict.REJECT}),
    "SU": frozenset({Verdict.ACCEPT}),
}


def ack_code(message: Message, verdict: Verdict) -> str | None:
    """MSA-1 for this sender, or None where the sender wants no answer. An acknowledgement is never answered."""
    if message.field("MSH", 9) in ("ACK", "MCF"):
        return None
    accept, application = message.field("MSH", 15), message.field("MSH", 16)
    if not accept and not application:
        return "A" + _LETTER[verdict]
    if verdict in _WANTED.get(accept, frozenset()):
        return "C" + _LETTER[verdict]
    if verdict in _WANTED.get(application, frozenset()):
        return "A" + _LETTER[verdict]
    return None


def expects_answer(message: Message) -> bool:
    """Whether the sender of `message`, if all goes well, is to wait for an answer."""
    return ack_code(message, Verdict.ACCEPT) is not None


def build_ack(message: Message, verdict: Verdict, now: datetime, problem: Problem | None = None) -> bytes | None:
    """The acknowledgement in the sender's delimiters and character set, or None where none is wanted.

    Args:
        message: What is answered; its control id is echoed exactly.
        verdict: What to say.
        now: Goes into MSH-7.
        problem: Why not, told in MSA-3 and an ERR segment.
    """
    code = ack_code(message, verdict)
    if code is None:
        return None
    lines = [_header(message, now), _msa(message, code, problem)]
    if problem is not None:
        lines.append(_err(problem, message.delimiters))
    return _encode(lines, message.charset)


def build_rejection(problem: Problem, now: datetime, verdict: Verdict = Verdict.REJECT) -> bytes:
    """The answer to bytes without a readable header: there is nothing to echo."""
    marks = Delimiters()
    header = f"MSH|^~\\&|THROUGHLINE||||{_timestamp(now)}||ACK|{uuid4().hex[:20]}|P|2.5.1"
    return _encode([header, f"MSA|A{_LETTER[verdict]}||{escape(problem.advice, marks)}", _err(problem, marks)])


def _header(message: Message, now: datetime) -> str:
    marks = message.delimiters
    event = message.raw("MSH", 9).split(marks.component)[1:2]
    kind = marks.component.join(["ACK", *event, "ACK"]) if event and event[0] else "ACK"
    fields = [
        "MSH",
        marks.encoding_characters,
        *(message.raw("MSH", position) for position in (5, 6, 3, 4)),
        _timestamp(now),
        "",
        kind,
        uuid4().hex[:20],
        message.raw("MSH", 11) or "P",
        message.raw("MSH", 12) or "2.5.1",
        *[""] * 5,
        message.raw("MSH", 18),
    ]
    return marks.field.join(fields).rstrip(marks.field)


def _msa(message: Message, code: str, problem: Problem | None) -> str:
    marks = message.delimiters
    parts = ["MSA", code, message.raw("MSH", 10)]
    if problem is not None:
        parts.append(escape(problem.advice, marks))
    return marks.field.join(parts)


def _err(problem: Problem, marks: Delimiters) -> str:
    code = marks.component.join([problem.table_0357, _CODES_0357.get(problem.table_0357, ""), "HL70357"])
    location = problem.location.replace("^", marks.component)
    local = escape(problem.code, marks)
    return marks.field.join(["ERR", "", location, code, "E", local, "", "", escape(problem.advice, marks)])


def _timestamp(now: datetime) -> str:
    return now.strftime("%Y%m%d%H%M%S%z")


def _encode(lines: list[str], charset: str = "ascii") -> bytes:
    return ("\r".join(lines) + "\r").encode(charset, "replace")
