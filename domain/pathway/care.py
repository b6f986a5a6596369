"""Care: the levels at which it is given, one after the other, here or by another facility."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from domain.clock import days_of_service
from domain.commands import CARE_TEAM
from domain.events import BaseEvent
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import discharge
from domain.pathway.obligation_changes import cancelled, raised_within
from domain.pathway.obligation_events import ObligationRaised
from domain.plans import Stay
from domain.sites import Calendar
from domain.values import CLINICAL, Instant, LevelOfCare, Stage

if TYPE_CHECKING:
    from domain.pathway.attendance import AttendanceNoted
    from domain.pathway.corrections import DischargeCorrected, EnrolmentCorrected
    from domain.pathway.crisis import CrisisEnded, CrisisRecorded
    from domain.pathway.death import ClientDied, DeathCorrected
    from domain.pathway.discharge import Discharged
    from domain.pathway.enrolment import Enrolled
    from domain.pathway.moves import TransitionCompleted
    from domain.pathway.obligation_events import ObligationMet, ObligationWaived
    from domain.pathway.policy_change import PolicyChanged
    from domain.pathway.return_to_care import CareResumed
    from domain.pathway.withdrawal import WithdrawalTakenBack
    from domain.state import JourneyState

part = Part("care")

EXTERNAL_CONTACT = ObligationKind(
    kind="external-contact",
    title="Contact the facility that has the client",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


CHECK_CARE_START = ObligationKind(
    kind="check-care-start",
    title="Find out when care began: the first session was corrected",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.ADMINISTRATIVE,
)


class Care(Slice):
    """The levels of care so far, in order."""

    stays: tuple[Stay, ...] = ()

    @property
    def began(self) -> bool:
        """Whether any care was ever given on this journey."""
        return bool(self.stays)

    @property
    def level(self) -> LevelOfCare | None:
        """The level given now, or None before care and after it."""
        return self.stays[-1].level if self.stays and self.stays[-1].until is None else None

    @property
    def since(self) -> Instant | None:
        """When care at the present level began."""
        return self.stays[-1].since if self.level else None

    @property
    def is_ours(self) -> bool:
        """Whether the centre itself gives the present level."""
        return self.level is not None and self.stays[-1].ours

    @property
    def earlier_days(self) -> int:
        """Days at the present level before the present stay that count towards its weeks."""
        return self.stays[-1].earlier_days if self.level else 0

    @property
    def last_week(self) -> int | None:
        """The week after which only those whom the policy names may continue care at the present level."""
        return self.stays[-1].last_week if self.level else None

    def days_before(self, level: LevelOfCare, begins: Instant, calendar: Calendar, interruption_days: int) -> int:
        """Days at `level` in stays before one that begins now, back to an interruption of so many days.

        Time in another facility's care is no interruption.
        """
        days, away, upper = 0, 0, begins
        for stay in reversed(self.stays):
            until = stay.until or upper
            away += days_of_service(until, upper, calendar)
            length = days_of_service(stay.since, until, calendar)
            if stay.level == level:
                if away >= interruption_days:
                    break
                days, away = days + length, 0
            elif stay.ours:
                away += length
            upper = stay.since
        return days


class LevelOfCareStarted(BaseEvent):
    """Care at a level began.

    Attributes:
        ours: The centre itself gives it.
        earlier_days: Days at this level in stays before it that its weeks are counted on from.
        last_week: The week of service after which only those whom the policy names may continue care at this level.
        by_first_session: Whether it began with the first session that the client came to.
    """

    type: Literal["level.started"] = "level.started"
    level: LevelOfCare
    ours: bool
    earlier_days: int = 0
    last_week: int | None = None
    by_first_session: bool = False

    def _sentence(self) -> str:
        return f"Care at {self.level} began"


class CareStartTakenBack(BaseEvent):
    """The session with which care began was not kept after all, or at another time: care has not begun."""

    type: Literal["care-start.taken-back"] = "care-start.taken-back"
    level: LevelOfCare

    def _sentence(self) -> str:
        return f"The session with which care at {self.level} began was corrected"


class LevelOfCareEnded(BaseEvent):
    """Care at a level ended; always before the next level starts."""

    type: Literal["level.ended"] = "level.ended"
    level: LevelOfCare

    def _sentence(self) -> str:
        return f"Care at {self.level} ended"


@part.evolves
def start_a_stay(state: JourneyState, event: LevelOfCareStarted) -> Care:
    """One level at a time."""
    stay = Stay(
        level=event.level,
        ours=event.ours,
        since=event.at,
        earlier_days=event.earlier_days,
        last_week=event.last_week,
        by_first_session=event.by_first_session,
    )
    return Care(stays=(*state.care.stays, stay))


@part.evolves
def end_the_stay(state: JourneyState, event: LevelOfCareEnded) -> Care:
    """Before the next begins."""
    return _last(state, until=event.at)


@part.evolves
def end_with_the_death(state: JourneyState, event: ClientDied) -> Care:
    """At the level where the client was."""
    return _last(state, until=event.at) if event.level is not None else state.care


@part.evolves
def go_on_after_a_mistake(state: JourneyState, event: DeathCorrected) -> Care:
    """As if care had never stopped."""
    return _last(state, until=None) if event.level is not None else state.care


@part.evolves
def follow_the_policy(state: JourneyState, event: PolicyChanged) -> Care:
    """It names the last week."""
    stays = state.care.stays
    return Care(stays=(*stays[:-1], stays[-1].changed(last_week=event.last_week))) if state.care.level else state.care


@part.evolves
def undo_the_start(state: JourneyState, event: EnrolmentCorrected | CareStartTakenBack) -> Care:
    """No care was given."""
    return Care()


@part.evolves
def go_on_with_the_stay(state: JourneyState, event: DischargeCorrected) -> Care:
    """As if it had not ended."""
    stays = state.care.stays
    return Care(stays=(*stays[:-1], stays[-1].changed(until=None))) if stays else state.care


@part.consequence
def begin_with_the_enrolment(state: JourneyState, event: Enrolled) -> Iterator[BaseEvent]:
    """At the level decided, where the centre's policy has no attendance."""
    if "attendance" not in state.policy.parts:
        yield _started(state, event, event.level)


