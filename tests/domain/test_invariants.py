"""What must hold on every journey, whatever is asked of it, in whatever order and however late.

Hypothesis walks journeys with fitting and with senseless commands, answers of every kind to every call, and
pauses from nothing to a month, and checks the invariants after each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import TypeAdapter

from domain.benefits import Verdict
from domain.commands import BEFORE_CARE, BaseCommand
from domain.decide import Decided, decide
from domain.effects import HoldPlace
from domain.evolve import evolve, fold
from domain.pathway import COMMANDS, OBLIGATIONS, Event
from domain.pathway.admission import OpenJourney
from domain.pathway.against_advice import TALK_BEFORE_LEAVING
from domain.pathway.attendance import REACH_OUT, RESOLVE_DISENGAGEMENT, SEE_CLIENT, WRITE_PROGRESS_NOTE
from domain.pathway.authorisation import OBTAIN_AUTHORISATION
from domain.pathway.calendars import AdoptCalendar
from domain.pathway.calls import RESOLVE_EFFECT, Answer, Done, Failed, SettleEffect
from domain.pathway.care import EXTERNAL_CONTACT
from domain.pathway.care_team import ASSIGN_CASE_MANAGER
from domain.pathway.cost import ACCEPT_COST
from domain.pathway.coverage import VERIFY_BENEFITS
from domain.pathway.crisis import ARRANGE_RETURN, CrisisPlace, EndCrisis, RecordCrisis
from domain.pathway.deadlines import TimePassed
from domain.pathway.death import CHECK_DEATH, REVIEW_DEATH, CorrectDeath, RecordDeath, ReviewDeath
from domain.pathway.discharge import (
    COMPLETE_DISCHARGE,
    DELIVER_DISCHARGE_PLAN,
    DRAFT_DISCHARGE_PLAN,
    REFRESH_DISCHARGE_PLAN,
    Discharge,
)
from domain.pathway.enrolment import ENROL, FIRST_SESSION
from domain.pathway.first_visit import BOOK_FIRST_VISIT, FIRST_VISIT
from domain.pathway.follow_up import EARLY_FOLLOW_UP, EndFollowUp
from domain.pathway.funding import RESOLVE_FUNDING
from domain.pathway.handoff import HANDOFF
from domain.pathway.hospital import ASK_ABOUT_HOSPITAL_VISIT
from domain.pathway.leave import LEAVE_CONTACT, RETURN_FROM_LEAVE
from domain.pathway.lost_place import REPLACE_PLACE
from domain.pathway.maintenance import REFRESH_RELAPSE_PLAN
from domain.pathway.moves import COMPLETE_STEP_DOWN, COMPLETE_STEP_UP, INTERIM_CONTACT, TransitionStarted
from domain.pathway.notices import DELIVER_PAGE
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DECIDE_PLACEMENT
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.recurring_reviews import RECERTIFY, TEAM_REVIEW
from domain.pathway.return_to_care import DECIDE_RETURN
from domain.pathway.reviews import CONTINUED_STAY, REVIEW
from domain.pathway.screening import ASSESS_SAFETY, SCREEN_CLIENT
from domain.pathway.taper import END_TAPER
from domain.pathway.treatment_plan import DRAFT_TREATMENT_PLAN, REVIEW_GOALS
from domain.pathway.withdrawal import (
    CHECK_WITHDRAWAL,
    RESOLVE_RETURN,
    CheckWithdrawal,
    RecordWithdrawal,
    TakeBackWithdrawal,
    WithdrawalReason,
)
from domain.plans import Direction, DischargeReason
from domain.policy import policy_named
from domain.refusal import Refusal
from domain.sites import calendar_of
from domain.state import JourneyState
from domain.values import Stage
from tests.centres import deployed
from tests.domain.strategies import ANSWERS, DIRECTOR, FITTING, LEAVING, answers_to, command
from tests.domain.walk import (
    MONDAY,
    OPERATIONS,
    STAGES,
    cost_declined,
    in_emergency_department,
    in_hospital,
    in_hospital_before_care,
    place_held,
    placed,
    returning,
    stepping_up,
    window_missed,
)
from tests.domain.watch import Watch
from tests.policies import OTHERS

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
IN_CARE = (Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL, Stage.DISCHARGING)
MOVING = {"searching": stepping_up, "held": place_held, "missed": window_missed, "returning": returning}
PAYING = {"to authorise": lambda: placed(verdict=Verdict.CLEAR_AUTH_REQUIRED), "declined": cost_declined}
AWAY = {"emergency": in_emergency_department, "hospital": in_hospital, "waiting": in_hospital_before_care}
SCRIPTS = {stage: walk_to().script for stage, walk_to in (STAGES | MOVING | PAYING | AWAY).items()}
HERE = {Stage.ACTIVE, Stage.TRANSITION, Stage.DISCHARGING}
"""Where the centre itself gives care, but for a move from one facility to another."""
BELONGS = {
    VERIFY_BENEFITS.kind: {Stage.BENEFITS_CHECK},
    RESOLVE_FUNDING.kind: {Stage.FUNDING_EXCEPTION},
    SCREEN_CLIENT.kind: {Stage.BENEFITS_CHECK, Stage.FUNDING_EXCEPTION, Stage.PLACEMENT},
    DECIDE_PLACEMENT.kind: {Stage.PLACEMENT},
    ACCEPT_COST.kind: {Stage.COST_REVIEW},
    # Care may have begun while it was waived until a day, and it is owed again.
    OBTAIN_AUTHORISATION.kind: {Stage.COST_REVIEW, Stage.ENROLLING, Stage.WAITLISTED, Stage.ENROLLED, *IN_CARE},
    FIRST_SESSION.kind: {Stage.ENROLLED},
    ASSIGN_CASE_MANAGER.kind: {Stage.ENROLLED, Stage.DISENGAGED, *IN_CARE},
    REACH_OUT.kind: HERE,
    RESOLVE_DISENGAGEMENT.kind: HERE,
    SEE_CLIENT.kind: HERE,
    TEAM_REVIEW.kind: HERE,
    # The plan may be written while the client is in an emergency department.
    REFRESH_DISCHARGE_PLAN.kind: HERE | {Stage.EXTERNAL},
    RECERTIFY.kind: HERE | {Stage.EXTERNAL},
    RETURN_FROM_LEAVE.kind: HERE | {Stage.EXTERNAL},
    LEAVE_CONTACT.kind: HERE,
    DRAFT_DISCHARGE_PLAN.kind: set(IN_CARE),
    DRAFT_TREATMENT_PLAN.kind: set(IN_CARE),
    REVIEW_GOALS.kind: set(IN_CARE),
    TALK_BEFORE_LEAVING.kind: set(IN_CARE),
    REFRESH_RELAPSE_PLAN.kind: HERE | {Stage.EXTERNAL},
    DELIVER_DISCHARGE_PLAN.kind: {Stage.DISCHARGED, Stage.FOLLOW_UP},
    EARLY_FOLLOW_UP.kind: {Stage.DISCHARGED, Stage.FOLLOW_UP},
    DECIDE_RETURN.kind: {Stage.DISCHARGED, Stage.FOLLOW_UP},
    COMPLETE_STEP_UP.kind: {Stage.TRANSITION},
    # An arrival does not end it.
    HANDOFF.kind: set(IN_CARE),
    BOOK_FIRST_VISIT.kind: {Stage.TRANSITION},
    FIRST_VISIT.kind: HERE,
    END_TAPER.kind: HERE | {Stage.EXTERNAL},
    COMPLETE_STEP_DOWN.kind: {Stage.TRANSITION},
    INTERIM_CONTACT.kind: {Stage.TRANSITION},
    REPLACE_PLACE.kind: {Stage.TRANSITION},
    EXTERNAL_CONTACT.kind: {Stage.EXTERNAL, Stage.TRANSITION},
    COMPLETE_DISCHARGE.kind: set(IN_CARE),
    REVIEW.kind: {Stage.ACTIVE, Stage.DISCHARGING, Stage.EXTERNAL},
    CONTINUED_STAY.kind: {Stage.ACTIVE, Stage.DISCHARGING, Stage.TRANSITION, Stage.EXTERNAL},
    CHECK_WITHDRAWAL.kind: {Stage.DISENGAGED},
    RESOLVE_RETURN.kind: {Stage.DISENGAGED},
    REVIEW_DEATH.kind: {Stage.DECEASED},
    CHECK_DEATH.kind: {Stage.DECEASED},
    ARRANGE_RETURN.kind: {stage for stage in Stage if not stage.is_end},
}
MOVES = {COMPLETE_STEP_UP.kind, COMPLETE_STEP_DOWN.kind}
OUTLIVE = {kind.kind for kind in OBLIGATIONS.values() if kind.outlives_care}
MOVED_ON_BY = {
    Stage.BENEFITS_CHECK: VERIFY_BENEFITS.kind,
    Stage.FUNDING_EXCEPTION: RESOLVE_FUNDING.kind,
    Stage.PLACEMENT: DECIDE_PLACEMENT.kind,
    Stage.COST_REVIEW: ACCEPT_COST.kind,
    Stage.ENROLLING: ENROL.kind,
    Stage.ENROLLED: FIRST_SESSION.kind,
}
POLICIES = (policy_named("us-generic-1"), *OTHERS.values())
CALENDARS = (
    {"closures": [{"first_day": "2026-03-17", "last_day": "2026-04-17", "reason": "flood"}]},
    {"closures": [], "zone": "America/New_York"},
    {"closes_at": {"sunday": "23:30"}, "opens_at": "02:30"},
)
"""What the site's calendar changes to, one after the other."""
HOURS = st.sampled_from([0, 1, 3, 4, 8, 12, 24, 72, 7 * 24, 40 * 24])


