"""A small FHIR R4 client: what four quite different servers agree on, and nothing that only some of them do.

Search results may be stale (so `no-cache`, and reading back by id), carry no total, come in pages; a stale
version answers 409 or 412; If-None-Exist may be ignored; a version id is opaque.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx2
import structlog

from activities.http import exchange, json_object
from activities.ports import ClinicRefused, ClinicUnavailable

Resource = dict[str, Any]
T = TypeVar("T")
_JSON = "application/fhir+json"
_MAX_PAGES = 50
_TURNS = 4
_log = structlog.get_logger(__name__)


class VersionConflict(ClinicUnavailable):
    """Somebody else wrote the resource meanwhile: read it again, then decide again."""


class FhirClient:
    """Reads and writes resources as plain JSON at one base address.

    Every method raises `ClinicUnavailable` or `ClinicRefused` with the name of `system`.
    """

    def __init__(
        self,
        base_url: str,
        system: str,
        *,
        timeout_seconds: float = 20.0,
        headers: Mapping[str, str] | None = None,
        client: httpx2.AsyncClient | None = None,
    ) -> None:
        """`timeout_seconds` bounds each request; `headers` may carry the authorisation."""
        self._base = base_url.rstrip("/") + "/"
        self.system = system
        self._seconds = timeout_seconds
        self._http = client or httpx2.AsyncClient(timeout=timeout_seconds)
        self._headers = {"Accept": _JSON, **(headers or {})}

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def read(self, kind: str, id_: str, *, journey: str = "") -> Resource:
        """The resource as it is now."""
        return await self._send("GET", f"{kind}/{id_}", self._gate(journey))

    async def search(self, kind: str, journey: str = "", **criteria: str) -> list[Resource]:
        """All matches of `criteria` (an underscore in a name stands for a hyphen), over all pages.

        The criteria travel in the body, never in the address, because addresses are logged.
        """
        names = {name.replace("_", "-"): value for name, value in criteria.items()}
        page = await self._send("POST", f"{kind}/_search", self._gate(journey), form=names)
        found = _entries(page, kind)
        for _ in range(_MAX_PAGES):
            if (link := _next_link(page)) is None:
                return found
            page = await self._send("GET", self._own(link), self._gate(journey))
            found += _entries(page, kind)
        raise ClinicRefused(self.system, "too-many-pages", "Narrow the search, or mend the server's next links.")

    async def create(self, body: Resource, identifier: str, *, key: str, journey: str = "") -> Resource:
        """Creates `body` unless one with `identifier` (`system|value`) exists; returns the one that counts.

        Servers may ignore If-None-Exist, so it is searched for before and after; the oldest one counts.
        """
        kind = body["resourceType"]
        if (known := await self.find(kind, identifier, journey=journey)) is not None:
            return known
        headers = {**self._gate(journey), "If-None-Exist": f"identifier={identifier}", "Idempotency-Key": key}
        made = await self._send("POST", kind, headers, body=body)
        return await self.find(kind, identifier, journey=journey) or made

    async def find(self, kind: str, identifier: str, *, journey: str = "") -> Resource | None:
        """The oldest resource with `identifier`, read back by its id, or None."""
        found = [r for r in await self.search(kind, journey, identifier=identifier) if r.get("id")]
        if len(found) > 1:
            _log.warning("fhir.duplicates", system=self.system, kind=kind, count=len(found))
        oldest = min(found, key=lambda r: (str(_meta(r).get("lastUpdated", "")), str(r["id"])), default=None)
        return None if oldest is None else await self.read(kind, str(oldest["id"]), journey=journey)

    async def update(self, body: Resource, *, key: str, journey: str = "") -> Resource:
        """Replaces the resource provided it is still the version that `body` was read as.

        Raises:
            VersionConflict: It is not; HTTP 409 and 412 alike.
        """
        headers = {**self._gate(journey), "Idempotency-Key": key}
        if version := _meta(body).get("versionId"):
            headers["If-Match"] = f'W/"{version}"'
        return await self._send("PUT", f"{body['resourceType']}/{body['id']}", headers, body=body)

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        body: Resource | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Resource:
        request = self._http.build_request(
            method,
            urljoin(self._base, path),
            headers={**self._headers, **headers, **({"Content-Type": _JSON} if body is not None else {})},
            json=body,
            data=form,
        )
        conflict = {409: VersionConflict, 412: VersionConflict}
        response = await exchange(self._http, self.system, request, seconds=self._seconds, expected=conflict)
        if not response.content and body is not None:
            return await self._written(response, body)
        return _with_version(json_object(self.system, response), response.headers.get("etag"))

    async def _written(self, response: httpx2.Response, body: Resource) -> Resource:
        location = response.headers.get("location", "").split("/_history")[0]
        id_ = body.get("id") or location.rpartition("/")[2]
        if not id_:
            raise ClinicRefused(self.system, "no-id", "The server must answer a write with a body or a Location.")
        return await self.read(body["resourceType"], id_)

    def _gate(self, journey: str) -> dict[str, str]:
        headers = {"Cache-Control": "no-cache"}
        return {**headers, "X-Correlation-Id": journey} if journey else headers

    def _own(self, link: str) -> str:
        target = urljoin(self._base, link)
        if urlsplit(target)[:2] != urlsplit(self._base)[:2]:
            raise ClinicRefused(self.system, "foreign-link", "The server's next link leads elsewhere; mend its base.")
        return target


async def taking_turns(attempt: Callable[[], Awaitable[T]]) -> T:
    """Runs `attempt` afresh while others keep writing: a few times, then `VersionConflict`."""
    for _ in range(_TURNS - 1):
        try:
            return await attempt()
        except VersionConflict:
            continue
    return await attempt()


def reference(resource: Resource) -> str:
    """`Type/id`, the only form of a reference that every server finds again."""
    return f"{resource['resourceType']}/{resource['id']}"


def identifiers(resource: Resource) -> list[Resource]:
    """Its identifiers; none where the field is not what it should be."""
    held = resource.get("identifier")
    return [i for i in held if isinstance(i, dict)] if isinstance(held, list) else []


def _entries(page: Resource, kind: str) -> list[Resource]:
    entries = page.get("entry")
    resources = [e.get("resource") for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    return [r for r in resources if isinstance(r, dict) and r.get("resourceType") == kind]


def _next_link(page: Resource) -> str | None:
    links = page.get("link")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return None


def _meta(resource: Resource) -> Resource:
    meta = resource.get("meta")
    return meta if isinstance(meta, dict) else {}


def _with_version(resource: Resource, etag: str | None) -> Resource:
    if etag and resource.get("id") and not _meta(resource).get("versionId"):
        version = etag.removeprefix("W/").strip('"')
        return {**resource, "meta": {**_meta(resource), "versionId": version}}
    return resource
