"""The body of a search's answer: a valid searchset, or what other servers return instead with status 200."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse, Response

from clinic.scripts import SearchAnswer, WriteAnswer

Resource = dict[str, Any]
_OUTCOME: Resource = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
_EMPTY: Resource = {"resourceType": "Bundle", "type": "searchset"}
_INSTEAD: dict[SearchAnswer, str] = {
    "outcome": json.dumps(_OUTCOME),
    "outcome-entry": json.dumps({**_EMPTY, "entry": [{"resource": _OUTCOME, "search": {"mode": "outcome"}}]}),
    "html": "<!doctype html><title>Down for maintenance</title>",
    "empty": "",
    "truncated": json.dumps(_EMPTY)[:-9],
    "array": "[]",
    "collection": json.dumps({**_EMPTY, "type": "collection"}),
    "no-resource": json.dumps({**_EMPTY, "entry": [{"fullUrl": "urn:uuid:0"}]}),
    "total-only": json.dumps({**_EMPTY, "total": 3}),
}


def searchset(
    found: list[Resource], included: list[Resource], next_link: str | None, *, mode: str = "match", total: int | None
) -> Resource:
    """One page of results. `mode` is their `search.mode`."""
    entries = [{"resource": r, "search": {"mode": mode}} for r in found]
    entries += [{"resource": r, "search": {"mode": "include"}} for r in included]
    links = [] if next_link is None else [{"relation": "next", "url": next_link}]
    stated = {"entry": entries, "link": links}
    counted = {} if total is None else {"total": total}
    return {**_EMPTY, **counted, **{name: value for name, value in stated.items() if value}}


def instead_of_write(answer: WriteAnswer, former: Resource | None) -> Response | None:
    """The answer to a write that is not carried out; None if it should be carried out."""
    if answer == "accepted":
        return Response(status_code=202)
    if answer == "old" and former is not None:
        return JSONResponse(former, media_type="application/fhir+json")
    if answer in ("outcome", "old"):
        return JSONResponse(_OUTCOME, media_type="application/fhir+json")
    return None


def with_more_said(resource: Resource) -> Resource:
    """The resource as kept by a server that adds a use and an assigner to each identifier."""
    if "identifier" not in resource:
        return resource
    more = {"use": "official", "assigner": {"display": "the EHR"}}
    return {**resource, "identifier": [{**each, **more} for each in resource["identifier"]]}


def instead_of_searchset(answer: SearchAnswer) -> Response | None:
    """The odd answer that a script asks for; None if a valid one is wanted."""
    if answer == "searchset":
        return None
    kind = "text/html" if answer == "html" else "application/fhir+json"
    return Response(_INSTEAD[answer], media_type=kind)