class Journeys(RuleBasedStateMachine):
    """One journey, its whole record, and what was seen of its calls and duties."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = ExitStack()
        self.state = JourneyState()
        self.replayed = JourneyState()
        self.watch = Watch()
        self.now: datetime = MONDAY
        self.asked = 0
        self.last: BaseCommand | None = None

    # ---- what is asked of it ---------------------------------------------------------------------------

    @initialize(stage=st.sampled_from(list(SCRIPTS)), hours=HOURS)
    def comes_to(self, stage: str, hours: int) -> None:
        for self.now, asked in SCRIPTS[stage]:
            if isinstance(asked, OpenJourney):
                asked = asked.model_copy(update={"admitted_at": self.now - timedelta(hours=hours)})
            self.take(asked)
        self.centre.enter_context(deployed(*CALENDARS))

    @rule(data=st.data())
    def is_asked_what_fits(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(FITTING[self.state.stage]))
        self.take(data.draw(command(kind, self.number(), self.state, able=True)))

    @precondition(lambda self: self.state.stage in LEAVING)
    @rule(data=st.data())
    def is_left(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(LEAVING[self.state.stage]))
        self.take(data.draw(command(kind, self.number(), self.state, able=True)))

    @rule(data=st.data(), kind=st.sampled_from(list(COMMANDS.values())))
    def is_asked_anything(self, data: st.DataObject, kind: type[BaseCommand]) -> None:
        self.take(data.draw(command(kind, self.number(), self.state, able=False)))

    @precondition(lambda self: self.state.pending())
    @rule(data=st.data())
    def is_answered(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.state.pending())))
        answer = data.draw(answers_to(self.state.pending()[key]))
        self.take(SettleEffect(id=self.name(), key=key, answer=answer))

    @precondition(lambda self: self.watch.calls)
    @rule(data=st.data())
    def is_answered_late_or_twice(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.watch.calls)))
        self.take(SettleEffect(id=self.name(), key=key, answer=data.draw(ANSWERS)))

    @rule(to=st.sampled_from(list(OTHERS)))
    def moves_to_another_policy(self, to: str) -> None:
        self.take(ChangePolicy(id=self.name(), to=to, reason="because", by=DIRECTOR))

    @rule(hours=HOURS)
    def waits(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.pass_time()

    @precondition(lambda self: self.state.next_deadline() is not None)
    @rule()
    def waits_for_its_deadline(self) -> None:
        deadline = self.state.next_deadline()
        assert deadline is not None
        self.now = max(self.now, deadline)
        assert self.pass_time(), "a deadline came and nothing happened"

    @precondition(lambda self: self.state.version and self.state.admission.calendar <= len(CALENDARS))
    @rule(late=st.booleans())
    def its_site_has_a_newer_calendar(self, late: bool) -> None:
        newer, at = self.state.admission.calendar + 1, self.state.admission.begins_at if late else None
        self.take(AdoptCalendar(id=self.name(), calendar=newer, reason="flood", by=OPERATIONS, occurred_at=at))

    @precondition(lambda self: self.last is not None)
    @rule()
    def is_asked_the_same_again(self) -> None:
        assert self.last is not None
        assert decide(self.state, self.last, self.now) == Decided(events=(), state=self.state)

    # ---- ways out --------------------------------------------------------------------------------------

    @precondition(lambda self: self.state.version and not self.state.stage.is_end)
    @rule()
    def could_leave(self) -> None:
        """Every way out of where it stands is there, ends what is owed to the client, and can be taken back."""
        for leave, end in self.ways_out():
            after = self.supposed(self.state, leave)
            assert after.stage in end, f"{leave.name()} leads from {self.state.stage} to {after.stage}"
            assert not after.stage.is_end or {owed.kind for owed in after.obligations.open.values()} <= OUTLIVE

    @precondition(lambda self: self.state.version and not self.state.stage.is_end)
    @rule()
    def could_be_mistaken_for_dead(self) -> None:
        dead = self.supposed(self.state, RecordDeath(id="died", by=DIRECTOR, source="a message"))
        assert dead.stage is Stage.DECEASED and dead.next_deadline() is not None
        self.stands_as_before(self.supposed(dead, CorrectDeath(id="lives", by=DIRECTOR, reason="a mistake")), "due_at")

    @precondition(lambda self: self.state.stage in MOVED_ON_BY)
    @rule()
    def could_withdraw_and_come_back(self) -> None:
        wish = {"reason": "client-withdrew", "initiator": "client", "risk": "unknown", "by": DIRECTOR}
        gone = self.supposed(self.state, RecordWithdrawal(id="left", **wish))
        assert gone.stage is Stage.DISENGAGED and gone.open_of(CHECK_WITHDRAWAL.kind)
        self.stands_as_before(self.supposed(gone, TakeBackWithdrawal(id="back", by=DIRECTOR, reason="stays")), "kind")

    @precondition(lambda self: self.state.stage in MOVED_ON_BY)
    @rule(place=st.sampled_from(CrisisPlace))
    def could_be_in_a_crisis_and_come_back(self, place: CrisisPlace) -> None:
        away = self.supposed(self.state, RecordCrisis(id="away", by=DIRECTOR, place=place, reason="at night"))
        assert away.stage is Stage.EXTERNAL and away.open_of(ARRANGE_RETURN.kind)
        back = self.supposed(away, EndCrisis(id="back", by=DIRECTOR, safety_rechecked=True, note="safe"))
        self.stands_as_before(back, "kind", ASSESS_SAFETY.kind, ASK_ABOUT_HOSPITAL_VISIT.kind)

    def ways_out(self) -> Iterator[tuple[BaseCommand, set[Stage]]]:
        stage, by, in_no_crisis = self.state.stage, DIRECTOR, self.state.crisis.current is None
        yield RecordDeath(id="died", by=by, source="a message"), {Stage.DECEASED}
        if self.state.care.began and stage in IN_CARE:
            for reason in DischargeReason:
                if not reason.is_planned or not self.state.discharge.plan.missing():
                    yield Discharge(id="leave", by=by, reason=reason), {Stage.DISCHARGED}
        elif stage in BEFORE_CARE:
            for why in WithdrawalReason:
                low = {"risk": "low", "referred_to": "County clinic", "reason": why, "initiator": "client"}
                is_safe = in_no_crisis and not self.state.screening.is_crisis
                ends = {Stage.WITHDRAWN} if is_safe else {Stage.DISENGAGED}
                yield RecordWithdrawal(id="leave", by=by, **low), ends
        elif (
            stage is Stage.DISENGAGED
            and self.state.crisis.current is None
            and self.state.open_of(CHECK_WITHDRAWAL.kind)
        ):
            ends = {Stage.DISENGAGED} if self.state.open_of(RESOLVE_RETURN.kind) else {Stage.WITHDRAWN}
            yield CheckWithdrawal(id="leave", by=by, finding="safe", note="reached"), ends
        elif in_no_crisis and stage in (Stage.DISCHARGED, Stage.FOLLOW_UP):
            left = self.state.open_of(DELIVER_DISCHARGE_PLAN.kind, DECIDE_RETURN.kind)  # the journey closes after these
            ends = {stage} if left else {Stage.CLOSED}
            yield EndFollowUp(id="leave", by=by, reason="moved-away", note="as they said"), ends

    def supposed(self, state: JourneyState, asked: BaseCommand) -> JourneyState:
        """The state if it were asked; it is not."""
        outcome = decide(state, asked, self.now)
        assert isinstance(outcome, Decided), f"{asked.name()} at {state.stage}: {outcome}"
        return outcome.state

    def stands_as_before(self, after: JourneyState, by: str, *but: str) -> None:
        before = self.state
        assert (after.stage, after.level, after.care) == (before.stage, before.level, before.care)
        assert _owed(after, by, *but) == _owed(before, by, *but)
        assert (after.moves.current is None) is (before.moves.current is None)

    # ---- taking a command ------------------------------------------------------------------------------

    def number(self) -> int:
        self.asked += 1
        return self.asked

    def name(self) -> str:
        return f"step-{self.number()}"

    def pass_time(self) -> tuple[Event, ...]:
        happened = self.take(TimePassed(id=self.name()))
        following = self.state.next_deadline()
        assert following > self.now if following else self.state.stage.is_end, "time stands still"
        self.watch.time_passed(self.state, self.now)
        return happened

    def take(self, asked: BaseCommand) -> tuple[Event, ...]:
        outcome = decide(self.state, asked, self.now)
        if isinstance(outcome, Refusal):
            assert outcome.code and outcome.sentence.endswith(".")
            return ()
        assert outcome == decide(self.state, asked, self.now)
        self.watch.batch(asked, outcome.events, self.now)
        for event in outcome.events:
            self.watch.event(event, self.state)
            self.state = evolve(self.state, event)
            self.watch.calls_after(event, self.state)
        assert self.state == outcome.state
        self.last = asked if outcome.events else self.last
        self.check_round_trip(outcome.events)
        return outcome.events

    def check_round_trip(self, events: tuple[Event, ...]) -> None:
        read = [EVENT.validate_json(EVENT.dump_json(event)) for event in events]
        assert tuple(read) == events
        kept = JourneyState.model_validate_json(self.replayed.model_dump_json())
        assert kept == self.replayed
        self.replayed = fold(read, kept)

    # ---- what must hold --------------------------------------------------------------------------------

    @invariant()
    def the_record_tells_the_whole_state(self) -> None:
        assert self.state.version == len(self.watch.record)
        assert self.replayed == self.state

    @invariant()
    def every_due_time_is_what_its_counting_says(self) -> None:
        for owed in self.state.obligations.open.values():
            calendar = calendar_of(self.state.admission.site, owed.calendar)
            assert owed.by(calendar) == owed
        move = self.state.moves.current
        for owed in self.state.open_of(*MOVES):
            assert move is not None and move.due_at == owed.due_at

    @invariant()
    def nobody_is_told_outside_opening_hours_of_what_can_wait(self) -> None:
        for owed in self.state.obligations.open.values():
            calendar = calendar_of(self.state.admission.site, owed.calendar)
            from_the_due_time = [step.at for step in owed.escalation if step.offset is not None]
            assert owed.around_the_clock or all(at == calendar.in_opening_hours(at) for at in from_the_due_time)
            assert owed.around_the_clock or not owed.urgent

    @invariant()
    def an_obligation_is_acknowledged_no_more_often_than_its_kind_allows(self) -> None:
        for owed in self.state.obligations.open.values():
            limits = [
                each.obligations[owed.kind].acknowledgement.times or each.acknowledged_times
                for each in POLICIES
                if owed.kind in each.obligations
            ]
            assert owed.acknowledged_times <= max(limits)

    @invariant()
    def operations_telephone_only_about_what_is_still_owed(self) -> None:
        about = [owed.about for owed in self.state.open_of(DELIVER_PAGE.kind)]
        assert len(set(about)) == len(about) and set(about) <= set(self.state.obligations.open)

    @invariant()
    def no_open_journey_is_silent(self) -> None:
        if self.watch.record and not self.state.stage.is_end:
            assert self.state.obligations.open
            assert self.state.waiting_for() is not None
            assert self.state.next_deadline() is not None

    @invariant()
    def an_ended_journey_owes_the_client_nothing(self) -> None:
        if self.state.stage.is_end:
            kinds = {owed.kind for owed in self.state.obligations.open.values()}
            assert kinds <= {
                *(RESOLVE_EFFECT.kind, REVIEW_DEATH.kind, CHECK_DEATH.kind, DELIVER_PAGE.kind),
                WRITE_PROGRESS_NOTE.kind,
            }
            assert (REVIEW_DEATH.kind in kinds) is self.state.death.may_be_a_mistake
            assert self.state.ended_at is not None and self.state.moves.current is None

    @invariant()
    def levels_of_care_never_overlap(self) -> None:
        stays = self.state.care.stays
        assert all(a.until is not None and a.until <= b.since for a, b in pairwise(stays))
        assert (self.state.level is not None) is (self.state.stage in IN_CARE and self.state.care.began)

    @invariant()
    def the_stage_says_where_the_client_is(self) -> None:
        stage, level = self.state.stage, self.state.level
        assert (self.state.moves.current is not None) is (stage is Stage.TRANSITION)
        if level is not None and stage in (Stage.ACTIVE, Stage.DISCHARGING):
            assert self.state.policy.level(level).is_ours
        if stage is Stage.EXTERNAL:
            elsewhere = level is not None and not self.state.policy.level(level).is_ours
            assert elsewhere or self.state.crisis.current is not None

    @invariant()
    def care_is_watched_over(self) -> None:
        kinds = {owed.kind for owed in self.state.obligations.open.values()}
        expected = {
            Stage.ACTIVE: REVIEW.kind,
            Stage.DISCHARGING: COMPLETE_DISCHARGE.kind,
        }
        assert self.state.stage not in expected or expected[self.state.stage] in kinds
        move = self.state.moves.current
        assert self.state.stage is not Stage.EXTERNAL or kinds & {EXTERNAL_CONTACT.kind, ARRANGE_RETURN.kind}
        if self.state.crisis.current is not None and not self.state.stage.is_end:
            assert kinds & {ARRANGE_RETURN.kind, COMPLETE_STEP_DOWN.kind, COMPLETE_STEP_UP.kind}, (
                "nobody owns the return"
            )
        assert move is None or len(kinds & MOVES) == 1
        assert move is None or not move.window_missed or INTERIM_CONTACT.kind in kinds

    @invariant()
    def nothing_is_owed_that_belongs_to_another_stage(self) -> None:
        for kind, stages in BELONGS.items():
            owed = self.state.open_of(kind)
            assert len(owed) <= 1 and (not owed or self.state.stage in stages), f"{kind} at {self.state.stage}"
        for stage, kind in MOVED_ON_BY.items():
            assert self.state.stage is not stage or self.state.open_of(kind), f"nobody owes {kind}"

    @invariant()
    def a_client_is_to_be_screened_until_it_is_done(self) -> None:
        waits = self.state.stage in BELONGS[SCREEN_CLIENT.kind] and self.state.screening.completed_at is None
        assert bool(self.state.open_of(SCREEN_CLIENT.kind)) is waits

    @invariant()
    def a_step_up_has_a_search_a_place_or_a_contact_owed(self) -> None:
        move = self.state.moves.current
        if move is None or move.direction is Direction.DOWN or self.state.policy.level(move.target).is_ours:
            return
        searching = [each for each in self.state.calls.open.values() if isinstance(each, HoldPlace)]
        under_way = any(each.hold_key == move.searched_key for each in searching)
        assert under_way or move.next_search_at or move.place or self.state.open_of(INTERIM_CONTACT.kind)
        assert not (move.place is None and move.held_key), "a place under a key that nobody knows"
        if move.place is None and not under_way:
            assert move.next_search_at
            at_once = move.next_search_at <= self.now  # after a death that was none it begins as soon as time passes
            assert at_once or self.state.open_of(INTERIM_CONTACT.kind)

    @invariant()
    def the_24_hours_of_a_step_up_never_begin_again(self) -> None:
        move = self.state.moves.current
        if move is not None and move.direction is Direction.UP:
            began = [e for e in self.watch.record if isinstance(e, TransitionStarted)][-1]
            assert move.due_at == began.due_at == began.at + timedelta(hours=24)

    @invariant()
    def the_end_of_a_stay_at_a_level_with_a_last_week_is_always_owed(self) -> None:
        assert (self.state.care.last_week is not None) is bool(self.state.open_of(CONTINUED_STAY.kind))

    @invariant()
    def no_place_is_held_for_nobody(self) -> None:
        move = self.state.moves.current
        assert self.watch.places_to_return <= ({move.held_key} if move else set())

    def teardown(self) -> None:
        """The record folds to the state, calls come to an end, and an ended journey finishes once all is answered."""
        with self.centre:
            self.come_to_an_end()

    def come_to_an_end(self) -> None:
        assert fold(self.watch.record) == self.state
        last_word = Failed(code="gone") if self.asked % 2 else Done()
        self.answer_everything(last_word)
        if not self.state.stage.is_end:
            return
        for _ in range(3):
            for owed in list(self.state.obligations.open):
                self.take(CompleteObligation(id=self.name(), obligation=owed, note="done", by=DIRECTOR))
            self.take(ReviewDeath(id=self.name(), finding="natural causes", by=DIRECTOR))
            self.answer_everything(Done())
        if (final := self.state.next_deadline()) is not None:
            assert final == self.state.closing.correctable_until, "an ended journey waits for nothing else"
            self.now = max(self.now, final)
            self.take(TimePassed(id=self.name()))
        assert self.state.is_finished and self.state.next_deadline() is None

    def answer_everything(self, answer: Answer) -> None:
        for _ in range(10):
            for key in list(self.state.pending()):
                self.take(SettleEffect(id=self.name(), key=key, answer=answer))
        assert not self.state.pending(), "calls never end"


def _owed(state: JourneyState, by: str, *but: str) -> list[tuple[str, str]]:
    """All but what is owed about a page: who is owed to act again is told anew."""
    owed = (each for each in state.obligations.open.values() if each.kind not in (DELIVER_PAGE.kind, *but))
    return sorted((each.kind, str(getattr(each, by))) for each in owed)


TestJourneys = Journeys.TestCase
TestJourneys.settings = settings(
    max_examples=45, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
