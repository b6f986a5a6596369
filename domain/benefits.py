"""What a payer's answer means for a journey, in the centre's words rather than in X12."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.values import Identifying, LevelOfCare, Value


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


class Topic(StrEnum):
    """What a payer's own words are about, as far as it matters before enrolment."""

    AUTHORISATION = "authorisation"  #: an authorisation, a certification or a review is asked for or mentioned
    NO_AUTHORISATION = "no-authorisation"  #: plainly and without condition none is needed
    REFERRAL = "referral"
    NOTIFICATION = "notification"
    VISIT_LIMIT = "visit-limit"
    OTHER_PAYER = "other-payer"  #: another organisation administers or pays for this care
    CONTACT = "contact"  #: the payer wants to be called about it
    NOT_COVERED = "not-covered"  #: something is said not to be covered, or not in force
    UNSETTLED = "unsettled"  #: it may still change: pending, in a grace period, to be reinstated
    DATES = "dates"  #: when coverage begins and ends
    CODES = "codes"  #: coded parts of the answer that left a doubt
    NOT_UNDERSTOOD = "not-understood"  #: words on mental health whose meaning no rule here knows

    @property
    def needs_a_person(self) -> bool:
        """Whether an answer that says this is never clear by itself."""
        return self not in (Topic.NO_AUTHORISATION, Topic.DATES, Topic.CODES)


PayerWords = Annotated[str, StringConstraints(max_length=100_000), Identifying()]
"""What a payer wrote, as sent. It may name the client, so the record seals it."""


class Evidence(Value):
    """What a payer said in words or beside the coded answer, for the person who must judge it.

    Attributes:
        topics: What it is about.
        about: The benefit it belongs to, `EB-<kind>-<service type>`, or `MEMBER` for the whole answer.
        text: Its own words or segments, as sent.
        other_payer: The organisation named, if one is.
    """

    topics: tuple[Topic, ...]
    about: str
    text: PayerWords
    other_payer: Annotated[str, StringConstraints(max_length=200)] | None = None


OpenPoint = Annotated[str, StringConstraints(pattern=r"^[A-Z]+(-[A-Z]+)*$", max_length=60)]
"""A code of this program's own for something that leaves a price open; never a payer's words."""
Dollars = Annotated[Decimal, Field(ge=0)]


class CostShare(Value):
    """The member's part, in US dollars; None is *unknown*, never zero.

    Attributes:
        unclear: Codes of what a person must settle first. While there is one, no price follows from the amounts. Only
            the reader of a payer's answer fills it in.
    """

    copay: Dollars | None = Field(default=None, description="What the client pays for each treatment day, US dollars.")
    coinsurance: Annotated[Decimal, Field(ge=0, le=1)] | None = Field(
        default=None, description="The client's fraction of the allowed amount, from 0 to 1."
    )
    deductible_remaining: Dollars | None = Field(
        default=None, description="Left of the deductible before the plan pays, US dollars; 0 if nothing."
    )
    deductible_total: Dollars | None = Field(
        default=None, description="The year's deductible, US dollars; the worst case where the remainder is unknown."
    )
    out_of_pocket_remaining: Dollars | None = Field(
        default=None, description="Left of the out-of-pocket limit until the plan pays everything, US dollars."
    )
    deductible_first: bool | None = Field(
        default=None,
        description="The deductible is owed before this share, or it is not. Leave it out where the payer did not say.",
    )
    only_for: LevelOfCare | None = Field(
        default=None, description="The one level of care these amounts are for; leave it out if for any."
    )
    unclear: Annotated[tuple[OpenPoint, ...], Field(max_length=50)] = ()


class Benefits(Value):
    """One benefit answer.

    Attributes:
        verdict: What may be concluded.
        reasons: Codes that led to it (X12 EB, AAA or our own), without client data.
        cost_share: What the member pays, where the payer said.
        evidence: What the payer said in its own words that matters for the verdict, a denial too.
        payer: The payer's identifier at the clearinghouse.
        trace: Our trace number, by which the exchange is found again at the clearinghouse.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    cost_share: CostShare | None = None
    evidence: tuple[Evidence, ...] = ()
    payer: str | None = None
    trace: str | None = None
