"""The mistakes that the dual write's rules are there to prevent: the campaign's checks have to find them out."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import signatures
    from domain.commands import BaseCommand
    from domain.pathway import Event
    from tests.workflows.dying import DyingRecording
    from workflows.journey import JourneyWorkflow
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus
    from workflows.recording import Recording


class SelfTrusting(DyingRecording):
    async def record(self, command: BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        await super().record(command, events)
        return signatures.Recorded(events=events, as_asked=True)


class Credulous(Recording):
    async def record(self, command: BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        recorded = await super().record(command, events)
        return recorded.model_copy(update={"as_asked": True})


@workflow.defn(name=WORKFLOW)
class TrustsItself(JourneyWorkflow):
    """Takes what it decided for what is on record."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self.recording = SelfTrusting(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)


@workflow.defn(name=WORKFLOW)
class TakesAnyAnswer(JourneyWorkflow):
    """Takes any answer of the record for what it asked."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self.recording = Credulous(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)
