"""Records a journey's events and reads them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from access.signatures import Authors
from activities import signatures
from activities.failures import in_time, named_causes
from activities.marks import mark_of_last
from clientkeys.errors import KeyDestroyed, KeyMissing, KeysUnavailable, SealBroken
from domain.authorship import Authorship
from domain.comparing import Fingerprint, fingerprint
from domain.evolve import fold
from domain.pathway import Event
from domain.refusal import Refusal
from eventstore.errors import KeyReused, StoreUnavailable, StreamClosed, UnreadableEvent, VersionConflict
from eventstore.events import NewEvent, StoredEvent
from eventstore.port import EventStore
from record.codec import from_record
from record.sealing import Sealer, has_words

log = structlog.get_logger(__name__)

_KEYS_SECONDS = 3.0
_STORE_SECONDS = 5.5
"""Elapsed, for both databases together. The store itself waits up to 5 s for its turn to commit."""
READ_AT_ONCE = 100
"""Events in one answer. Temporal accepts payloads up to 2 MB; an event without sealed text rarely exceeds 2 kB."""


class Recorder:
    """Appends what a workflow decided, or answers with what the record holds instead.

    The worker may die between an append and the end of its workflow task, and the retried task may decide in
    another order. So if the record is not at the expected version, the answer is what it holds; the workflow folds that
    and decides again, and a command that was already answered adds nothing.

    Text about the client is sealed when it is recorded and opened when it is read. A command that `authors` does not
    believe to be from whom it names is refused before anything is recorded.
    """

    def __init__(self, store: EventStore, sealer: Sealer, authors: Authors) -> None:
        self._store = store
        self._sealer = sealer
        self._authors = authors

    @activity.defn(name=signatures.RECORD)
    async def record(self, request: signatures.RecordRequest) -> signatures.Recorded:
        """Records events and returns those after `request.expected_version`, including those of other writers.

        Raises:
            ApplicationError: Its type names the cause; see `activities.signatures`. Repeating the request with the same
                key is always safe.
        """
        with named_causes(request.stream):
            return await self._append(request)

    async def _append(self, request: signatures.RecordRequest) -> signatures.Recorded:
        if (refusal := self._refusal(request)) is not None:
            return await self._held(request, refusal=refusal)
        try:
            async with in_time(_STORE_SECONDS, StoreUnavailable):
                async with in_time(_KEYS_SECONDS, KeysUnavailable):
                    events = await self._sealed(request)
                appended = await self._store.append(
                    request.stream,
                    expected_version=request.expected_version,
                    key=request.key,
                    events=events,
                    close=request.close,
                )
        except KeyDestroyed:
            return await self._held(request, failing=_key_destroyed(request))
        except VersionConflict:
            return await self._held(request)
        except KeyReused:
            return await self._held(request, answered=True)
        except StreamClosed:
            return await self._held(request, failing=_record_closed(request))
        if appended.replayed:
            return await self._held(request, answered=True)
        return signatures.Recorded(events=request.events, as_asked=True, mark=mark_of_last(appended.events))

    def _refusal(self, request: signatures.RecordRequest) -> Refusal | None:
        """Why the command is not believed to be from whom it names. What the journey gives itself needs no proof."""
        said = request.authorship
        refusal = self._authors.refusal(request.stream, request.key, said) if said is not None else None
        if said is not None and refusal is not None:
            signature = said.signature
            log.warning(
                "command-not-believed",
                journey=request.stream,
                command=request.key,
                cause=refusal.code,
                by=said.by.id if said.by else None,
                via=signature.via if signature else None,
                key_id=signature.key_id if signature else None,
            )
        return refusal

    @activity.defn(name=signatures.CHECK_RECORD)
    async def check(self, request: signatures.CheckRequest) -> signatures.RecordChecked:
        """What the record holds of a journey, for a workflow to compare with its state or to fold. Needs no client key.

        Raises:
            ApplicationError: Its type names the cause, as for `record`.
        """
        with named_causes(request.stream):
            return await self._compared(request)

    async def _compared(self, request: signatures.CheckRequest) -> signatures.RecordChecked:
        head = await self._store.head(request.stream)
        stored = await self._store.read(request.stream)
        asked_for = stored[request.after : request.after + READ_AT_ONCE]
        return signatures.RecordChecked(
            version=len(stored),
            closed=head is not None and head.closed,
            differs=request.known is not None and _differs(stored, request.known),
            events=_masked(asked_for),
            mark=mark_of_last(asked_for),
        )

    async def _opened(self, stored: Sequence[StoredEvent]) -> tuple[Event, ...]:
        try:
            return await self._sealer.open(stored)
        except (UnreadableEvent, KeyMissing, SealBroken) as error:
            raise _unreadable(error) from None

    async def _sealed(self, request: signatures.RecordRequest) -> list[NewEvent]:
        if request.keys_are_away and has_words(request.events):
            raise _keys_are_away(request)
        events = await self._sealer.seal(
            request.events,
            stream=request.stream,
            key=request.key,
            client_ref=request.client_ref,
            meta={**_recorded_by(), **_via(request.authorship)},
        )
        return _vouched_for(events, request.authorship)

    async def _held(
        self,
        request: signatures.RecordRequest,
        *,
        answered: bool = False,
        failing: ApplicationError | None = None,
        refusal: Refusal | None = None,
    ) -> signatures.Recorded:
        """What the record holds. If that is nothing, `failing` or `refusal` says why the events are not recorded.

        It may hold the events of a refused command: recorded by a worker that died with its answer, and whose keys were
        others.
        """
        stored = await self._store.read(request.stream, after_version=request.expected_version)
        if not stored and refusal is not None:
            return signatures.Recorded(events=(), as_asked=False, refusal=refusal)
        if not stored and failing is not None:
            raise failing
        if not stored:
            head = await self._store.head(request.stream)
            if head is not None and head.version == request.expected_version:
                if answered:  # so long ago that the workflow no longer knows it
                    return signatures.Recorded(events=(), as_asked=True)
                raise StoreUnavailable("the record changed between an append and a read")
            raise ApplicationError(
                f"journey {request.stream} knows {request.expected_version} events and the record does not: "
                "stop its workers and restore the record, or reset the workflow to the record",
                type=signatures.AHEAD_OF_RECORD,
                non_retryable=True,
            )
        return signatures.Recorded(events=await self._opened(stored), as_asked=False, mark=mark_of_last(stored))


def _differs(stored: Sequence[StoredEvent], known: Fingerprint) -> bool:
    if not known.is_comparable or len(stored) < known.version:
        return False
    return fingerprint(fold(_masked(stored[: known.version]))) != known


def _masked(stored: Sequence[StoredEvent]) -> tuple[Event, ...]:
    """The events with sealed text masked: no decision or obligation depends on that text."""
    try:
        return tuple([from_record(event) for event in stored])
    except UnreadableEvent as error:
        raise _unreadable(error) from None


def _record_closed(request: signatures.RecordRequest) -> ApplicationError:
    return ApplicationError(
        f"the record of journey {request.stream} is closed and the journey still has events to record: "
        "find out who closed it; what is left goes into a new journey",
        type=signatures.RECORD_CLOSED,
        non_retryable=True,
    )


def _key_destroyed(request: signatures.RecordRequest) -> ApplicationError:
    return ApplicationError(
        f"the key of the client of journey {request.stream} was destroyed while the journey ran: "
        "find out who destroyed it; if care continues, admit the client again as a new client with a new journey",
        type=signatures.KEY_DESTROYED,
        non_retryable=True,
    )


def _keys_are_away(request: signatures.RecordRequest) -> ApplicationError:
    return ApplicationError(
        f"journey {request.stream} has words to record, and the keys did not answer a moment ago",
        type=signatures.KEYS_UNREACHABLE,
        non_retryable=True,
    )


def _unreadable(error: Exception) -> ApplicationError:
    return ApplicationError(str(error), type=signatures.UNREADABLE, non_retryable=True)


def _via(authorship: Authorship | None) -> dict[str, str]:
    """Goes beside every event of a command from outside, so that direct access can be found by each."""
    return {"via": authorship.signature.via.value} if authorship and authorship.signature else {}


def _vouched_for(events: list[NewEvent], authorship: Authorship | None) -> list[NewEvent]:
    """`events`, the first of them with the whole signature: it is the same for all, and is long."""
    if authorship is None or authorship.signature is None:
        return events
    first, *others = events
    proof: dict[str, Any] = {**first.meta, "signed": authorship.on_record()}
    return [first.model_copy(update={"meta": proof}), *others]


def _recorded_by() -> dict[str, str]:
    if not activity.in_activity():
        return {}
    info = activity.info()
    return {"workflow_id": info.workflow_id or "", "run_id": info.workflow_run_id or ""}
