"""The EHR's records: versions with opaque ids, and search by the parameters it supports."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from clinic.fhir_index import FhirIndex
from clinic.fhir_rules import KINDS
from clinic.fhir_values import PARAMETERS, SUBJECT_FIELDS, bounds, matches
from clinic.state import State

Resource = dict[str, Any]
_ESCAPE = re.compile(r"\\(.)")


class Unsupported(Exception):
    """A search parameter this server does not know."""


class FhirStore:
    """Holds the current version of each resource and all previous ones.

    Attributes:
        examined: How many resources searches have examined so far.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._index = FhirIndex()
        self._arrivals: dict[tuple[str, str], int] = {}
        self.examined = 0
        for kind in KINDS:
            for resource in state.all(f"fhir/{kind}"):
                self._take_in(kind, resource)

    def clear(self) -> None:
        """Clears the search index. The owner of the state clears the state."""
        self._index.clear()
        self._arrivals.clear()

    def read(self, kind: str, id_: str) -> Resource | None:
        """The current version."""
        return self._state.get(f"fhir/{kind}", id_)

    def history(self, kind: str, id_: str) -> list[Resource]:
        """All versions, newest first."""
        return self._state.all(f"history/{kind}/{id_}")[::-1]

    def write(self, kind: str, id_: str | None, body: Resource) -> Resource:
        """Stores a new version of `id_`, or of a new resource."""
        known = id_ or uuid.uuid4().hex[:12]
        meta = {"versionId": uuid.uuid4().hex, "lastUpdated": datetime.now(UTC).isoformat()}
        stored = {**body, "id": known, "meta": {**body.get("meta", {}), **meta}}
        if (former := self.read(kind, known)) is not None:
            self._index.remove(kind, former)
        self._state.put(f"history/{kind}/{known}", meta["versionId"], stored)
        self._state.put(f"fhir/{kind}", known, stored)
        self._take_in(kind, stored)
        return stored

    def search(self, kind: str, criteria: Mapping[str, str | Sequence[str]]) -> list[Resource]:
        """All matches in the order of creation. A parameter given several times must match each time.

        Raises:
            Unsupported: A parameter is not known.
            BadValue: A value cannot be read.
        """
        wanted = self._wanted(criteria)
        found = []
        for id_ in self._index.candidates(kind, wanted) if "_id" not in wanted else set(wanted["_id"]):
            self.examined += 1
            resource = self.read(kind, id_)
            if resource is not None and matches(kind, resource, wanted):
                found.append(resource)
        return sorted(found, key=lambda resource: self._arrivals[kind, resource["id"]])

    def count(self, kind: str, *, status: str, service_type: str) -> int:
        """How many resources have one of the comma-separated statuses and the service type."""
        return self._index.count(kind, {"status": (status,), "service-type": (service_type,)})

    def client_of(self, kind: str, resource: Resource) -> str | None:
        """The record number of the patient a resource is about."""
        if kind == "Patient":
            return next((str(i.get("value")) for i in resource.get("identifier", ())), None)
        reference = str(resource.get(SUBJECT_FIELDS.get(kind, ""), {}).get("reference", ""))
        patient = self.read("Patient", reference.rpartition("/")[2])
        return None if patient is None else self.client_of("Patient", patient)

    def client_of_journey(self, journey: str) -> str | None:
        """The record number of the client whose episode has this identifier."""
        found = self.search("EpisodeOfCare", {"identifier": journey})
        return self.client_of("EpisodeOfCare", found[0]) if found else None

    def _wanted(self, criteria: Mapping[str, str | Sequence[str]]) -> dict[str, Sequence[str]]:
        if unknown := set(criteria) - PARAMETERS:
            raise Unsupported(", ".join(sorted(unknown)))
        wanted = {name: (given,) if isinstance(given, str) else given for name, given in criteria.items()}
        bounds(wanted.get("start", ()))
        named = [_ESCAPE.sub(r"\1", text) for text in wanted.get("identifier", ())]
        return {**wanted, "identifier": named} if named else wanted

    def _take_in(self, kind: str, resource: Resource) -> None:
        self._arrivals.setdefault((kind, resource["id"]), len(self._arrivals))
        self._index.add(kind, resource)
