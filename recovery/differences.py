"""Compares what the record and the workflow say about a journey, and names the difference. Pure."""

from __future__ import annotations

from enum import StrEnum

from activities.signatures import AHEAD_OF_RECORD, DIFFERS_FROM_RECORD, RECORD_CLOSED
from domain.comparing import fingerprint
from domain.state import JourneyState
from domain.values import Value
from workflows.messages import JourneySnapshot
from workflows.not_recorded import NotRecorded


class Kind(StrEnum):
    """How the two can differ."""

    MISSING = "missing"  #: open on record, and no workflow runs it
    ZOMBIE = "zombie"  #: over on record, but its workflow still runs
    BEHIND = "behind"  #: the workflow lacks events of the record
    AHEAD = "ahead"  #: the workflow knows events that the record lacks
    DIFFERS = "differs"  #: as many events, but they do not agree
    ORPHAN = "orphan request"  #: a call is due and nothing makes it
    NOT_RECORDED = "not recorded"  #: they agree, but the journey's decisions cannot be recorded
    STOPPED = "stopped"  #: they agree, but the journey still stands still
    WAITING = "waiting"  #: the workflow is still reading its record and takes no decisions yet
    SILENT = "silent"  #: a workflow runs but does not answer
    UNREADABLE = "unreadable"  #: the record holds what this release cannot read


_REMEDY = {
    Kind.MISSING: "start its workflow from the record",
    Kind.ZOMBIE: "have the workflow read the record and end",
    Kind.BEHIND: "have the workflow read the record",
    Kind.AHEAD: "stop the journey and page operations; never fixed automatically",
    Kind.DIFFERS: "stop the journey and page operations; never fixed automatically",
    Kind.ORPHAN: "have the workflow make its calls again, under the same keys",
    Kind.NOT_RECORDED: "have the workflow try again at once; it pages operations by itself",
    Kind.STOPPED: "nothing; it pages operations by itself; once the cause is fixed: throughline look-again",
    Kind.WAITING: "nothing; it continues by itself once it has read the record",
    Kind.SILENT: "page operations; check the workflow's task failures and the workers' logs",
    Kind.UNREADABLE: "page operations; deploy the release that wrote the record, or a newer one",
}
TO_BE_STARTED = (Kind.MISSING,)
TO_CATCH_UP = (Kind.ZOMBIE, Kind.BEHIND, Kind.ORPHAN)
TO_TRY_AGAIN = (Kind.NOT_RECORDED,)
PAGES_BY_ITSELF = (Kind.NOT_RECORDED, Kind.STOPPED)
GOES_ON_BY_ITSELF = (Kind.WAITING,)
TO_STAND_STILL = (Kind.AHEAD, Kind.DIFFERS)
FOR_A_PERSON = (*TO_STAND_STILL, Kind.STOPPED, Kind.SILENT, Kind.UNREADABLE)


class OnRecord(Value):
    """A journey's stream. `state` is None if this release cannot read its events."""

    version: int
    closed: bool
    state: JourneyState | None


class Running(Value):
    """A journey's running workflow.

    Attributes:
        account: None if it does not answer.
        failure: Why its workflow task fails, if Temporal knows; without client data.
    """

    snapshot: JourneySnapshot | None
    failure: str | None = None

    @property
    def is_of_another_schema(self) -> bool:
        """Whether it answers, and its state has another schema than this program's."""
        return self.snapshot is not None and not self.snapshot.state.is_comparable


class Difference(Value):
    """One difference between record and workflow.

    Attributes:
        on_record: Events on record; None if there is no stream.
        in_workflow: Events that the workflow has folded; None if none runs or answers.
        sentence: The details, for an engineer.
        code: The code for telling the journey to stand still.
    """

    journey_id: str
    kind: Kind
    on_record: int | None
    in_workflow: int | None
    sentence: str
    code: str = ""

    @property
    def remedy(self) -> str:
        """What `--fix` does about it."""
        return _REMEDY[self.kind]


def difference(journey_id: str, record: OnRecord | None, workflow: Running | None) -> Difference | None:
    """The most serious difference between the two; None if they agree.

    Both were read one after the other while the journey may have changed, so the caller must check twice. States are
    only compared within one schema; versions, calls and the workflow's own status are always compared.
    """
    snapshot = workflow.snapshot if workflow else None
    found = _found(record, workflow, snapshot)
    if found is None:
        return None
    kind, sentence, code = found
    return Difference(
        journey_id=journey_id,
        kind=kind,
        on_record=record.version if record else None,
        in_workflow=snapshot.state.version if snapshot else None,
        sentence=sentence,
        code=code,
    )