@part.consequence
def begin_with_the_first_session(
    state: JourneyState,
    event: AttendanceNoted | Enrolled | CrisisEnded | WithdrawalTakenBack | DeathCorrected,
    now: Instant,
) -> Iterator[BaseEvent]:
    """Of a client who is enrolled."""
    began_at, level = _begins_at(state, now), state.enrolment.level
    if began_at is not None and level is not None and state.stage is Stage.ENROLLED:
        yield _started(state, event, level).changed(at=began_at, by_first_session=True)


@part.consequence
def follow_the_first_session(state: JourneyState, event: AttendanceNoted, now: Instant) -> Iterator[BaseEvent]:
    """It was not kept after all, or at another time. Once more has happened in care, a person finds out, unless what is
    known of the sessions comes to agree again.
    """
    began_at = _begins_at(state, now)
    if not _began_otherwise(state, began_at):
        yield from cancelled(state, event, CHECK_CARE_START)
    elif state.stage is Stage.ACTIVE and _as_the_first_session_left_it(state):
        level = state.care.stays[0].level
        yield CareStartTakenBack(**event.context, level=level)
        if began_at is not None:
            anew = state.changed(care=Care())  # the stay before was none
            yield _started(anew, event, level).changed(at=began_at, by_first_session=True)
    elif not state.open_of(CHECK_CARE_START.kind):
        yield raised_within(state, event, CHECK_CARE_START, "care_start_business_days")


def _begins_at(state: JourneyState, now: Instant) -> Instant | None:
    """When care begins by what is known of the sessions. One before the enrolment counts from there."""
    came_at = state.attendance.known.first_kept_at
    return None if came_at is None else min(max(came_at, state.enrolment.since or came_at), now)


