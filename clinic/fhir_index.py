"""Finds the resources that may match a search without looking at the others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from clinic.fhir_values import Bounds, bounds, starts, values

Resource = dict[str, Any]
Criteria = Mapping[str, Sequence[str]]
Key = tuple[str, ...]
_SELECTIVE = ("identifier", "patient", "subject", "service-type")
_WITH_START = "Slot"
_FIRST, _LAST = "", "\U0010ffff"


class FhirIndex:
    """The ids of resources by type and search value, and by value and status together; Slots also by start."""

    def __init__(self) -> None:
        self._buckets: dict[Key, dict[str, None]] = defaultdict(dict)
        self._by_start: dict[Key, list[tuple[float, str]]] = defaultdict(list)

    def add(self, kind: str, resource: Resource) -> None:
        """Adds the current version of a resource. The previous one must have been removed."""
        for key in _keys(kind, resource):
            self._buckets[key][resource["id"]] = None
        for key, start in _start_keys(kind, resource):
            insort(self._by_start[key], (start, resource["id"]))

    def remove(self, kind: str, resource: Resource) -> None:
        """Removes a version that was added."""
        for key in _keys(kind, resource):
            self._buckets[key].pop(resource["id"], None)
            if not self._buckets[key]:
                del self._buckets[key]
        for key, start in _start_keys(kind, resource):
            ordered = self._by_start[key]
            del ordered[bisect_left(ordered, (start, resource["id"]))]

    def clear(self) -> None:
        """Forgets everything."""
        self._buckets.clear()
        self._by_start.clear()

    def candidates(self, kind: str, criteria: Criteria) -> set[str]:
        """Ids that include all matches, by the most selective values of `criteria`."""
        ways = [*self._ways(kind, criteria)]
        smallest = min(ways, key=lambda way: sum(len(bucket) for bucket in way))
        return set(chain.from_iterable(smallest))

    def count(self, kind: str, criteria: Criteria) -> int:
        """How many resources have one of the values of each of `status` and one other parameter of `criteria`."""
        return len(self.candidates(kind, criteria))

    def _ways(self, kind: str, criteria: Criteria) -> Iterator[list[Sequence[str] | dict[str, None]]]:
        yield [self._buckets.get((kind,), {})]
        statuses = [status for text in criteria.get("status", ())[:1] for status in set(text.split(","))]
        if statuses:
            yield [self._buckets.get((kind, "status", status), {}) for status in statuses]
        for name in _SELECTIVE:
            for value in criteria.get(name, ()):
                yield [self._buckets.get((kind, name, value), {})]
                if statuses:
                    yield [self._buckets.get((kind, name, value, status), {}) for status in statuses]
        if kind == _WITH_START and "start" in criteria:
            for service in criteria.get("service-type", ()):
                yield [self._in(bounds(criteria["start"]), (kind, service, status)) for status in statuses or ("",)]

    def _in(self, wanted: Bounds, key: Key) -> Sequence[str]:
        ordered = self._by_start.get(key, [])
        first, last = bisect_left(ordered, (wanted.first, _FIRST)), bisect_right(ordered, (wanted.last, _LAST))
        return [id_ for _, id_ in ordered[first:last]]


def _keys(kind: str, resource: Resource) -> Iterator[Key]:
    status = resource.get("status")
    yield (kind,)
    if isinstance(status, str):
        yield kind, "status", status
    for name in _SELECTIVE:
        for value in values(kind, name, resource):
            yield kind, name, value
            if isinstance(status, str):
                yield kind, name, value, status


def _start_keys(kind: str, resource: Resource) -> Iterator[tuple[Key, float]]:
    start = starts(resource)
    if kind != _WITH_START or start is None:
        return
    for service in values(kind, "service-type", resource):
        yield (kind, service, ""), start
        yield (kind, service, str(resource.get("status"))), start
