"""A small FHIR server with the habits of other people's servers, each of them a switch. It runs inside the test."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx2

from activities.fhir import FhirClient

Resource = dict[str, Any]
BASE = "http://ehr.invalid/fhir"
_COMMA, _BAR, _PAIR = re.compile(r"(?<!\\),"), re.compile(r"(?<!\\)\|"), re.compile(r"\\(.)")
_NOT_DONE = ("old", "accepted", "failed")


@dataclass
class Habits:
    """What the server does that another would not.

    Attributes:
        ignores_criteria: A search answers every resource of its type.
        search_body: Answers each search with status 200 and this body instead of a Bundle.
        says_mode: Whether entries carry `search.mode`; `mode` is what they carry.
        extra_entries: Added to each page, such as included resources or an OperationOutcome.
        total: `absent`, the number of hits, or a number that is given whatever was found.
        versions: Version ids are integers or UUIDs in `meta`, stand only in the ETag, or are not kept at all.
        stale_status: Answer to an If-Match that names an older version.
        page_size: Hits on a page.
        caches_searches: Without `no-cache` an earlier answer to the same search is given again.
        shown: Changes a resource as it leaves the server, such as its references.
        index_lag: So many searches do not yet show a resource that was created.
        writes: `kept`: carried out and answered with the resource. `minimal`, `outcome`: carried out and answered with
            an empty body or an OperationOutcome that names no error. `lost`: carried out and answered with 503.
            `old`, `accepted`, `failed`: not carried out and answered with status 200 and the resource as it was, with
            202 and no body, or with 200 and an OperationOutcome of severity error.
        self_link: The address that a searchset gives as its own.
        honours_if_none_exist: A create is answered with what matches it, whatever the use of its identifier.
        honours_no_cache: Whether it searches anew if asked to. If not, `shows_current`: its index is old, and what it
            shows of each hit is not.
        fails: A path and the status that a request for it is answered with; `retry_after` comes with it.
    """

    ignores_criteria: bool = False
    search_body: bytes | None = None
    says_mode: bool = True
    mode: str = "match"
    extra_entries: list[Any] = field(default_factory=list)
    total: Literal["absent", "hits"] | int = "absent"
    versions: Literal["uuid", "integer", "etag", "none"] = "uuid"
    stale_status: int = 412
    page_size: int = 50
    caches_searches: bool = False
    shown: Callable[[Resource], Resource] = lambda resource: resource
    index_lag: int = 0
    writes: Literal["kept", "minimal", "outcome", "lost", "old", "accepted", "failed"] = "kept"
    self_link: str | None = None
    honours_if_none_exist: bool = False
    honours_no_cache: bool = True
    shows_current: bool = False
    fails: tuple[str, int] = ("", 0)
    retry_after: str | None = None


class ForeignFhir:
    """Holds resources and answers as its habits say; notes each request."""

    def __init__(self, **habits: Any) -> None:
        self.habits = Habits(**habits)
        self.requests: list[httpx2.Request] = []
        self._held: dict[str, dict[str, Resource]] = {}
        self._versions: dict[str, str] = {}
        self._pages: dict[str, list[Resource]] = {}
        self._cache: dict[str, list[Resource]] = {}
        self._unindexed: dict[str, int] = {}
        self.pauses: list[float] = []

    base = BASE

    def client(self, system: str = "ehr") -> FhirClient:
        return FhirClient(BASE, system, client=self.http(), pause=self.pause)

    def http(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))

    async def pause(self, seconds: float) -> None:
        """Waits without taking time."""
        self.pauses.append(seconds)

    def put(self, kind: str, id_: str, **fields: Any) -> Resource:
        """Stores a resource, as its own staff would."""
        return self._write(kind, id_, {"resourceType": kind, **fields})

    def get(self, kind: str, id_: str) -> Resource:
        return self._held[kind][id_]

    def all(self, kind: str) -> list[Resource]:
        return list(self._held.get(kind, {}).values())

    def delete(self, kind: str, id_: str) -> None:
        """Takes a resource out. A search whose answer is cached still shows it."""
        self._held[kind].pop(id_, None)

    def written(self) -> list[str]:
        """The writes it was asked for, e.g. `PUT Slot/1`."""
        asked = [f"{r.method} {_path(r)}" for r in self.requests if r.method in ("PUT", "POST")]
        return [line for line in asked if not line.endswith("_search")]

    def keys(self) -> list[str]:
        """The Idempotency-Key of each write."""
        return [r.headers["idempotency-key"] for r in self.requests if "idempotency-key" in r.headers]

    def _write(self, kind: str, id_: str, body: Resource) -> Resource:
        number = int(self._versions.get(f"{kind}/{id_}", "0")) + 1 if self.habits.versions == "integer" else 0
        version = str(number) if number else str(uuid.uuid4())
        self._versions[f"{kind}/{id_}"] = version
        meta = {"versionId": version} if self.habits.versions in ("uuid", "integer") else {}
        stored = {**{k: v for k, v in body.items() if k != "meta"}, "id": id_, **({"meta": meta} if meta else {})}
        self._held.setdefault(kind, {})[id_] = stored
        return stored

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        kind, _, rest = _path(request).partition("/")
        if self.habits.fails[0] == f"{kind}/{rest}":
            return _outcome(self.habits.fails[1], retry_after=self.habits.retry_after)
        if kind == "_page":
            return self._page(self._pages[rest])
        if rest == "_search":
            return self._search(kind, request)
        if request.method == "POST":
            return self._created(kind, request)
        if rest not in self._held.get(kind, {}):
            return _outcome(404)
        if request.method == "PUT":
            return self._update(kind, rest, request)
        return self._one(kind, self._held[kind][rest], 200)

    def _created(self, kind: str, request: httpx2.Request) -> httpx2.Response:
        id_ = uuid.uuid4().hex
        if self.habits.writes in _NOT_DONE:
            return self._not_done(kind, {})
        for condition in parse_qsl(
            request.headers.get("if-none-exist", "") if self.habits.honours_if_none_exist else ""
        ):
            if matching := [each for each in self.all(kind) if _matches(each, [condition])]:
                return self._one(kind, matching[0], 200)
        self._unindexed[id_] = self.habits.index_lag
        return self._done(kind, self._write(kind, id_, json.loads(request.content)), 201)

    def _done(self, kind: str, stored: Resource, status: int) -> httpx2.Response:
        location = {"Location": f"{BASE}/{kind}/{stored['id']}/_history/1"}
        match self.habits.writes:
            case "minimal":
                return httpx2.Response(status, headers=location)
            case "outcome":
                issue = {"severity": "information", "code": "informational"}
                return httpx2.Response(
                    status, headers=location, json={"resourceType": "OperationOutcome", "issue": [issue]}
                )
            case "lost":
                return _outcome(503)
        return self._one(kind, stored, status)

    def _not_done(self, kind: str, held: Resource) -> httpx2.Response:
        match self.habits.writes:
            case "accepted":
                return httpx2.Response(202)
            case "old" if held:
                return self._one(kind, held, 200)
        return _outcome(200)

    def _update(self, kind: str, id_: str, request: httpx2.Request) -> httpx2.Response:
        expected = request.headers.get("if-match", "").removeprefix("W/").strip('"')
        if self.habits.versions != "none" and expected != self._versions[f"{kind}/{id_}"]:
            return _outcome(self.habits.stale_status)
        if self.habits.writes in _NOT_DONE:
            return self._not_done(kind, self._held[kind][id_])
        return self._done(kind, self._write(kind, id_, json.loads(request.content)), 200)

    def _one(self, kind: str, stored: Resource, status: int) -> httpx2.Response:
        version = self._versions[f"{kind}/{stored['id']}"]
        headers = {} if self.habits.versions == "none" else {"ETag": f'W/"{version}"'}
        return httpx2.Response(status, json=self.habits.shown(stored), headers=headers)

    def _search(self, kind: str, request: httpx2.Request) -> httpx2.Response:
        if self.habits.search_body is not None:
            return httpx2.Response(200, content=self.habits.search_body)
        asked, criteria = request.content.decode(), parse_qsl(request.content.decode())
        fresh = self.habits.honours_no_cache and "no-cache" in request.headers.get("cache-control", "")
        if not self.habits.caches_searches or fresh or asked not in self._cache:
            held = self._indexed(kind)
            every = held if self.habits.ignores_criteria else [r for r in held if _matches(r, criteria)]
            self._cache[asked] = every
        cached = self._cache[asked]
        return self._page([self._held[kind][r["id"]] for r in cached] if self.habits.shows_current else cached)

    def _indexed(self, kind: str) -> list[Resource]:
        held = [each for each in self.all(kind) if self._unindexed.get(each["id"], 0) <= 0]
        self._unindexed = {id_: left - 1 for id_, left in self._unindexed.items()}
        return held

    def _page(self, found: list[Resource]) -> httpx2.Response:
        size, mode = self.habits.page_size, {"search": {"mode": self.habits.mode}} if self.habits.says_mode else {}
        bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
        entries = [{"resource": self.habits.shown(r), **mode} for r in found[:size]] + self.habits.extra_entries
        if entries:
            bundle["entry"] = entries
        if self.habits.total != "absent":
            bundle["total"] = len(found) if self.habits.total == "hits" else self.habits.total
        if found[size:]:
            token = uuid.uuid4().hex
            self._pages[token] = found[size:]
            bundle["link"] = [{"relation": "next", "url": f"{BASE}/_page/{token}"}]
        if self.habits.self_link is not None:
            bundle["link"] = [*bundle.get("link", []), {"relation": "self", "url": self.habits.self_link}]
        return httpx2.Response(200, json=bundle)


def slot(start: Any, *, level: str = "IOP", status: str = "free", **fields: Any) -> Resource:
    """The fields of a Slot; `start` as text, or a moment that it is written as."""
    given = start.isoformat() if isinstance(start, datetime) else start
    coding = {"system": "urn:throughline:level-of-care", "code": level}
    made = {"serviceType": [{"coding": [coding]}], "schedule": {"reference": "Schedule/1", "display": "East Site"}}
    return {**made, "status": status, **({} if given is None else {"start": given}), **fields}


def _path(request: httpx2.Request) -> str:
    return urlsplit(str(request.url)).path.removeprefix("/fhir/")


def _matches(resource: Resource, criteria: list[tuple[str, str]]) -> bool:
    return all(_MATCHES[name](resource, value) for name, value in criteria if name in _MATCHES)


def _identified(resource: Resource, wanted: str) -> bool:
    """As FHIR has it: a comma means "or" and a bar parts system and value, unless a backslash stands before them."""
    pairs = [[_PAIR.sub(r"\1", part) for part in _BAR.split(one)] for one in _COMMA.split(wanted)]
    return any([i.get("system"), i.get("value")] in pairs for i in resource.get("identifier", ()))


def _of_service(resource: Resource, wanted: str) -> bool:
    codings = [c for concept in resource.get("serviceType", ()) for c in concept.get("coding", ())]
    return wanted in [f"{c.get('system')}|{c.get('code')}" for c in codings]


_MATCHES: dict[str, Callable[[Resource, str], bool]] = {
    "identifier": _identified,
    "service-type": _of_service,
    "status": lambda resource, wanted: resource.get("status") == wanted,
}


def _outcome(status: int, retry_after: str | None = None) -> httpx2.Response:
    issue = {"severity": "error", "code": "processing"}
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return httpx2.Response(status, headers=headers, json={"resourceType": "OperationOutcome", "issue": [issue]})
