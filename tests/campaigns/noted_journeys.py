"""Journeys that note all that they are told and what they refuse, to be decided anew in the pure core."""

from __future__ import annotations

from collections import defaultdict

from temporalio.client import Client
from temporalio.testing import TimeSkipper

from domain.commands import BaseCommand
from domain.pathway.admission import OpenJourney
from tests.campaigns.pure_core import Refused, Told
from workflows.client import CommandRefused, Journeys
from workflows.messages import JourneyStatus


class NotedJourneys(Journeys):
    """All journeys of one campaign.

    Attributes:
        told: What each journey was told, by its id.
    """

    def __init__(self, client: Client, skipper: TimeSkipper) -> None:
        super().__init__(client)
        self._skipper = skipper
        self.told: defaultdict[str, Told] = defaultdict(Told)

    async def open(self, opening: OpenJourney) -> None:
        """Starts a journey, and notes its opening."""
        self.told[opening.journey_id].commands[opening.cause] = opening
        await super().open(opening)

    async def tell(self, journey_id: str, command: BaseCommand) -> JourneyStatus:
        """Tells the journey, and notes what it made of it. Raises as that does."""
        told = self.told[journey_id]
        before = (await self.status(journey_id)).version
        now = await self._skipper.get_current_time(self.handle(journey_id))
        try:
            status = await super().tell(journey_id, command)
        except CommandRefused as refused:
            if (await self.status(journey_id)).version == before:
                told.refused.append(Refused(command, before, now, refused.code))
            raise
        if status.version == before:
            told.refused.append(Refused(command, before, now, None))
        told.commands[command.cause] = command
        return status
