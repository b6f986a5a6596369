"""Compares the record with the workflows, names every difference, and fixes what can be fixed safely.

Temporal's list of running workflows is seconds old, and a running journey moves between one read and the next. So a
difference is named only if two looks in a row, a moment apart, find the very same one. For the same reason a head that
is listed otherwise than the record has it is only a reason to ask the journey.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from domain.evolve import fold
from domain.values import Value
from eventstore.errors import EventStoreError, UnreadableEvent
from eventstore.events import OpenStream
from eventstore.port import EventStore
from eventstore.verification.verify import ReportCount
from record.codec import from_record
from record.listing import open_journey_heads
from recovery import differences as diff
from recovery.differences import Difference, Kind, OnRecord
from recovery.heads import is_same_end
from recovery.recover import Admitted, NobodyAdmitted, NotResumable, resumption
from recovery.running import RunningJourneys
from workflows.client import CommandRefused, JourneyNotRunning, JourneysUnreachable
from workflows.messages import JourneyStart
from workflows.record_head import RecordHead

_NOT_DONE = (
    JourneysUnreachable,
    JourneyNotRunning,
    CommandRefused,
    EventStoreError,
    NotResumable,
    UnreadableEvent,
)
T = TypeVar("T")
R = TypeVar("R")
Asked = Callable[[str], bool]
"""Whether a journey is asked for its state."""

_AT_ONCE = 16
_LOOKS = 5
_MOMENT = timedelta(seconds=1)
_A_FEW = 10
"""If more journeys than this differ, and more than a tenth of those asked, the cause is a release."""


class Comparison(Value):
    """The result of a comparison.

    Attributes:
        journeys: How many there are.
        asked: How many running ones were asked where they stand.
        other_heads: Which of those had another head in Temporal's list than on record.
        of_another_schema: How many of those have a state that this program folds in another way. Their versions and
            calls were compared, what their states hold was not.
    """

    journeys: int
    asked: int
    differences: tuple[Difference, ...]
    of_another_schema: int = 0
    other_heads: frozenset[str] = frozenset()


class Mended(Value):
    """What was done about a difference; `failed` says why it could not be."""

    difference: Difference
    failed: str | None = None

    @property
    def is_for_a_person(self) -> bool:
        """Whether a person has to act."""
        return self.failed is not None or self.difference.kind in diff.FOR_A_PERSON


def is_a_release_at_fault(differing: int, asked: int) -> bool:
    """Whether so many of the journeys that were asked differ that stopping them would stop the centre."""
    return differing > max(_A_FEW, asked // 10)


@dataclass(frozen=True)
class Reconciler:
    """Compares one record with one Temporal namespace.

    Attributes:
        admitted: The source of handed-over journeys that may not be on record yet.
        moment: The time between two checks of a journey that seems to differ; elapsed.
    """

    store: EventStore
    running: RunningJourneys
    admitted: Admitted = field(default_factory=NobodyAdmitted)
    moment: timedelta = _MOMENT

    async def compare(
        self, progress: ReportCount = lambda done, of: None, *, asked: Callable[[int], Asked] = lambda journeys: _all
    ) -> Comparison:
        """Compares every journey that is open on record, is running, or was handed over.

        Args:
            progress: Told now and then how far it is.
            asked: Given how many are open, which of those that seem to run as they should are asked for their states.

        Raises:
            JourneysUnreachable: Temporal does not answer, or no worker does.
            StoreUnavailable: The record does not answer.
        """
        on_record, listed, handed_over = await self._everyone(progress)
        if listed and not await self.running.are_worked():
            raise JourneysUnreachable("no worker runs, so no journey can say where it stands: start one")
        suspected = (on_record.keys() ^ listed.keys()) | handed_over
        both, is_asked = on_record.keys() & listed.keys(), asked(len(on_record))
        other_heads = frozenset(each for each in both if not is_same_end(on_record[each], listed[each]))
        questioned = other_heads | {each for each in both if is_asked(each)}
        differences, others = await self._confirmed(suspected | questioned, handed_over, progress)
        return Comparison(
            journeys=len(both | suspected),
            asked=len(questioned),
            differences=differences,
            of_another_schema=len(others),
            other_heads=other_heads,
        )

    async def missing(self, progress: ReportCount = lambda done, of: None) -> Comparison:
        """Finds the journeys without a workflow, and asks none that has one; needs no worker. Raises as `compare`."""
        on_record, listed, handed_over = await self._everyone(progress)
        suspected = (on_record.keys() - listed.keys()) | handed_over
        found, _ = await self._confirmed(suspected, handed_over, progress)
        missing = tuple(each for each in found if each.in_workflow is None and each.kind is not Kind.SILENT)
        return Comparison(journeys=len(on_record.keys() | handed_over), asked=0, differences=missing)

    async def mend(self, comparison: Comparison, progress: ReportCount = lambda done, of: None) -> tuple[Mended, ...]:
        """Does for each difference what its kind allows; the rest is for a person."""
        alike = [each for each in comparison.differences if each.journey_id not in comparison.other_heads]
        differing = sum(each.kind is Kind.DIFFERS for each in alike)
        spare = is_a_release_at_fault(differing, comparison.asked - len(comparison.other_heads))

        async def mended(each: Difference) -> Mended:
            if spare and each.kind is Kind.DIFFERS:
                return Mended(
                    difference=each, failed="so many differ that the release must be the cause: none was stopped"
                )
            return await self._mended(each)

        return tuple(await _at_once(comparison.differences, mended, progress))

    async def release(
        self, stopped: Sequence[Difference], progress: ReportCount = lambda done, of: None
    ) -> tuple[Mended, ...]:
        """Tells journeys that stand still to check their record again; `failed` if one still contradicts it."""
        return tuple(await _at_once(stopped, self._released, progress))

    async def _released(self, each: Difference) -> Mended:
        try:
            await self.running.look_again(each.journey_id)
        except (JourneysUnreachable, JourneyNotRunning, CommandRefused) as error:
            return Mended(difference=each, failed=str(error))
        return Mended(difference=each)

    async def _mended(self, each: Difference) -> Mended:
        try:
            if each.kind in diff.TO_BE_STARTED:
                await self.running.start(await self._start_of(each.journey_id))
            elif each.kind in diff.TO_CATCH_UP:
                await self.running.catch_up(each.journey_id)
            elif each.kind in diff.TO_TRY_AGAIN:
                await self.running.look_again(each.journey_id)
            elif each.kind in diff.TO_STAND_STILL and each.in_workflow is not None:
                await self.running.stand_still(each.journey_id, each.code)
        except _NOT_DONE as error:
            return Mended(difference=each, failed=str(error))
        return Mended(difference=each)

    async def _start_of(self, journey_id: str) -> JourneyStart:
        stored = await self.store.read(journey_id)
        if stored:
            return resumption([from_record(each) for each in stored])
        for opening in await self.admitted.openings():
            if opening.journey_id == journey_id:
                return JourneyStart(opening=opening)
        raise NotResumable("nothing of it is on record, and intake no longer hands it over")

    async def _everyone(
        self, progress: ReportCount
    ) -> tuple[dict[str, OpenStream], dict[str, RecordHead | None], set[str]]:
        """The journeys open on record, those Temporal lists, and those handed over of which nothing is on record."""
        on_record = {each.stream: each async for each in open_journey_heads(self.store)}
        progress(0, len(on_record))
        listed = {journey_id: head async for journey_id, head in self.running.listed()}
        progress(0, len(on_record))
        candidates = sorted({each.journey_id for each in await self.admitted.openings()} - on_record.keys())
        heads = await _at_once(candidates, self.store.head)
        return on_record, listed, {each for each, head in zip(candidates, heads, strict=True) if head is None}

    async def _confirmed(
        self, ids: set[str], handed_over: set[str], progress: ReportCount
    ) -> tuple[tuple[Difference, ...], set[str]]:
        """The differences that two checks in a row found, and the journeys whose states could not be compared."""
        others: set[str] = set()

        async def look(journey_id: str) -> Difference | None:
            record, workflow = await self._on_record(journey_id), await self.running.find(journey_id)
            if workflow is not None and workflow.is_of_another_schema:
                others.add(journey_id)
            if record is None and workflow is None and journey_id in handed_over:
                return diff.never_begun(journey_id)
            return diff.difference(journey_id, record, workflow)

        named: list[Difference] = []
        order = sorted(ids)
        seen = dict(zip(order, await _at_once(order, look, progress), strict=True))
        for _ in range(_LOOKS):
            suspects = {each: found for each, found in seen.items() if found}
            if not suspects:
                break
            await asyncio.sleep(self.moment.total_seconds())
            seen = dict(zip(suspects, await _at_once(list(suspects), look), strict=True))
            named += [found for each, found in seen.items() if found and found == suspects[each]]
            seen = {each: found for each, found in seen.items() if found != suspects[each]}
        # A journey that still changes is working.
        return tuple(sorted(named, key=lambda each: each.journey_id)), others

    async def _on_record(self, journey_id: str) -> OnRecord | None:
        head = await self.store.head(journey_id)
        if head is None:
            return None
        stored = await self.store.read(journey_id)
        try:
            state = fold(from_record(each) for each in stored)
        except UnreadableEvent:
            state = None
        return OnRecord(version=len(stored), closed=head.closed, state=state)


def _all(journey_id: str) -> bool:
    return True


async def _at_once(
    things: Sequence[T], work: Callable[[T], Awaitable[R]], progress: ReportCount = lambda done, of: None
) -> list[R]:
    """Runs `work` on each of `things`, a few at a time. The results are in order."""
    turns, done = asyncio.Semaphore(_AT_ONCE), 0

    async def in_turn(thing: T) -> R:
        nonlocal done
        async with turns:
            result = await work(thing)
        done += 1
        progress(done, len(things))
        return result

    return list(await asyncio.gather(*(in_turn(each) for each in things)))
