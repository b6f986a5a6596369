"""Under which conditions an answer is wanted: not older than a position, and only if it is not the one they have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from dashboard.api.problems import beyond_the_record, not_there_yet
from dashboard.board.visit import Visit
from dashboard.queries.moment import Moment, moment

AS_OF = "As-Of"
_VARY = "Accept, Authorization, Cookie"
_LARGEST = 2**63 - 1
_FORMAT = 1
"""Raise it when answers change their form, so that no client keeps one of the old form."""

WaitFor = Annotated[
    int | None,
    Header(
        alias="Wait-For",
        ge=0,
        le=_LARGEST,
        description="A position of the record, such as that of a decision just taken. The answer shows all up to it. "
        "If the read models do not come there in time, the answer is a 503 problem, never older data.",
    ),
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="The ETag of the answer that the caller has.")
]


class Unchanged(Exception):
    """The caller has this answer already."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__("unchanged")
        self.headers = headers


class _Freshness:
    """How new the answer to one request must be."""

    def __init__(self, wait_for: WaitFor = None) -> None:
        self._wait_for = wait_for or 0

    @asynccontextmanager
    async def moment(self, visit: Visit) -> AsyncIterator[Moment]:
        """The read models as the person may see them, not older than was asked for. Raises ApiProblem."""
        seen = max(visit.seen, self._wait_for)
        async with moment(visit.services.pool, visit.now, visit.sites, seen=seen) as opened:
            self.require_reached(opened.as_of, opened.head)
            yield opened

    def require_reached(self, as_of: int, head: int) -> None:
        """Raises ApiProblem if the answer would be older than was asked for."""
        if self._wait_for > head:
            raise beyond_the_record()
        if self._wait_for > as_of:
            raise not_there_yet()


class _Conditions(_Freshness):
    """How new the answer to one request must be, and which answer the caller has."""

    def __init__(
        self, request: Request, response: Response, wait_for: WaitFor = None, if_none_match: IfNoneMatch = None
    ) -> None:
        super().__init__(wait_for)
        self._request = request
        self._response = response
        self._if_none_match = if_none_match

    def mark(self, visit: Visit, *of: object) -> None:
        """Says which answer this is. Raises Unchanged if the caller has it.

        Args:
            of: What it is made of beside the person's rights, the query and the time.
        """
        tag = self._tag(visit, of)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": _VARY}
        if tag in _tags(self._if_none_match):
            raise Unchanged(headers)
        self._response.headers.update(headers)

    def _tag(self, visit: Visit, of: tuple[object, ...]) -> str:
        # What is overdue changes with time alone, without an event: no answer stands for longer than a minute.
        minute = visit.now.replace(second=0, microsecond=0).isoformat()
        url = self._request.url
        parts = [_FORMAT, visit.viewer.model_dump_json(), url.path, url.query, minute, *of]
        return f'W/"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"'


def _tags(header: str | None) -> set[str]:
    """The tags of an If-None-Match, compared weakly: a proxy may have dropped the mark of a weak one."""
    tags = {each.strip() for each in (header or "").split(",")}
    return tags | {f"W/{each}" for each in tags if each.startswith('"')}


async def unchanged(_: Request, error: Exception) -> Response:
    """The answer to who has it already."""
    assert isinstance(error, Unchanged)
    return Response(status_code=304, headers=dict(error.headers))


Freshness = Annotated[_Freshness, Depends(_Freshness)]
Conditions = Annotated[_Conditions, Depends(_Conditions)]
