"""A journey whose workflow task dies with the record's answer, as if its worker had been killed just then."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import signatures
    from domain.commands import BaseCommand
    from domain.pathway import Event
    from tests.workflows.deaths import MARKED
    from workflows.journey import JourneyWorkflow
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus
    from workflows.recording import Recording


class TaskDied(Exception):
    """Fails the workflow task: nothing of it reaches Temporal, the answer of the record neither."""


class DyingRecording(Recording):
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self._journey_id = start.opening.journey_id

    async def record(self, command: BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        recorded = await super().record(command, events)
        step = (self._journey_id, command.cause)
        if step in MARKED:
            MARKED.remove(step)
            raise TaskDied("the worker died after the append")
        return recorded


@workflow.defn(name=WORKFLOW)
class Dying(JourneyWorkflow):
    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self.recording = DyingRecording(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)
