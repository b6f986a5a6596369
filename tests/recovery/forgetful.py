"""A journey that forgets a call, as a fault of a release might, until it is told to look at its calls anew."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import effects as fx
    from workflows.journey import JourneyWorkflow
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus


@workflow.defn(name=WORKFLOW)
class Forgetful(JourneyWorkflow):
    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self._remembers = False

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)

    async def check_record(self) -> None:
        self._remembers = self._remembers or bool(self.record_checks)
        await super().check_record()

    async def _call(self, concurrency_key: str, effect: fx.Effect) -> None:
        if isinstance(effect, fx.CheckBenefits) and not self._remembers:
            del self._calls[concurrency_key]
            return
        await super()._call(concurrency_key, effect)
