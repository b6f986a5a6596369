"""The small words everything else is said in: levels of care, stages, roles, and the frozen value base."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

Instant = AwareDatetime
"""A moment with a time zone. Naive datetimes are refused wherever one is read."""


class Value(BaseModel):
    """A frozen value compared by content; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LevelOfCare(StrEnum):
    """Where care is given, gentlest first in `LADDER`."""

    OP = "OP"  #: outpatient, one or two visits a week
    IOP = "IOP"  #: intensive outpatient, 9-15 clinical hours a week
    PHP = "PHP"  #: partial hospitalisation, given by another facility
    INPATIENT = "INPATIENT"  #: given by a hospital

    @property
    def is_ours(self) -> bool:
        """Whether the centre itself gives this level."""
        return self in (LevelOfCare.OP, LevelOfCare.IOP)

    def is_above(self, other: LevelOfCare) -> bool:
        """Whether moving from `other` to this level is a step up."""
        return LADDER.index(self) > LADDER.index(other)


LADDER: tuple[LevelOfCare, ...] = (
    LevelOfCare.OP,
    LevelOfCare.IOP,
    LevelOfCare.PHP,
    LevelOfCare.INPATIENT,
)


class Stage(StrEnum):
    """Where a journey stands. The last two are the only ends."""

    REFERRED = "REFERRED"
    BENEFITS_CHECK = "BENEFITS_CHECK"
    FUNDING_EXCEPTION = "FUNDING_EXCEPTION"
    PLACEMENT = "PLACEMENT"
    COST_REVIEW = "COST_REVIEW"
    ENROLLING = "ENROLLING"
    ACTIVE = "ACTIVE"
    TRANSITION = "TRANSITION"
    EXTERNAL = "EXTERNAL"
    DISCHARGING = "DISCHARGING"
    DISCHARGED = "DISCHARGED"
    FOLLOW_UP = "FOLLOW_UP"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"

    @property
    def is_end(self) -> bool:
        """Whether nothing more can happen to the journey."""
        return self in (Stage.CLOSED, Stage.CANCELLED)


class Role(StrEnum):
    """Who can own a duty. People hold roles; the roster maps a role to whoever is on duty."""

    ADMISSIONS = "admissions"
    CLINICIAN = "clinician"
    CASE_MANAGER = "case-manager"
    UTILISATION_REVIEW = "utilisation-review"
    SUPERVISOR = "clinical-supervisor"
    MEDICAL_DIRECTOR = "medical-director"
    OPERATIONS = "operations"


CLINICAL = (Role.CLINICIAN, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR)
"""Who may decide a level of care. Automation recommends and reminds; it never decides one."""
