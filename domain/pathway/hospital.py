"""Hospital visits that the admissions system reports: another visit than the journey's own, in an emergency department
or on a ward. A clinician finds out at once, and the client is seen soon after they leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from domain.clock import utc_day
from domain.commands import CARE_TEAM, NOT_ENDED, AdmissionsMessage
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.admission import noted
from domain.pathway.crisis import CrisisPlace
from domain.pathway.obligation_changes import cancel_these, cancelled, met, raised, raised_within
from domain.refusal import Refused
from domain.values import CLINICAL, Instant, Key, Value

if TYPE_CHECKING:
    from domain.pathway.care import CareStartTakenBack, LevelOfCareStarted
    from domain.pathway.corrections import EnrolmentCorrected
    from domain.pathway.crisis import CrisisEnded, CrisisRecorded
    from domain.pathway.obligation_events import ObligationMet, ObligationRaised, ObligationWaived
    from domain.pathway.return_to_care import CareResumed
    from domain.state import JourneyState

part = Part("hospital")

ASK_ABOUT_HOSPITAL_VISIT = ObligationKind(
    kind="ask-about-hospital-visit",
    title="Find out why the client is at a hospital, and record the crisis if it is one",
    ended_by="record-crisis",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.SAFETY,
)
SEE_AFTER_HOSPITAL_VISIT = ObligationKind(
    kind="see-after-hospital-visit",
    title="See the client after their hospital visit, on another day than they left",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


BY_STAFF = "by-staff"
"""Stands for the key of a visit that only staff recorded, as a crisis."""


class VisitEnd(Value):
    """The end of a hospital visit."""

    visit: Key
    at: Instant


class Hospital(Slice):
    """Hospital visits.

    Attributes:
        under_way: Opaque keys of the visits that have not ended.
        left: The ends after which the client has not been seen yet, the latest last.
        reported_end: The last end that the hospital reported, unless a person said that the client is still there.
        seen_at: When the client was last seen after a visit.
        is_elsewhere: Whether they went from a crisis to another facility, so that the visit is owed once they are back.
    """

    under_way: tuple[Key, ...] = ()
    left: tuple[VisitEnd, ...] = ()
    reported_end: VisitEnd | None = None
    seen_at: Instant | None = None
    is_elsewhere: bool = False


class HospitalVisitReported(BaseEvent):
    """The client is at a hospital, as the admissions system says."""

    type: Literal["hospital.visit-reported"] = "hospital.visit-reported"
    place: CrisisPlace
    visit: str
    message: str
    occurred_at: Instant | None = None

    def _sentence(self) -> str:
        return f"The hospital reports a visit: {self.place}"


class HospitalVisitEnded(BaseEvent):
    """The client left the hospital, as the admissions system says."""

    type: Literal["hospital.visit-ended"] = "hospital.visit-ended"
    visit: str
    message: str
    occurred_at: Instant | None = None

    def _sentence(self) -> str:
        return "The hospital reports that its visit has ended"


class HospitalVisitGoesOn(BaseEvent):
    """The report that the client left the hospital was a mistake."""

    type: Literal["hospital.visit-goes-on"] = "hospital.visit-goes-on"
    visit: str
    message: str
    occurred_at: Instant | None = None

    def _sentence(self) -> str:
        return "The hospital takes back that its visit has ended"


def _require_not_over(state: JourneyState) -> None:
    if state.stage.is_end:
        raise Refused("journey-ended", "This journey has already ended.")


class ReportHospitalVisit(AdmissionsMessage):
    """The client is at a hospital (ADT A01, A04 or A06 of another visit); a clinician is told at once."""

    kind: Literal["report-hospital-visit"] = "report-hospital-visit"
    visit: Key
    place: CrisisPlace

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A visit that is known already is only noted. After the journey's end it is an admission like any other."""
        if state.stage.is_end or self.visit in state.hospital.under_way:
            yield from noted(self, state, when)
            return
        yield HospitalVisitReported(
            **when, place=self.place, visit=self.visit, message=self.message, occurred_at=self.occurred_at
        )


