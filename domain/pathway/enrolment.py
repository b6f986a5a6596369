"""Enrolment: a place in a track, and a first session. Care begins when the client comes to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, CARE_TEAM, Decision
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import authorisation, consents, suspension
from domain.pathway.care_team import CareTeamAssigned
from domain.pathway.obligation_changes import cancelled, met, raised
from domain.pathway.obligation_events import ObligationRaised
from domain.people import require_can_own
from domain.plans import Actor
from domain.refusal import require
from domain.sites import site_named
from domain.track_fit import (
    ByTelehealth,
    CanCome,
    ClientState,
    ComesFor,
    Exceptions,
    TrackException,
    TrackName,
    Wanted,
    WhyExceptions,
    exceptions_in_words,
    fitting_track,
    require_its_hours,
    require_reason,
    telehealth_in_words,
)
from domain.tracks import Condition, FreeTime, UsState
from domain.values import Instant, Key, LevelOfCare, PrivateWords, Role, Stage, Words
from domain.wording import moment, said_by

if TYPE_CHECKING:
    from domain.pathway.admission import JourneyOpened
    from domain.pathway.care import CareStartTakenBack, LevelOfCareStarted
    from domain.pathway.corrections import EnrolmentCorrected
    from domain.pathway.return_to_care import CareResumed
    from domain.state import JourneyState

part = Part("enrolment")

ENROL = ObligationKind(
    kind="enrol", ended_by="confirm-enrolment", title="Enrol the client", priority=Priority.ADMINISTRATIVE
)


FIRST_SESSION = ObligationKind(
    kind="first-session",
    title="See that the client comes to their first session",
    ended_by="book-first-session",
    priority=Priority.CLINICAL,
)


class Enrolment(Slice):
    """The client's place.

    Attributes:
        level: At which they are enrolled; None while they are not.
        since: From when on.
        track: The track in which they have a place; None once they are at another level.
        first_session_at: When their first session is booked, as far as that is known.
    """

    level: LevelOfCare | None = None
    since: Instant | None = None
    track: str | None = None
    first_session_at: Instant | None = None


class Enrolled(BaseEvent):
    """The client has a place in a track.

    Attributes:
        track: Its id in the site's file, or its name where the file names no track at this level.
        first_session_at: When their first session is booked.
        telehealth: Whether they take part by telehealth.
        client_state: The state in which they are during sessions, as far as that was asked.
        condition: What they come for, as far as that was said.
        can_come: When they can come beside work, study and family; empty where nobody asked.
        exceptions: What spoke against the track and was decided against.
        reason: Why, of the exceptions.
    """

    type: Literal["client.enrolled"] = "client.enrolled"
    level: LevelOfCare
    track: str
    first_session_at: Instant | None = None
    telehealth: bool = False
    client_state: UsState | None = None
    condition: Condition | None = None
    can_come: tuple[FreeTime, ...] = ()
    exceptions: tuple[TrackException, ...] = ()
    reason: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        how, although = telehealth_in_words(self.telehealth), exceptions_in_words(self.exceptions)
        first = _first(self.first_session_at)
        return f"Enrolled in {self.level}, {self.track} track{how}{first}{although}{said_by(self.by)}"


def _first(at: Instant | None) -> str:
    return f", first session {moment(at)}" if at else ""


class FirstSessionBooked(BaseEvent):
    """The first session of a client who is enrolled is at another time.

    Attributes:
        reason: Why it is at a time at which their track does not meet.
    """

    type: Literal["first-session.booked"] = "first-session.booked"
    first_session_at: Instant
    reason: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        return f"First session booked for {moment(self.first_session_at)}{said_by(self.by)}"


class ConfirmEnrolment(
    Decision,
    label="Enrol the client",
    by=(*ADMISSIONS, Role.CLINICIAN, Role.MEDICAL_DIRECTOR),
    at=(Stage.ENROLLING, Stage.WAITLISTED),
):
    """Record that the client is enrolled in a track; care begins with the first session they come to."""

    kind: Literal["confirm-enrolment"] = "confirm-enrolment"
    track: TrackName
    first_session_at: Instant | None = Field(default=None, description="When the first session is booked.")
    telehealth: ByTelehealth = False
    client_state: ClientState = None
    condition: ComesFor = None
    can_come: CanCome = ()
    exceptions: Exceptions = ()
    reason: WhyExceptions = None
    case_manager: Key | None = Field(
        default=None, description="Staff id of the client's case manager; left out, the supervisor owes to assign one."
    )

    def require_known(self, state: JourneyState) -> None:
        """The site's file must have the track, at the client's level, and nothing may speak against it."""
        if self.case_manager is not None:
            require_can_own(self.case_manager, [Role.CASE_MANAGER], state.admission.site)
        level = state.placement.level
        if state.stage in self.declared.at and level is not None:
            wanted = {name: getattr(self, name) for name in Wanted.model_fields if name != "role"}
            site = site_named(state.admission.site)
            fitting_track(site, level, self.track, Wanted(**wanted, role=self.by.role))

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """An authorisation still owed and consent to treatment come first."""
        require(
            all(owed.waiver for owed in state.open_of(authorisation.OBTAIN_AUTHORISATION.kind)),
            "authorisation-open",
            "The payer has not authorised this level. Complete that obligation, or waive it with a reason.",
        )
        consents.require_consent_to_treatment(state)
        level = state.placement.level
        assert level is not None, "a journey is at ENROLLING once its level is decided"
        if self.first_session_at is not None:
            _require_ahead(self.first_session_at, when)
        require_reason(self.exceptions, self.reason)
        yield from self._with_case_manager(state, when)
        yield Enrolled(**when, level=level, **self.model_dump(include=_SAID), by=self.by)

    def _with_case_manager(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        before = state.care_team.members.get(Role.CASE_MANAGER)
        if self.case_manager not in (None, before):
            role, person = Role.CASE_MANAGER, self.case_manager
            yield CareTeamAssigned(**when, role=role, person=person, before=before, by=self.by)


_SAID = Enrolled.model_fields.keys() & ConfirmEnrolment.model_fields.keys() - {"by"}
"""What an enrolment says as its decision does."""


class BookFirstSession(
    Decision, label="Book the first session", by=(*ADMISSIONS, *CARE_TEAM[:2]), at=(Stage.ENROLLED,)
):
    """Book the first session of a client who is enrolled, or book it anew."""

    kind: Literal["book-first-session"] = "book-first-session"
    first_session_at: Instant = Field(description="When the first session begins.")
    reason: Words | None = Field(default=None, description="Why, if it is at a time at which the track does not meet.")

    def require_known(self, state: JourneyState) -> None:
        """The track must meet then, unless there is a reason for another time."""
        if state.stage in self.declared.at and state.enrolment.track is not None:
            site = site_named(state.admission.site)
            if (track := site.track(state.enrolment.track)) is not None:
                require_its_hours(site, track, self.first_session_at, is_meant=self.reason is not None)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """The client is expected then, and no longer at the time before."""
        _require_ahead(self.first_session_at, when)
        yield FirstSessionBooked(**when, first_session_at=self.first_session_at, reason=self.reason, by=self.by)


def _require_ahead(at: Instant, when: EventContext) -> None:
    require(
        at >= when["at"],
        "session-in-the-past",
        "The first session is still to come. Give a later time, or record the session if the client came.",
    )


@part.evolves
def enrol(state: JourneyState, event: Enrolled) -> Enrolment:
    """At the level decided."""
    return Enrolment(level=event.level, since=event.at, track=event.track, first_session_at=event.first_session_at)


@part.evolves
def book(state: JourneyState, event: FirstSessionBooked) -> Enrolment:
    """The last time holds."""
    return state.enrolment.changed(first_session_at=event.first_session_at)


@part.evolves
def leave_the_track(state: JourneyState, event: LevelOfCareStarted) -> Enrolment:
    """At another level the place in the track is free again."""
    held = state.enrolment
    return held if held.level == event.level else held.changed(track=None)


@part.evolves
def choose_a_track_anew(state: JourneyState, event: CareResumed) -> Enrolment:
    """The place before the discharge may be another's by now."""
    return state.enrolment.changed(track=None)


