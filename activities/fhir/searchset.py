"""Reads one page of search results.

A body that is not a searchset, or a part that cannot be read, means "not known" and raises an error. It is never read
as "none". Two things are left out: resources of another type that the server marked as included, and OperationOutcomes
that only inform. The caller decides whether a resource matches the search; the server's `search.mode` is noted here but
not trusted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from activities.fhir.resources import Resource
from activities.ports import ClinicUnavailable

_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._~-]{1,128}")
_SERIOUS = ("error", "fatal")
_NOT_ALL_SEEN = (
    "incomplete",
    "timeout",
    "transient",
    "throttled",
    "too-costly",
    "too-long",
    "suppressed",
    "not-supported",
)
"""Codes that mean, at any severity, that the search was not complete."""


@dataclass(frozen=True)
class Page:
    """One page. Each resource is of the type that was searched for and has an id.

    Attributes:
        matches: Resources marked as matches, or not marked.
        included: Resources marked as included.
        misfiled: Resources marked as outcomes, although only an OperationOutcome can be one.
        next_link: The address of the next page, as the server wrote it.
        self_link: The search that the server says it ran.
        total: How many matches there are on all pages, if the server says so.
    """

    matches: list[Resource]
    included: list[Resource]
    misfiled: list[Resource]
    next_link: str | None
    self_link: str | None
    total: int | None


def read_page(body: Resource, kind: str, system: str) -> Page:
    """Reads `body` as a page of results of type `kind`.

    Raises:
        ClinicUnavailable: `no-searchset` if it is something else; `search-failed` if it says that the search failed;
            `bad-entry`, `bad-total` or `bad-link` if a part cannot be read.
    """
    if body.get("resourceType") != "Bundle" or body.get("type") != "searchset":
        raise _unknown(system, "no-searchset")
    entries = body.get("entry", [])
    if not isinstance(entries, list):
        raise _unknown(system, "bad-entry")
    read = [found for entry in entries if (found := _entry(entry, kind, system)) is not None]
    total = body.get("total")
    if total is not None and (not isinstance(total, int) or isinstance(total, bool)):
        raise _unknown(system, "bad-total")
    links = body.get("link", [])
    return Page(
        matches=[resource for mode, resource in read if mode not in ("include", "outcome")],
        included=[resource for mode, resource in read if mode == "include"],
        misfiled=[resource for mode, resource in read if mode == "outcome"],
        next_link=_next_link(links, system),
        self_link=_self_link(links),
        total=total,
    )


def is_id(value: object) -> bool:
    """Whether `value` can be an id in an address."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def has_failed(outcome: Resource) -> bool:
    """Whether an OperationOutcome says that something failed or was left out. An unreadable one counts as failed."""
    issues = outcome.get("issue")
    if not isinstance(issues, list) or not issues:
        return True
    return any(
        not isinstance(issue, dict) or issue.get("severity") in _SERIOUS or issue.get("code") in _NOT_ALL_SEEN
        for issue in issues
    )


def _entry(entry: Any, kind: str, system: str) -> tuple[object, Resource] | None:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise _unknown(system, "bad-entry")
    if resource["resourceType"] == "OperationOutcome":
        if has_failed(resource):
            raise _unknown(system, "search-failed")
        return None
    mode = _mode(entry)
    if resource["resourceType"] != kind and mode == "include":
        return None
    if resource["resourceType"] != kind or not is_id(resource.get("id")):
        raise _unknown(system, "bad-entry")
    return mode, resource


def _mode(entry: Resource) -> object:
    search = entry.get("search")
    return search.get("mode") if isinstance(search, dict) else None


def _next_link(links: Any, system: str) -> str | None:
    if not isinstance(links, list):
        raise _unknown(system, "bad-link")
    named = _links("next", links)
    if not named:
        return None
    address = named[0].get("url")
    if not isinstance(address, str) or not address:
        raise _unknown(system, "bad-link")
    return address


def _self_link(links: list[Any]) -> str | None:
    addresses = [link.get("url") for link in _links("self", links)]
    return next((address for address in addresses if isinstance(address, str)), None)


def _links(relation: str, links: list[Any]) -> list[Resource]:
    return [link for link in links if isinstance(link, dict) and link.get("relation") == relation]


def _unknown(system: str, code: str) -> ClinicUnavailable:
    return ClinicUnavailable(system, code, "The search was not answered with its results; it is repeated.")
