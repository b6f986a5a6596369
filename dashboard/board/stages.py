"""What a stage is called for people."""

from __future__ import annotations

from collections.abc import Mapping

from domain.values import Stage

STAGES: Mapping[Stage, str] = {
    Stage.REFERRED: "Referred",
    Stage.BENEFITS_CHECK: "Benefits check",
    Stage.FUNDING_EXCEPTION: "Funding to be settled",
    Stage.PLACEMENT: "Level of care to be decided",
    Stage.COST_REVIEW: "Cost review",
    Stage.ENROLLING: "Enrolling",
    Stage.WAITLISTED: "On the waitlist",
    Stage.ENROLLED: "Enrolled, not seen yet",
    Stage.DISENGAGED: "Out of contact",
    Stage.ACTIVE: "In care",
    Stage.TRANSITION: "Moving",
    Stage.EXTERNAL: "At another facility",
    Stage.DISCHARGING: "Discharge under way",
    Stage.DISCHARGED: "Discharged",
    Stage.FOLLOW_UP: "Follow-up",
    Stage.CLOSED: "Closed",
    Stage.CANCELLED: "Cancelled",
    Stage.WITHDRAWN: "Withdrawn",
    Stage.DECEASED: "Deceased",
}