@part.evolves
def undo(state: JourneyState, event: EnrolmentCorrected) -> Enrolment:
    """The client is not enrolled."""
    return Enrolment()


@part.consequence
def owe_access(state: JourneyState, event: JourneyOpened) -> Iterator[BaseEvent]:
    """From the admission to enrolment; CCBHC criteria: routine needs within 10 business days."""
    yield raised(state, event, ENROL, state.policy.counted("access_business_days", since=event.admitted))


@part.consequence
def owe_access_again(state: JourneyState, event: EnrolmentCorrected) -> Iterator[BaseEvent]:
    """By the same time as before: the client still waits since the admission."""
    since = state.admission.begins_at or event.at
    yield raised(state, event, ENROL, state.policy.counted("access_business_days", since=since))


@part.consequence
def note_the_enrolment(state: JourneyState, event: Enrolled) -> Iterator[BaseEvent]:
    """It was owed since the admission."""
    yield from met(state, event, ENROL)


@part.consequence
def expect_the_client(
    state: JourneyState, event: Enrolled | FirstSessionBooked | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """On the day of their first session; within days where none is booked, so that it is noticed if they never come."""
    if "attendance" in state.policy.parts and not state.care.began:
        yield from cancelled(state, event, FIRST_SESSION)
        yield _expected(state, event)


def _expected(state: JourneyState, event: BaseEvent) -> ObligationRaised:
    booked, since = state.enrolment.first_session_at, event.at
    if booked is not None and booked >= since:
        return raised(state, event, FIRST_SESSION, Counted.named(state.calendar.local_date(booked), since=since))
    return raised(state, event, FIRST_SESSION, state.policy.counted("first_session_days", since=since))


@part.consequence
def note_that_the_client_came(state: JourneyState, event: LevelOfCareStarted) -> Iterator[BaseEvent]:
    """Care has begun, also where they were away until now."""
    yield from met(state, event, FIRST_SESSION)
    yield from suspension.no_longer_waiting(state, event, FIRST_SESSION)


@part.consequence
def expect_nobody(state: JourneyState, event: EnrolmentCorrected) -> Iterator[BaseEvent]:
    """The client is not enrolled."""
    yield from cancelled(state, event, FIRST_SESSION)
