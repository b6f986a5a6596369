"""Whether two states of one journey are the same, as far as the open part of the record can tell."""

from __future__ import annotations

import hashlib
import json

from pydantic import ConfigDict

from domain.plans import DischargePlan
from domain.state import STATE_SCHEMA, JourneyState
from domain.values import Value


class Fingerprint(Value):
    """Which state a journey is in, without what the state holds. A program of any release can read it.

    Attributes:
        state_schema: The `STATE_SCHEMA` of the program that folded the state.
        version: How many events were folded.
        digest: Equal for equal comparable states of one schema.
    """

    model_config = ConfigDict(extra="ignore")

    state_schema: int
    version: int
    digest: str

    @property
    def is_comparable(self) -> bool:
        """Whether the state was folded as this program folds it, so that digests say whether two states are equal."""
        return self.state_schema == STATE_SCHEMA


def comparable(state: JourneyState) -> JourneyState:
    """`state` without what people and payers wrote: the record seals it, so a state folded from it may lack it."""
    coverage, benefits = state.coverage, state.coverage.benefits
    if benefits is not None and benefits.evidence:
        evidence = tuple(each.changed(text="") for each in benefits.evidence)
        coverage = coverage.changed(benefits=benefits.changed(evidence=evidence))
    discharge = state.discharge.changed(plan=DischargePlan())
    crisis, treatment = state.crisis.without_words(), state.treatment_plan.without_words()
    maintenance, leave = state.maintenance.without_words(), state.leave.without_words()
    bare = {"discharge": discharge, "treatment_plan": treatment, "maintenance": maintenance, "leave": leave}
    return state.changed(coverage=coverage, crisis=crisis, **bare)


def fingerprint(state: JourneyState) -> Fingerprint:
    """Equal for equal comparable states that were folded under this schema."""
    content = json.dumps(comparable(state).model_dump(mode="json"), sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Fingerprint(state_schema=STATE_SCHEMA, version=state.version, digest=digest)
