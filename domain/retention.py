"""How long what is written about a client is kept, and the fact that it no longer is."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from domain.events import BaseEvent
from domain.policy import Policy
from domain.sites import Calendar
from domain.values import Instant, Key


class DestructionReason(StrEnum):
    """Why a client's key may be destroyed."""

    RETENTION_OVER = "retention-over"
    LEGAL_ORDER = "legal-order"  #: a court's or an authority's, named by its reference; heeded at any time


class ClientKeyDestroyed(BaseEvent):
    """Two people decided that what is written about a client be made unreadable for good. In no journey's stream.

    Attributes:
        by: Staff id of who decided.
        approved_by: Staff id of another who agreed.
        order: Reference of the legal order, such as a docket number; never a name.
    """

    type: Literal["client.key-destroyed"] = "client.key-destroyed"
    client_ref: str
    by: Key
    approved_by: Key
    reason: DestructionReason
    order: Key | None = None


def kept_until(last: Instant, born: date | None, policy: Policy, calendar: Calendar) -> date:
    """The first calendar day at the site on which nothing asks for the words any more.

    Args:
        last: The client's last event.
        born: Without it the client may have been born on that day.
        policy: Whose years count.
        calendar: Of the site at which the client was.
    """
    last_day = calendar.local_date(last)
    of_age = _years_after(born or last_day, policy.majority_years)
    return _years_after(max(last_day, of_age), policy.retention_years)


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)