def _began_otherwise(state: JourneyState, began_at: Instant | None) -> bool:
    """Whether the record says that care began with another first session than that which is known now."""
    first = next(iter(state.care.stays), None)
    if first is None or not first.by_first_session or state.stage.is_end:
        return False
    return began_at != first.since


def _as_the_first_session_left_it(state: JourneyState) -> bool:
    """Whether no move, leave, discharge or review has followed: the review that is owed is the start's own."""
    leaves = state.discharge.decided or state.open_of(discharge.COMPLETE_DISCHARGE.kind)
    untouched = state.moves.started == 0 and state.leave.until is None and not leaves
    began = LevelOfCareStarted.model_fields["type"].default
    not_reviewed = all(each.source == began for each in state.open_of("review"))
    return len(state.care.stays) == 1 and untouched and not_reviewed


@part.consequence
def begin_again(state: JourneyState, event: CareResumed) -> Iterator[BaseEvent]:
    """After a discharge."""
    yield _started(state, event, event.level)


@part.consequence
def change_with_the_move(state: JourneyState, event: TransitionCompleted) -> Iterator[BaseEvent]:
    """One level ends as the next begins."""
    yield LevelOfCareEnded(**event.context, level=event.origin)
    yield _started(state, event, event.target)


@part.consequence
def go_to_hospital(state: JourneyState, event: CrisisRecorded) -> Iterator[BaseEvent]:
    """A client in our care who is admitted leaves our level for the hospital's."""
    if event.level is not None and state.level is not None:
        yield LevelOfCareEnded(**event.context, level=state.level)
        yield _started(state, event, event.level)


@part.consequence
def end_with_the_discharge(state: JourneyState, event: Discharged) -> Iterator[BaseEvent]:
    """At the level where the client was."""
    if state.level is not None:
        yield LevelOfCareEnded(**event.context, level=state.level)


@part.consequence
def keep_in_touch_with_another_facility(
    state: JourneyState, event: LevelOfCareStarted | DischargeCorrected
) -> Iterator[BaseEvent]:
    """A client in someone else's care is still ours. In a crisis the return is owed instead."""
    if not event.ours and state.crisis.current is None:
        yield _contact(state, event)


@part.consequence
def keep_in_touch_after_a_crisis(state: JourneyState, event: CrisisEnded) -> Iterator[BaseEvent]:
    """Also where a discharge was corrected while it lasted."""
    if state.level and not state.care.is_ours and not state.open_of(EXTERNAL_CONTACT.kind):
        yield _contact(state, event)


@part.consequence
def stay_in_touch(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """One contact after the other for as long as they are there."""
    if event.kind == EXTERNAL_CONTACT.kind and state.level and not state.care.is_ours:
        yield _contact(state, event)


@part.consequence
def end_the_contacts(state: JourneyState, event: LevelOfCareEnded) -> Iterator[BaseEvent]:
    """The client is back, or elsewhere."""
    yield from cancelled(state, event, EXTERNAL_CONTACT)


def _last(state: JourneyState, until: Instant | None) -> Care:
    stays = state.care.stays
    return Care(stays=(*stays[:-1], stays[-1].changed(until=until))) if stays else state.care


def _started(state: JourneyState, event: BaseEvent, level: LevelOfCare) -> LevelOfCareStarted:
    ours, rule = state.policy.level(level).is_ours, state.policy.level(level).review
    interruption_days = state.policy.interruption_days
    earlier = state.care.days_before(level, event.at, state.calendar, interruption_days) if ours else 0
    return LevelOfCareStarted(
        **event.context, level=level, ours=ours, earlier_days=earlier, last_week=rule.last_week if rule else None
    )


def _contact(state: JourneyState, event: BaseEvent) -> ObligationRaised:
    return raised_within(state, event, EXTERNAL_CONTACT, "external_contact_days")
