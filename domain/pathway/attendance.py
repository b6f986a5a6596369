"""Attendance: what follows from the sessions a client comes to, misses, or no longer comes to.

Sessions are facts beside the journey (`domain.sessions`). The journey is told of them in a few numbers, and only when
those change, so that what is owed depends on what is known of the sessions and never on the order in which it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, IN_CARE, Decision, SignedCommand
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import suspension
from domain.pathway.obligation_changes import cancelled, met, raised, raised_within
from domain.pathway.obligation_events import ObligationRaised
from domain.plans import Actor
from domain.refusal import require
from domain.sessions.attendance import Attendance
from domain.values import CLINICAL, Instant, PrivateWords, Role, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import CareStartTakenBack, LevelOfCareEnded, LevelOfCareStarted
    from domain.pathway.corrections import DischargeCorrected, EnrolmentCorrected
    from domain.pathway.crisis import CrisisEnded
    from domain.pathway.death import DeathCorrected
    from domain.pathway.leave import LeaveEnded, LeaveStarted
    from domain.pathway.maintenance import MaintenanceEnded, MaintenanceStarted, RelapsePreventionPlanUpdated
    from domain.pathway.obligation_events import ObligationMet, ObligationWaived
    from domain.state import JourneyState

part = Part("attendance", optional=True)

REACH_OUT = ObligationKind(
    kind="reach-out",
    title="Reach the client who missed sessions",
    ended_by="record-outreach",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
RESOLVE_DISENGAGEMENT = ObligationKind(
    kind="resolve-disengagement",
    title="Decide how to go on: the client no longer comes",
    completable_by=CLINICAL,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
SEE_CLIENT = ObligationKind(
    kind="see-client",
    title="See that the client comes again",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
_WEEK = 7
"""Calendar days of the week of the last session, from whose first day it is counted when the client comes again."""
WRITE_PROGRESS_NOTE = ObligationKind(
    kind="write-progress-note",
    title="Write a session's progress note, and enter that",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
    outlives_care=True,
)


class OutreachOutcome(StrEnum):
    """How an attempt to reach a client who missed sessions went."""

    COMING_BACK = "coming-back"
    UNDECIDED = "undecided"  #: reached, and not sure whether they come back
    WANTS_TO_STOP = "wants-to-stop"
    MESSAGE_LEFT = "message-left"
    NO_ANSWER = "no-answer"
    WRONG_CONTACT = "wrong-contact"  #: the number or address is not theirs

    @property
    def is_reached(self) -> bool:
        """Whether staff spoke to the client."""
        return self in (OutreachOutcome.COMING_BACK, OutreachOutcome.UNDECIDED, OutreachOutcome.WANTS_TO_STOP)


class OutreachMethod(StrEnum):
    """How staff tried to reach a client who missed sessions."""

    CALL = "call"
    MESSAGE = "message"
    LETTER = "letter"
    HOME_VISIT = "home-visit"
    EMERGENCY_CONTACT = "emergency-contact"  #: the person whom the client named for emergencies
    WELFARE_CHECK = "welfare-check"  #: by the police or a mobile crisis team

    @property
    def in_words(self) -> str:
        """For the middle of a sentence."""
        if self is OutreachMethod.EMERGENCY_CONTACT:
            return "through the emergency contact"
        return f"by {self.replace('-', ' ')}"


class KnownAttendance(Slice):
    """What the journey was told last.

    Attributes:
        entries: How many entries about sessions that was after.
        attempts: Attempts to reach the client since they last came.
        answered: How many sessions in a row had been missed when the client was last reached, or a clinician decided.
    """

    entries: int = 0
    known: Attendance = Attendance()
    attempts: int = 0
    answered: int = 0


class AttendanceNoted(BaseEvent):
    """The client's sessions, in a few facts, after so many entries; see `domain.sessions.attendance.Attendance`."""

    news: ClassVar[bool] = False

    type: Literal["attendance.noted"] = "attendance.noted"
    entries: int
    first_kept_at: Instant | None = None
    seen_week: date | None = None
    missed: int = 0
    missed_since: Instant | None = None
    unnoted_since: Instant | None = None

    def _sentence(self) -> str:
        if self.missed:
            return f"Sessions missed in a row: {self.missed}"
        return f"Came to sessions, last in the week of {self.seen_week}" if self.seen_week else "No session kept"

    @property
    def known(self) -> Attendance:
        """The same as one value."""
        return Attendance.model_validate({name: getattr(self, name) for name in Attendance.model_fields})


class OutreachRecorded(BaseEvent):
    """Staff tried to reach the client, who had missed sessions."""

    type: Literal["outreach.recorded"] = "outreach.recorded"
    outcome: OutreachOutcome
    method: OutreachMethod | None = None
    attempt: int
    note: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        how = f" {self.method.in_words}" if self.method else ""
        return f"Outreach {self.attempt}{how}: {self.outcome.replace('-', ' ')}{said_by(self.by)}"


