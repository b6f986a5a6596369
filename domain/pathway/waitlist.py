"""The waitlist: a client who agreed to the cost and for whom no track has room yet.

Nobody waits unseen: they are asked how they are every few days, screened again, and offered outpatient care meanwhile.
Who starts at another level meanwhile goes on waiting for the one they need.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, CARE_TEAM, NOT_ENDED, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.obligation_changes import cancelled, met, raised_within
from domain.pathway.screening import KnownRisk, Urgency
from domain.plans import Actor
from domain.refusal import Refused, require
from domain.sites import site_named
from domain.track_fit import known_track
from domain.tracks import TrackId
from domain.values import CLINICAL, Instant, LevelOfCare, Stage
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import LevelOfCareStarted
    from domain.pathway.corrections import DischargeCorrected, EnrolmentCorrected, TransitionWithdrawn
    from domain.pathway.discharge import Discharged
    from domain.pathway.enrolment import Enrolled
    from domain.pathway.moves import TransitionDeclined, TransitionStarted
    from domain.pathway.obligation_events import ObligationMet, ObligationWaived
    from domain.pathway.placement import PlacementDecided
    from domain.pathway.screening import ScreeningCompleted
    from domain.state import JourneyState

part = Part("waitlist", optional=True)

WAITLIST_CHECK_IN = ObligationKind(
    kind="waitlist-check-in",
    title="Ask the waiting client how they are",
    completable_by=(*ADMISSIONS[:1], *CARE_TEAM),
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
SCREEN_AGAIN = ObligationKind(
    kind="screen-again",
    title="Screen the waiting client again",
    ended_by="complete-screening",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
OFFER_INTERIM_CARE = ObligationKind(
    kind="offer-interim-care",
    title="Offer the waiting client a gentler level meanwhile",
    ended_by="record-interim-offer",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
ARRANGE_INTERIM_CARE = ObligationKind(
    kind="arrange-interim-care",
    title="Place the waiting client at the level that they accepted meanwhile",
    ended_by="decide-placement",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


class InterimAnswer(StrEnum):
    """What became of the offer of care meanwhile."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    NOT_SUITABLE = "not-suitable"  #: a clinician's finding


class WaitlistEnd(StrEnum):
    """Why a client waits no longer."""

    ROOM_FREE = "room-free"
    NOT_NEEDED = "not-needed"  #: another level is enough
    NOT_WANTED = "not-wanted"
    MISTAKE = "mistake"


class Waitlist(Slice):
    """What the client waits for.

    Attributes:
        wanted: The level; None where there is nothing to wait for.
        since: From when on.
        tracks: The tracks that they could come to, by id; empty: any at the level.
        ended_by: The type of the event that ended the wait and may be taken back; the rest is kept for that.
    """

    wanted: LevelOfCare | None = None
    since: Instant | None = None
    tracks: tuple[TrackId, ...] = ()
    ended_by: str | None = None

    @property
    def level(self) -> LevelOfCare | None:
        """For which they wait now; None while they do not."""
        return self.wanted if self.ended_by is None else None


def waiting_rank(risk: KnownRisk, urgency: Urgency | None) -> int:
    """Who comes first on the waitlist: the lowest number. What nobody has said counts as if it were high."""
    if urgency is Urgency.CRISIS:
        return 0
    if risk is not KnownRisk.LOW:
        return 1
    return 3 if urgency is Urgency.ROUTINE else 2


class Waitlisted(BaseEvent):
    """No track at this level has room for the client.

    Attributes:
        tracks: Those whose days, hours and place fit the client's work, study and family; empty: any at the level.
    """

    type: Literal["client.waitlisted"] = "client.waitlisted"
    level: LevelOfCare
    tracks: tuple[TrackId, ...] = ()
    by: Actor

    def _sentence(self) -> str:
        which = f": {' or '.join(self.tracks)}" if self.tracks else ""
        return f"Waits for room in {self.level}{which}{said_by(self.by)}"


