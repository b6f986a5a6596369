"""A release with a fault: a journey's workflow task fails each time it is tried."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.journey import JourneyWorkflow
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus


@workflow.defn(name=WORKFLOW)
class Stumbling(JourneyWorkflow):
    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        raise RuntimeError("a fault")
