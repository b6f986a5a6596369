"""The answer to a message: HL7 v2 acknowledgements in original and enhanced mode.

At most one answer is given to a message. In enhanced mode (MSH-15 or MSH-16 set) that is the accept answer
(CA, CE, CR) if MSH-15 asks for it, else the application answer (AA, AE, AR) if MSH-16 asks for it. Any value there
other than NE, ER or SU means that an answer is always wanted. We never send a second, deferred application answer:
everything accepted is stored, and staff see what happens to it with `throughline messages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from intake.escapes import Delimiters, escape
from intake.hl7 import HEADER_CHARSET, Message, read_header
from intake.problem import Problem

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


class AckKind(StrEnum):
    """The kind of answer that the sender gets."""

    ACCEPT = "accept"  #: stored safely; no need to send again
    ERROR = "error"  #: the content cannot be used, or it could not be stored
    REJECT = "reject"  #: sending the same message again will never help


_LETTER = {AckKind.ACCEPT: "A", AckKind.ERROR: "E", AckKind.REJECT: "R"}
_ALWAYS = frozenset(AckKind)
_NEVER: frozenset[AckKind] = frozenset()
_WANTED = {
    "": _NEVER,
    "NE": _NEVER,
    "ER": frozenset({AckKind.ERROR, AckKind.REJECT}),
    "SU": frozenset({AckKind.ACCEPT}),
}
"""HL7 table 0155. Anything else, AL among it, means always."""
_NULL = '""'
_LONGEST_ECHO = 200
_LONGEST_CONTROL_ID = 1000  # longer than we accept, so that a refusal for its length can still name it


@dataclass(frozen=True, slots=True)
class AnswersWanted:
    """For which verdicts a sender wants an accept answer (C.) and an application answer (A.)."""

    accept: frozenset[AckKind]
    application: frozenset[AckKind]

    @property
    def either(self) -> frozenset[AckKind]:
        """For which verdicts at least one answer is wanted."""
        return self.accept | self.application


def answers_wanted(message: Message) -> AnswersWanted:
    """What the sender of `message` wants by MSH-15 and MSH-16. An acknowledgement is never answered."""
    if _coded(message, 9).upper() in ("ACK", "MCF"):
        return AnswersWanted(_NEVER, _NEVER)
    accept, application = _coded(message, 15), _coded(message, 16)
    if {accept, application} <= {"", _NULL}:  # the original mode
        return AnswersWanted(_NEVER, _ALWAYS)
    return AnswersWanted(_WANTED.get(accept, _ALWAYS), _WANTED.get(application, _ALWAYS))


def ack_code(message: Message, verdict: AckKind) -> str | None:
    """MSA-1 for this sender, or None if the sender wants no answer."""
    wanted = answers_wanted(message)
    if verdict in wanted.accept:
        return "C" + _LETTER[verdict]
    if verdict in wanted.application:
        return "A" + _LETTER[verdict]
    return None


def build_ack(message: Message, verdict: AckKind, now: datetime, problem: Problem | None = None) -> bytes | None:
    """The acknowledgement in the sender's delimiters and character set, or None if none is wanted.

    Args:
        message: The message to answer; its control id is echoed exactly.
        verdict: The kind of answer.
        now: Goes into MSH-7.
        problem: Why it was not accepted; goes into MSA-3 and an ERR segment.
    """
    code = ack_code(message, verdict)
    if code is None:
        return None
    lines = [_header(message, now), _msa(message, code, problem)]
    if problem is not None:
        lines.append(_err(problem, message.delimiters))
    return _encode(lines, message.charset)


def answer_unread(raw: bytes, problem: Problem, now: datetime, verdict: AckKind = AckKind.REJECT) -> bytes | None:
    """The answer to a message that was not read or not stored. It names the control id if the header can be read."""
    header = read_header(raw)
    return build_rejection(problem, now, verdict) if header is None else build_ack(header, verdict, now, problem)


def build_rejection(problem: Problem, now: datetime, verdict: AckKind = AckKind.REJECT) -> bytes:
    """The answer to bytes without a readable header: there is nothing to echo."""
    marks = Delimiters()
    header = f"MSH|^~\\&|THROUGHLINE||||{_timestamp(now)}||ACK|{uuid4().hex[:20]}|P|2.5.1"
    return _encode([header, f"MSA|A{_LETTER[verdict]}||{escape(problem.advice, marks)}", _err(problem, marks)])


def _header(message: Message, now: datetime) -> str:
    marks = message.delimiters
    event = _echo(message, 9).split(marks.component)[1:2]
    kind = marks.component.join(["ACK", *event, "ACK"]) if event and event[0] else "ACK"
    fields = [
        "MSH",
        marks.encoding_characters,
        *(_echo(message, position) for position in (5, 6, 3, 4)),
        _timestamp(now),
        "",
        kind,
        uuid4().hex[:20],
        _echo(message, 11) or "P",
        _echo(message, 12) or "2.5.1",
        *[""] * 5,
        _echo(message, 18) if message.charset != HEADER_CHARSET else "",
    ]
    return marks.field.join(fields).rstrip(marks.field)


def _msa(message: Message, code: str, problem: Problem | None) -> str:
    marks = message.delimiters
    parts = ["MSA", code, _echo(message, 10, longest=_LONGEST_CONTROL_ID)]
    if problem is not None:
        parts.append(escape(problem.advice, marks))
    return marks.field.join(parts)


def _err(problem: Problem, marks: Delimiters) -> str:
    code = marks.component.join([problem.table_0357, _CODES_0357.get(problem.table_0357, ""), "HL70357"])
    location = problem.location.replace("^", marks.component)
    local = escape(problem.code, marks)
    return marks.field.join(["ERR", "", location, code, "E", local, "", "", escape(problem.advice, marks)])


def _echo(message: Message, position: int, longest: int = _LONGEST_ECHO) -> str:
    """A field of MSH as sent; empty if it is longer than any real one."""
    raw = message.raw("MSH", position)
    return raw if len(raw) <= longest else ""


def _coded(message: Message, position: int) -> str:
    """A code in MSH; `?` if it is longer than any code."""
    return message.field("MSH", position) if len(message.raw("MSH", position)) <= _LONGEST_ECHO else "?"


def _timestamp(now: datetime) -> str:
    return now.strftime("%Y%m%d%H%M%S%z")


def _encode(lines: list[str], charset: str = "ascii") -> bytes:
    return ("\r".join(lines) + "\r").encode(charset, "replace")
