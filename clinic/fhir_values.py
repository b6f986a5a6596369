"""The values of a resource for each search parameter that the simulated EHR supports, and whether it matches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Resource = dict[str, Any]
PARAMETERS = frozenset(
    {"identifier", "status", "patient", "subject", "service-type", "start", "_id", "_sort", "_count"}
)
SUBJECT_FIELDS = {"EpisodeOfCare": "patient", "Task": "for", "Coverage": "beneficiary"}


class BadValue(Exception):
    """A search parameter's value cannot be read."""


@dataclass(frozen=True)
class Bounds:
    """The moments between which a start must be, both included, in seconds since 1970."""

    first: float
    last: float

    @property
    def is_closed(self) -> bool:
        """Whether there is a first and a last moment."""
        return math.isfinite(self.first) and math.isfinite(self.last)


def values(kind: str, name: str, resource: Resource) -> set[str]:
    """The values of `resource` for a parameter, in each form in which it can be searched for."""
    if name == "identifier":
        return _tokens(resource.get("identifier", ()), "value")
    if name == "service-type":
        return _tokens([c for each in resource.get("serviceType", ()) for c in each.get("coding", ())], "code")
    subject = resource.get(SUBJECT_FIELDS.get(kind, ""), {}).get("reference")
    return set() if subject is None else {subject}


def matches(kind: str, resource: Resource, criteria: Mapping[str, Sequence[str]]) -> bool:
    """Whether `resource` meets every criterion. Raises `BadValue`."""
    return all(_TESTS[name](kind, resource, given) for name, given in criteria.items() if name in _TESTS)


def bounds(given: Sequence[str]) -> Bounds:
    """The bounds from values such as `ge2026-01-05T09:00:00Z` and `le...`. Raises `BadValue`."""
    first, last = -math.inf, math.inf
    for text in given:
        moment = _seconds(text[2:])
        if text[:2] == "ge" and moment is not None:
            first = max(first, moment)
        elif text[:2] == "le" and moment is not None:
            last = min(last, moment)
        else:
            raise BadValue("a start is searched for by ge and le and a time with its zone")
    return Bounds(first, last)


def starts(resource: Resource) -> float | None:
    """When a Slot starts, in seconds since 1970; None if it does not say so with a time zone."""
    return _seconds(resource.get("start"))


def _is_within(kind: str, resource: Resource, given: Sequence[str]) -> bool:
    wanted, start = bounds(given), starts(resource)
    return start is not None and wanted.first <= start <= wanted.last


def _tokens(held: Any, field: str) -> set[str]:
    named = [(each.get("system"), each[field]) for each in held if isinstance(each.get(field), str)]
    return {value for _, value in named} | {f"{system}|{value}" for system, value in named if system}


def _seconds(text: object) -> float | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        return None if moment is None or moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _has(name: str) -> Callable[[str, Resource, Sequence[str]], bool]:
    return lambda kind, resource, given: all(value in values(kind, name, resource) for value in given)


_TESTS: dict[str, Callable[[str, Resource, Sequence[str]], bool]] = {
    "identifier": _has("identifier"),
    "status": lambda kind, resource, given: all(resource.get("status") in text.split(",") for text in given),
    "patient": _has("patient"),
    "subject": _has("subject"),
    "service-type": _has("service-type"),
    "start": _is_within,
    "_id": lambda kind, resource, given: all(resource["id"] == text for text in given),
}
