"""A small FHIR R4 client that uses only what four quite different servers all support.

Search results may be stale (so we send `no-cache` and read back by id), may ignore the criteria (so we check each hit),
may lack what was just created (so we wait for it), may have no total, and may come in pages. A stale version is
answered with 409 or 412. If-None-Exist may be ignored. A version id is opaque. A write may be answered with success but
not carried out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import structlog

from activities.fhir.resources import Resource, meta, reference, same_origin
from activities.fhir.searchset import Page, has_failed, is_id, read_page
from activities.http import exchange, json_object
from activities.ports import ClinicError, ClinicRefused, ClinicUnavailable

T = TypeVar("T")
_JSON = "application/fhir+json"
_MAX_PAGES = 50
_TURNS = 4
_log = structlog.get_logger(__name__)


class VersionConflict(ClinicUnavailable):
    """The resource was changed or deleted after it was found: search again, then decide again."""


_CONFLICT: Mapping[int, type[ClinicError]] = {409: VersionConflict, 412: VersionConflict}
_GONE: Mapping[int, type[ClinicError]] = {404: VersionConflict, 410: VersionConflict}


@dataclass(frozen=True)
class Written:
    """The content of the answer to a write: the resource's id, if named, and the resource, if included."""

    id: str = ""
    resource: Resource | None = None


