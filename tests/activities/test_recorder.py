"""What a workflow decided goes on record, or it hears what the record holds instead; never a client's words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs
from temporalio.exceptions import ApplicationError

import activities.recorder
from activities import signatures
from activities.marks import mark_of_last
from activities.recorder import Recorder
from clientkeys.errors import KekNotInFile, KekUnusable, KeysSchemaMissing, KeysUnavailable
from clientkeys.keys import DataKey
from domain.comparing import Fingerprint, fingerprint
from domain.evolve import fold
from domain.pathway import Event
from domain.pathway.admission import AdmissionRepeated
from domain.pathway.obligation_events import ObligationWaived
from domain.state import STATE_SCHEMA
from domain.values import Instant
from eventstore import Appended, EventStoreError, NewEvent, SchemaMissing
from record.codec import from_record, to_record
from record.sealing import MASK, Sealer
from tests.clientkeys.memory import MemoryKeyring
from tests.domain.walk import CLINICIAN, MONDAY
from tests.eventstore.memory import MemoryEventStore
from tests.unchecked import Unchecked

SECRET = "Bartolomea Quillfeather"  # an invented client


def fact(message: str = "message-1", at: Instant = MONDAY, cause: str = "repeat/1") -> AdmissionRepeated:
    return AdmissionRepeated(at=at, cause=cause, message=message)


def waived(reason: str = SECRET) -> ObligationWaived:
    return ObligationWaived(
        at=MONDAY,
        cause="waive/1",
        obligation="enrol-1",
        kind="enrol",
        title="Enrol the client",
        reason=reason,
        by=CLINICIAN,
    )


def asked(
    *events: Event, key: str = "repeat/1", after: int = 0, close: bool = False, client: str = "client-1"
) -> signatures.RecordRequest:
    return signatures.RecordRequest(
        stream="journey-1", expected_version=after, key=key, events=events or (fact(),), close=close, client_ref=client
    )


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def keyring() -> MemoryKeyring:
    return MemoryKeyring()


@pytest.fixture
def recorder(store: MemoryEventStore, keyring: MemoryKeyring) -> Recorder:
    return Recorder(store, Sealer(keyring), Unchecked())


@pytest.mark.parametrize(
    "request_",
    [
        asked(fact(f"{SECRET}\x00")),
        asked(fact(f"{SECRET} \ud83d")),
        asked(key=f"{SECRET}\x00"),
        asked(key=SECRET * 50),
        asked(fact(SECRET), after=-1),
        asked(waived(f"{SECRET}\x00")),
        asked(waived(), key=f"{SECRET} \ud83d"),
        asked(waived(), client=""),
    ],
    ids=["nul", "half a pair", "key", "long key", "version", "nul in words", "key of words", "words of nobody"],
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
    recorder = Recorder(RestoredInBetween(), Sealer(MemoryKeyring()), Unchecked())
    await recorder.record(asked())
    with pytest.raises(ApplicationError, match="StoreUnavailable") as failed:  # Temporal asks again
        await recorder.record(asked(fact("message-2", cause="repeat/2"), key="repeat/2", after=1))
    assert (failed.value.type, failed.value.non_retryable) == (signatures.RECORD_UNREACHABLE, False)
    recorded = await recorder.record(asked(fact("message-2", cause="repeat/2"), key="repeat/2", after=1))
    assert recorded.as_asked and len(recorded.events) == 1


async def test_words_are_sealed_on_their_way_in_and_whole_on_their_way_out(
    recorder: Recorder, store: MemoryEventStore
) -> None:
    recorded = await recorder.record(asked(waived()))
    assert (recorded.events, recorded.as_asked) == ((waived(),), True)
    [stored] = await store.read("journey-1")
    assert (from_record(stored), SECRET in stored.model_dump_json()) == (waived(MASK), False)
    [held] = (await recorder.record(asked(waived("other"), key="waive/2"))).events
    assert held == waived()


async def test_what_cannot_be_sealed_because_the_key_is_destroyed_is_said_so(
    recorder: Recorder, store: MemoryEventStore, keyring: MemoryKeyring
) -> None:
    await keyring.destroy("client-1")
    assert (await recorder.record(asked(fact()))).as_asked  # no words, no key
    with pytest.raises(ApplicationError) as failed:
        await recorder.record(asked(waived(), key="waive/1", after=1))
    assert (failed.value.type, failed.value.non_retryable) == (signatures.KEY_DESTROYED, True)
    assert SECRET not in str(failed.value)


async def test_a_last_append_whose_answer_was_lost_is_found_though_the_key_is_destroyed_by_now(
    recorder: Recorder, keyring: MemoryKeyring
) -> None:
    await recorder.record(asked(waived(), close=True))
    await keyring.destroy("client-1")
    recorded = await recorder.record(asked(waived(), close=True))
    assert (recorded.events, recorded.as_asked) == ((waived(MASK),), False)


class AwayKeyring(MemoryKeyring):
    async def key_of(self, owner: str) -> DataKey:
        raise KeysUnavailable("the database is down")


async def test_while_the_keys_are_away_nothing_is_recorded_and_temporal_asks_again(store: MemoryEventStore) -> None:
    with pytest.raises(ApplicationError) as failed:
        await Recorder(store, Sealer(AwayKeyring()), Unchecked()).record(asked(waived()))
    assert (failed.value.type, failed.value.non_retryable) == (signatures.KEYS_UNREACHABLE, False)
    assert await store.read("journey-1") == ()


class FailingKeyring(MemoryKeyring):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def key_of(self, owner: str) -> DataKey:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KekNotInFile("not there"), signatures.WRONG_KEK),
        (KekUnusable("changed"), signatures.KEY_UNUSABLE),
        (KeysSchemaMissing("no table"), signatures.KEYS_SCHEMA),
        (SchemaMissing(), signatures.RECORD_SCHEMA),
        (EventStoreError("the database refused the call (SQLSTATE 23514)"), signatures.RECORD_REFUSED),
        (ConnectionResetError(SECRET), signatures.RECORD_UNREACHABLE),
        (TimeoutError(SECRET), signatures.KEYS_UNREACHABLE),
        (ValueError(SECRET), signatures.UNEXPECTED),
        (RecursionError(SECRET), signatures.UNEXPECTED),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
async def test_every_error_is_told_by_its_cause_and_logged_without_what_it_says(
    store: MemoryEventStore, error: Exception, code: str
) -> None:
    with capture_logs() as logs, pytest.raises(ApplicationError) as failed:
        await Recorder(store, Sealer(FailingKeyring(error)), Unchecked()).record(asked(waived()))
    assert (failed.value.type, failed.value.__cause__) == (code, None)
    assert [(each["event"], each["cause"]) for each in logs] == [("record-attempt-failed", code)]
    assert SECRET not in f"{failed.value!s} {failed.value!r} {failed.value.details} {logs}"
    assert await store.read("journey-1") == ()


async def recorded(recorder: Recorder, number: int) -> list[Event]:
    """So many events on record, each by a command of its own."""
    events: list[Event] = [fact(cause=f"repeat/{each}") for each in range(number)]
    for each, event in enumerate(events):
        await recorder.record(asked(event, key=event.cause, after=each))
    return events


def check(after: int, known: Fingerprint | None = None) -> signatures.CheckRequest:
    return signatures.CheckRequest(stream="journey-1", after=after, known=known)


async def test_a_record_is_read_in_batches(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    events = await recorded(recorder, 7)
    monkeypatch.setattr(activities.recorder, "READ_AT_ONCE", 3)
    answers = [await recorder.check(check(after)) for after in (0, 3, 6, 7)]
    assert [list(each.events) for each in answers] == [events[:3], events[3:6], events[6:], []]
    assert {(each.version, each.closed, each.differs) for each in answers} == {(7, False, False)}


async def test_a_state_is_compared_with_the_record_within_its_schema_only(recorder: Recorder) -> None:
    known = fingerprint(fold(await recorded(recorder, 3)))
    other = known.model_copy(update={"digest": "another"})
    assert not (await recorder.check(check(3, known))).differs
    assert (await recorder.check(check(0, other))).differs
    for schema in (STATE_SCHEMA - 1, STATE_SCHEMA + 1):
        assert not (await recorder.check(check(0, other.model_copy(update={"state_schema": schema})))).differs
    ahead = await recorder.check(check(0, other.model_copy(update={"version": 4})))
    assert (ahead.version, ahead.differs) == (3, False)


async def test_reading_needs_no_key_and_shows_no_word(recorder: Recorder, keyring: MemoryKeyring) -> None:
    await recorder.record(asked(waived(), key="waive/1"))
    await keyring.destroy("client-1")
    looked = await recorder.check(check(0, fingerprint(fold([waived()]))))
    [event] = looked.events
    assert isinstance(event, ObligationWaived) and event.reason == MASK
    assert not looked.differs


async def test_each_answer_has_the_mark_of_its_last_event(store: MemoryEventStore, recorder: Recorder) -> None:
    recorded = await recorder.record(asked(fact(), fact("message-2")))
    assert recorded.mark == mark_of_last(await store.read("journey-1")) != ""
    repeated = await recorder.record(asked(fact(), fact("message-2")))
    assert (repeated.as_asked, repeated.mark) == (False, recorded.mark)
    forgotten = await recorder.record(asked(fact(), fact("message-2"), after=2))
    assert (forgotten.events, forgotten.mark) == ((), "")
    checked = await recorder.check(signatures.CheckRequest(stream="journey-1", after=1))
    assert (len(checked.events), checked.mark) == (1, recorded.mark)
    assert (await recorder.check(signatures.CheckRequest(stream="journey-1", after=2))).mark == ""


async def test_an_event_recorded_again_under_its_key_has_another_mark(recorder: Recorder) -> None:
    recorded = await recorder.record(asked(fact()))
    restored = Recorder(MemoryEventStore(), Sealer(MemoryKeyring()), Unchecked())
    again = await restored.record(asked(fact()))
    assert again.events == recorded.events
    assert again.mark != recorded.mark
