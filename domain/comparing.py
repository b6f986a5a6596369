"""Whether two states of one journey are the same, as far as the open part of the record can tell."""

from __future__ import annotations

import hashlib
import json

from domain.plans import DischargePlan
from domain.state import JourneyState


def comparable(state: JourneyState) -> JourneyState:
    """`state` without what people and payers wrote: the record seals it, so a state folded from it may lack it."""
    coverage, benefits = state.coverage, state.coverage.benefits
    if benefits is not None and benefits.evidence:
        evidence = tuple(each.changed(text="") for each in benefits.evidence)
        coverage = coverage.changed(benefits=benefits.changed(evidence=evidence))
    return state.changed(discharge=state.discharge.changed(plan=DischargePlan()), coverage=coverage)


def fingerprint(state: JourneyState) -> str:
    """Equal for equal comparable states, however they were folded and however often they were carried over."""
    content = json.dumps(comparable(state).model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