class FhirClient:
    """Reads and writes resources as plain JSON at one base address.

    Every method raises `ClinicUnavailable` or `ClinicRefused` with the name of `system`. An answer that does not fit
    the request is `ClinicUnavailable`: nothing is known then, and the call is repeated.
    """

    def __init__(
        self,
        base_url: str,
        system: str,
        *,
        timeout_seconds: float = 20.0,
        headers: Mapping[str, str] | None = None,
        client: httpx2.AsyncClient | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`timeout_seconds` limits each request; `headers` may hold the authorisation.

        `pause` waits for a number of seconds and `now` is the current time, for code that creates and searches.
        """
        self.base = base_url.rstrip("/") + "/"
        self.system = system
        self._seconds = timeout_seconds
        self._http = client or httpx2.AsyncClient(timeout=timeout_seconds)
        self._headers = {"Accept": _JSON, **(headers or {})}
        self.pause = pause
        self.now = now

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def read(self, kind: str, id_: str, *, journey: str = "", listed: bool = False) -> Resource:
        """The resource as it is now. `listed` means that the server has just named it, so if it is gone, search again.

        Raises:
            ClinicUnavailable: The answer is something else; `VersionConflict` if a `listed` resource is gone.
            ClinicRefused: There is no such resource.
        """
        expected = _GONE if listed else {}
        response = await self._send("GET", f"{kind}/{id_}", self._gate(journey), expected=expected)
        found = json_object(self.system, response)
        if found.get("resourceType") != kind or found.get("id") != id_:
            raise ClinicUnavailable(self.system, "wrong-resource", "The server returned another resource; repeated.")
        return _with_version(found, response.headers.get("etag"))

    async def search(
        self, kind: str, matches: Callable[[Resource], bool], journey: str = "", **criteria: str | Sequence[str]
    ) -> list[Resource]:
        """The resources that meet `criteria`, from all pages. An underscore in a name stands for a hyphen.

        The criteria are sent in the body, never in the address, because addresses are logged. A server may return more
        than was asked for or mark it wrongly, so `matches` checks each resource again. Its result counts for any
        `search.mode` except `outcome`.

        Raises:
            ClinicUnavailable: The answer is not a searchset, contradicts itself, or is for another search.
            ClinicRefused: The pages lead to another host, go in a circle, or never end.
        """
        form = {name.replace("_", "-"): value for name, value in criteria.items()}
        response = await self._send("POST", f"{kind}/_search", self._gate(journey), form=form)
        pages: list[Page] = []
        followed: set[str] = set()
        while len(pages) < _MAX_PAGES:
            page = read_page(json_object(self.system, response), kind, self.system)
            pages.append(page)
            if page.next_link is None:
                return self._understood(pages, matches, form)
            address = self._own(page.next_link)
            if address in followed:
                break
            followed.add(address)
            response = await self._send("GET", address, self._gate(journey), expected=_GONE)
        raise ClinicRefused(self.system, "too-many-pages", "Narrow the search, or fix the server's next links.")

    async def post(self, body: Resource, *, headers: Mapping[str, str], key: str, journey: str = "") -> Written:
        """Sends a new resource. The answer may contain only part of it.

        Raises:
            VersionConflict: HTTP 409 or 412.
            ClinicUnavailable: `write-failed`: the status was success, but an OperationOutcome names an error.
        """
        sent = {**self._gate(journey), **headers, "Idempotency-Key": key}
        return await self._write("POST", body["resourceType"], sent, body, _CONFLICT)

    async def update(
        self, body: Resource, shows: Callable[[Resource], bool], *, key: str, journey: str = ""
    ) -> Resource:
        """Replaces the resource if it is still the version that `body` was read as; returns the new resource.

        `key` is the key of the call; the key of the write is made of it, the resource and that version. `shows` says
        whether a resource shows what was written. If the answer does not show it, the resource is read again and must
        show it.

        Raises:
            VersionConflict: It is another version; HTTP 404, 409, 410 or 412.
            ClinicUnavailable: `write-failed` or `write-unconfirmed`: the status was success, but nothing was written.
        """
        version = meta(body).get("versionId")
        parts = [key, reference(body), *([str(version)] if version else [])]
        headers = {**self._gate(journey), "Idempotency-Key": "/".join(parts)}
        if version:
            headers["If-Match"] = f'W/"{version}"'
        else:
            _log.warning("fhir.no-version", system=self.system, kind=body["resourceType"])
        expected = {**_CONFLICT, **_GONE}
        answer = await self._write("PUT", reference(body), headers, body, expected)
        if answer.resource is not None and answer.id == body["id"] and shows(answer.resource):
            return answer.resource
        current = await self.read(body["resourceType"], body["id"], journey=journey, listed=True)
        if not shows(current):
            raise ClinicUnavailable(self.system, "write-unconfirmed", "The server did not keep the write; repeated.")
        return current

    def _understood(
        self, pages: list[Page], matches: Callable[[Resource], bool], form: Mapping[str, object]
    ) -> list[Resource]:
        shown = [hit for page in pages for hit in page.matches]
        found = {str(hit["id"]): hit for page in pages for hit in (*page.matches, *page.included) if matches(hit)}
        total = max(page.total or 0 for page in pages)
        if any(matches(each) and each["id"] not in found for page in pages for each in page.misfiled):
            raise self._not_understood("search-contradictory")
        if not found and total > len({hit["id"] for hit in shown}):
            raise self._not_understood("search-incomplete")
        if not found and total > 0:
            raise self._not_understood("search-contradictory")
        if not all(matches(hit) for hit in shown) and any(_dropped(page.self_link, form) for page in pages):
            raise self._not_understood("criteria-ignored")
        return list(found.values())

    def _not_understood(self, code: str) -> ClinicUnavailable:
        return ClinicUnavailable(self.system, code, "The answer to the search contradicts itself; it is repeated.")

    async def _write(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Resource,
        expected: Mapping[int, type[ClinicError]],
    ) -> Written:
        response = await self._send(method, path, headers, body=body, expected=expected)
        answer = json_object(self.system, response) if response.content else {}
        if answer.get("resourceType") == "OperationOutcome" and has_failed(answer):
            raise ClinicUnavailable(self.system, "write-failed", "The server reports that the write failed; repeated.")
        if answer.get("resourceType") == body["resourceType"] and is_id(answer.get("id")):
            return Written(str(answer["id"]), _with_version(answer, response.headers.get("etag")))
        return Written(_id_in(response.headers.get("location", ""), body["resourceType"]))

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        body: Resource | None = None,
        form: Mapping[str, str | Sequence[str]] | None = None,
        expected: Mapping[int, type[ClinicError]] | None = None,
    ) -> httpx2.Response:
        data: Any = form
        request = self._http.build_request(
            method,
            urljoin(self.base, path),
            headers={**self._headers, **headers, **({"Content-Type": _JSON} if body is not None else {})},
            json=body,
            data=data,
        )
        return await exchange(self._http, self.system, request, seconds=self._seconds, expected=expected)

    def _gate(self, journey: str) -> dict[str, str]:
        headers = {"Cache-Control": "no-cache"}
        return {**headers, "X-Correlation-Id": journey} if journey else headers

    def _own(self, link: str) -> str:
        target = urljoin(self.base, link)
        if not same_origin(target, self.base) or urlsplit(target).username is not None:
            raise ClinicRefused(
                self.system, "foreign-link", "The server's next link leads to another host; fix its base address."
            )
        return target


async def taking_turns(attempt: Callable[[], Awaitable[T]]) -> T:
    """Repeats `attempt` while others keep writing: a few times, then `VersionConflict`."""
    for _ in range(_TURNS - 1):
        try:
            return await attempt()
        except VersionConflict:
            continue
    return await attempt()


def _dropped(self_link: str | None, form: Mapping[str, object]) -> bool:
    """Whether the search that the server reports lacks one of the criteria."""
    if self_link is None:
        return False
    try:
        named = {name.partition(":")[0] for name in parse_qs(urlsplit(self_link).query, keep_blank_values=True)}
    except ValueError:
        return True
    return not form.keys() <= named


def _id_in(location: str, kind: str) -> str:
    """The id in a Location header, `[base]/Type/id` with or without a version; empty if it names no such resource."""
    steps = urlsplit(location.split("/_history")[0]).path.rstrip("/").split("/")
    return steps[-1] if steps[-2:-1] == [kind] and is_id(steps[-1]) else ""


def _with_version(resource: Resource, etag: str | None) -> Resource:
    if etag and resource.get("id") and not meta(resource).get("versionId"):
        version = etag.removeprefix("W/").strip('"')
        return {**resource, "meta": {**meta(resource), "versionId": version}}
    return resource
