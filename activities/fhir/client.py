"""A small FHIR R4 client: what four quite different servers agree on, and nothing that only some of them do.

Search results may be stale (so `no-cache`, and reading back by id), may ignore the criteria (so each hit is looked
at), carry no total, come in pages; a stale version answers 409 or 412; If-None-Exist may be ignored; a version id is
opaque.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urljoin

import httpx2
import structlog

from activities.fhir.resources import Resource, Wanted, is_retired, same_origin
from activities.fhir.searchset import has_failed, is_id, read_page
from activities.http import exchange, json_object
from activities.ports import ClinicError, ClinicRefused, ClinicUnavailable

T = TypeVar("T")
_JSON = "application/fhir+json"
_MAX_PAGES = 50
_TURNS = 4
_log = structlog.get_logger(__name__)


class VersionConflict(ClinicUnavailable):
    """The resource has changed, or is gone, since it was found: look again, then decide again."""


_CONFLICT: Mapping[int, type[ClinicError]] = {409: VersionConflict, 412: VersionConflict}
_GONE: Mapping[int, type[ClinicError]] = {404: VersionConflict, 410: VersionConflict}


class FhirClient:
    """Reads and writes resources as plain JSON at one base address.

    Every method raises `ClinicUnavailable` or `ClinicRefused` with the name of `system`. An answer that is not what
    was asked for is `ClinicUnavailable`: nothing is known then, and the call is repeated.
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
        self.base = base_url.rstrip("/") + "/"
        self.system = system
        self._seconds = timeout_seconds
        self._http = client or httpx2.AsyncClient(timeout=timeout_seconds)
        self._headers = {"Accept": _JSON, **(headers or {})}

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def read(self, kind: str, id_: str, *, journey: str = "", listed: bool = False) -> Resource:
        """The resource as it is now. `listed`: a search has just named it, so if it is gone the search was stale.

        Raises:
            ClinicUnavailable: Something else was answered; `VersionConflict` if what was `listed` is gone.
            ClinicRefused: There is no such resource.
        """
        expected = _GONE if listed else {}
        response = await self._send("GET", f"{kind}/{id_}", self._gate(journey), expected=expected)
        found = json_object(self.system, response)
        if found.get("resourceType") != kind or found.get("id") != id_:
            raise ClinicUnavailable(self.system, "wrong-resource", "Another resource was answered; repeated.")
        return _with_version(found, response.headers.get("etag"))

    async def search(
        self, kind: str, counts: Callable[[Resource], bool], journey: str = "", **criteria: str | Sequence[str]
    ) -> list[Resource]:
        """The matches of `criteria` that `counts`, over all pages; an underscore in a name stands for a hyphen.

        The criteria travel in the body, never in the address, because addresses are logged. A server may answer more
        than was asked for, so `counts` must say again what is wanted.

        Raises:
            ClinicUnavailable: The answer is no searchset, or none of it counts and the server has more than it showed.
        """
        form = {name.replace("_", "-"): value for name, value in criteria.items()}
        response = await self._send("POST", f"{kind}/_search", self._gate(journey), form=form)
        found: dict[str, Resource] = {}
        total = 0
        for _ in range(_MAX_PAGES):
            page = read_page(json_object(self.system, response), kind, self.system)
            found |= {str(match["id"]): match for match in page.matches}
            total = max(total, page.total or 0)
            if page.next_link is None:
                return self._counted(found, counts, total)
            response = await self._send("GET", self._own(page.next_link), self._gate(journey), expected=_GONE)
        raise ClinicRefused(self.system, "too-many-pages", "Narrow the search, or mend the server's next links.")

    async def create(self, body: Resource, wanted: Wanted, *, key: str, journey: str = "") -> Resource:
        """Creates `body` unless what is `wanted` exists; returns the one that counts.

        Servers may ignore If-None-Exist, so it is searched for before and after. Raises as `find` does.
        """
        if (known := await self.find(wanted, journey=journey)) is not None:
            return known
        unless = f"identifier={quote(wanted.criterion, safe=':/|')}"
        condition = {"If-None-Exist": unless, "Idempotency-Key": key}
        made = await self._write("POST", wanted.kind, {**self._gate(journey), **condition}, body)
        known = await self.find(wanted, journey=journey) or made
        if not wanted.counts(known):
            # Repeating it could make one more each time.
            raise ClinicRefused(
                self.system, "write-unconfirmed", "The server keeps something else than was sent: see what."
            )
        return known

    async def find(self, wanted: Wanted, *, journey: str = "") -> Resource | None:
        """The one resource that is `wanted`, read back by its id, or None where the server has none.

        Raises:
            ClinicRefused: A person must look: `several-matches`, `other-patient` if it belongs to another patient, or
                `out-of-use` if the server's staff marked it as entered in error, inactive or replaced.
            ClinicUnavailable: It is not known whether there is one.
        """
        found = await self.search(wanted.kind, wanted.identifies, journey, identifier=wanted.criterion)
        hit = self._only(found, wanted)
        if hit is None:
            return None
        current = await self.read(wanted.kind, str(hit["id"]), journey=journey, listed=True)
        if not wanted.counts(current):
            raise VersionConflict(self.system, "stale-search", "The search showed an older version; repeated.")
        return current

    async def update(self, body: Resource, *, key: str, journey: str = "") -> Resource:
        """Replaces the resource provided it is still the version that `body` was read as.

        Raises:
            VersionConflict: It is not; HTTP 409 and 412 alike.
        """
        headers = {**self._gate(journey), "Idempotency-Key": key}
        if version := _meta(body).get("versionId"):
            headers["If-Match"] = f'W/"{version}"'
        else:
            _log.warning("fhir.no-version", system=self.system, kind=body["resourceType"])
        return await self._write("PUT", f"{body['resourceType']}/{body['id']}", headers, body)

    def _counted(self, found: dict[str, Resource], counts: Callable[[Resource], bool], total: int) -> list[Resource]:
        counted = [resource for resource in found.values() if counts(resource)]
        if not counted and total > len(found):
            raise ClinicUnavailable(self.system, "search-incomplete", "Fewer results came than there are; repeated.")
        return counted

    def _only(self, found: list[Resource], wanted: Wanted) -> Resource | None:
        of_patient = [hit for hit in found if wanted.is_of_patient(hit)]
        in_use = [hit for hit in of_patient if not is_retired(hit)]
        if len(found) > len(in_use):
            _log.warning("fhir.identifier-elsewhere", system=self.system, kind=wanted.kind, count=len(found))
        if len(in_use) > 1:
            raise self._doubt("several-matches", "Several records bear our identifier; leave it on the right one.")
        if of_patient and not in_use:
            raise self._doubt("out-of-use", "The record with our identifier is out of use; say which one counts.")
        if found and not of_patient:
            raise self._doubt("other-patient", "Our identifier is on another patient's record; correct it in the EHR.")
        return in_use[0] if in_use else None

    def _doubt(self, code: str, advice: str) -> ClinicRefused:
        return ClinicRefused(self.system, code, advice)

    async def _write(self, method: str, path: str, headers: Mapping[str, str], body: Resource) -> Resource:
        response = await self._send(method, path, headers, body=body, expected=_CONFLICT)
        answer = json_object(self.system, response) if response.content else {}
        kind = body["resourceType"]
        if answer.get("resourceType") == kind and is_id(answer.get("id")) and body.get("id") in (None, answer["id"]):
            return _with_version(answer, response.headers.get("etag"))
        if answer.get("resourceType") == "OperationOutcome" and has_failed(answer):
            raise ClinicUnavailable(self.system, "write-failed", "The server says that it failed; repeated.")
        location = response.headers.get("location", "").split("/_history")[0]
        id_ = body.get("id") or location.rpartition("/")[2]
        if not is_id(id_):
            raise ClinicRefused(self.system, "no-id", "The server must answer a write with a body or a Location.")
        return await self.read(kind, id_)

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
        if not same_origin(target, self.base):
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


def _meta(resource: Resource) -> Resource:
    meta = resource.get("meta")
    return meta if isinstance(meta, dict) else {}


def _with_version(resource: Resource, etag: str | None) -> Resource:
    if etag and resource.get("id") and not _meta(resource).get("versionId"):
        version = etag.removeprefix("W/").strip('"')
        return {**resource, "meta": {**_meta(resource), "versionId": version}}
    return resource
