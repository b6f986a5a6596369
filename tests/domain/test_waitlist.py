"""The waitlist: nobody waits unseen, care meanwhile is offered, and whoever waits gets the room they wait for."""

from __future__ import annotations

from domain.pathway.corrections import CorrectDischarge, CorrectEnrolment, WithdrawMove
from domain.pathway.cost import AcceptCost
from domain.pathway.discharge import Discharge
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.obligation_events import ObligationEscalated
from domain.pathway.placement import DecidePlacement
from domain.pathway.screening import CompleteScreening
from domain.pathway.waitlist import RecordInterimOffer, TakeOffWaitlist
from domain.pathway.withdrawal import RecordWithdrawal
from domain.values import Role
from tests.domain.walk import ADMISSIONS, SCREENED, Walk, waiting


def at(walk: Walk) -> str:
    return walk.state.stage.value


def owes(walk: Walk, kind: str) -> bool:
    return bool(walk.state.open_of(kind))


def meanwhile_in_outpatient_care() -> Walk:
    """The client waits for IOP and took OP meanwhile."""
    walk = waiting("IOP")
    walk.do(RecordInterimOffer, answer="accepted")
    assert owes(walk, "arrange-interim-care")
    walk.do(DecidePlacement, recommended="IOP", actual="OP", variance="waits for room")
    walk.do(AcceptCost, estimate="estimate-2")
    walk.enrol()
    return walk


def test_who_waits_is_asked_every_seven_days_how_they_are() -> None:
    walk = waiting()
    for week in range(1, 5):
        walk.later(days=6)
        walk.do(CompleteObligation, obligation=f"waitlist-check-in-{week}", note="at home, managing")
        [owed] = walk.state.open_of("waitlist-check-in")
        assert (owed.due_at - walk.now).days == 7
    assert not [each for each in walk.saw(ObligationEscalated) if each.obligation.startswith("waitlist-check-in")]


def test_nobody_who_waits_is_forgotten() -> None:
    walk = waiting()
    walk.later(days=12)
    told = {each.to for each in walk.saw(ObligationEscalated) if each.obligation == "waitlist-check-in-1"}
    assert told >= {Role.CASE_MANAGER, Role.CLINICIAN, Role.SUPERVISOR}


def test_they_are_screened_again_and_what_is_found_changes_who_is_told() -> None:
    walk = waiting()
    walk.later(days=31)
    assert walk.state.open_of("screen-again")[0].is_overdue(walk.now)
    walk.do(CompleteScreening, **{**SCREENED, "risk": "raised"})
    assert owes(walk, "assess-safety")
    [owed] = walk.state.open_of("screen-again")
    assert not owed.is_overdue(walk.now) and at(walk) == "WAITLISTED"


def test_room_in_a_track_ends_the_waiting() -> None:
    walk = waiting()
    walk.enrol()
    assert at(walk) == "ACTIVE" and walk.state.waitlist.level is None
    assert not any(owes(walk, kind) for kind in ("waitlist-check-in", "screen-again", "offer-interim-care"))


def test_who_takes_outpatient_care_meanwhile_goes_on_waiting_until_they_move_up() -> None:
    walk = meanwhile_in_outpatient_care()
    assert (at(walk), walk.state.level, walk.state.waitlist.level) == ("ACTIVE", "OP", "IOP")
    assert owes(walk, "waitlist-check-in") and not owes(walk, "screen-again")
    walk.do(RequestStepUp, to="IOP", reason="there is room")
    assert walk.state.waitlist.level is None and not owes(walk, "waitlist-check-in")


def test_who_no_longer_needs_it_is_taken_off_also_in_care() -> None:
    walk = meanwhile_in_outpatient_care()
    walk.do(TakeOffWaitlist, reason="not-needed")
    assert walk.state.waitlist.level is None and not owes(walk, "waitlist-check-in")
    waits = waiting()
    waits.do(TakeOffWaitlist, reason="mistake", by=ADMISSIONS)
    assert at(waits) == "ENROLLING" and not owes(waits, "offer-interim-care") and owes(waits, "enrol")


def test_a_declined_offer_leaves_them_waiting() -> None:
    walk = waiting()
    walk.do(RecordInterimOffer, answer="declined")
    assert at(walk) == "WAITLISTED"
    assert not owes(walk, "offer-interim-care") and not owes(walk, "arrange-interim-care")


def test_there_are_ways_out_while_waiting_and_nothing_is_owed_afterwards() -> None:
    withdrew = waiting()
    withdrew.do(RecordWithdrawal, reason="client-withdrew", initiator="client", risk="low")
    assert at(withdrew) == "WITHDRAWN" and not withdrew.state.obligations.open
    discharged = meanwhile_in_outpatient_care()
    discharged.do(Discharge, reason="moved")
    assert discharged.state.waitlist.level is None and not owes(discharged, "waitlist-check-in")


def test_a_wait_that_a_mistake_ended_goes_on_when_it_is_taken_back() -> None:
    discharged, moving, enrolled = meanwhile_in_outpatient_care(), meanwhile_in_outpatient_care(), waiting("IOP")
    since = discharged.state.waitlist.since
    discharged.do(Discharge, reason="moved")
    assert discharged.state.waits_for is None
    discharged.do(CorrectDischarge, reason="another client of that name")
    moving.do(RequestStepUp, to="IOP", reason="room is free")
    assert moving.state.waits_for is None
    moving.do(WithdrawMove, reason="the room was taken")
    enrolled.do(ConfirmEnrolment, track="evening")
    enrolled.do(CorrectEnrolment, reason="another client of that name")
    for walk in (discharged, moving, enrolled):
        assert walk.state.waits_for == "IOP" and owes(walk, "waitlist-check-in")
    assert discharged.state.waitlist.since == moving.state.waitlist.since == since
    assert at(enrolled) == "WAITLISTED" and owes(enrolled, "screen-again")


def test_a_move_that_is_declined_later_puts_nobody_back_on_the_list() -> None:
    walk = meanwhile_in_outpatient_care()
    walk.do(RequestStepUp, to="IOP", reason="room is free")
    walk.do(ConfirmArrival)
    walk.do(RequestStepUp, to="PHP", reason="worse")
    walk.do(DeclineTransition, reason="stays", safety_plan_reviewed=True)
    assert walk.state.waits_for is None


def test_who_is_placed_at_the_same_level_again_is_still_screened() -> None:
    walk = waiting("IOP")
    walk.do(DecidePlacement, recommended="IOP", actual="IOP")
    assert at(walk) == "WAITLISTED" and owes(walk, "screen-again") and owes(walk, "offer-interim-care")
