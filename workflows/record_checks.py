"""Comparing a journey with its record, and standing still while the two contradict each other.

A journey that stands still decides nothing. It goes on only when a comparison that a person asked for, after mending
the record, finds no contradiction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.refusal import Refusal
from workflows.journey_record import CannotRecord


@dataclass(eq=False)
class RecordCheck:
    """A request that the journey compare itself with its record.

    Attributes:
        mended: Whether an engineer says that the record is in order.
        done: Whether it was compared.
        failed: Whether the last attempt to read the record failed.
    """

    mended: bool = False
    done: bool = False
    failed: bool = False


class RecordChecks:
    """The comparisons that were asked for, and whether the journey may decide.

    Attributes:
        stopped: Why the journey stands still, or None.
    """

    def __init__(self, *, at_once: bool) -> None:
        """`at_once`: whether the journey has a record to read before it decides anything."""
        self._waiting = deque([RecordCheck()] if at_once else [])
        self.stopped: str | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def all_failed(self) -> bool:
        """Whether the record could not be read for any that waits; also where none waits."""
        return all(check.failed for check in self._waiting)

    @property
    def says_mended(self) -> bool:
        """Whether an engineer who waits for a comparison says that the record is in order."""
        return any(check.mended for check in self._waiting)

    def ask(self, *, mended: bool = False) -> RecordCheck:
        """Asks for a comparison."""
        self._waiting.append(check := RecordCheck(mended))
        return check

    def stand_still(self, code: str) -> None:
        """Nothing is decided from now on; the first cause stays."""
        self.stopped = self.stopped or code

    def refusal(self) -> Refusal | None:
        """What callers are told while the journey stands still."""
        if self.stopped is None:
            return None
        return Refusal(
            code="standing-still",
            sentence=f"This journey stands still ({self.stopped}) until its record is mended, and operations are "
            "paged. Nothing has changed: ask again once it goes on.",
        )

    def still_stopped(self) -> Refusal | None:
        """What an engineer is told whose comparison found that the contradiction is still there."""
        if self.stopped is None:
            return None
        sentence = f"The journey still stands still ({self.stopped}): see `throughline reconcile`."
        return Refusal(code=self.stopped, sentence=sentence)

    async def clear(
        self, compare: Callable[[], Awaitable[str | None]], stand_still: Callable[[], Awaitable[None]]
    ) -> None:
        """Compares as often as was asked, and returns once the journey may decide.

        Awaits nothing where nothing was asked, so that it costs no event then.

        Args:
            compare: Compares, and returns the contradiction it found, if any.
            stand_still: Returns once another comparison was asked for.

        Raises:
            CannotRecord: The record cannot be read.
        """
        while self._waiting or self.stopped:
            if not self._waiting:
                await stand_still()
                continue
            try:
                contradiction = await compare()
            except CannotRecord:
                for check in self._waiting:
                    check.failed = True
                raise
            self._compared(contradiction)

    def _compared(self, contradiction: str | None) -> None:
        check = self._waiting.popleft()
        if contradiction or check.mended:
            self.stopped = contradiction
        check.done, check.failed = True, False
