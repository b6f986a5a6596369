"""Reads the acknowledgements that a listener sends back."""

from __future__ import annotations

from dataclasses import dataclass

from intake.escapes import unescape
from intake.hl7 import Message, parse, read_header
from intake.problem import Hl7Error

ACCEPTED = ("AA", "CA")
UNREADABLE = "??"
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """One acknowledgement.

    Attributes:
        code: MSA-1 in capital letters; `UNREADABLE` if there is none.
        control_id: MSA-2, the message that it answers; empty if it names none.
        text: The reason, if the listener gives one.
    """

    code: str
    control_id: str
    text: str


def read_answer(raw: bytes) -> Answer:
    """Reads what a listener sent back. Anything other than an acknowledgement is `UNREADABLE`."""
    try:
        message = parse(raw)
        code = message.field("MSA", 1).upper()
    except Hl7Error:
        return Answer(UNREADABLE, "", "the answer cannot be read")
    if not code:
        return Answer(UNREADABLE, "", "the answer is not an acknowledgement")
    text = _value(message, "MSA", 3) or _value(message, "ERR", 8)
    return Answer(code, _value(message, "MSA", 2), text)


def control_id_of(raw: bytes) -> str:
    """MSH-10 of a message; empty if there is none or it cannot be read."""
    header = read_header(raw)
    return _value(header, "MSH", 10) if header else ""


def _value(message: Message, segment: str, field: int) -> str:
    """A whole field, cut off if it is very long. A control id may contain component separators, which are echoed too.

    It is compared as bytes, because only the header is read, before the character set is known.
    """
    text = unescape(message.raw(segment, field)[:_LONGEST], message.delimiters, message.charset).strip()
    return text.encode(message.charset, "replace").decode("utf-8", "backslashreplace")
