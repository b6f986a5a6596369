"""A small FHIR R4 client: what four quite different servers agree on, and nothing that only some of them do.

Search results may be stale (so `no-cache`, and reading back by id), may ignore the criteria (so each hit is looked
at), may lack what was just created (so it is waited for), carry no total, come in pages; a stale version answers 409
or 412; If-None-Exist may be ignored; a version id is opaque; a write may be answered with success and not be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import httpx2
import structlog

from activities.creations import Creation, Creations
from activities.fhir.resources import Resource, Wanted, is_retired, reference, same_origin
from activities.fhir.searchset import Page, has_failed, is_id, read_page
from activities.http import exchange, json_object
from activities.ports import ClinicError, ClinicRefused, ClinicUnavailable

T = TypeVar("T")
_JSON = "application/fhir+json"
_MAX_PAGES = 50
_TURNS = 4
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Elapsed seconds between looks for what was just created."""

_SETTLED = timedelta(minutes=2)
"""So long after an unanswered create, elapsed, what no search finds was not created."""

_NOT_DONE = ("http-425", "http-429", "write-failed")
"""Codes by which a server says that it did not carry out a write, although it may do so later."""

_log = structlog.get_logger(__name__)


class VersionConflict(ClinicUnavailable):
    """The resource has changed, or is gone, since it was found: look again, then decide again."""


_CONFLICT: Mapping[int, type[ClinicError]] = {409: VersionConflict, 412: VersionConflict}
_GONE: Mapping[int, type[ClinicError]] = {404: VersionConflict, 410: VersionConflict}


