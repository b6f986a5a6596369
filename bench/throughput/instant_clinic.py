"""Clinic systems that answer at once, and say when they were asked."""

from __future__ import annotations

import time
from datetime import timedelta

from activities.calls import ClinicCalls
from activities.creations import Creations
from activities.ports import EhrRecord, EligibilityInquiry, Notice, Place, PlaceRequest, PlaceSearch
from domain.benefits import Benefits, CostShare, Verdict


class InstantClinic:
    """Every payer pays, every place is free, every notice arrives.

    Attributes:
        asked_for_places: When each journey first asked for a place, by `time.perf_counter`.
    """

    def __init__(self) -> None:
        self.asked_for_places: dict[str, float] = {}

    async def check(self, inquiry: EligibilityInquiry) -> Benefits:
        """A plan that pays, with a copay."""
        return Benefits(verdict=Verdict.CLEAR, cost_share=CostShare(copay=30), payer="P1", trace="t-1")

    async def sync(self, record: EhrRecord, creations: Creations | None = None) -> str:
        """The EHR has it."""
        return "episode-1"

    async def hold(self, request: PlaceRequest) -> PlaceSearch:
        """A place that starts in two hours."""
        self.asked_for_places.setdefault(request.journey_id, time.perf_counter())
        starts_at = request.wanted_from + timedelta(hours=2)
        return PlaceSearch(place=Place(slot="slot-1", facility="North Clinic", starts_at=starts_at))

    async def release(self, key: str, journey_id: str) -> None:
        """It is free again."""

    async def send(self, notice: Notice) -> str:
        """It has arrived."""
        return f"<{notice.key}@bench>"

    def calls(self) -> ClinicCalls:
        """The activities that call it."""
        return ClinicCalls(self, self, self, self)
