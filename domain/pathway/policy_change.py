"""Moving a journey to another policy: from then on its numbers, levels and escalation steps count.

It belongs to the admission, whose slice names the policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import NOT_ENDED, Decision
from domain.events import BaseEvent, EventContext
from domain.part import Part
from domain.plans import Actor
from domain.policy import Policy, policy_named
from domain.refusal import require
from domain.values import Key, PrivateWords, Role, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.admission import Admission
    from domain.state import JourneyState

part = Part("admission")


class PolicyChanged(BaseEvent):
    """The journey moved to another policy. What is owed already keeps its due time and its escalation steps.

    Attributes:
        before: The version it was under.
        policy: The version it is under now.
        policy_digest: SHA-256 of what that version says.
        last_week: Of the level where the client is, under the policy it is under now; see `LevelOfCareStarted`.
    """

    type: Literal["policy.changed"] = "policy.changed"
    before: str
    policy: str
    policy_digest: str
    last_week: int | None = None
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"Moved from policy {self.before} to {self.policy}{said_by(self.by)}"


class ChangePolicy(
    Decision,
    label="Move to another policy",
    by=(Role.OPERATIONS, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    at=NOT_ENDED,
):
    """Move the journey to another policy; what is owed already keeps its due time and its escalation steps."""

    kind: Literal["change-policy"] = "change-policy"
    to: Key = Field(description="The version of the policy, as `throughline policy show` lists it.")
    reason: Words = Field(description="Why, for the record.")

    def require_known(self, state: JourneyState) -> None:
        """The policy must have a file."""
        policy_named(self.to)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Only to a policy that knows all that this journey holds now.

        Raises:
            UnknownHere: This process does not know that policy.
        """
        before = state.policy.version
        require(self.to != before, "already-there", f"This journey is under policy {before} already.")
        require(
            not state.suspension.ids,
            "duties-waiting",
            "Duties of this journey wait until the client is back. Change the policy then.",
        )
        to = policy_named(self.to)
        _require_room(state, to)
        rule = to.level(state.level).review if state.level else None
        yield PolicyChanged(
            **when,
            before=before,
            policy=to.version,
            policy_digest=to.digest,
            last_week=rule.last_week if rule else None,
            reason=self.reason,
            by=self.by,
        )


def _require_room(state: JourneyState, to: Policy) -> None:
    """Refuses a policy under which something that the journey holds now would have no rule."""
    levels = {each.id: each.is_ours for each in to.levels}
    move = state.moves.current
    starts_at = None if state.care.began else state.placement.level
    wanted = {starts_at, state.level, *((move.origin, move.target) if move else ())} - {None}
    changed = sorted(name for name in wanted if levels.get(name) is not state.policy.level(name).is_ours)
    require(
        not changed,
        "level-differs",
        f"Policy {to.version} has no {' or '.join(changed)} as this journey knows it. Move the "
        "client to another level first, or choose another policy.",
    )
    owed = sorted(owed.id for owed in state.obligations.open.values() if owed.kind not in to.obligations)
    require(not owed, "obligation-unknown", f"Policy {to.version} does not know {', '.join(owed)}. End it first.")


@part.evolves
def move_to_another_policy(state: JourneyState, event: PolicyChanged) -> Admission:
    """The rest of the admission stays."""
    return state.admission.changed(policy_version=event.policy)
