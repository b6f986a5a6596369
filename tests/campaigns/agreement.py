"""Where the two records of a journey, what was said to it, and what the clinic did, disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activities.mail import message_id_for
from dashboard.reading import path
from domain.comparing import comparable
from domain.evolve import evolve, fold
from domain.pathway import Event
from domain.pathway.calls import EffectSettled
from domain.pathway.coverage import BenefitsRequested
from domain.state import JourneyState
from eventstore import StoredEvent
from record.codec import from_record
from tests.campaigns.racing import Told
from tests.workflows.paths import WholePath

_ONCE = ("ehr", "places")
"""Systems that do nothing again under a key they have seen. A payer or a mailbox knows it for the same by its key."""


@dataclass(frozen=True)
class Evidence:
    """What is known of one journey that has ended.

    Attributes:
        state: The workflow's.
        result: What the workflow returned.
        stored: The record's events.
        closed: Whether the record takes no more of them.
        ledger: What the clinic noted about this journey and its client.
        sender: Whose mail it is.
    """

    script: WholePath
    state: JourneyState
    result: dict[str, Any]
    stored: Sequence[StoredEvent]
    closed: bool
    told: Told
    ledger: Sequence[dict[str, Any]]
    sender: str


def disagreements(found: Evidence) -> Iterator[str]:
    """Each in a sentence; none if all is well."""
    events = [from_record(each) for each in found.stored]
    yield from _between_workflow_and_record(found, events)
    yield from decided_twice(found.stored)
    yield from _unlike_the_script(found, events)
    yield from unlike_what_was_said(found.told, events)
    yield from _at_the_clinic(found, events)


def holes(record: Sequence[StoredEvent]) -> Iterator[str]:
    """Positions or versions that are missing or double in the whole record."""
    if [each.position for each in record] != [*range(1, len(record) + 1)]:
        yield "positions are not dense"
    versions: dict[str, list[int]] = {}
    for each in record:
        versions.setdefault(each.stream, []).append(each.version)
    yield from (f"versions of {name} are not dense" for name, held in versions.items() if not _is_dense(held))


def _is_dense(numbers: Sequence[int]) -> bool:
    return [*numbers] == [*range(1, len(numbers) + 1)]


def _between_workflow_and_record(found: Evidence, events: Sequence[Event]) -> Iterator[str]:
    if comparable(fold(events)) != comparable(found.state):
        yield f"the workflow is at version {found.state.version}, the record folds to another state at {len(events)}"
    if found.result["version"] != len(events):
        yield f"the workflow returned version {found.result['version']}, the record has {len(events)}"
    if not found.closed:
        yield "the record is not closed although the workflow has ended"


def decided_twice(stored: Iterable[StoredEvent]) -> Iterator[str]:
    """Commands that led to more than one append, and answers that were taken twice."""
    appends: dict[str, set[datetime]] = {}
    settled = Counter[str]()
    for each in stored:
        event = from_record(each)
        appends.setdefault(event.cause, set()).add(each.recorded_at)  # one moment for all events of an append
        settled.update([event.key] if isinstance(event, EffectSettled) else [])
    yield from (f"{cause} was recorded {len(at)} times" for cause, at in appends.items() if len(at) > 1)
    yield from (f"the answer to {key} was taken {times} times" for key, times in settled.items() if times > 1)


def _unlike_the_script(found: Evidence, events: Sequence[Event]) -> Iterator[str]:
    been = path(events)
    if (been.stages, been.levels) != (found.script.stages, found.script.levels):
        yield f"it went {'>'.join(been.stages)} ({'>'.join(been.levels)}), which is not its script"
    if found.result["stage"] != found.script.stages[-1]:
        yield f"it returned the stage {found.result['stage']}"


def unlike_what_was_said(told: Told, events: Iterable[Event]) -> Iterator[str]:
    """What callers were answered, against what is on record."""
    recorded = {event.cause for event in events}
    yield from (f"{cause} was answered and is not on record" for cause in (told.decided | told.heard) - recorded)
    yield from (f"{cause} was refused and is on record" for cause in told.refused & recorded)


def _call_of(key: str) -> str:
    """The call that a write at the EHR or about a place belongs to: each write adds the resource to the call's key."""
    return "/".join(key.split("/")[:2])


def _at_the_clinic(found: Evidence, events: Sequence[Event]) -> Iterator[str]:
    wished = _wishes(events)
    keys = {f"{found.state.journey_id}/{key}" for key in wished}
    known = {message_id_for(key, found.sender) for key in keys}
    times = Counter[tuple[str, ...]]()
    for entry in found.ledger:
        system, key = entry["system"], entry["key"]
        times[system, entry["kind"], key, str(entry.get("target"))] += system in _ONCE
        if system != "eligibility" and key not in known and _call_of(key) not in keys:
            yield f"{system} was asked under {key}, which the record never wished for"
    yield from (f"{' '.join(done)} was done {number} times" for done, number in times.items() if number > 1)
    asked = {entry["key"] for entry in found.ledger if entry["system"] == "eligibility"}
    checks = sum(isinstance(event, BenefitsRequested) for event in events)
    if len(asked) != checks:
        yield f"the payer was asked {len(asked)} different questions for {checks} on record"


def _wishes(events: Iterable[Event]) -> set[str]:
    """The keys of every call that was due at some version of the record, and of every place held."""
    state, wished = JourneyState(), set[str]()
    for event in events:
        state = evolve(state, event)
        for key, effect in state.pending().items():
            wished |= {key, getattr(effect, "hold_key", key)}
    return wished