class InterimCareOffered(BaseEvent):
    """The client was offered a gentler level meanwhile."""

    type: Literal["interim-care.offered"] = "interim-care.offered"
    answer: InterimAnswer
    by: Actor

    def _sentence(self) -> str:
        return f"Care meanwhile offered: {self.answer.replace('-', ' ')}{said_by(self.by)}"


class TakenOffWaitlist(BaseEvent):
    """The client waits no longer."""

    type: Literal["client.off-waitlist"] = "client.off-waitlist"
    level: LevelOfCare
    reason: WaitlistEnd
    by: Actor

    def _sentence(self) -> str:
        return f"No longer waits for {self.level}: {self.reason.replace('-', ' ')}{said_by(self.by)}"


class PutOnWaitlist(Decision, label="Put the client on the waitlist", by=ADMISSIONS, at=(Stage.ENROLLING,)):
    """Record that no track at the client's level has room yet."""

    kind: Literal["put-on-waitlist"] = "put-on-waitlist"
    tracks: tuple[TrackId, ...] = Field(
        default=(),
        description="A track whose days and hours the client can come to, by its id; none: any at their level.",
    )

    def require_known(self, state: JourneyState) -> None:
        """The site's file must have these tracks at the client's level."""
        level = state.placement.level
        if state.stage in self.declared.at and level is not None:
            for name in self.tracks:
                known_track(site_named(state.admission.site), level, name)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """At the level decided."""
        level = state.placement.level
        assert level is not None, "a journey is at ENROLLING once its level is decided"
        yield Waitlisted(**when, level=level, tracks=self.tracks, by=self.by)


