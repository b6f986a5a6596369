"""A journey whose worker may die as soon as it has the record's answer."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import signatures
    from domain.commands import BaseCommand
    from domain.pathway import Event
    from tests.campaigns.fate import MINE, Window
    from workflows.journey import JourneyWorkflow
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus
    from workflows.recording import Recording


class MortalRecording(Recording):
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self._journey_id = start.opening.journey_id

    async def record(self, command: BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        recorded = await super().record(command, events)
        if MINE and not workflow.unsafe.is_replaying():
            MINE[0].at(Window.TAKEN, self._journey_id)
        return recorded


@workflow.defn(name=WORKFLOW)
class Mortal(JourneyWorkflow):
    """As it is in production."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self.recording = MortalRecording(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)
