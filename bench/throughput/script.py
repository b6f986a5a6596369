"""What each journey is asked: an admission and the decisions of a short stay, one after the other."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

from domain.pathway.admission import OpenJourney
from domain.pathway.attendance import NoteAttendance
from domain.pathway.consents import ConsentAnswer, Consents
from domain.pathway.cost import AcceptCost
from domain.pathway.discharge import Discharge, UpdateDischargePlan
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp
from domain.pathway.placement import DecidePlacement
from domain.pathway.screening import CompleteScreening, KnownRisk, Urgency
from domain.plans import Actor, DischargePlan, DischargeReason
from domain.sessions.attendance import Attendance
from domain.values import Role, Stage
from workflows.client import Journeys
from workflows.messages import JourneyStatus

_CLINICIAN = Actor(id="s-102", role=Role.CLINICIAN)
_ADMISSIONS = Actor(id="s-101", role=Role.ADMISSIONS)
_PLAN = DischargePlan(
    follow_ups=("therapist",),
    crisis_contacts=("988",),
    resources=("peer group",),
    medication=("none",),
    summary=("eight weeks of skills and therapy",),
)
_PAUSE_SECONDS = 0.02


async def play(journeys: Journeys) -> str:
    """One journey from its admission to its discharge; its id."""
    journey_id = str(uuid.uuid4())
    await journeys.open(
        OpenJourney(
            id="open",
            journey_id=journey_id,
            client_ref=str(uuid.uuid4()),
            site="main",
            message="message-1",
            admitted_at=datetime.now(UTC),
        )
    )
    status = await _once_at(journeys, journey_id, Stage.PLACEMENT)
    for decision in (*ENROLMENT, *_STAY):
        status = await journeys.tell(journey_id, decision)
    assert status.stage is Stage.DISCHARGED, status.stage
    return journey_id


async def _once_at(journeys: Journeys, journey_id: str, stage: Stage) -> JourneyStatus:
    while (status := await journeys.status(journey_id)).stage is not stage:  # noqa: ASYNC110 - in another process
        await asyncio.sleep(_PAUSE_SECONDS)
    return status


ENROLMENT = (
    CompleteScreening(
        id="0",
        by=_ADMISSIONS,
        urgency=Urgency.ROUTINE,
        risk=KnownRisk.LOW,
        consents=Consents(treatment=ConsentAnswer.GIVEN),
    ),
    DecidePlacement(id="1", by=_CLINICIAN, recommended="OP", actual="OP"),
    AcceptCost(id="2", by=_ADMISSIONS, estimate="estimate-1"),
    ConfirmEnrolment(id="3", by=_ADMISSIONS, track="individual"),
    NoteAttendance(id="attendance/1", entries=1, known=Attendance(first_kept_at=datetime(2026, 1, 5, 17, tzinfo=UTC))),
    UpdateDischargePlan(id="4", by=_CLINICIAN, plan=_PLAN),
)
"""From the screening to care at OP."""
_STAY = (
    RequestStepUp(id="5", by=_CLINICIAN, to="IOP", reason="more support"),
    ConfirmArrival(id="6", by=_CLINICIAN),
    Discharge(id="7", by=_CLINICIAN, reason=DischargeReason.GOALS_MET),
)
