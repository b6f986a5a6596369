"""What a payer's answer means for a journey, in the centre's words rather than in X12."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.values import Value


class Verdict(StrEnum):
    """What admissions may conclude from a benefit check."""

    CLEAR = "CLEAR"  #: covered, and no authorisation is asked for
    CLEAR_AUTH_REQUIRED = "CLEAR_AUTH_REQUIRED"  #: covered once the payer authorises it
    NEEDS_REVIEW = "NEEDS_REVIEW"  #: an answer a person must read; never taken as covered
    NOT_COVERED = "NOT_COVERED"  #: the plan is active and excludes this care
    INACTIVE = "INACTIVE"  #: the plan is not in force on the day asked about
    FIX_AND_RESUBMIT = "FIX_AND_RESUBMIT"  #: the payer could not match what we sent about the client
    PAYER_SIDE = "PAYER_SIDE"  #: our enrolment with the payer is wrong; not the client's doing

    @property
    def is_covered(self) -> bool:
        """Whether the plan pays, with or without an authorisation."""
        return self in (Verdict.CLEAR, Verdict.CLEAR_AUTH_REQUIRED)


Dollars = Annotated[Decimal, Field(ge=0)]


class CostShare(Value):
    """The member's part, in US dollars; None is *unknown*, never zero.

    Attributes:
        copay: For each treatment day.
        coinsurance: The member's fraction of the allowed amount, 0 to 1.
        deductible_remaining: Left to pay before the plan does.
        deductible_total: The year's deductible, the worst case when the remainder is unknown.
        out_of_pocket_remaining: Left until the plan pays everything.
    """

    copay: Dollars | None = None
    coinsurance: Annotated[Decimal, Field(ge=0, le=1)] | None = None
    deductible_remaining: Dollars | None = None
    deductible_total: Dollars | None = None
    out_of_pocket_remaining: Dollars | None = None


class Benefits(Value):
    """One benefit answer.

    Attributes:
        verdict: What may be concluded.
        reasons: Codes that led to it (X12 EB, AAA or our own), without client data.
        cost_share: What the member pays, where the payer said.
        payer: The payer's identifier at the clearinghouse.
        trace: Our trace number, by which the exchange is found again at the clearinghouse.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    cost_share: CostShare | None = None
    payer: str | None = None
    trace: str | None = None
