"""Workflows changed in ways that must not be deployed while journeys run: replay has to find each of them out."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.digests import DigestsWorkflow
    from workflows.journey import JourneyWorkflow
    from workflows.messages import DIGESTS, WORKFLOW, DigestStart, JourneyStart, JourneyStatus
    from workflows.recording import Recording


@workflow.defn(name=WORKFLOW)
class Hesitates(JourneyWorkflow):
    """Waits a minute before it begins."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        await asyncio.sleep(timedelta(minutes=1).total_seconds())
        return await super().run(start)


@workflow.defn(name=WORKFLOW)
class SetsItsTimerFirst(JourneyWorkflow):
    """Sets the timer, then makes the calls."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)

    def _make_calls(self) -> None:
        self.timer.set(self.recording.state.next_deadline())
        super()._make_calls()


class RecordingUnseen(Recording):
    def show(self) -> None:
        """Shows nothing."""


@workflow.defn(name=WORKFLOW)
class ShowsNothing(JourneyWorkflow):
    """Leaves the search attributes as they were at the start."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self.recording = RecordingUnseen(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)


class RecordingOfAnEmptyRecord(Recording):
    async def check_record(self) -> None:
        """Reads nothing."""


@workflow.defn(name=WORKFLOW)
class ReadsNothing(JourneyWorkflow):
    """Begins a new run without reading the record; the histories of first runs cannot find it out."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self.recording = RecordingOfAnEmptyRecord(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)


CHANGED = (Hesitates, SetsItsTimerFirst, ShowsNothing)


@workflow.defn(name=DIGESTS)
class HesitatesWithDigests(DigestsWorkflow):
    """Waits a minute before it begins."""

    @workflow.run
    async def run(self, start: DigestStart) -> None:
        await asyncio.sleep(timedelta(minutes=1).total_seconds())
        await super().run(start)