class RecordInterimOffer(
    Decision, label="Record the offer of care meanwhile", by=(*ADMISSIONS, *CARE_TEAM[:2]), at=(Stage.WAITLISTED,)
):
    """Record whether the waiting client takes a gentler level meanwhile."""

    kind: Literal["record-interim-offer"] = "record-interim-offer"
    answer: InterimAnswer = Field(description="What the client, or a clinician, said to it.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """As often as it is offered. Whether it is suitable is a clinician's finding."""
        found = self.answer is not InterimAnswer.NOT_SUITABLE or self.by.role in CLINICAL
        require(found, "clinicians-finding", "Whether it is suitable is a clinician's finding. Ask one of them.")
        yield InterimCareOffered(**when, answer=self.answer, by=self.by)


class TakeOffWaitlist(
    Decision, label="Take the client off the waitlist", by=(*ADMISSIONS, *CLINICAL[:1]), at=NOT_ENDED
):
    """Record that the client waits no longer; before care they can then be enrolled or placed anew."""

    kind: Literal["take-off-waitlist"] = "take-off-waitlist"
    reason: WaitlistEnd = Field(description="Why they wait no longer.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Also of a client who is in care at another level meanwhile."""
        level = state.waitlist.level
        if level is None:
            raise Refused("not-waiting", "The client is not on the waitlist.")
        yield TakenOffWaitlist(**when, level=level, reason=self.reason, by=self.by)


@part.evolves
def wait(state: JourneyState, event: Waitlisted) -> Waitlist:
    """From now on."""
    return Waitlist(wanted=event.level, since=event.at, tracks=event.tracks)


@part.evolves
def wait_no_longer(state: JourneyState, event: TakenOffWaitlist) -> Waitlist:
    """For whatever reason."""
    return Waitlist()


@part.evolves
def leave_care(state: JourneyState, event: Discharged) -> Waitlist:
    """Kept in case it was a mistake."""
    return _ended(state.waitlist, event)


@part.evolves
def arrive(state: JourneyState, event: LevelOfCareStarted) -> Waitlist:
    """A move that is complete is not taken back."""
    return Waitlist() if state.waitlist.ended_by == "transition.started" else state.waitlist


@part.evolves
def go_on_waiting(
    state: JourneyState, event: DischargeCorrected | EnrolmentCorrected | TransitionDeclined | TransitionWithdrawn
) -> Waitlist:
    """What ended the wait is taken back."""
    ended_by = state.waitlist.ended_by
    taken_back = ended_by is not None and event.type in _TAKEN_BACK_BY[ended_by]
    return state.waitlist.changed(ended_by=None) if taken_back else state.waitlist


_TAKEN_BACK_BY = {
    "client.discharged": ("discharge.corrected",),
    "client.enrolled": ("enrolment.corrected",),
    "transition.started": ("transition.declined", "transition.withdrawn"),
}


def _ended(held: Waitlist, event: BaseEvent) -> Waitlist:
    return Waitlist() if held.level is None else held.changed(ended_by=event.type)


@part.evolves
def have_room(state: JourneyState, event: Enrolled) -> Waitlist:
    """In a track at the level that they wait for; at another, they go on waiting."""
    return _ended(state.waitlist, event) if event.level == state.waitlist.level else state.waitlist


@part.evolves
def move_there(state: JourneyState, event: TransitionStarted) -> Waitlist:
    """To the level that they wait for."""
    return _ended(state.waitlist, event) if event.target == state.waitlist.level else state.waitlist


@part.consequence
def look_after_who_waits(state: JourneyState, event: Waitlisted) -> Iterator[BaseEvent]:
    """From the first day."""
    yield raised_within(state, event, WAITLIST_CHECK_IN, "waitlist_check_in_days")
    yield raised_within(state, event, SCREEN_AGAIN, "waitlist_screening_days")
    yield raised_within(state, event, OFFER_INTERIM_CARE, "interim_offer_business_days")


@part.consequence
def look_after_who_waits_again(
    state: JourneyState, event: EnrolmentCorrected | TransitionDeclined | TransitionWithdrawn
) -> Iterator[BaseEvent]:
    """A discharge that is corrected restores it by itself."""
    if state.waitlist.level is not None and not state.open_of(WAITLIST_CHECK_IN.kind):
        yield raised_within(state, event, WAITLIST_CHECK_IN, "waitlist_check_in_days")
    if state.stage is Stage.WAITLISTED and not state.open_of(SCREEN_AGAIN.kind):
        yield raised_within(state, event, SCREEN_AGAIN, "waitlist_screening_days")


@part.consequence
def ask_again(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """As long as they wait."""
    if event.kind == WAITLIST_CHECK_IN.kind and state.waitlist.level is not None:
        yield raised_within(state, event, WAITLIST_CHECK_IN, "waitlist_check_in_days")


@part.consequence
def screen_once_more(state: JourneyState, event: ScreeningCompleted) -> Iterator[BaseEvent]:
    """As long as they wait and care has not begun: in care their own clinician sees them."""
    if state.stage is Stage.WAITLISTED:
        yield from met(state, event, SCREEN_AGAIN)
        yield raised_within(state, event, SCREEN_AGAIN, "waitlist_screening_days")


@part.consequence
def arrange_what_was_accepted(state: JourneyState, event: InterimCareOffered) -> Iterator[BaseEvent]:
    """A clinician places the client at that level."""
    yield from met(state, event, OFFER_INTERIM_CARE)
    if event.answer is InterimAnswer.ACCEPTED and not state.open_of(ARRANGE_INTERIM_CARE.kind):
        yield raised_within(state, event, ARRANGE_INTERIM_CARE, "placement_business_days")


@part.consequence
def note_the_placement(state: JourneyState, event: PlacementDecided) -> Iterator[BaseEvent]:
    """Care meanwhile is arranged; who is placed anew is screened as anybody is."""
    yield from met(state, event, ARRANGE_INTERIM_CARE)
    if state.waitlist.level is None or state.placement.level != state.waitlist.level:
        yield from cancelled(state, event, SCREEN_AGAIN, OFFER_INTERIM_CARE)
    elif not state.open_of(SCREEN_AGAIN.kind):
        yield raised_within(state, event, SCREEN_AGAIN, "waitlist_screening_days")


@part.consequence
def look_after_nobody(
    state: JourneyState, event: TakenOffWaitlist | Enrolled | TransitionStarted
) -> Iterator[BaseEvent]:
    """Who waits no longer."""
    if state.waitlist.level is None:
        yield from cancelled(state, event, WAITLIST_CHECK_IN, SCREEN_AGAIN, OFFER_INTERIM_CARE, ARRANGE_INTERIM_CARE)