class NoteAttendance(SignedCommand):
    """Tells the journey what has changed about its client's sessions."""

    kind: Literal["note-attendance"] = "note-attendance"
    entries: Annotated[int, Field(ge=1)]
    known: Attendance

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Nothing where the journey knows as much or more already. Also after care: a note may still be owed."""
        if self.entries > state.attendance.entries and self.known != state.attendance.known:
            yield AttendanceNoted(**when, entries=self.entries, **dict(self.known))


class RecordOutreach(
    Decision,
    label="Record outreach",
    by=CARE_TEAM,
    at=(Stage.ACTIVE, Stage.TRANSITION, Stage.DISCHARGING),
):
    """Record an attempt to reach a client who missed sessions, and what came of it."""

    kind: Literal["record-outreach"] = "record-outreach"
    outcome: OutreachOutcome = Field(description="What came of it.")
    method: OutreachMethod | None = Field(default=None, description="How staff tried to reach them.")
    note: Words | None = Field(default=None, description="What was said, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Only of a client who has missed a session since they last came."""
        require(
            state.attendance.known.missed > 0,
            "nothing-missed",
            "The client has missed no session since they last came. Enter the session they missed first.",
        )
        attempt = state.attendance.attempts + 1
        said = {"outcome": self.outcome, "method": self.method, "note": self.note}
        yield OutreachRecorded(**when, **said, attempt=attempt, by=self.by)


@part.evolves
def know(state: JourneyState, event: AttendanceNoted) -> KnownAttendance:
    """A client who came again is reached anew if they miss sessions later."""
    before, known = state.attendance, event.known
    attempts = before.attempts if known.missed else 0
    answered = min(before.answered, known.missed)
    return KnownAttendance(entries=event.entries, known=known, attempts=attempts, answered=answered)


@part.evolves
def count_the_attempt(state: JourneyState, event: OutreachRecorded) -> KnownAttendance:
    """Reached or not."""
    return state.attendance.changed(attempts=event.attempt)


@part.evolves
def answer_what_was_missed(state: JourneyState, event: ObligationMet | ObligationWaived) -> KnownAttendance:
    """The same sessions are not answered twice; another one missed is."""
    if event.kind not in (REACH_OUT.kind, RESOLVE_DISENGAGEMENT.kind):
        return state.attendance
    return state.attendance.changed(answered=state.attendance.known.missed)


@part.consequence
def follow_what_was_missed(
    state: JourneyState, event: AttendanceNoted | LeaveEnded | CrisisEnded | DischargeCorrected | DeathCorrected
) -> Iterator[BaseEvent]:
    """So many sessions missed in a row are answered; fewer no longer are, whether the client came or it was wrong.

    Those who are away are followed once they are back.
    """
    missed, numbers = state.attendance.known.missed, state.policy
    if missed < numbers.outreach_after_missed:
        yield from _owed_no_longer(state, event, REACH_OUT)
    elif _is_unanswered(state, REACH_OUT):
        yield raised_within(state, event, REACH_OUT, "outreach_hours")
    if missed < numbers.disengaged_after_missed and not (missed and _wants_to_stop(state)):
        yield from _owed_no_longer(state, event, RESOLVE_DISENGAGEMENT)
    elif missed >= numbers.disengaged_after_missed and _is_unanswered(state, RESOLVE_DISENGAGEMENT):
        yield _disengaged(state, event)


@part.consequence
def note_that_they_were_reached(state: JourneyState, event: OutreachRecorded) -> Iterator[BaseEvent]:
    """Whoever wants to stop is a clinician's to decide about, however few sessions they missed."""
    if event.outcome.is_reached:
        yield from met(state, event, REACH_OUT)
    if event.outcome is OutreachOutcome.WANTS_TO_STOP and not state.open_of(RESOLVE_DISENGAGEMENT.kind):
        yield _disengaged(state, event)


@part.consequence
def reach_nobody_on_leave(state: JourneyState, event: LeaveStarted) -> Iterator[BaseEvent]:
    """They are not expected."""
    yield from cancelled(state, event, REACH_OUT, RESOLVE_DISENGAGEMENT, SEE_CLIENT)


@part.consequence
def reach_nobody_who_left_the_level(state: JourneyState, event: LevelOfCareEnded) -> Iterator[BaseEvent]:
    """Another level has its own; after a discharge it is kept in case that was a mistake."""
    if not state.discharge.discharged:
        yield from _owed_no_longer(state, event, REACH_OUT, RESOLVE_DISENGAGEMENT, SEE_CLIENT)