class ReportHospitalDischarge(AdmissionsMessage):
    """The client left the hospital (ADT A03 of another visit); they are to be seen soon."""

    kind: Literal["report-hospital-discharge"] = "report-hospital-discharge"
    visit: Key

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Notes it."""
        _require_not_over(state)
        yield HospitalVisitEnded(**when, visit=self.visit, message=self.message, occurred_at=self.occurred_at)


class TakeBackHospitalDischarge(AdmissionsMessage):
    """The client is still at the hospital (ADT A13 of another visit)."""

    kind: Literal["take-back-hospital-discharge"] = "take-back-hospital-discharge"
    visit: Key

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """What the end of that visit led to is not owed."""
        _require_not_over(state)
        yield HospitalVisitGoesOn(**when, visit=self.visit, message=self.message, occurred_at=self.occurred_at)


@part.evolves
def begin_the_visit(state: JourneyState, event: HospitalVisitReported | HospitalVisitGoesOn) -> Hospital:
    """Each once. An end that is taken back was none."""
    held, end = state.hospital, state.hospital.reported_end
    others = tuple(each for each in held.under_way if each != event.visit)
    taken_back = event.type == "hospital.visit-goes-on" and end is not None and end.visit == event.visit
    return held.changed(
        under_way=(*others, event.visit),
        left=_left_but(state, event.visit),
        reported_end=None if taken_back else end,
    )


@part.evolves
def end_the_visit(state: JourneyState, event: HospitalVisitEnded) -> Hospital:
    """Whether or not its beginning was reported. One that comes late, after the client was seen, is only noted."""
    held, end = state.hospital, VisitEnd(visit=event.visit, at=event.at)
    under_way = tuple(each for each in held.under_way if each != event.visit)
    said = held.changed(under_way=under_way, reported_end=end)
    left_at, seen_at = event.occurred_at, held.seen_at
    # A site's day may be another than that of UTC, and then the visit is owed once more.
    if left_at is not None and seen_at is not None and utc_day(left_at) < utc_day(seen_at):
        return said
    return said.changed(left=(*_left_but(state, event.visit, BY_STAFF), end))


@part.evolves
def leave_as_staff_say(state: JourneyState, event: CrisisEnded | LevelOfCareStarted) -> Hospital:
    """From a crisis whose end the hospital did not report, of a client in care; from another facility, once back."""
    held, is_back = state.hospital, getattr(event, "ours", True)
    if not held.is_elsewhere and not _leaves_without_report(state, event):
        return held
    end = VisitEnd(visit=BY_STAFF, at=event.at)
    left = (*_left_but(state, BY_STAFF), end) if is_back else held.left
    return held.changed(left=left, is_elsewhere=not is_back)


def _leaves_without_report(state: JourneyState, event: CrisisEnded | LevelOfCareStarted) -> bool:
    crisis, end = state.crisis.current, state.hospital.reported_end
    in_care = state.care.began and not state.discharge.discharged
    if crisis is None or not in_care or (crisis.level and getattr(event, "level", None) == crisis.level):
        return False
    return end is None or end.at < crisis.since


@part.evolves
def see_them(state: JourneyState, event: ObligationMet | ObligationWaived) -> Hospital:
    """Once for all visits that have ended. Who waives it in a crisis says that the client is still there."""
    held = state.hospital
    if event.kind != SEE_AFTER_HOSPITAL_VISIT.kind:
        return held
    if event.type == "obligation.met":
        return held.changed(left=(), seen_at=event.at)
    return held.changed(left=(), reported_end=None if state.crisis.current else held.reported_end)


@part.evolves
def begin_anew(state: JourneyState, event: CareResumed | EnrolmentCorrected | CareStartTakenBack) -> Hospital:
    """What the care before owed is over."""
    return state.hospital.changed(left=(), is_elsewhere=False)


def _left_but(state: JourneyState, *visits: Key) -> tuple[VisitEnd, ...]:
    return tuple(each for each in state.hospital.left if each.visit not in visits)


@part.consequence
def ask_a_clinician(state: JourneyState, event: HospitalVisitReported) -> Iterator[BaseEvent]:
    """Unless the crisis is on record, or they have been asked."""
    known = state.crisis.current is not None or state.open_of(ASK_ABOUT_HOSPITAL_VISIT.kind)
    if state.stage in NOT_ENDED and not known:
        yield raised_within(state, event, ASK_ABOUT_HOSPITAL_VISIT, "hospital_visit_hours")


@part.consequence
def ask_about_who_came_back(state: JourneyState, event: CareResumed) -> Iterator[BaseEvent]:
    """The hospital never said that the client left it."""
    if state.hospital.under_way and not state.open_of(ASK_ABOUT_HOSPITAL_VISIT.kind):
        yield raised_within(state, event, ASK_ABOUT_HOSPITAL_VISIT, "hospital_visit_hours")


@part.consequence
def note_what_was_found_out(state: JourneyState, event: CrisisRecorded) -> Iterator[BaseEvent]:
    """It was a crisis."""
    yield from met(state, event, ASK_ABOUT_HOSPITAL_VISIT)


@part.consequence
def owe_a_visit_afterwards(
    state: JourneyState, event: HospitalVisitEnded | CrisisEnded | LevelOfCareStarted
) -> Iterator[BaseEvent]:
    """Within days, and not on the day they left; one visit for all of them, from the last end."""
    end = VisitEnd(visit=getattr(event, "visit", BY_STAFF), at=event.at)
    if state.stage not in NOT_ENDED or end not in state.hospital.left:
        return
    yield from cancelled(state, event, SEE_AFTER_HOSPITAL_VISIT)
    yield _seen_after(state, event, end)


@part.consequence
def owe_none_while_they_are_there(state: JourneyState, event: HospitalVisitGoesOn) -> Iterator[BaseEvent]:
    """What the end of this visit raised. An earlier one whose place it took is owed as it was."""
    owed = [each for each in state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind) if each.about == event.visit]
    yield from cancel_these(owed, event)
    if owed and state.hospital.left and state.stage in NOT_ENDED:
        yield _seen_after(state, event, state.hospital.left[-1])


def _seen_after(state: JourneyState, event: BaseEvent, end: VisitEnd) -> ObligationRaised:
    days = state.policy.hospital_return_days
    counted = state.policy.counted("hospital_return_days", since=end.at).in_the_last(days)
    return raised(state, event, SEE_AFTER_HOSPITAL_VISIT, counted, about=end.visit)
