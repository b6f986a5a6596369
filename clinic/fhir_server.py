"""The EHR's FHIR R4 server: create, read, update, search and history, with the quirks of real servers on demand."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from clinic.fhir_answers import instead_of_searchset, instead_of_write, searchset, with_more_said
from clinic.fhir_rules import KINDS, faults
from clinic.fhir_store import FhirStore, Resource, Unsupported
from clinic.fhir_values import BadValue
from clinic.ledger import Ledger
from clinic.scripts import Quirks, Scripts
from clinic.slots import PlaceOpener, shown_free

_JSON = "application/fhir+json"
_KEPT_PAGES = 1000


class Fault(Exception):
    """An answer other than success, as an OperationOutcome."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


class FhirServer:
    """Serves the resources of `clinic.fhir_rules.KINDS`."""

    def __init__(self, store: FhirStore, scripts: Scripts, ledger: Ledger, opener: PlaceOpener) -> None:
        self._store = store
        self._scripts = scripts
        self._ledger = ledger
        self._opener = opener
        self._pages: dict[str, tuple[list[Resource], int]] = {}
        self._cache: dict[str, list[Resource]] = {}
        self._unindexed: dict[str, int] = {}

    def routes(self) -> list[BaseRoute]:
        """All routes under the base address."""
        return [
            Route("/metadata", self._metadata),
            Route("/_page/{token}", self._next_page),
            Route("/{kind}", self._collection, methods=["GET", "POST"]),
            Route("/{kind}/_search", self._collection, methods=["POST"]),
            Route("/{kind}/{id}", self._instance, methods=["GET", "PUT"]),
            Route("/{kind}/{id}/_history", self._history),
        ]

    def clear(self) -> None:
        """Forgets pages, cached searches and resources that searches do not show yet."""
        self._pages.clear()
        self._cache.clear()
        self._unindexed.clear()

    @property
    def _quirks(self) -> Quirks:
        return self._scripts.of().quirks

    async def _metadata(self, request: Request) -> Response:
        resource = [{"type": kind} for kind in KINDS]
        body = {"resourceType": "CapabilityStatement", "status": "active", "kind": "instance", "date": "2026-01-01"}
        return _ok(
            {**body, "fhirVersion": "4.0.1", "format": ["json"], "rest": [{"mode": "server", "resource": resource}]}
        )

    async def _collection(self, request: Request) -> Response:
        searches = request.method == "GET" or request.url.path.endswith("/_search")
        return await self._guarded(request, self._search if searches else self._create)

    async def _instance(self, request: Request) -> Response:
        return await self._guarded(request, self._read if request.method == "GET" else self._update)

    async def _guarded(self, request: Request, action: Any) -> Response:
        kind = request.path_params["kind"]
        try:
            if kind not in KINDS:
                raise Fault(404, "not-supported", "no such resource type")
            await self._misbehave(kind, request)
            response: Response = await action(kind, request)
            if request.method == "PUT" and self._scripts.use_up("quirks.lost_answers"):
                raise Fault(503, "transient", "done, but the answer is lost")
        except ClientDisconnect:  # no one is left to answer
            return Response(status_code=400)
        except Fault as fault:
            return _outcome(fault)
        return response

    async def _misbehave(self, kind: str, request: Request) -> None:
        client = await self._client(kind, request)
        journey = request.headers.get("x-correlation-id")
        script = self._scripts.of(journey, client)
        await asyncio.sleep(script.ehr_delay)
        if self._scripts.use_up("ehr_failures", journey, client):
            raise Fault(503, "transient", "down")
        if script.ehr_refused:
            raise Fault(422, "business-rule", f"record {client} is locked")

    async def _client(self, kind: str, request: Request) -> str | None:
        if (journey := request.headers.get("x-correlation-id")) and (known := self._store.client_of_journey(journey)):
            return known
        if request.url.path.endswith("/_search"):
            return next(iter((await _criteria(request)).get("identifier", ())), "").rpartition("|")[2] or None
        if request.method in ("POST", "PUT"):
            return self._store.client_of(kind, await _body(request))
        return None

    async def _read(self, kind: str, request: Request) -> Response:
        found = self._store.read(kind, request.path_params["id"])
        if found is None:
            raise Fault(404, "not-found", "no such resource")
        return _ok(found)

    async def _history(self, request: Request) -> Response:
        versions = self._store.history(request.path_params["kind"], request.path_params["id"])
        entries = [{"resource": version} for version in versions]
        return _ok({"resourceType": "Bundle", "type": "history", "entry": entries})

    async def _create(self, kind: str, request: Request) -> Response:
        body = await _body(request)
        _check(kind, body)
        condition = request.headers.get("if-none-exist")
        if condition and not self._quirks.ignore_if_none_exist:
            found = self._store.search(kind, parse_qs(condition))
            if len(found) > 1:
                raise Fault(412, "multiple-matches", "several match If-None-Exist")
            if found:
                return _ok(found[0])
        if (unkept := instead_of_write(self._quirks.write_answer, None)) is not None:
            return unkept
        stored = self._store.write(kind, None, self._as_kept(body))
        if self._quirks.index_lag:
            self._unindexed[stored["id"]] = self._quirks.index_lag
        self._note(request, "create", stored)
        if self._scripts.use_up("quirks.lost_creates"):
            raise Fault(503, "transient", "done, but the answer is lost")
        return self._written(stored, 201)

    async def _update(self, kind: str, request: Request) -> Response:
        body = await _body(request)
        _check(kind, body)
        id_ = request.path_params["id"]
        current = self._store.read(kind, id_)
        if current is None or body.get("id") != id_:
            raise Fault(404 if current is None else 400, "not-found", "no such resource")
        self._check_version(request, current)
        if (unkept := instead_of_write(self._quirks.write_answer, current)) is not None:
            return unkept
        stored = self._store.write(kind, id_, self._as_kept(body))
        self._note(request, "update", stored)
        return self._written(stored, 200)

    def _as_kept(self, body: Resource) -> Resource:
        return with_more_said(body) if self._quirks.adds_to_identifiers else body

    def _written(self, stored: Resource, status: int) -> Response:
        answer = _ok(stored, status)
        if self._quirks.write_answer != "minimal":
            return answer
        return Response(status_code=status, headers={"Location": answer.headers["location"]})

    def _check_version(self, request: Request, current: Resource) -> None:
        quirks = self._quirks
        expected = request.headers.get("if-match", "").removeprefix("W/").strip('"')
        stale = bool(expected) and expected != current["meta"]["versionId"] and not quirks.ignore_if_match
        if stale or self._scripts.use_up("quirks.conflicts"):
            raise Fault(quirks.conflict_status, "conflict", "the resource has changed")

    async def _search(self, kind: str, request: Request) -> Response:
        given = await _criteria(request)
        if (odd := instead_of_searchset(self._quirks.search_answer)) is not None:
            return odd
        try:
            if kind == "Slot":
                self._opener.open_for(given)
            found = self._indexed(self._cached(kind, given, request))
        except Unsupported as fault:
            raise Fault(400, "not-supported", f"unknown search parameter: {fault}") from fault
        except BadValue as fault:
            raise Fault(400, "value", str(fault)) from fault
        if kind == "Slot" and given.get("status") == ["free"]:
            found = shown_free(found, self._store, self._scripts, await self._names(kind, request), given)
        others = self._store.search(kind, {}) if self._quirks.include_others else []
        return self._page(found, 0, _base(request), [r for r in others if r not in found][:1])

    def _indexed(self, found: list[Resource]) -> list[Resource]:
        shown = [each for each in found if each["id"] not in self._unindexed]
        self._unindexed = {id_: left - 1 for id_, left in self._unindexed.items() if left > 1}
        return shown

    async def _names(self, kind: str, request: Request) -> tuple[str | None, ...]:
        return request.headers.get("x-correlation-id"), await self._client(kind, request)

    def _cached(self, kind: str, given: dict[str, list[str]], request: Request) -> list[Resource]:
        criteria = {} if self._quirks.ignore_criteria else given
        if not self._quirks.search_cache:
            return self._store.search(kind, criteria)
        mark = json.dumps([kind, given], sort_keys=True)
        if "no-cache" in request.headers.get("cache-control", "") or mark not in self._cache:
            self._cache[mark] = self._store.search(kind, criteria)
        return self._cache[mark]

    async def _next_page(self, request: Request) -> Response:
        page = self._pages.get(request.path_params["token"])
        if page is None:
            return _outcome(Fault(410, "expired", "the page is gone"))
        return self._page(*page, _base(request), [])

    def _page(self, found: list[Resource], first: int, base: str, included: list[Resource]) -> Response:
        after, next_link = first + self._quirks.page_size, None
        if after < len(found):
            token = uuid.uuid4().hex
            self._pages[token] = found, after
            next_link = f"{base}/_page/{token}"
        if len(self._pages) > _KEPT_PAGES:
            del self._pages[next(iter(self._pages))]
        total = len(found) if self._quirks.says_total else None
        return _ok(searchset(found[first:after], included, next_link, mode=self._quirks.hit_mode, total=total))

    def _note(self, request: Request, action: str, stored: Resource) -> None:
        kind = stored["resourceType"]
        key = request.headers.get("idempotency-key", "")
        client = self._store.client_of(kind, stored)
        self._ledger.add(
            "ehr" if kind != "Slot" else "places",
            action,
            key,
            client,
            journey=request.headers.get("x-correlation-id"),
            target=f"{kind}/{stored['id']}",
            status=stored.get("status"),
            version=stored["meta"]["versionId"],
        )


def _check(kind: str, body: Resource) -> None:
    if wrong := faults(kind, body):
        raise Fault(422, "invalid", "; ".join(wrong))


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/fhir"


async def _criteria(request: Request) -> dict[str, list[str]]:
    if request.method == "GET":
        return parse_qs(str(request.query_params), keep_blank_values=True)
    return parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True)


async def _body(request: Request) -> Resource:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Fault(400, "structure", "a JSON object is wanted")
    return body


def _ok(body: Resource, status: int = 200) -> Response:
    headers = {"Content-Type": _JSON}
    if version := body.get("meta", {}).get("versionId"):
        headers |= {"ETag": f'W/"{version}"', "Location": f"{body['resourceType']}/{body['id']}/_history/{version}"}
    return JSONResponse(body, status, headers=headers, media_type=_JSON)


def _outcome(fault: Fault) -> Response:
    issue = {"severity": "error", "code": fault.code, "diagnostics": fault.text}
    return JSONResponse({"resourceType": "OperationOutcome", "issue": [issue]}, fault.status, media_type=_JSON)
