"""Reading the centre's files: TOML, and errors that name the file, the line and the reason."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.values import KEY_PATTERN, LEVEL_PATTERN

EXAMPLE = Path(__file__).parent / "example"
"""The files of an invented centre; they are used if no folder is given."""

Model = TypeVar("Model", bound=BaseModel)
Where = tuple[int | str, ...]


class CentreFileError(Exception):
    """A file of the centre cannot be used. The message says which file, where and why, and what to do."""

    def __init__(self, file: Path, line: int | None, reason: str) -> None:
        self.file, self.line, self.reason = file, line, _one_line(reason)
        super().__init__(f"{file.name}, line {line}: {self.reason}" if line else f"{file.name}: {self.reason}")


def centre_folder(given: Path | None) -> Path:
    """The folder `given`, or that of the invented centre if none is.

    Raises:
        CentreFileError: It is not a folder.
    """
    if given is None:
        return EXAMPLE
    if not given.is_dir():
        raise CentreFileError(given, None, "is not a folder; set THROUGHLINE_CENTRE to the folder with centre.toml")
    return given


class Document(NamedTuple):
    """A TOML file as read.

    Attributes:
        lines: The line of each table and key, by its path, counted from 1.
    """

    file: Path
    data: dict[str, Any]
    lines: dict[Where, int]

    def error(self, path: Where, reason: str) -> CentreFileError:
        """An error at `path`, or at the nearest table above it that is written in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return CentreFileError(self.file, self.lines.get(path), reason)

    def read_as(self, model: type[Model]) -> Model:
        """The file's content as `model`. Numbers are strict: not `true`, not `"24"`, and not `24.0` for a whole number.

        Raises:
            CentreFileError: It does not fit; names the first place that is wrong.
        """
        try:
            return strictly(model, self.data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            path = tuple(part for part in first["loc"] if part != "[key]")
            raise self.error(path, _reason(path, first)) from None


def as_json(data: dict[str, Any]) -> dict[str, Any]:
    """The same data with dates and times as text."""
    made: dict[str, Any] = json.loads(json.dumps(data, default=str))
    return made


def strictly(model: type[Model], data: dict[str, Any]) -> Model:
    """`data` as `model`, by pydantic's strict rules for JSON.

    Raises:
        ValidationError: It does not fit.
    """
    return model.model_validate_json(json.dumps(data, default=str), strict=True)


def read(file: Path) -> Document:
    """Reads the TOML file `file`.

    Raises:
        CentreFileError: It cannot be read, or is not TOML.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CentreFileError(file, None, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CentreFileError(file, None, f"is not UTF-8 text (byte {error.start})") from None
    try:
        data = tomllib.loads(text)
        as_json(data)  # so that no later step fails because it is nested too deeply
        return Document(file, data, _lines(text))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        raise CentreFileError(file, int(found[1]) if found else None, f"is not TOML: {error}") from None
    except ValueError:
        raise CentreFileError(file, None, "holds a number with thousands of digits; correct it") from None
    except RecursionError:
        raise CentreFileError(file, None, "holds lists or tables nested too deeply to be read") from None


def in_plain_words(error: ErrorDetails) -> str:
    """Rewords pydantic's error for people who write the file."""
    pattern = error.get("ctx", {}).get("pattern")
    message = error["msg"].removeprefix("Value error, ").replace("Tuple should", "The list should")
    return _PLAIN.get(str(pattern or error["type"]), message.replace(" after validation", ""))


_PLAIN = {
    LEVEL_PATTERN: "write capital letters, digits and hyphens, at most 20, a letter first, such as IOP",
    KEY_PATTERN: "write 1 to 200 letters, digits and signs, without spaces",
    "tuple_type": "write a list, in [ and ]",
    "list_type": "write a list, in [ and ]",
    "dict_type": "write a table",
    "model_type": "write a table",
    "model_attributes_type": "write a table",
}


def _reason(path: Where, error: ErrorDetails) -> str:
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in path if part != "[key]")
    if error["type"] == "extra_forbidden":
        return f"{where} is not known; correct its name or remove it"
    if error["type"] == "missing":
        return f"{where} is missing; add it"
    return f"{where}: {in_plain_words(error)}"


def _one_line(text: str) -> str:
    """The text with unprintable characters escaped, because a name in a file may hold anything."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


_TABLE = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_NAME = r"""(?:[\w-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
_KEY = re.compile(rf"^\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")


_TEXT = re.compile(r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)


def _lines(text: str) -> dict[Where, int]:
    """The line of each table and key. If several tables have the same name, the name means the first."""
    found: dict[Where, int] = {}
    counts: dict[Where, int] = {}
    table: Where = ()
    for number, line in enumerate(_TEXT.sub(_without_its_lines, text).split("\n"), start=1):
        if heading := _TABLE.match(line):
            table = _inside_arrays(_names(heading[2]), counts)
            if heading[1] == "[[":
                found.setdefault(table, number)
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_names(key[1])), number)
    return found


def _without_its_lines(found: re.Match[str]) -> str:
    """Removes a multi-line text except its line breaks, because it may contain lines that look like keys."""
    return "\n" * found[0].count("\n") if found[0].startswith(('"""', "'''")) else found[0]


def _names(dotted: str) -> Where:
    """The names in `a."b.c".d`; none if it is not a key after all."""
    try:
        inner: Any = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    names: list[int | str] = []
    while isinstance(inner, dict):
        [(name, inner)] = inner.items()
        names.append(name)
    return tuple(names)


def _inside_arrays(names: Where, counts: dict[Where, int]) -> Where:
    """`[levels.review]` under `[[levels]]` belongs to the last of them."""
    path: Where = ()
    for place, name in enumerate(names):
        path = (*path, name)
        if path in counts and place < len(names) - 1:
            path = (*path, counts[path])
    return path
