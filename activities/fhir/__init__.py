"""FHIR R4: the client shared by the adapters for the EHR and for places, and how we recognise our resources."""

from activities.fhir.client import FhirClient, VersionConflict, taking_turns
from activities.fhir.records import Records
from activities.fhir.resources import (
    Patient,
    Resource,
    Wanted,
    bears,
    identifiers,
    is_retired,
    named,
    reference,
    same_origin,
)

__all__ = [
    "FhirClient",
    "Patient",
    "Records",
    "Resource",
    "VersionConflict",
    "Wanted",
    "bears",
    "identifiers",
    "is_retired",
    "named",
    "reference",
    "same_origin",
    "taking_turns",
]
