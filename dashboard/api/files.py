"""Lists as files: all rows of one moment, as CSV (RFC 4180) or as JSON, one row a line."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from dashboard.api.conditions import AS_OF, Freshness
from dashboard.api.problems import too_many_files
from dashboard.board.visit import Visit
from dashboard.queries.moment import Moment
from domain.values import Value

_LONGEST_SECONDS = 120.0
"""A reader who takes longer is cut off: the file holds a connection and a view of the database."""
_AT_ONCE = 200
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_MOST_ABOUT = 400


class Form(StrEnum):
    """The form of a list, by media type."""

    JSON = "application/json"
    CSV = "text/csv"
    NDJSON = "application/x-ndjson"

    @property
    def ending(self) -> str:
        """Of a file's name."""
        return "csv" if self is Form.CSV else "ndjson"


@dataclass(frozen=True, slots=True)
class Exported:
    """A list that can be had as a file.

    Attributes:
        name: `journeys` or `duties`.
        model: Its rows; the columns are the fields.
        rows: All of them, in one moment.
        count: How many there are.
    """

    name: str
    model: type[BaseModel]
    rows: Callable[[Moment], AsyncIterator[BaseModel]]
    count: Callable[[Moment], Any]
    wanted: Value


def form_in(accept: str | None) -> Form:
    """The form that an Accept header likes best; JSON where it says nothing of ours."""
    best, likes = Form.JSON, 0.0
    for each in (accept or "").split(","):
        name, *parameters = (part.strip().lower() for part in each.split(";"))
        if name in tuple(Form) and (quality := _quality(parameters)) > likes:
            best, likes = Form(name), quality
    return best


def _quality(parameters: Iterable[str]) -> float:
    given = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return float(given)
    except ValueError:
        return 0.0


class ListFile(Response):
    """A list as a file. It is read while it is sent, in one moment of the read models."""

    def __init__(self, visit: Visit, freshness: Freshness, exported: Exported, form: Form) -> None:
        super().__init__()
        self._visit = visit
        self._freshness = freshness
        self._exported = exported
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it. What cannot be put in the audit is not sent.

        Raises:
            ApiProblem: Others are being sent, as many as may be at once.
        """
        files = self._visit.services.files
        if files.locked():
            raise too_many_files()
        async with asyncio.timeout(_LONGEST_SECONDS), files, self._freshness.moment(self._visit) as moment:
            headers = {
                AS_OF: str(moment.as_of),
                "Total-Count": str(await self._exported.count(moment)),
                "Cache-Control": "no-store",
                "Content-Disposition": f'attachment; filename="{self._exported.name}.{self._form.ending}"',
            }
            await self._note()
            answer = StreamingResponse(self._parts(moment), headers=headers, media_type=self._form)
            await answer(scope, receive, send)

    async def _note(self) -> None:
        wanted = self._exported.wanted.model_dump(mode="json", exclude_none=True)
        codes = " ".join(f"{name}={held}" for name, held in wanted.items() if held is not False)
        about = f"{self._exported.name} {self._form.ending} {codes}".strip()[:_MOST_ABOUT]
        person = self._visit.viewer.person
        await self._visit.services.audit.add(self._visit.wall_clock, person, "exported", about=about)

    async def _parts(self, moment: Moment) -> AsyncIterator[str]:
        columns = list(self._exported.model.model_fields)
        write = _csv if self._form is Form.CSV else _ndjson
        if self._form is Form.CSV:
            yield _csv_line(columns)
        gathered: list[BaseModel] = []
        async for row in self._exported.rows(moment):
            gathered.append(row)
            if len(gathered) == _AT_ONCE:
                yield write(gathered)
                gathered = []
        yield write(gathered)


def _ndjson(rows: Sequence[BaseModel]) -> str:
    return "".join(f"{row.model_dump_json()}\n" for row in rows)


def _csv(rows: Sequence[BaseModel]) -> str:
    return "".join(_csv_line([_cell(held) for held in row.model_dump(mode="json").values()]) for row in rows)


def _csv_line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _cell(held: Any) -> str:
    """The cell's text. A spreadsheet must not take it for a formula."""
    if held is None:
        return ""
    if isinstance(held, bool):
        return "true" if held else "false"
    text = " ".join(held) if isinstance(held, list) else str(held)
    return f"'{text}" if text.startswith(_RISKY) else text
