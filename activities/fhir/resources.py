"""How a resource is recognised: by its identifier and, if it belongs to a patient, by that patient. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from activities.fhir.dates import last_moment
from domain.values import Instant

Resource = dict[str, Any]
_PATIENT_FIELD = {"EpisodeOfCare": "patient", "Task": "for"}
_SEPARATORS = re.compile(r"[\\,$|]")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Patient:
    """The patient that a resource must belong to.

    Attributes:
        id: The Patient's id on the server.
        system: Identifier system of record numbers; `value` is the patient's number.
        base: The server's base address, for absolute references.
        at: The time at which a record number must be valid; None if not known.
    """

    id: str
    system: str
    value: str
    base: str
    at: Instant | None = None

    @property
    def reference(self) -> str:
        """`Patient/id`."""
        return f"Patient/{self.id}"

    def is_meant_by(self, pointer: object, contained: list[Resource]) -> bool:
        """Whether a Reference points at this patient and says nothing else.

        It may be relative, absolute or versioned, point at a contained Patient, or name the record number. Every part
        must agree; if there is doubt, it is not this patient.
        """
        if not isinstance(pointer, dict):
            return False
        number = pointer.get("identifier")
        if isinstance(number, dict) and number.get("system") == self.system and number.get("value") != self.value:
            return False
        address = pointer.get("reference")
        if address is None or (isinstance(address, str) and address.startswith("urn:")):
            return self._bears_number({"identifier": [number]})
        if not isinstance(address, str):
            return False
        if address.startswith("#"):
            return any(_is_contained(each, address[1:]) and self._bears_number(each) for each in contained)
        return self._is_address(address)

    def _bears_number(self, resource: Resource) -> bool:
        return bears(resource, self.system, self.value, self.at)

    def _is_address(self, address: str) -> bool:
        path = address.split("/_history/")[0].rstrip("/")
        if "://" not in path:
            return path == self.reference
        ours = urlsplit(self.base).path.rstrip("/") + "/" + self.reference
        return same_origin(path, self.base) and urlsplit(path).path == ours


@dataclass(frozen=True)
class Wanted:
    """What a search is for: the one resource of a type with our identifier.

    Attributes:
        patient: The patient it must belong to; None for types without a patient, and for Patient itself.
        at: The time at which the identifier must be valid; None if not known.
    """

    kind: str
    system: str
    value: str
    patient: Patient | None = None
    at: Instant | None = None

    @property
    def criterion(self) -> str:
        """The identifier as the value of a search parameter, with FHIR's separators escaped."""
        return f"{_escaped(self.system)}|{_escaped(self.value)}"

    def is_named_by(self, resource: Resource) -> bool:
        """Whether `resource` is of the type and has the identifier, valid or not."""
        return resource.get("resourceType") == self.kind and (self.system, self.value) in named(resource)

    def identifies(self, resource: Resource) -> bool:
        """Whether `resource` is of the type and has the identifier, both system and value, and it is valid."""
        return resource.get("resourceType") == self.kind and bears(resource, self.system, self.value, self.at)

    def is_of_patient(self, resource: Resource) -> bool:
        """Whether `resource` belongs to the patient it should belong to."""
        if self.patient is None:
            return True
        held = resource.get("contained")
        contained = [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []
        return self.patient.is_meant_by(resource.get(_PATIENT_FIELD[self.kind]), contained)

    def counts(self, resource: Resource) -> bool:
        """Whether `resource` may be read as ours and written to."""
        return self.identifies(resource) and self.is_of_patient(resource) and not is_retired(resource)


def reference(resource: Resource) -> str:
    """`Type/id`, the only form of a reference that every server can find."""
    return f"{resource['resourceType']}/{resource['id']}"


def meta(resource: Resource) -> Resource:
    """Its metadata; empty if the field has the wrong form."""
    held = resource.get("meta")
    return held if isinstance(held, dict) else {}


def is_same_version(one: Resource, other: Resource) -> bool:
    """Whether both are the same resource in the same version. False if a version is missing."""
    versions = [(each.get("id"), meta(each).get("versionId")) for each in (one, other)]
    return versions[0] == versions[1] and all(versions[0])


def identifiers(resource: Resource) -> list[Resource]:
    """Its identifiers; none if the field has the wrong form."""
    held = resource.get("identifier")
    return [i for i in held if isinstance(i, dict)] if isinstance(held, list) else []


def named(resource: Resource) -> set[tuple[object, object]]:
    """System and value of each of its identifiers, valid or not."""
    return {(i.get("system"), i.get("value")) for i in identifiers(resource) if _is_text(i)}


def bears(resource: Resource, system: str, value: str, at: Instant | None = None) -> bool:
    """Whether one of its identifiers has this system and value and is valid.

    An identifier whose use is `old`, or whose period ended before `at`, is no longer valid. Without `at`, periods are
    not checked.
    """
    return any(
        (i.get("system"), i.get("value")) == (system, value) and not _is_old(i, at) for i in identifiers(resource)
    )


def is_retired(resource: Resource) -> bool:
    """Whether the server's staff took it out of use: it was entered in error, is inactive, or was replaced.

    Such a resource is never written to, and no new one is created instead unless a person says so.
    """
    if resource.get("status") == "entered-in-error":
        return True
    if resource.get("resourceType") != "Patient":
        return False
    return resource.get("active", True) is not True or _is_replaced(resource.get("link"))


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses have the same scheme, host and port."""
    origins = [_origin(address) for address in (one, other)]
    return origins[0] is not None and origins[0] == origins[1]


def _origin(address: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    return parts.scheme, parts.hostname, port or _PORTS.get(parts.scheme)


def _escaped(text: str) -> str:
    return _SEPARATORS.sub(r"\\\g<0>", text)


def _is_text(identifier: Resource) -> bool:
    return all(isinstance(identifier.get(name), str | None) for name in ("system", "value"))


def _is_old(identifier: Resource, at: Instant | None) -> bool:
    period = identifier.get("period")
    ended = last_moment(period.get("end")) if isinstance(period, dict) else None
    return identifier.get("use") == "old" or (at is not None and ended is not None and ended < at)


def _is_contained(resource: Resource, id_: str) -> bool:
    return resource.get("resourceType") == "Patient" and resource.get("id") == id_


def _is_replaced(links: object) -> bool:
    held = links if isinstance(links, list) else []
    return any(isinstance(link, dict) and link.get("type") == "replaced-by" for link in held)
