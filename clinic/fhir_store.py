"""The EHR's records: versions with opaque ids, and search by the parameters it supports."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from clinic.state import State

Resource = dict[str, Any]
PARAMETERS = frozenset({"identifier", "status", "patient", "subject", "service-type", "_id", "_sort", "_count"})
_SUBJECTS = {"EpisodeOfCare": "patient", "Task": "for", "Coverage": "beneficiary"}


class Unsupported(Exception):
    """A search parameter this server does not know."""


class FhirStore:
    """Holds the current version of each resource and all former ones."""

    def __init__(self, state: State) -> None:
        self._state = state

    def read(self, kind: str, id_: str) -> Resource | None:
        """The current version."""
        return self._state.get(f"fhir/{kind}", id_)

    def history(self, kind: str, id_: str) -> list[Resource]:
        """All versions, newest first."""
        kept = self._state.get("history", f"{kind}/{id_}") or {"versions": []}
        return list(reversed(kept["versions"]))

    def write(self, kind: str, id_: str | None, body: Resource) -> Resource:
        """Stores a new version of `id_`, or of a new resource."""
        known = id_ or uuid.uuid4().hex[:12]
        meta = {"versionId": uuid.uuid4().hex, "lastUpdated": datetime.now(UTC).isoformat()}
        stored = {**body, "id": known, "meta": {**body.get("meta", {}), **meta}}
        kept = self._state.get("history", f"{kind}/{known}") or {"versions": []}
        self._state.put("history", f"{kind}/{known}", {"versions": [*kept["versions"], stored]})
        self._state.put(f"fhir/{kind}", known, stored)
        return stored

    def search(self, kind: str, criteria: Mapping[str, str]) -> list[Resource]:
        """All matches in the order they were made; raises `Unsupported`."""
        if unknown := set(criteria) - PARAMETERS:
            raise Unsupported(", ".join(sorted(unknown)))
        return [r for r in self._state.all(f"fhir/{kind}") if _matches(kind, r, criteria)]

    def client_of(self, kind: str, resource: Resource) -> str | None:
        """The record number of the patient a resource is about."""
        if kind == "Patient":
            return next((str(i.get("value")) for i in resource.get("identifier", ())), None)
        reference = str(resource.get(_SUBJECTS.get(kind, ""), {}).get("reference", ""))
        patient = self.read("Patient", reference.rpartition("/")[2])
        return None if patient is None else self.client_of("Patient", patient)

    def client_of_journey(self, journey: str) -> str | None:
        """The record number behind an episode's identifier."""
        found = [r for r in self._state.all("fhir/EpisodeOfCare") if _has_identifier(r, journey)]
        return self.client_of("EpisodeOfCare", found[0]) if found else None


def _matches(kind: str, resource: Resource, criteria: Mapping[str, str]) -> bool:
    subject = resource.get(_SUBJECTS.get(kind, ""), {})
    tests: dict[str, Callable[[str], bool]] = {
        "identifier": lambda wanted: _has_identifier(resource, wanted),
        "status": lambda wanted: resource.get("status") in wanted.split(","),
        "patient": lambda wanted: subject.get("reference") == wanted,
        "subject": lambda wanted: subject.get("reference") == wanted,
        "service-type": lambda wanted: _has_service(resource, wanted),
        "_id": lambda wanted: resource["id"] == wanted,
    }
    return all(tests[name](value) for name, value in criteria.items() if name in tests)


def _has_identifier(resource: Resource, wanted: str) -> bool:
    system, bar, value = wanted.rpartition("|")
    held = resource.get("identifier", ())
    return any(i.get("value") == value and (not bar or i.get("system") == system) for i in held)


def _has_service(resource: Resource, wanted: str) -> bool:
    system, bar, code = wanted.rpartition("|")
    codings = [coding for concept in resource.get("serviceType", ()) for coding in concept.get("coding", ())]
    return any(c.get("code") == code and (not bar or c.get("system") == system) for c in codings)
