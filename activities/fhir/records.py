"""Finds the one resource with our identifier, and creates it once if there is none."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import structlog

from activities.creations import Creation, Creations
from activities.fhir.client import FhirClient, VersionConflict
from activities.fhir.resources import Resource, Wanted, is_retired, is_same_version
from activities.ports import ClinicError, ClinicRefused, ClinicUnavailable

_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Elapsed seconds between searches for what was just created."""

_SETTLED = timedelta(minutes=2)
"""Elapsed time after an unanswered create. If no search finds it by then, it was not created."""

_NOT_DONE = ("http-425", "http-429", "write-failed")
"""Codes by which a server says that it did not carry out a write, although it may do so later."""

_log = structlog.get_logger(__name__)


class Records:
    """The resources on one server that have our identifiers."""

    def __init__(self, fhir: FhirClient) -> None:
        self._fhir = fhir

    async def create(
        self, body: Resource, wanted: Wanted, *, key: str, label: str, creations: Creations, journey: str = ""
    ) -> Resource:
        """Creates `body` unless the `wanted` resource exists; returns the resource that counts, once a search finds it.

        Servers may ignore If-None-Exist and their searches may lag, so we search before and after, and `creations`
        remembers it under `label` until a search has found it. One risk remains: if the process ends before `creations`
        is kept, or a create is carried out more than two minutes after it went unanswered, a server that ignores
        If-None-Exist can get a second one.

        Raises:
            ClinicUnavailable: As `find` does; `not-searchable-yet` if it was created, or may have been, and no search
                finds it.
            ClinicRefused: As `find` does; `write-unconfirmed` if the server keeps something other than what was sent.
        """
        hits = await self._hits(wanted, journey)
        known = await self._one_of(hits, wanted, journey)
        if known is None:
            made = None
            if not await self._was_begun(wanted, label, creations, journey):
                made = await self._begin(body, wanted, key, label, creations, journey, is_free=not hits)
            known = await self._wait_for(wanted, journey, made)
        creations.forget(label)
        return known

    async def find(self, wanted: Wanted, *, journey: str = "") -> Resource | None:
        """The `wanted` resource, read back by its id, or None if the server has none.

        Raises:
            ClinicRefused: A person must check: `several-matches`, `other-patient` if it belongs to another patient, or
                `out-of-use` if the server's staff marked it as entered in error, inactive or replaced.
            ClinicUnavailable: It is not known whether there is one.
        """
        return await self._one_of(await self._hits(wanted, journey), wanted, journey)

    async def _hits(self, wanted: Wanted, journey: str) -> list[Resource]:
        return await self._fhir.search(wanted.kind, wanted.is_named_by, journey, identifier=wanted.criterion)

    async def _one_of(
        self, hits: list[Resource], wanted: Wanted, journey: str, made: Resource | None = None
    ) -> Resource | None:
        """The hit that counts, read back by its id unless it is what this call has just `made`, unchanged."""
        hit = self._only([each for each in hits if wanted.identifies(each)], wanted)
        if hit is None:
            return None
        if made is not None and is_same_version(hit, made):
            return made
        current = await self._fhir.read(wanted.kind, str(hit["id"]), journey=journey, listed=True)
        if not wanted.counts(current):
            raise VersionConflict(self._fhir.system, "stale-search", "The search showed an older version; repeated.")
        return current

    def _only(self, found: list[Resource], wanted: Wanted) -> Resource | None:
        of_patient = [hit for hit in found if wanted.is_of_patient(hit)]
        in_use = [hit for hit in of_patient if not is_retired(hit)]
        if len(found) > len(in_use):
            _log.warning("fhir.identifier-elsewhere", system=self._fhir.system, kind=wanted.kind, count=len(found))
        if len(in_use) > 1:
            raise self._doubt("several-matches", "Several records have our identifier; leave it on the right one.")
        if of_patient and not in_use:
            raise self._doubt("out-of-use", "The record with our identifier is out of use; say which one counts.")
        if found and not of_patient:
            raise self._doubt("other-patient", "Our identifier is on another patient's record; correct it in the EHR.")
        return in_use[0] if in_use else None

    def _doubt(self, code: str, advice: str) -> ClinicRefused:
        return ClinicRefused(self._fhir.system, code, advice)

    async def _was_begun(self, wanted: Wanted, label: str, creations: Creations, journey: str) -> bool:
        """Whether an earlier attempt created it, or may have."""
        earlier = creations.get(label)
        if earlier is None:
            return False
        if not earlier.id:
            return self._fhir.now() - earlier.begun < _SETTLED
        try:
            self._confirm(await self._fhir.read(wanted.kind, earlier.id, journey=journey, listed=True), wanted)
        except VersionConflict:
            return False
        return True

    async def _begin(
        self,
        body: Resource,
        wanted: Wanted,
        key: str,
        label: str,
        creations: Creations,
        journey: str,
        *,
        is_free: bool,
    ) -> Resource | None:
        """Sends the create; returns what the server keeps, or None if the answer does not say.

        `is_free` means that no resource has the identifier, not even one that no longer counts.
        """
        unless = {"If-None-Exist": f"identifier={quote(wanted.criterion, safe=':/|')}"} if is_free else {}
        begun = self._fhir.now()
        creations.note(label, Creation(begun))
        try:
            answer = await self._fhir.post(body, headers=unless, key=f"{key}/{label}", journey=journey)
        except ClinicError as error:
            if isinstance(error, ClinicRefused | VersionConflict) or error.code in _NOT_DONE:
                creations.forget(label)
            raise
        if answer.id:
            creations.note(label, Creation(begun, answer.id))
        made = answer.resource
        if answer.id and (made is None or not wanted.counts(made)):
            made = await self._fhir.read(wanted.kind, answer.id, journey=journey, listed=True)
        if made is not None:
            self._confirm(made, wanted)
        return made

    def _confirm(self, made: Resource, wanted: Wanted) -> None:
        if not wanted.counts(made):
            # Repeating it could create another one each time.
            raise self._doubt(
                "write-unconfirmed", "The server keeps something other than what was sent: find out what."
            )

    async def _wait_for(self, wanted: Wanted, journey: str, made: Resource | None = None) -> Resource:
        """Searches until the resource is found. `made` is what the server said it keeps, a moment ago."""
        for seconds in (*_PAUSES, None):
            if (known := await self._one_of(await self._hits(wanted, journey), wanted, journey, made)) is not None:
                return known
            if seconds is not None:
                await self._fhir.pause(seconds)
        raise ClinicUnavailable(
            self._fhir.system, "not-searchable-yet", "The server's search does not find what was created; repeated."
        )
