"""The character set of an HL7 v2 message: the one that MSH-18 names, else UTF-8, else Windows-1252."""

from __future__ import annotations

import re

from intake.problem import Hl7Error, Problem

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CHARSETS = {
    "ASCII": "ascii",
    "UTF-8": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "WINDOWS-1252": "cp1252",
    "CP1252": "cp1252",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
_WIDE_CHARSETS = ("UNICODE", "UNICODE UTF-16", "UNICODE UTF-32", "UTF-16", "UTF-32")
_LONGEST_NAMES = 200
_LONGEST_HEADER = 65_536


def decode(raw: bytes) -> tuple[str, str]:
    """The text of a message, without leading white space, and the codec it was read with.

    Raises:
        Hl7Error: It is in a character set that is not supported, or is not text.
    """
    if raw.startswith(_UTF16_MARKS):
        raise _charset_error("Send the message in UTF-8, not UTF-16.")
    marked = raw.startswith(BYTE_ORDER_MARK)
    body = raw.removeprefix(BYTE_ORDER_MARK).lstrip()
    if b"\x00" in body:
        raise _charset_error("Send text without NUL bytes, in UTF-8 or the set that MSH-18 names.")
    declared = "utf-8" if marked else _declared(body)
    for codec in (declared, "utf-8", "cp1252"):
        try:
            return body.decode(codec), codec
        except UnicodeDecodeError:
            continue
    raise _charset_error("Send text in UTF-8 or in the set that MSH-18 names.")


def _declared(body: bytes) -> str:
    header = re.split(rb"[\r\n]", body[:_LONGEST_HEADER], maxsplit=1)[0].decode("latin-1")
    if header[:3].upper() != "MSH":
        return "utf-8"
    fields = header[4:].split(header[3:4] or "|", 17)
    if len(fields) < 17:
        return "utf-8"
    if len(fields[16]) > _LONGEST_NAMES:
        raise _charset_error("Name one single-byte set or UTF-8 in MSH-18.")
    name, *others = fields[16].upper().split(fields[0][1:2] or "~")
    if name.strip() in _WIDE_CHARSETS or any(other.strip() not in ("", name.strip()) for other in others):
        raise _charset_error("Name one single-byte set or UTF-8 in MSH-18.")
    return _CHARSETS.get(name.strip(), "utf-8")


def _charset_error(advice: str) -> Hl7Error:
    return Hl7Error(Problem("unsupported-charset", advice, "102", "MSH^1^18"))
