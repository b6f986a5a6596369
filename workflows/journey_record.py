"""One journey's stream in the record: appending to it and reading it, from the workflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NoReturn, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError, TimeoutError, is_cancelled_exception

from activities import signatures
from domain.authorship import Authorship
from domain.comparing import Fingerprint
from domain.evolve import fold
from domain.pathway import Event
from domain.pathway.admission import OpenJourney
from domain.state import JourneyState
from domain.values import Value
from workflows.clear_text import ClearText
from workflows.not_recorded import CAUSES, cause

Answer = TypeVar("Answer", bound=Value)

_ONE_TRY = timedelta(seconds=6)
"""Elapsed. Longer than the recorder waits for the databases, so a try that reaches this has lost its worker."""
_TRIES = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=2)
_ALL_TRIES = timedelta(seconds=16)
"""Elapsed, including the wait for a free worker slot, which is long when many clients are admitted at once."""
_ALL_TRIES_WHEN_ASKED = timedelta(seconds=8)
"""Elapsed, if a caller waits for the answer."""


class CannotRecord(Exception):
    """An attempt to use the record failed.

    Attributes:
        code: The cause; see `workflows.not_recorded`.
        is_of_the_decision: Whether the cause concerns only this decision, so that others of the journey may be
            recorded.
    """

    def __init__(self, code: str, *, is_of_the_decision: bool) -> None:
        super().__init__(code)
        self.code = code
        self.is_of_the_decision = is_of_the_decision


class JourneyRecord:
    """The record of one journey.

    Attributes:
        keys_are_away: Whether the clients' keys did not answer for an earlier command of this attempt. Then this
            attempt does not wait for them again.
    """

    def __init__(self, opening: OpenJourney) -> None:
        self._stream, self._client_ref = opening.journey_id, opening.client_ref
        self.keys_are_away = False

    async def append(
        self,
        key: str,
        events: tuple[Event, ...],
        state: JourneyState,
        *,
        authorship: Authorship | None,
        is_asked: bool,
    ) -> signatures.Recorded:
        """Appends events, and returns what the record holds after the events that `state` was folded from.

        Args:
            key: The command's cause. Repeating the request with it is safe.
            events: The events of the command.
            state: The state before them.
            authorship: Who is said to have given the command; None for what the journey gives itself.
            is_asked: Whether a caller waits for the answer.

        Raises:
            CannotRecord: Nothing was recorded, as far as is known.
        """
        request = signatures.RecordRequest(
            stream=self._stream,
            expected_version=state.version,
            key=key,
            events=events,
            close=fold(events, state).is_finished,
            client_ref=self._client_ref,
            keys_are_away=self.keys_are_away,
            authorship=authorship,
        )
        summary = f"Record {events[0].type} and what follows ({len(events)} events)"
        try:
            return await _ask(signatures.RECORD, request, signatures.Recorded, summary, is_asked=is_asked)
        except FailureError as error:
            _fail(error, anything_else=state.version > 0)  # nothing goes before the opening

    async def read(self, after: int, known: Fingerprint | None = None) -> signatures.RecordChecked:
        """Reads what the record holds after `after` events, and whether `known`, if given, differs from it.

        Raises:
            CannotRecord: The record cannot be read.
        """
        request = signatures.CheckRequest(stream=self._stream, after=after, known=known)
        summary = f"Read the record after event {after}" + (f", compare event {known.version}" if known else "")
        try:
            return await _ask(signatures.CHECK_RECORD, request, signatures.RecordChecked, summary, is_asked=True)
        except FailureError as error:
            _fail(error, anything_else=False)


async def _ask(activity: str, request: Value, result_type: type[Answer], summary: str, *, is_asked: bool) -> Answer:
    """Asks once more if no worker answered, because a lost worker says nothing about the record."""
    try:
        return await _tries(activity, request, result_type, summary, is_asked=is_asked)
    except FailureError as error:
        if is_cancelled_exception(error) or not _lost_its_worker(error):
            raise
    return await _tries(activity, request, result_type, summary, is_asked=is_asked)


async def _tries(activity: str, request: Value, result_type: type[Answer], summary: str, *, is_asked: bool) -> Answer:
    answer: Answer = await workflow.execute_activity(
        activity,
        request,
        result_type=result_type,
        start_to_close_timeout=_ONE_TRY,
        schedule_to_close_timeout=_ALL_TRIES_WHEN_ASKED if is_asked else _ALL_TRIES,
        retry_policy=_TRIES,
        summary=ClearText(summary),
    )
    return answer


def _fail(error: FailureError, *, anything_else: bool) -> NoReturn:
    if is_cancelled_exception(error):
        raise error
    code = _code_of(error)
    raise CannotRecord(code, is_of_the_decision=anything_else and cause(code).is_of_the_decision) from None


def _code_of(error: FailureError) -> str:
    """The cause that the recorder named. If it named none in time, the record did not answer."""
    named = [link.type for link in _chain(error) if isinstance(link, ApplicationError) and link.type in CAUSES]
    if named:
        return str(named[0])
    return signatures.RECORD_UNREACHABLE if _timed_out(error) else signatures.UNEXPECTED


def _lost_its_worker(error: FailureError) -> bool:
    """Whether time ran out without a reason from the recorder, which would name a slow database before that."""
    return _timed_out(error) and not any(isinstance(link, ApplicationError) for link in _chain(error))


def _timed_out(error: FailureError) -> bool:
    return any(isinstance(link, TimeoutError) for link in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__
