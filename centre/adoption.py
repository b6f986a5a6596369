"""Puts each policy on record once, so that a later change of its file is noticed.

Journeys name the version they are under. What that version said is kept here, for those who must explain a journey
years later.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from centre.policies import ReadPolicy
from domain.events import BaseEvent
from eventstore.codec import to_record
from eventstore.errors import KeyReused, StreamClosed, VersionConflict
from eventstore.port import EventStore


class PolicyAdopted(BaseEvent):
    """A policy came into use. In no journey's stream.

    Attributes:
        digest: SHA-256 of what its file says.
        document: What it says.
    """

    type: Literal["policy.adopted"] = "policy.adopted"
    version: str
    digest: str
    document: dict[str, Any]


class PolicyFileDiffers(Exception):
    """A policy's file is missing, or differs from what the record says."""


async def adopt_policies(store: EventStore, policies: list[ReadPolicy], now: datetime) -> None:
    """Puts each policy on record that is not there yet, and compares every file with the record.

    Raises:
        PolicyFileDiffers: Names the version; nothing may run until its file is as it was.
    """
    for each in policies:
        version, digest = each.policy.version, each.policy.digest
        adopted = await _adopted(store, version) or await _adopt(store, each, now)
        if adopted != digest:
            raise PolicyFileDiffers(
                f"the file of policy {version!r} is not what it was when it came into use (digest {digest[:12]}, on "
                f"record {adopted[:12]}): put the file back as it was, and give what changed a version of its own"
            )
    if missing := await _on_record(store) - {each.policy.version for each in policies}:
        raise PolicyFileDiffers(
            f"policy {', '.join(sorted(missing))} is on record, and no file here has it: put its file back, since "
            "journeys may be under it"
        )


async def _on_record(store: EventStore) -> set[str]:
    """The versions of all policies that ever came into use."""
    found: set[str] = set()
    after = _stream("")
    while page := [each.stream for each in await store.streams(after=after) if each.stream.startswith(_stream(""))]:
        found.update(stream.removeprefix(_stream("")) for stream in page)
        after = page[-1]
    return found


async def _adopted(store: EventStore, version: str) -> str | None:
    """The digest on record."""
    for stored in await store.read(_stream(version), limit=1):
        return str(stored.data["digest"])
    return None


async def _adopt(store: EventStore, policy: ReadPolicy, now: datetime) -> str:
    version, digest = policy.policy.version, policy.policy.digest
    cause = f"adopt/{version}"
    event = PolicyAdopted(at=now, cause=cause, version=version, digest=digest, document=policy.document)
    try:
        await store.append(_stream(version), expected_version=0, key=cause, events=[to_record(event)], close=True)
    except (KeyReused, StreamClosed, VersionConflict):  # another worker adopted it just now
        return await _adopted(store, version) or digest
    return digest


def _stream(version: str) -> str:
    return f"policy/{version}"
