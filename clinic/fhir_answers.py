"""The body of a search's answer: a sound searchset, or what other servers answer with status 200 instead."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from clinic.scripts import SearchAnswer

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


def searchset(found: list[Resource], included: list[Resource], next_link: str | None) -> Resource:
    """One page of results."""
    entries = [{"resource": r, "search": {"mode": "match"}} for r in found]
    entries += [{"resource": r, "search": {"mode": "include"}} for r in included]
    links = [] if next_link is None else [{"relation": "next", "url": next_link}]
    return {**_EMPTY, **({"entry": entries} if entries else {}), **({"link": links} if links else {})}


def instead_of_searchset(answer: SearchAnswer) -> Response | None:
    """The odd answer that a script asks for; None where a sound one is wanted."""
    if answer == "searchset":
        return None
    kind = "text/html" if answer == "html" else "application/fhir+json"
    return Response(_INSTEAD[answer], media_type=kind)