@dataclass(frozen=True)
class _Written:
    """What the answer to a write names: the resource's id, if any, and the resource, if it was sent along."""

    id: str = ""
    resource: Resource | None = None


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
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`timeout_seconds` bounds each request; `headers` may carry the authorisation.

        `pause` waits between two looks for what was created; `now` tells how long ago an unanswered create was sent.
        """
        self.base = base_url.rstrip("/") + "/"
        self.system = system
        self._seconds = timeout_seconds
        self._http = client or httpx2.AsyncClient(timeout=timeout_seconds)
        self._headers = {"Accept": _JSON, **(headers or {})}
        self._pause = pause
        self.now = now

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def read(self, kind: str, id_: str, *, journey: str = "", listed: bool = False) -> Resource:
        """The resource as it is now. `listed`: the server has just named it, so if it is gone look again.

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
        self, kind: str, matches: Callable[[Resource], bool], journey: str = "", **criteria: str | Sequence[str]
    ) -> list[Resource]:
        """The resources that meet `criteria`, over all pages; an underscore in a name stands for a hyphen.

        The criteria travel in the body, never in the address, because addresses are logged. A server may answer more
        than was asked for or mark it wrongly, so `matches` must say again what was asked for; what it says counts in
        any `search.mode` but `outcome`.

        Raises:
            ClinicUnavailable: The answer is no searchset, contradicts itself, or is to another search.
            ClinicRefused: The pages lead to another host, in a circle, or on without end.
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
        raise ClinicRefused(self.system, "too-many-pages", "Narrow the search, or mend the server's next links.")

    async def create(
        self, body: Resource, wanted: Wanted, *, key: str, label: str, creations: Creations, journey: str = ""
    ) -> Resource:
        """Creates `body` unless what is `wanted` exists; returns the one that counts, once a search finds it.

        Servers may ignore If-None-Exist and their searches may lag behind, so it is searched for before and after, and
        `creations` remembers it under `label` until a search has found it. The limit: if the process ends before
        `creations` is kept, or a create is carried out more than two minutes after it went unanswered, a server that
        ignores If-None-Exist can get a second one.

        Raises:
            ClinicUnavailable: As `find` does; `not-searchable-yet` if it was created, or may have been, and no search
                finds it.
            ClinicRefused: As `find` does; `write-unconfirmed` if the server keeps something else than was sent.
        """
        hits = await self._hits(wanted, journey)
        known = await self._one_of(hits, wanted, journey)
        if known is None:
            if not await self._was_begun(wanted, label, creations, journey):
                await self._begin(body, wanted, key, label, creations, journey, is_free=not hits)
            known = await self._wait_for(wanted, journey)
        creations.forget(label)
        return known

    async def find(self, wanted: Wanted, *, journey: str = "") -> Resource | None:
        """The one resource that is `wanted`, read back by its id, or None where the server has none.

        Raises:
            ClinicRefused: A person must look: `several-matches`, `other-patient` if it belongs to another patient, or
                `out-of-use` if the server's staff marked it as entered in error, inactive or replaced.
            ClinicUnavailable: It is not known whether there is one.
        """
        return await self._one_of(await self._hits(wanted, journey), wanted, journey)

    async def update(
        self, body: Resource, shows: Callable[[Resource], bool], *, key: str, journey: str = ""
    ) -> Resource:
        """Replaces the resource provided it is still the version that `body` was read as; returns what it is now.

        `key` is the call's; the write's own is made of it, the resource and that version. `shows` says whether a
        resource shows what was written. The answer must show it or, where it does not, the resource read again.

        Raises:
            VersionConflict: It is another version; HTTP 404, 409, 410 and 412 alike.
            ClinicUnavailable: `write-failed` or `write-unconfirmed`: success was answered and nothing done.
        """
        version = _meta(body).get("versionId")
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

    async def _hits(self, wanted: Wanted, journey: str) -> list[Resource]:
        return await self.search(wanted.kind, wanted.is_named_by, journey, identifier=wanted.criterion)

    async def _one_of(self, hits: list[Resource], wanted: Wanted, journey: str) -> Resource | None:
        hit = self._only([each for each in hits if wanted.identifies(each)], wanted)
        if hit is None:
            return None
        current = await self.read(wanted.kind, str(hit["id"]), journey=journey, listed=True)
        if not wanted.counts(current):
            raise VersionConflict(self.system, "stale-search", "The search showed an older version; repeated.")
        return current

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

    async def _was_begun(self, wanted: Wanted, label: str, creations: Creations, journey: str) -> bool:
        """Whether an earlier attempt created it, or may have."""
        earlier = creations.get(label)
        if earlier is None:
            return False
        if not earlier.id:
            return self.now() - earlier.begun < _SETTLED
        try:
            self._confirm(await self.read(wanted.kind, earlier.id, journey=journey, listed=True), wanted)
        except VersionConflict:
            return False
        return True

    async def _begin(
        self,
        body: Resource,
        wanted: Wanted,
        key: str,
        label: str,
        creations: Creations,
        journey: str,
        *,
        is_free: bool,
    ) -> None:
        """Sends the create. `is_free`: no resource has the identifier, not even one that no longer counts."""
        headers = {**self._gate(journey), "Idempotency-Key": f"{key}/{label}"}
        if is_free:
            headers["If-None-Exist"] = f"identifier={quote(wanted.criterion, safe=':/|')}"
        begun = self.now()
        creations.note(label, Creation(begun))
        try:
            answer = await self._write("POST", wanted.kind, headers, body, _CONFLICT)
        except ClinicError as error:
            if isinstance(error, ClinicRefused | VersionConflict) or error.code in _NOT_DONE:
                creations.forget(label)
            raise
        if answer.id:
            creations.note(label, Creation(begun, answer.id))
        made = answer.resource
        if answer.id and (made is None or not wanted.counts(made)):
            made = await self.read(wanted.kind, answer.id, journey=journey, listed=True)
        if made is not None:
            self._confirm(made, wanted)

    def _confirm(self, made: Resource, wanted: Wanted) -> None:
        if not wanted.counts(made):
            # Repeating it could make one more each time.
            raise self._doubt("write-unconfirmed", "The server keeps something else than was sent: see what.")

    async def _wait_for(self, wanted: Wanted, journey: str) -> Resource:
        for seconds in (*_PAUSES, None):
            if (known := await self.find(wanted, journey=journey)) is not None:
                return known
            if seconds is not None:
                await self._pause(seconds)
        raise ClinicUnavailable(
            self.system, "not-searchable-yet", "The server's search does not find what was created; repeated."
        )

    async def _write(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Resource,
        expected: Mapping[int, type[ClinicError]],
    ) -> _Written:
        response = await self._send(method, path, headers, body=body, expected=expected)
        answer = json_object(self.system, response) if response.content else {}
        if answer.get("resourceType") == "OperationOutcome" and has_failed(answer):
            raise ClinicUnavailable(self.system, "write-failed", "The server says that it failed; repeated.")
        if answer.get("resourceType") == body["resourceType"] and is_id(answer.get("id")):
            return _Written(str(answer["id"]), _with_version(answer, response.headers.get("etag")))
        return _Written(_id_in(response.headers.get("location", ""), body["resourceType"]))

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


def _dropped(self_link: str | None, form: Mapping[str, object]) -> bool:
    """Whether the search that the server says it carried out lacks one of the criteria."""
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


def _meta(resource: Resource) -> Resource:
    meta = resource.get("meta")
    return meta if isinstance(meta, dict) else {}


def _with_version(resource: Resource, etag: str | None) -> Resource:
    if etag and resource.get("id") and not _meta(resource).get("versionId"):
        version = etag.removeprefix("W/").strip('"')
        return {**resource, "meta": {**_meta(resource), "versionId": version}}
    return resource
