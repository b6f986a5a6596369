"""The delimiters that separate HL7 v2 values, and the escapes for them inside a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delimiters:
    """A sender's five delimiters. An empty one is not used by that sender."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @property
    def encoding_characters(self) -> str:
        """MSH-2 as this sender writes it."""
        return self.component + self.repetition + self.escape + self.subcomponent

    @property
    def separators(self) -> str:
        """The delimiters that separate values within a field."""
        return self.component + self.repetition + self.subcomponent


def unescape(text: str, marks: Delimiters, charset: str = "utf-8") -> str:
    r"""Resolves `\F\ \S\ \T\ \R\ \E\ \Xdd..\ \.br\ \H\ \N\`. An unknown escape is left as it is.

    Takes time in proportion to the number of escapes: give it one value, not a whole message.
    """
    if not marks.escape or marks.escape not in text:
        return text
    mark = re.escape(marks.escape)
    known = {"H": "", "N": "", ".br": "\n"} | {
        letter: mark for mark, letter in _special(marks).items() if len(letter) == 1
    }
    return re.sub(f"{mark}([^{mark}]*){mark}", lambda found: _resolve(found, known, charset), text)


def has_known_escapes_only(text: str, marks: Delimiters) -> bool:
    """Whether every escape mark in `text` belongs to an escape that HL7 defines for plain values."""
    if not marks.escape or marks.escape not in text:
        return True
    mark = re.escape(marks.escape)
    return marks.escape not in re.sub(rf"{mark}(?:[FSTREHN]|\.br|X(?:[0-9A-Fa-f]{{2}})+){mark}", "", text)


def escape(text: str, marks: Delimiters) -> str:
    """Makes any text safe inside a field; the reverse of `unescape`."""
    names = _special(marks)
    if not marks.escape:
        return "".join(" " if char in names else char for char in text)
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


def _resolve(found: re.Match[str], known: Mapping[str, str], charset: str) -> str:
    name = found.group(1)
    if name in known:
        return known[name]
    if re.fullmatch(r"X([0-9A-Fa-f]{2})+", name) and "00" not in re.findall("..", name[1:]):
        try:
            return bytes.fromhex(name[1:]).decode(charset)
        except UnicodeDecodeError:
            return found.group(0)
    return found.group(0)
