"""Whether two states of one journey are the same, as far as the open part of the record can tell."""

from __future__ import annotations

import hashlib
import json

from tests.gate.old_core.plans import DischargePlan
from tests.gate.old_core.state import JourneyState


def comparable(state: JourneyState) -> JourneyState:
    """`state` without what people and payers wrote: the record seals it, so a state folded from it may lack it."""
    benefits = state.benefits
    if benefits is not None and benefits.evidence:
        benefits = benefits.changed(evidence=tuple(each.changed(text="") for each in benefits.evidence))
    return state.model_copy(update={"discharge_plan": DischargePlan(), "benefits": benefits})


def fingerprint(state: JourneyState) -> str:
    """Equal for equal comparable states, whoever folded them and however often they were carried over since."""
    content = json.dumps(comparable(state).model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
