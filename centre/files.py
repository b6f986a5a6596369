"""Reading the centre's files: TOML, and errors that name the file, the line and the reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

EXAMPLE = Path(__file__).parent / "example"
"""The files of an invented centre; they are used where no folder is given."""

Model = TypeVar("Model", bound=BaseModel)
Where = tuple[int | str, ...]


class CentreFileError(Exception):
    """A file of the centre cannot be used. The message says which, where and why, and what to do."""

    def __init__(self, file: Path, line: int | None, reason: str) -> None:
        self.file, self.line, self.reason = file, line, reason
        super().__init__(f"{file.name}, line {line}: {reason}" if line else f"{file.name}: {reason}")


def centre_folder(given: Path | None) -> Path:
    """The folder `given`, or that of the invented centre where none is.

    Raises:
        CentreFileError: It is no folder.
    """
    if given is None:
        return EXAMPLE
    if not given.is_dir():
        raise CentreFileError(given, None, "is no folder; THROUGHLINE_CENTRE names the folder with centre.toml")
    return given


class Document(NamedTuple):
    """A TOML file as read.

    Attributes:
        lines: For each table and key, by its path, the line it is on, counted from 1.
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
        """The file's content as `model`.

        Raises:
            CentreFileError: It does not fit; names the first place that does not.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            path = tuple(part for part in first["loc"] if part != "[key]")
            raise self.error(path, _reason(path, first["type"], first["msg"])) from None


def read(file: Path) -> Document:
    """The TOML file `file`.

    Raises:
        CentreFileError: It cannot be read, or is no TOML.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise CentreFileError(file, None, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CentreFileError(file, None, f"is not UTF-8 text (byte {error.start})") from None
    try:
        return Document(file, tomllib.loads(text), _lines(text))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        raise CentreFileError(file, int(found[1]) if found else None, f"is not TOML: {error}") from None


def _reason(path: Where, kind: str, message: str) -> str:
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in path if part != "[key]")
    if kind == "extra_forbidden":
        return f"{where} is not known; correct its name or remove it"
    if kind == "missing":
        return f"{where} is missing; add it"
    return f"{where}: {message.removeprefix('Value error, ')}"


_TABLE = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


def _lines(text: str) -> dict[Where, int]:
    """Where each table and key is. A line inside a text of several lines may be taken for a key; it does no harm."""
    found: dict[Where, int] = {}
    counts: dict[Where, int] = {}
    table: Where = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _TABLE.match(line):
            table = _inside_arrays(_names(heading[2]), counts)
            if heading[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_names(key[1])), number)
    return found


def _names(dotted: str) -> Where:
    return tuple(name.strip().strip("\"'") for name in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", dotted))


def _inside_arrays(names: Where, counts: dict[Where, int]) -> Where:
    """`[levels.review]` under `[[levels]]` belongs to the last of them."""
    path: Where = ()
    for place, name in enumerate(names):
        path = (*path, name)
        if path in counts and place < len(names) - 1:
            path = (*path, counts[path])
    return path
