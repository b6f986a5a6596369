"""All that one person owes, on every journey, handed to another: one decision for each journey, at a steady pace.

It can be interrupted and asked for again: a journey on which the person owes nothing more is passed over.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.pathway.care_team import HandOver
from domain.plans import Actor
from domain.state import JourneyState
from domain.values import Role, Value
from eventstore.port import EventStore
from record.listing import open_journeys
from recovery.telling import Pause, Told, state_on_record, tell_each
from workflows.client import Journeys


class HandOverOfAll(Value):
    """Whose obligations are handed to whom, by whom and why; `only_as` limits it to what is theirs in one role."""

    of: str
    to: str
    only_as: Role | None = None
    reason: str
    by: Actor

    def command(self, journey_id: str) -> HandOver:
        """The decision for one journey. Each has an id of its own: the same two may hand over again another time."""
        return HandOver(id=f"hand-over/{journey_id}/{uuid.uuid4()}", **dict(self))

    def is_about(self, state: JourneyState) -> bool:
        """Whether the person owes something on the journey, or has a role on its care team."""
        roles = [role for role, person in state.care_team.members.items() if person == self.of]
        roles += [owed.owner for owed in state.obligations.of_person(self.of)]
        return any(self.only_as in (None, role) for role in roles)


@dataclass(frozen=True)
class HandOvers:
    """Hands over on the journeys of one record and one Temporal namespace."""

    store: EventStore
    journeys: Journeys
    pause: Pause = asyncio.sleep

    async def concerned(self, asked: HandOverOfAll) -> list[str]:
        """The open journeys on which the person owes something, and those this release cannot read.

        Raises:
            EventStoreError: The record does not answer.
        """
        found = []
        async for journey_id in open_journeys(self.store):
            state = await state_on_record(self.store, journey_id)
            if state is None or asked.is_about(state):
                found.append(journey_id)
        return found

    async def carry_out(
        self, asked: HandOverOfAll, journeys: Sequence[str], per_minute: float, done: Callable[[Told], None]
    ) -> None:
        """Tells one journey after the other, and `done` what came of each.

        Raises:
            NoneAnswers: Several in a row did not answer; those that follow were not asked.
        """
        commands = ((each, asked.command(each)) for each in journeys)
        async for told in tell_each(self.journeys, commands, per_minute, self.pause):
            done(told)
