"""A journey whose search attributes stay as they were first: to a comparison, Temporal's list lags."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.journey import JourneyWorkflow
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus
    from workflows.recording import Recording


class ShownOnce(Recording):
    has_shown = False

    def show(self) -> None:
        if not self.has_shown:
            self.has_shown = True
            super().show()


@workflow.defn(name=WORKFLOW)
class ShowsOnce(JourneyWorkflow):
    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self.recording = ShownOnce(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)
