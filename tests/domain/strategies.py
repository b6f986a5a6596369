"""Commands for a journey: any at all, or those that fit where it stands, so that random walks get far."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from domain import commands as cmd
from domain.benefits import Benefits, CostShare, Evidence, Topic, Verdict
from domain.effects import Effect
from domain.plans import (
    Actor,
    Contact,
    DischargePlan,
    DischargeReason,
    FundingRoute,
    ReviewOutcome,
)
from domain.state import JourneyState
from domain.values import LevelOfCare, Role, Stage
from tests.domain.walk import MONDAY, WHOLE_PLAN

Kind = type[cmd.BaseCommand]

ACTORS = st.builds(Actor, id=st.just("person-1"), role=st.sampled_from(Role))
ABLE: dict[Kind, Actor] = {
    cmd.RecordBenefits: Actor(id="person-2", role=Role.ADMISSIONS),
}
DIRECTOR = Actor(id="person-3", role=Role.MEDICAL_DIRECTOR)
LEVELS = st.sampled_from(LevelOfCare)
WORDS = st.sampled_from(["because", "as said before"])
MONEY = st.none() | st.integers(0, 4000)
SHARES = st.builds(CostShare, copay=st.none() | st.integers(0, 400), deductible_total=MONEY)
EVIDENCE = st.lists(
    st.builds(
        Evidence,
        topics=st.just((Topic.AUTHORISATION,)),
        about=st.just("EB-1-MH"),
        text=st.sampled_from(["AUTH REQUIRED", "", " "]),
        other_payer=st.none() | st.just("Harbor Mind Care"),
    ),
    max_size=2,
).map(tuple)
PLANS = st.sampled_from([DischargePlan(), DischargePlan(crisis_contacts=("988",)), WHOLE_PLAN])
ANSWERS: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        cmd.BenefitsAnswer,
        benefits=st.builds(
            Benefits, verdict=st.sampled_from(Verdict), cost_share=st.none() | SHARES, evidence=EVIDENCE
        ),
    ),
    st.just(cmd.PlaceAnswer()),
    st.just(cmd.PlaceAnswer(facility="facility-1", starts_at=MONDAY)),
    st.builds(cmd.Done, reference=st.none() | st.just("there-1")),
    st.builds(cmd.Failed, code=st.sampled_from(["refused", "gone"])),
)


def answers_to(call: Effect) -> st.SearchStrategy[Any]:
    """What the system that is called may answer."""
    own = {"hold-place": cmd.PlaceAnswer, "check-benefits": cmd.BenefitsAnswer}.get(call.kind, cmd.Done)
    return ANSWERS.filter(lambda answer: isinstance(answer, own | cmd.Failed))


def fields_of(kind: Kind, state: JourneyState) -> dict[str, st.SearchStrategy[Any]]:
    """What a command of this kind may carry besides its id and who decides."""
    owed = st.sampled_from([*state.obligations, "review-99"])
    message = {"message": st.just("message-9")}
    reported = message | {"occurred_at": st.none() | st.just(MONDAY)}
    fields: dict[Kind, dict[str, st.SearchStrategy[Any]]] = {
        cmd.OpenJourney: message
        | {"journey_id": st.just("j"), "client_ref": st.just("c"), "admitted_at": st.just(MONDAY)},
        cmd.RepeatAdmission: reported,
        cmd.CancelAdmission: reported,
        cmd.ReportDischarge: reported,
        cmd.RecordBenefits: {
            "verdict": st.sampled_from(Verdict),
            "cost_share": st.none() | SHARES,
            "note": WORDS,
        },
        cmd.ResolveFunding: {"route": st.sampled_from(FundingRoute), "reason": WORDS},
        cmd.DecidePlacement: {"recommended": LEVELS, "actual": LEVELS, "variance": st.none() | WORDS},
        cmd.AcceptCost: {
            "estimate": st.integers(max(1, state.estimates - 1), state.estimates + 1).map("estimate-{}".format)
        },
        cmd.DeclineCost: {"reason": WORDS},
        cmd.ConfirmEnrolment: {"track": WORDS},
        cmd.UpdateDischargePlan: {"plan": PLANS},
        cmd.CompleteReview: {
            "outcome": st.sampled_from(ReviewOutcome),
            "rationale": WORDS,
            "to": st.none() | LEVELS,
        },
        cmd.RequestStepUp: {"to": LEVELS, "reason": WORDS},
        cmd.StartStepDown: {"to": LEVELS, "reason": WORDS},
        cmd.ConfirmArrival: {"facility": st.none() | WORDS},
        cmd.DeclineTransition: {"reason": WORDS, "safety_plan_reviewed": st.booleans()},
        cmd.Discharge: {"reason": st.sampled_from(DischargeReason)},
        cmd.RecordFollowUp: {"contact": st.sampled_from(Contact)},
        cmd.AcknowledgeObligation: {"obligation": owed},
        cmd.CompleteObligation: {"obligation": owed, "note": WORDS},
        cmd.WaiveObligation: {"obligation": owed, "reason": WORDS},
        cmd.SettleEffect: {"key": st.sampled_from([*state.pending(), "ehr-9999", "nothing"]), "answer": ANSWERS},
        cmd.TimePassed: {},
    }
    return fields[kind]


_BY_HAND = (cmd.CompleteObligation, cmd.WaiveObligation, cmd.AcknowledgeObligation)
_MOVES = (cmd.RequestStepUp, cmd.StartStepDown)
FITTING: dict[Stage, tuple[Kind, ...]] = {
    Stage.REFERRED: (cmd.TimePassed,),
    Stage.BENEFITS_CHECK: (cmd.RecordBenefits, cmd.SettleEffect),
    Stage.FUNDING_EXCEPTION: (cmd.ResolveFunding, cmd.ResolveFunding, cmd.RecordBenefits),
    Stage.PLACEMENT: (cmd.DecidePlacement,),
    Stage.COST_REVIEW: (cmd.AcceptCost, cmd.AcceptCost, cmd.AcceptCost, cmd.DeclineCost, cmd.RecordBenefits, *_BY_HAND),
    Stage.ENROLLING: (
        cmd.ConfirmEnrolment,
        cmd.ConfirmEnrolment,
        cmd.ConfirmEnrolment,
        cmd.RecordBenefits,
        *_BY_HAND,
        cmd.UpdateDischargePlan,
    ),
    Stage.ACTIVE: (cmd.CompleteReview, *_MOVES, cmd.ReportDischarge, cmd.UpdateDischargePlan, *_BY_HAND),
    Stage.TRANSITION: (
        cmd.SettleEffect,
        cmd.ConfirmArrival,
        cmd.DeclineTransition,
        cmd.RequestStepUp,
        cmd.RequestStepUp,
        cmd.Discharge,
        *_BY_HAND,
        cmd.ReportDischarge,
    ),
    Stage.EXTERNAL: (*_MOVES, *_BY_HAND, cmd.ReportDischarge, cmd.Discharge),
    Stage.DISCHARGING: (cmd.Discharge, cmd.RequestStepUp, cmd.UpdateDischargePlan),
    Stage.DISCHARGED: (cmd.RecordFollowUp, cmd.WaiveObligation),
    Stage.FOLLOW_UP: (cmd.RecordFollowUp, cmd.WaiveObligation),
    Stage.CLOSED: (*_BY_HAND, cmd.SettleEffect),
    Stage.CANCELLED: (*_BY_HAND, cmd.SettleEffect),
}
"""The commands that lead on from each stage."""


def command(kind: Kind, number: int, state: JourneyState, *, able: bool) -> st.SearchStrategy[cmd.BaseCommand]:
    """A command of this kind; `able` has it decided by somebody who may."""
    fields = fields_of(kind, state)
    if issubclass(kind, cmd.Decision):
        fields["by"] = st.just(ABLE.get(kind, DIRECTOR)) if able else ACTORS
    return st.builds(kind, id=st.just(f"step-{number}"), **fields)
