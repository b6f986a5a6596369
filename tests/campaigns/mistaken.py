"""The mistakes that the dual write's rules are there to prevent: the campaign's checks have to find them out."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import signatures
    from domain.commands import BaseCommand
    from domain.pathway import Event
    from tests.workflows.dying import Dying
    from workflows.journey import JourneyWorkflow
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus


@workflow.defn(name=WORKFLOW)
class TrustsItself(Dying):
    """Takes what it decided for what is on record."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)

    async def record(self, command: BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        await super().record(command, events)
        return signatures.Recorded(events=events, as_asked=True)


@workflow.defn(name=WORKFLOW)
class TakesAnyAnswer(JourneyWorkflow):
    """Takes whatever the record holds for what it asked."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)

    async def record(self, command: BaseCommand, events: tuple[Event, ...]) -> signatures.Recorded:
        recorded = await super().record(command, events)
        return recorded.model_copy(update={"as_asked": True})
