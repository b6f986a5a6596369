"""Records each version of the centre's data when it is first used. After that, the version must never change.

A journey names the version by which its deadlines were counted. If the file of that version could change, past due
times could no longer be explained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import structlog

from centre.files import CentreFileError
from centre.policies import ReadPolicy
from domain.adopted import Adopted, CalendarAdopted, PolicyAdopted
from domain.sites import Site
from eventstore.errors import KeyReused, StreamClosed, VersionConflict
from eventstore.port import EventStore
from record.codec import to_record
from record.listing import streams

log = structlog.get_logger(__name__)


class AlteredVersion(CentreFileError):
    """A version that was in use has changed in the centre's files."""

    def __init__(self, event: Adopted) -> None:
        super().__init__(
            Path(event.file),
            None,
            f"{event.what} was in use with other content (digest on record differs from {event.digest[:12]}); restore "
            "the file as it was, and write the change as a new version",
        )


async def adopt(store: EventStore, event: Adopted) -> bool:
    """Records the content of a version, once. Returns whether it was new.

    Raises:
        AlteredVersion: The record holds the same version with other content.
        EventStoreError: The record does not answer.
    """
    if await _is_on_record(store, event):
        return False
    try:
        await store.append(event.stream, expected_version=0, key="adopted", events=[to_record(event)], close=True)
    except (KeyReused, StreamClosed, VersionConflict):  # another worker recorded it at the same time
        await _is_on_record(store, event)
        return False
    log.info("version-adopted", what=event.what, digest=event.digest)
    return True


async def _is_on_record(store: EventStore, event: Adopted) -> bool:
    held = await store.read(event.stream, limit=1)
    if held and held[0].data.get("digest") != event.digest:
        raise AlteredVersion(event)
    return bool(held)


async def adopt_calendars(store: EventStore, sites: Iterable[Site], now: datetime) -> None:
    """Adopts every calendar of these sites. Raises as `adopt` does."""
    for site in sites:
        for calendar in site.calendars:
            await adopt(store, CalendarAdopted.of(site.id, calendar, now))


async def adopt_policies(store: EventStore, policies: Sequence[ReadPolicy], now: datetime) -> None:
    """Adopts every one of these policies.

    Raises:
        AlteredVersion: As `adopt`.
        CentreFileError: A policy that was in use has no file here.
    """
    for each in policies:
        policy, document = each.policy, each.document
        cause = f"adopt/policy/{policy.version}"
        event = PolicyAdopted(at=now, cause=cause, version=policy.version, digest=policy.digest, document=document)
        await adopt(store, event)
    if missing := await _policies_on_record(store) - {each.policy.version for each in policies}:
        names = ", ".join(sorted(missing))
        raise CentreFileError(Path("policies"), None, f"has no file for {names}, and journeys may use it; put it back")


async def _policies_on_record(store: EventStore) -> set[str]:
    return {stream.removeprefix("policy/") async for stream in streams(store, "policy/")}
