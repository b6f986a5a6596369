"""What a workflow decided goes on record, or it hears what the record holds instead; never a client's words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from temporalio.exceptions import ApplicationError

from activities import signatures
from activities.recorder import Recorder
from domain import events as ev
from domain.values import Instant
from eventstore import Appended, MemoryEventStore, NewEvent, StoreUnavailable
from eventstore.codec import to_record
from tests.domain.walk import MONDAY

SECRET = "Bartolomea Quillfeather"  # an invented client


def fact(message: str = "message-1", at: Instant = MONDAY, cause: str = "repeat/1") -> ev.AdmissionRepeated:
    return ev.AdmissionRepeated(at=at, cause=cause, message=message)


def asked(*events: ev.Event, key: str = "repeat/1", after: int = 0, close: bool = False) -> signatures.RecordRequest:
    return signatures.RecordRequest(
        stream="journey-1", expected_version=after, key=key, events=events or (fact(),), close=close
    )


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def recorder(store: MemoryEventStore) -> Recorder:
    return Recorder(store)


@pytest.mark.parametrize(
    "request_",
    [
        asked(fact(f"{SECRET}\x00")),
        asked(fact(f"{SECRET} \ud83d")),
        asked(key=f"{SECRET}\x00"),
        asked(key=SECRET * 50),
        asked(fact(SECRET), after=-1),
    ],
    ids=["nul", "half a pair", "key", "long key", "version"],
)
async def test_what_no_record_keeps_is_a_fault_told_without_a_word_of_it(
    recorder: Recorder, store: MemoryEventStore, request_: signatures.RecordRequest
) -> None:
    with pytest.raises(ApplicationError) as failed:
        await recorder.record(request_)
    error = failed.value
    assert (error.type, error.non_retryable) == (signatures.NOT_RECORDABLE, True)
    assert error.__suppress_context__ and error.__cause__ is None
    assert SECRET not in f"{error!s} {error!r} {error.details}"
    assert await store.read("journey-1") == ()


async def test_a_stream_closed_by_somebody_is_said_so(recorder: Recorder, store: MemoryEventStore) -> None:
    await store.append("journey-1", expected_version=0, key="other", events=[to_record(fact())], close=True)
    with pytest.raises(ApplicationError) as failed:
        await recorder.record(asked(key="next", after=1))
    assert (failed.value.type, failed.value.non_retryable) == (signatures.RECORD_CLOSED, True)


async def test_what_closed_the_stream_meanwhile_is_handed_over(recorder: Recorder, store: MemoryEventStore) -> None:
    closing = fact("message-9", cause="other")
    await store.append("journey-1", expected_version=0, key="other", events=[to_record(closing)], close=True)
    recorded = await recorder.record(asked(key="next"))
    assert (recorded.events, recorded.as_asked) == ((closing,), False)


async def test_a_record_that_lost_events_is_said_so(recorder: Recorder) -> None:
    with pytest.raises(ApplicationError) as failed:
        await recorder.record(asked(after=3))
    assert (failed.value.type, failed.value.non_retryable) == (signatures.AHEAD_OF_RECORD, True)


async def test_a_command_answered_so_long_ago_that_the_workflow_forgot_it_leads_to_nothing(recorder: Recorder) -> None:
    await recorder.record(asked())
    for again in (fact(), fact(at=MONDAY.replace(hour=23))):
        recorded = await recorder.record(asked(again, after=1))
        assert (recorded.events, recorded.as_asked) == ((), True)


class RestoredInBetween(MemoryEventStore):
    """Has lost its events when it is written to, and has them again when it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.is_restored = False

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        if self.is_restored or expected_version == 0:
            return await super().append(stream, expected_version=expected_version, key=key, events=events, close=close)
        self.is_restored = True
        return await MemoryEventStore().append(
            stream, expected_version=expected_version, key=key, events=events, close=close
        )


async def test_a_command_is_not_taken_for_answered_when_the_record_is_restored_meanwhile() -> None:
    recorder = Recorder(RestoredInBetween())
    await recorder.record(asked())
    with pytest.raises(StoreUnavailable):  # Temporal asks again
        await recorder.record(asked(fact("message-2", cause="repeat/2"), key="repeat/2", after=1))
    recorded = await recorder.record(asked(fact("message-2", cause="repeat/2"), key="repeat/2", after=1))
    assert recorded.as_asked and len(recorded.events) == 1
