"""The acknowledgements that come back from a listener, as their sender reads them."""

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
        code: MSA-1 in capital letters; `UNREADABLE` where there is none.
        control_id: MSA-2, the message it answers; empty where it names none.
        text: Why, as far as the listener says.
    """

    code: str
    control_id: str
    text: str


def read_answer(raw: bytes) -> Answer:
    """What a listener sent back; anything else than an acknowledgement is `UNREADABLE`."""
    try:
        message = parse(raw)
        code = message.field("MSA", 1).upper()
    except Hl7Error:
        return Answer(UNREADABLE, "", "the answer cannot be read")
    if not code:
        return Answer(UNREADABLE, "", "the answer is no acknowledgement")
    text = _value(message, "MSA", 3) or _value(message, "ERR", 8)
    return Answer(code, _value(message, "MSA", 2), text)


def control_id_of(raw: bytes) -> str:
    """MSH-10 of a message; empty where there is none or it cannot be read."""
    header = read_header(raw)
    return _value(header, "MSH", 10) if header else ""


def _value(message: Message, segment: str, field: int) -> str:
    """A whole field, cut off where it is very long: a control id may hold component marks, and is echoed with them.

    It is compared by its bytes, as only the header of the message is read, in no character set.
    """
    text = unescape(message.raw(segment, field)[:_LONGEST], message.delimiters, message.charset).strip()
    return text.encode(message.charset, "replace").decode("utf-8", "backslashreplace")
