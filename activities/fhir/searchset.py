"""Reads one page of search results. Anything but a sound searchset Bundle means "not known", never "none"."""

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
"""Codes that say at any severity that not everything was looked at."""


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        matches: The resources that the server says match, each with an id. Included ones are left out.
        next_link: Where the next page is, as the server wrote it.
        total: How many matches there are on all pages, if the server says so.
    """

    matches: list[Resource]
    next_link: str | None
    total: int | None


def read_page(body: Resource, kind: str, system: str) -> Page:
    """The page of results of type `kind` that `body` is.

    Raises:
        ClinicUnavailable: `no-searchset` if it is something else; `search-failed` if it says that the search failed;
            `bad-entry` or `bad-link` if a part cannot be read.
    """
    if body.get("resourceType") != "Bundle" or body.get("type") != "searchset":
        raise _unknown(system, "no-searchset")
    entries = body.get("entry", [])
    if not isinstance(entries, list):
        raise _unknown(system, "bad-entry")
    matches = [found for entry in entries if (found := _match(entry, kind, system)) is not None]
    total = body.get("total")
    if total is not None and (not isinstance(total, int) or isinstance(total, bool)):
        raise _unknown(system, "bad-total")
    return Page(matches, _next_link(body.get("link", []), system), total)


def is_id(value: object) -> bool:
    """Whether `value` can be an id in an address."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def has_failed(outcome: Resource) -> bool:
    """Whether an OperationOutcome says that something failed or was left out. One that says nothing readable does."""
    issues = outcome.get("issue")
    if not isinstance(issues, list) or not issues:
        return True
    return any(
        not isinstance(issue, dict) or issue.get("severity") in _SERIOUS or issue.get("code") in _NOT_ALL_SEEN
        for issue in issues
    )


def _match(entry: Any, kind: str, system: str) -> Resource | None:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise _unknown(system, "bad-entry")
    if resource["resourceType"] == "OperationOutcome":
        if has_failed(resource):
            raise _unknown(system, "search-failed")
        return None
    if _mode(entry) in ("include", "outcome"):
        return None
    if resource["resourceType"] != kind or not is_id(resource.get("id")):
        raise _unknown(system, "bad-entry")
    return resource


def _mode(entry: Resource) -> object:
    search = entry.get("search")
    return search.get("mode") if isinstance(search, dict) else None


def _next_link(links: Any, system: str) -> str | None:
    if not isinstance(links, list):
        raise _unknown(system, "bad-link")
    following = [link for link in links if isinstance(link, dict) and link.get("relation") == "next"]
    if not following:
        return None
    address = following[0].get("url")
    if not isinstance(address, str) or not address:
        raise _unknown(system, "bad-link")
    return address


def _unknown(system: str, code: str) -> ClinicUnavailable:
    return ClinicUnavailable(system, code, "The search was not answered with its results; it is repeated.")