@part.consequence
def expect_the_client_to_come(state: JourneyState, event: LevelOfCareStarted | LeaveEnded) -> Iterator[BaseEvent]:
    """From now on, wherever the centre itself gives care."""
    if _is_expected(state) and not state.open_of(SEE_CLIENT.kind):
        yield _unseen(state, event, event.at)


@part.consequence
def expect_them_at_their_rhythm(
    state: JourneyState, event: MaintenanceStarted | RelapsePreventionPlanUpdated | MaintenanceEnded
) -> Iterator[BaseEvent]:
    """In maintenance the client comes as often as was decided for them, and as often as others after it."""
    for owed in state.open_of(SEE_CLIENT.kind):
        anew = _unseen(state, event, owed.counted.since)
        if anew.obligation.counted != owed.counted:
            yield from cancelled(state, event, SEE_CLIENT)
            yield anew


@part.consequence
def expect_them_still(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """A person saw to it, or said that nobody need: that goes for this time, and the client is waited for anew."""
    by_a_person = event.by is not None and event.kind == SEE_CLIENT.kind
    if by_a_person and _is_expected(state) and not state.open_of(SEE_CLIENT.kind):
        yield _unseen(state, event, event.at)


@part.consequence
def note_that_they_came(state: JourneyState, event: AttendanceNoted) -> Iterator[BaseEvent]:
    """It counts from the week of their last session."""
    if event.seen_week is None or not _is_expected(state):
        return
    counted_from = max(state.calendar.day_begins(event.seen_week), state.level_since or event.at)
    owed = state.open_of(SEE_CLIENT.kind)
    if all(each.counted.since != counted_from for each in owed):
        yield from met(state, event, SEE_CLIENT)
        yield _unseen(state, event, counted_from)


@part.consequence
def owe_the_note(state: JourneyState, event: AttendanceNoted) -> Iterator[BaseEvent]:
    """A session without its progress note is open work, the earliest first."""
    owed = state.open_of(WRITE_PROGRESS_NOTE.kind)
    if any(each.counted.since == event.unnoted_since for each in owed):
        return
    yield from met(state, event, WRITE_PROGRESS_NOTE)
    if event.unnoted_since is not None:
        counted = state.policy.counted("progress_note_business_days", since=event.unnoted_since)
        yield raised(state, event, WRITE_PROGRESS_NOTE, counted)


@part.consequence
def expect_nobody_before_care(
    state: JourneyState, event: EnrolmentCorrected | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """Care has not begun."""
    yield from cancelled(state, event, REACH_OUT, RESOLVE_DISENGAGEMENT, SEE_CLIENT)


def _is_expected(state: JourneyState) -> bool:
    """Whether the client is to come to sessions here."""
    away = state.leave.until is not None or state.crisis.current is not None
    return state.care.is_ours and state.stage in IN_CARE and not away


def _is_unanswered(state: JourneyState, kind: ObligationKind) -> bool:
    """Whether it is to be raised: not where it is owed or waits already, nor twice for the same sessions."""
    held, owed = state.attendance, suspension.owed_or_waiting(state, kind)
    return _is_expected(state) and not owed and held.known.missed > held.answered


def _wants_to_stop(state: JourneyState) -> bool:
    """Whether the client said so, and that is still to be answered."""
    owed = suspension.owed_or_waiting(state, RESOLVE_DISENGAGEMENT)
    return any(each.source == "outreach.recorded" for each in owed)


def _owed_no_longer(state: JourneyState, event: BaseEvent, *kinds: ObligationKind) -> Iterator[BaseEvent]:
    """Neither now nor once the client is back."""
    yield from cancelled(state, event, *kinds)
    yield from suspension.no_longer_waiting(state, event, *kinds)


def _disengaged(state: JourneyState, event: BaseEvent) -> ObligationRaised:
    """A clinician is paged at once unless the client's risk is known to be low."""
    counted = state.policy.counted("disengaged_business_days", since=event.at)
    at_once = () if state.screening.is_known_low else (Role.CLINICIAN,)
    return raised(state, event, RESOLVE_DISENGAGEMENT, counted, at_once=at_once)


def _unseen(state: JourneyState, event: BaseEvent, since: Instant) -> ObligationRaised:
    level = state.policy.level(state.level) if state.level else None
    assert level is not None and level.unseen_days is not None, "only a level of ours is waited for"
    counted = Counted.calendar_days(level.unseen_days, since=since, rule=f"levels.{level.id}.unseen_days")
    if state.maintenance.since is not None and state.maintenance.visit_days is not None:
        counted = Counted.calendar_days(state.maintenance.visit_days + _WEEK, since=since)
    return raised(state, event, SEE_CLIENT, counted)
