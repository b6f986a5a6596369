"""Obligations ended or quietened by a person."""

from __future__ import annotations

from collections.abc import Iterator

from tests.gate.old_core import commands as cmd
from tests.gate.old_core import events as ev
from tests.gate.old_core.catalogue import CATALOGUE
from tests.gate.old_core.clock import after_hours
from tests.gate.old_core.obligations import Obligation, ObligationKind
from tests.gate.old_core.refusal import Refused, require
from tests.gate.old_core.rules.common import Occasion
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import Stage


def acknowledge(state: JourneyState, command: cmd.AcknowledgeObligation, when: Occasion) -> Iterator[ev.Event]:
    """Keeps the ladder quiet for a while. The due time does not move."""
    owed = _owed(state, command.obligation)
    quiet_until = after_hours(when["at"], state.policy.acknowledged_hours)
    yield ev.ObligationAcknowledged(**when, obligation=owed.id, quiet_until=quiet_until, by=command.by)


def complete(state: JourneyState, command: cmd.CompleteObligation, when: Occasion) -> Iterator[ev.Event]:
    """Ends what is done outside this system, also late."""
    owed = _owed(state, command.obligation)
    require(
        CATALOGUE[owed.kind].by_hand,
        "has-its-own-decision",
        f"{owed.id} ends by its own decision: {CATALOGUE[owed.kind].title.lower()}.",
    )
    yield ev.ObligationMet(
        **when, obligation=owed.id, late=owed.is_overdue(when["at"]), by=command.by, note=command.note
    )


def waive(state: JourneyState, command: cmd.WaiveObligation, when: Occasion) -> Iterator[ev.Event]:
    """Ends what a named person decides need not be done; never what keeps the journey moving."""
    owed = _owed(state, command.obligation)
    duty = CATALOGUE[owed.kind]
    decided = owed.kind is ObligationKind.COMPLETE_DISCHARGE and state.stage is Stage.DISCHARGING
    require(
        bool(duty.waivable_by) and not decided,
        "not-waivable",
        f"{owed.id} keeps the journey moving and cannot be waived: {duty.title.lower()}.",
    )
    require(
        command.by.role in duty.waivable_by,
        "not-theirs-to-waive",
        f"{owed.id} can be waived by: {', '.join(duty.waivable_by)}. Ask one of them.",
    )
    yield ev.ObligationWaived(**when, obligation=owed.id, reason=command.reason, by=command.by)


def _owed(state: JourneyState, obligation_id: str) -> Obligation:
    owed = state.obligations.get(obligation_id)
    if owed is None:
        known = ", ".join(sorted(state.obligations)) or "none"
        raise Refused("no-such-obligation", f"That obligation is not open on this journey. Open: {known}.")
    return owed
