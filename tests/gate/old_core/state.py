"""Where a journey stands: everything that decides what may happen next, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from tests.gate.old_core.benefits import Benefits
from tests.gate.old_core.effects import Effect, SyncEhr
from tests.gate.old_core.obligations import Obligation, ObligationKind
from tests.gate.old_core.plans import DischargePlan, Estimate, FundingRoute, Stay, Transition
from tests.gate.old_core.policy import Policy, policy_named
from tests.gate.old_core.values import Instant, LevelOfCare, Role, Stage, Value

REMEMBERED_COMMANDS = 200
"""How many answered command ids travel with the state; older ones are caught by the record itself."""


class JourneyState(Value):
    """A journey after `version` events.

    Attributes:
        place_in_use: Key of the held place in which the client now is; given back when they leave.
        authorised: Whether the payer's authorisation was obtained, or waived, for the coverage as it stands.
        obligations: The open ones, by id. Ended ones are in the record.
        raised: How many of each kind were ever raised, to number the next.
        effects: Calls not yet answered, by key; the EHR's wish is derived, see `pending`.
        unsynced: Obligations the EHR has not been told of, with the version that changed them.
        ehr_revision: Version of the last event the EHR must hear of.
        ehr_synced: The revision it last confirmed.
        answered: Ids of the latest commands that led to events.
    """

    version: int = 0
    journey_id: str = ""
    client_ref: str = ""
    policy_version: str = ""
    stage: Stage = Stage.REFERRED
    opened_at: Instant | None = None
    ended_at: Instant | None = None
    benefits: Benefits | None = None
    benefit_checks: int = 0
    funding: FundingRoute | None = None
    authorised: bool = False
    placement: LevelOfCare | None = None
    estimates: int = 0
    estimate: Estimate | None = None
    stays: tuple[Stay, ...] = ()
    transitions: int = 0
    transition: Transition | None = None
    place_in_use: str | None = None
    discharge_plan: DischargePlan = DischargePlan()
    obligations: dict[str, Obligation] = {}
    raised: dict[ObligationKind, int] = {}
    effects: dict[str, Effect] = {}
    unsynced: dict[str, tuple[int, Obligation]] = {}
    ehr_revision: int = 0
    ehr_synced: int = 0
    answered: tuple[str, ...] = ()

    @property
    def policy(self) -> Policy:
        """The numbers this journey was opened under."""
        return policy_named(self.policy_version)

    @property
    def level(self) -> LevelOfCare | None:
        """The level of care given now, or None before care and after it."""
        return self.stays[-1].level if self.stays and self.stays[-1].until is None else None

    @property
    def level_since(self) -> Instant | None:
        """When care at the present level began."""
        return self.stays[-1].since if self.level else None

    @property
    def care_began(self) -> bool:
        """Whether any care was ever given on this journey."""
        return bool(self.stays)

    @property
    def is_finished(self) -> bool:
        """Whether the journey has ended and nothing is left to tell or to resolve."""
        return self.stage.is_end and not self.obligations and not self.pending()

    def open_of(self, *kinds: ObligationKind) -> list[Obligation]:
        """Open obligations of these kinds, the earliest due first."""
        return sorted((o for o in self.obligations.values() if o.kind in kinds), key=_by_due)

    def waiting_for(self) -> Role | None:
        """The owner of what is due first."""
        first = min(self.obligations.values(), key=_by_due, default=None)
        return first.owner if first else None

    def next_due(self) -> Obligation | None:
        """The obligation that falls due first, overdue ones included."""
        return min(self.obligations.values(), key=_by_due, default=None)

    def next_deadline(self) -> Instant | None:
        """The next moment at which time alone changes something; None once the journey is finished."""
        return min(self._moments(), default=None)

    def is_urgent(self, now: Instant) -> bool:
        """Whether anything urgent is open or anything is overdue."""
        return any(o.urgent or o.is_overdue(now) for o in self.obligations.values())

    def pending(self) -> dict[str, Effect]:
        """Every call still to be made or answered, by its key."""
        if self.ehr_revision <= self.ehr_synced:
            return dict(self.effects)
        wish = SyncEhr(key=f"ehr-{self.ehr_revision}", revision=self.ehr_revision)
        return {**self.effects, wish.key: wish}

    def _moments(self) -> Iterator[Instant]:
        yield from (o.next_at() for o in self.obligations.values())
        if self.transition and self.transition.next_search_at:
            yield self.transition.next_search_at
        if self.transition and self.step_up_window_ends():
            yield self.transition.due_at

    def step_up_window_ends(self) -> bool:
        """Whether the end of a step-up's 24 hours still lies ahead of the record."""
        move = self.transition
        return move is not None and move.target.is_above(move.origin) and not move.window_missed


def _by_due(obligation: Obligation) -> tuple[Instant, str]:
    return obligation.due_at, obligation.id
