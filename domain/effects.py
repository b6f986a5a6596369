"""Effects: calls to clinic systems as data.

What is still to be done follows from the state alone, each with a key that never changes, so a crash, a
continue-as-new or a rebuilt cluster asks again for the same thing under the same key.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from domain.obligation_terms import Channel
from domain.values import Instant, LevelOfCare, Role, Value

EHR_SLOT = "ehr"


def ehr_key(revision: int) -> str:
    """The key of the call that tells the EHR the journey as of this event."""
    return f"ehr-{revision}"


class BaseEffect(Value):
    """What every call has."""

    key: str

    @property
    def concurrency_key(self) -> str:
        """Calls with the same key are made one after the other."""
        return self.key

    @property
    def told(self) -> int | None:
        """As of which event the EHR is told, for such a call."""
        return None


class CheckBenefits(BaseEffect):
    """Ask the payer, for the `number`-th time. `service_date` is a calendar day at the site."""

    kind: Literal["check-benefits"] = "check-benefits"
    number: int
    service_date: date


class HoldPlace(BaseEffect):
    """Look for a place at `level` and hold it for the transition that owns `hold_key`.

    `wanted_by` is the end of the step-up's window or, once that is past, of another from the search on: a place
    weeks away is no answer. None of the places in `lost` is held. Where one is held under `hold_key` already, this asks
    whether it still is.
    """

    kind: Literal["hold-place"] = "hold-place"
    hold_key: str
    level: LevelOfCare
    wanted_by: Instant
    lost: tuple[str, ...] = ()


class ReleasePlace(BaseEffect):
    """Give back the place that the transition with this `hold_key` holds, if any."""

    kind: Literal["release-place"] = "release-place"
    hold_key: str


class Notify(BaseEffect):
    """Tell `to` about an obligation. Carries no word about the client.

    `person` is the one whose obligation it is, where they are told as its owner; None: the person on call for the role.
    `step` is the step of the escalation; 0 where it tells a person that the obligation is theirs now.
    """

    kind: Literal["notify"] = "notify"
    obligation: str
    title: str
    to: Role
    person: str | None = None
    how: Channel
    step: int = 0
    due_at: Instant
    overdue: bool


class SyncEhr(BaseEffect):
    """Make the EHR say what the state says. Only the newest wish counts."""

    kind: Literal["sync-ehr"] = "sync-ehr"
    revision: int

    @property
    def concurrency_key(self) -> str:
        """The EHR hears the newest wish, never two at once."""
        return EHR_SLOT

    @property
    def told(self) -> int:
        """The revision."""
        return self.revision


Effect = Annotated[CheckBenefits | HoldPlace | ReleasePlace | Notify | SyncEhr, Field(discriminator="kind")]
