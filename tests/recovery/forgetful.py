"""A journey that forgets a call, as a fault of a release might, until it is told to look at its calls anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import effects as fx
    from workflows.calls_under_way import CallsUnderWay
    from workflows.journey import JourneyWorkflow
    from workflows.messages import WORKFLOW, JourneyStart, JourneyStatus
    from workflows.recording import Recording


class ForgetfulRecording(Recording):
    remembers = False

    async def check_record(self) -> None:
        self.remembers = self.remembers or bool(self.checks)
        await super().check_record()


class ForgetfulCalls(CallsUnderWay):
    """Begins a benefit check only once the recording remembers it."""

    def __init__(self, calls: CallsUnderWay, recording: ForgetfulRecording) -> None:
        super().__init__(calls._carry_out, calls._answered)
        self._recording = recording

    def begin(self, effects: Iterable[fx.Effect], busy: Collection[str]) -> None:
        remembers = self._recording.remembers
        super().begin((each for each in effects if remembers or not isinstance(each, fx.CheckBenefits)), busy)


@workflow.defn(name=WORKFLOW)
class Forgetful(JourneyWorkflow):
    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)
        self.recording = recording = ForgetfulRecording(start)
        self.calls = ForgetfulCalls(self.calls, recording)

    @workflow.run
    async def run(self, start: JourneyStart) -> JourneyStatus:
        return await super().run(start)
