"""Effects: calls to clinic systems as data.

What is still to be done follows from the state alone, each with a key that never changes, so a crash, a
continue-as-new or a rebuilt cluster asks again for the same thing under the same key.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from tests.gate.old_core.obligations import Channel
from tests.gate.old_core.values import Instant, LevelOfCare, Role, Value


class CheckBenefits(Value):
    """Ask the payer. `service_date` is a calendar day at the site."""

    kind: Literal["check-benefits"] = "check-benefits"
    key: str
    service_date: date


class HoldPlace(Value):
    """Look for a place at `level` and hold it for the transition that owns `hold_key`.

    `wanted_by` is the end of the step-up's window or, once that is past, of another from the search on: a place
    weeks away is no answer.
    """

    kind: Literal["hold-place"] = "hold-place"
    key: str
    hold_key: str
    level: LevelOfCare
    wanted_by: Instant


class ReleasePlace(Value):
    """Give back whatever the transition that owns `hold_key` holds."""

    kind: Literal["release-place"] = "release-place"
    key: str
    hold_key: str


class Notify(Value):
    """Tell `to` about an obligation. Carries no word about the client."""

    kind: Literal["notify"] = "notify"
    key: str
    obligation: str
    title: str
    to: Role
    how: Channel
    due_at: Instant
    overdue: bool


class SyncEhr(Value):
    """Make the EHR say what the state says. Only the newest wish counts."""

    kind: Literal["sync-ehr"] = "sync-ehr"
    key: str
    revision: int


Effect = Annotated[CheckBenefits | HoldPlace | ReleasePlace | Notify | SyncEhr, Field(discriminator="kind")]
