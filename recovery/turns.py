"""Whose turn it is to be asked for its state in a scheduled comparison. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from zlib import crc32

from domain.values import Instant, Value


class Turns(Value):
    """How often record and journeys are compared, and how many journeys are asked each time.

    Attributes:
        every: From one comparison to the next; elapsed.
        asked_within: In which each journey is asked at least once, if no comparison is left out; elapsed.
        fewest: Journeys asked each time, about, if there are so many: in a small centre each is asked more often.
    """

    every: timedelta = timedelta(minutes=10)
    asked_within: timedelta = timedelta(hours=24)
    fewest: int = 50

    def at(self, now: Instant, journeys: int) -> Callable[[str], bool]:
        """Whose turn it is in the comparison at `now`, of so many journeys.

        Whatever their number and however it changes meanwhile, each has its turn within `asked_within`.
        """
        run = int(now.timestamp() // self.every.total_seconds())
        shares = max(1, math.floor(self.asked_within / self.every))
        larger_shares = min(shares, math.ceil(journeys / self.fewest) or 1)

        def is_asked(journey_id: str) -> bool:
            number = crc32(journey_id.encode())
            return number % shares == run % shares or number % larger_shares == run % larger_shares

        return is_asked