def never_begun(journey_id: str) -> Difference:
    """Intake handed over an admission, but nothing of it is on record and no workflow runs."""
    sentence = "An admission was handed over and its workflow was lost before anything was on record."
    return Difference(journey_id=journey_id, kind=Kind.MISSING, on_record=None, in_workflow=None, sentence=sentence)


_Found = tuple[Kind, str, str]


def _found(record: OnRecord | None, workflow: Running | None, snapshot: JourneySnapshot | None) -> _Found | None:
    if record is not None and record.state is None:
        return Kind.UNREADABLE, "The record holds an event that this release cannot read.", ""
    if workflow is None:
        return _without_workflow(record)
    if snapshot is None:
        return Kind.SILENT, _silent(workflow.failure), ""
    if record is None or record.state is None:
        return _without_record(snapshot)
    return _both(record, record.state, snapshot)


def _without_workflow(record: OnRecord | None) -> _Found | None:
    if record is None or record.closed or record.state is None:
        return None
    if record.state.is_finished:
        return Kind.DIFFERS, "The journey is over by its events, but the stream was never closed.", RECORD_CLOSED
    due = record.state.next_deadline()
    owed = f"next deadline {due:%Y-%m-%d %H:%M} UTC" if due else "only calls left to make"
    return Kind.MISSING, f"Open on record, {owed}, and no workflow runs it.", ""


def _without_record(snapshot: JourneySnapshot) -> _Found | None:
    if snapshot.state.version == 0:
        return _halted(snapshot)
    sentence = f"The workflow has folded {snapshot.state.version} events, but the record has no such journey."
    return Kind.AHEAD, sentence, AHEAD_OF_RECORD


def _both(record: OnRecord, state: JourneyState, snapshot: JourneySnapshot) -> _Found | None:
    known, held = snapshot.state.version, record.version
    if known > held:
        sentence = f"The workflow has folded {known} events and the record holds {held}: events were lost."
        return Kind.AHEAD, sentence, AHEAD_OF_RECORD
    if record.closed and state.is_finished:
        return Kind.ZOMBIE, f"The journey is over on record, but its workflow still runs, at event {known}.", ""
    if record.closed:
        return Kind.DIFFERS, "The stream is closed, but the journey is not over: find out who closed it.", RECORD_CLOSED
    if known < held and not snapshot.is_reading:
        return Kind.BEHIND, f"The workflow has folded {known} events of the {held} on record.", ""
    if known == held and snapshot.state.is_comparable and fingerprint(state) != snapshot.state:
        return Kind.DIFFERS, f"Both know {held} events, but the states differ.", DIFFERS_FROM_RECORD
    return _at_rest(state, snapshot)


def _at_rest(state: JourneyState, snapshot: JourneySnapshot) -> _Found | None:
    if found := _halted(snapshot):
        return found
    if snapshot.is_reading:
        return Kind.WAITING, f"The workflow is reading its record, {state.version} events, and decides nothing yet.", ""
    if snapshot.waiting:  # the next decision may still settle a call, and calls are made after it
        return None
    orphans = sorted(key for key, call in state.pending().items() if call.concurrency_key not in snapshot.calls)
    if orphans:
        return Kind.ORPHAN, f"These calls to clinic systems are due but not being made: {', '.join(orphans)}.", ""
    return None


def _silent(failure: str | None) -> str:
    why = f"its task fails: {failure}" if failure else "its task fails, or no worker has it"
    return f"A workflow runs but does not answer: {why}."


def _since(trouble: NotRecorded | None) -> str:
    return f" since {trouble.since:%Y-%m-%d %H:%M:%S} UTC: {trouble.sentence.rstrip('.')}" if trouble else ""


def _halted(snapshot: JourneySnapshot) -> _Found | None:
    if snapshot.stopped:
        return Kind.STOPPED, f"The workflow stands still ({snapshot.stopped}){_since(snapshot.not_recorded)}.", ""
    trouble = snapshot.not_recorded
    if trouble is None:
        return None
    sentence = f"Nothing is recorded since {trouble.since:%Y-%m-%d %H:%M:%S} UTC ({trouble.code}): {trouble.sentence}"
    return Kind.NOT_RECORDED, sentence, trouble.code
