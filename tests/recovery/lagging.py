"""A journey whose search attributes stay as they were first: to a comparison, Temporal's list lags."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.journey import JourneyWorkflow
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus


@workflow.defn(name=WORKFLOW)
class ShowsOnce(JourneyWorkflow):
    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self._has_shown = False

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)

    def _show(self) -> None:
        if not self._has_shown:
            self._has_shown = True
            super()._show()
