"""The EHR over FHIR R4: a journey is an EpisodeOfCare, an obligation a Task, a client a Patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir.resources.R4B.episodeofcare import EpisodeOfCare
from fhir.resources.R4B.patient import Patient as PatientModel
from fhir.resources.R4B.task import Task
from pydantic import ValidationError

from activities.creations import Creations
from activities.fhir import FhirClient, Patient, Records, Resource, Wanted, identifiers, named, reference, taking_turns
from activities.ports import ClientDirectory, ClientIdentity, ClinicRefused, EhrRecord, EhrTask
from domain.values import Instant

JOURNEY = "urn:throughline:journey"
DUTY = "urn:throughline:duty"
LEVEL = "urn:throughline:level-of-care"
ROLE = "urn:throughline:role"
REVISION = "urn:throughline:revision"
_NO_REVISION = -1
_GENDERS = {"m": "male", "f": "female", "o": "other"}

Model = type[EpisodeOfCare] | type[PatientModel] | type[Task]


@dataclass(frozen=True)
class _Call:
    """One attempt to write one record.

    Attributes:
        at: The time at which an identifier must be valid to identify a resource.
    """

    record: EhrRecord
    creations: Creations
    at: Instant


class FhirEhr:
    """An `Ehr` over FHIR. It keeps what others added to a resource, and marks what we write with our revision."""

    def __init__(
        self, fhir: FhirClient, directory: ClientDirectory, *, mrn_system: str = "urn:throughline:mrn"
    ) -> None:
        """`mrn_system` is the identifier system of record numbers."""
        self._fhir = fhir
        self._records = Records(fhir)
        self._directory = directory
        self._mrn_system = mrn_system
        self._creations = Creations()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._fhir.aclose()

    async def sync(self, record: EhrRecord, creations: Creations | None = None) -> str:
        """Brings the EHR up to date with `record`; returns the EpisodeOfCare's id.

        A resource with the same or a newer revision is left alone, so a repeated or late record changes nothing.
        `creations` holds what an earlier attempt created; this process also remembers the creations of all calls.

        Raises:
            ClinicUnavailable: No answer, an answer that does not show what the EHR holds, or others kept changing the
                resource.
            ClinicRefused: The client is unknown, the EHR does not accept what was sent, or a person must say which
                resource is ours (see `Records.find`).
        """
        call = _Call(record, (creations or Creations()).shared_with(self._creations), record.as_of or self._fhir.now())
        patient = await self._patient(call)
        episode = await taking_turns(lambda: self._episode(call, patient))
        for task in record.tasks:
            await taking_turns(lambda task=task: self._task(call, task, patient, episode))  # type: ignore[misc]
        return str(episode["id"])

    async def _patient(self, call: _Call) -> Patient:
        record = call.record
        person = await self._directory.find(record.client_ref)
        if person is None:
            raise ClinicRefused(self._fhir.system, "unknown-client", "Register the client's identity, then repeat.")
        body = self._checked(PatientModel, _patient_body(person, self._mrn_system))
        wanted = Wanted("Patient", self._mrn_system, person.mrn, at=call.at)
        found = await self._create(call, body, wanted, f"Patient/{record.client_ref}")
        return Patient(str(found["id"]), self._mrn_system, person.mrn, self._fhir.base, call.at)

    async def _episode(self, call: _Call, patient: Patient) -> Resource:
        record = call.record
        wanted = Wanted("EpisodeOfCare", JOURNEY, record.journey_id, patient, call.at)
        return await self._write(EpisodeOfCare, call, _episode_body(record, patient), wanted)

    async def _task(self, call: _Call, task: EhrTask, patient: Patient, episode: Resource) -> Resource:
        wanted = Wanted("Task", DUTY, task.id, patient, call.at)
        return await self._write(Task, call, _task_body(call.record, task, patient, episode), wanted)

    async def _write(self, model: Model, call: _Call, wish: Resource, wanted: Wanted) -> Resource:
        record = call.record
        body = self._checked(model, wish)
        stored = await self._create(call, body, wanted, f"{wanted.kind}/{wanted.value}")
        if _revision(stored) >= record.revision:
            return stored
        merged = _merged(stored, body)
        if model is EpisodeOfCare:
            merged |= _history(stored, record)
        return await self._fhir.update(
            merged, lambda held: _shows(held, body, wanted), key=record.key, journey=record.journey_id
        )

    async def _create(self, call: _Call, body: Resource, wanted: Wanted, label: str) -> Resource:
        record = call.record
        return await self._records.create(
            body, wanted, key=record.key, label=label, creations=call.creations, journey=record.journey_id
        )

    def _checked(self, model: Model, body: Resource) -> Resource:
        try:
            return dict(model.model_validate(body).model_dump(mode="json", exclude_none=True))
        except ValidationError:
            advice = "Correct what is stored about the journey; it is not a valid FHIR resource."
            raise ClinicRefused(self._fhir.system, "invalid-resource", advice) from None


def _patient_body(person: ClientIdentity, mrn_system: str) -> Resource:
    body: Resource = {
        "resourceType": "Patient",
        "identifier": [{"system": mrn_system, "value": person.mrn}],
        "name": [{"family": person.family_name, "given": [person.given_name]}],
        "gender": _GENDERS.get((person.sex or "")[:1].lower(), "unknown"),
    }
    if person.birth_date is not None:
        body["birthDate"] = person.birth_date.isoformat()
    return body


def _episode_body(record: EhrRecord, patient: Patient) -> Resource:
    period = {"start": record.started.isoformat()}
    if record.ended is not None:
        period["end"] = record.ended.isoformat()
    body: Resource = {
        "resourceType": "EpisodeOfCare",
        "extension": [_revision_mark(record)],
        "identifier": [{"system": JOURNEY, "value": record.journey_id}],
        "status": record.status.value,
        "patient": {"reference": patient.reference},
        "period": period,
    }
    if record.level is not None:
        body["type"] = [{"coding": [{"system": LEVEL, "code": record.level}]}]
    return body


def _task_body(record: EhrRecord, task: EhrTask, patient: Patient, episode: Resource) -> Resource:
    return {
        "resourceType": "Task",
        "extension": [_revision_mark(record)],
        "identifier": [{"system": DUTY, "value": task.id}],
        "status": task.status.value,
        "intent": "order",
        "priority": "urgent" if task.urgent else "routine",
        "description": task.description,
        "focus": {"reference": reference(episode)},
        "for": {"reference": patient.reference},
        "performerType": [{"coding": [{"system": ROLE, "code": task.owner.value}]}],
        "restriction": {"period": {"end": task.due.isoformat()}},
    }


def _revision_mark(record: EhrRecord) -> Resource:
    return {"url": REVISION, "valueInteger": record.revision}


def _extensions(resource: Resource) -> list[Resource]:
    held = resource.get("extension")
    return [e for e in held if isinstance(e, dict)] if isinstance(held, list) else []


def _revision(resource: Resource) -> int:
    marks = [e.get("valueInteger") for e in _extensions(resource) if e.get("url") == REVISION]
    return max((mark for mark in marks if isinstance(mark, int)), default=_NO_REVISION)


def _shows(held: Resource, written: Resource, wanted: Wanted) -> bool:
    """Whether `held` is our resource with the revision and status that were written, or a later revision.

    Some servers do not keep extensions, and so no revision. Then each plain text field must be as it was written.
    """
    if not wanted.counts(held):
        return False
    if (revision := _revision(held)) == _NO_REVISION:
        return all(held.get(name) == value for name, value in written.items() if isinstance(value, str))
    is_same = revision == _revision(written) and held.get("status") == written["status"]
    return is_same or revision > _revision(written)


def _merged(stored: Resource, ours: Resource) -> Resource:
    """Merges `ours` into what is stored. A use, type or assigner that a server added to our identifier stays."""
    known = named(stored)
    new = [i for i in ours["identifier"] if (i["system"], i["value"]) not in known]
    theirs = [e for e in _extensions(stored) if e.get("url") != REVISION]
    merged = {**stored, **ours, "identifier": [*identifiers(stored), *new]}
    return {**merged, "extension": [*theirs, *ours["extension"]]}


def _history(stored: Resource, record: EhrRecord) -> Resource:
    if stored.get("status") == record.status.value:
        return {}
    held = stored.get("statusHistory")
    history: list[Any] = [h for h in held if isinstance(h, dict)] if isinstance(held, list) else []
    last = history[-1].get("period") if history else None
    begun = last.get("end") if isinstance(last, dict) else None
    period = {"start": begun or record.started.isoformat()}
    if record.as_of is not None:
        period["end"] = record.as_of.isoformat(timespec="seconds")
    return {"statusHistory": [*history, {"status": stored.get("status"), "period": period}]}
