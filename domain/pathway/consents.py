"""Consent: what the client agreed to, and what is owed where they do not agree or take it back."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, BEFORE_CARE, CARE_TEAM, IN_CARE, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.obligation_changes import cancelled, met, raised_within
from domain.plans import SELF_PAID, Actor
from domain.refusal import require
from domain.values import CLINICAL, Instant, PrivateWords, Role, Value, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import CareStartTakenBack
    from domain.pathway.corrections import EnrolmentCorrected
    from domain.pathway.funding import FundingResolved
    from domain.pathway.return_to_care import CareResumed
    from domain.pathway.screening import ScreeningCompleted
    from domain.state import JourneyState

part = Part("consents")

SETTLE_CONSENT = ObligationKind(
    kind="settle-consent",
    title="Settle how care goes on: the client does not consent to treatment any more",
    completable_by=CLINICAL,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
SETTLE_PAYMENT = ObligationKind(
    kind="settle-payment",
    title="Settle how care is paid: the client does not want their plan told",
    completable_by=(Role.UTILISATION_REVIEW, *ADMISSIONS),
    waivable_by=(Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    priority=Priority.COVERAGE,
)


class ConsentKind(StrEnum):
    """What a client consents to."""

    TREATMENT = "treatment"
    SHARING_WITH_PAYER = "sharing-with-payer"
    TELEHEALTH = "telehealth"
    CONTACT_BY_TEXT = "contact-by-text"


class ConsentAnswer(StrEnum):
    """What the client said. Declined after it was given: it is withdrawn."""

    GIVEN = "given"
    DECLINED = "declined"


class Consents(Value):
    """The client's answers; None where they were not asked."""

    treatment: ConsentAnswer | None = Field(default=None, description="Consent to treatment; care needs it.")
    sharing_with_payer: ConsentAnswer | None = Field(default=None, description="Consent to sharing with the payer.")
    telehealth: ConsentAnswer | None = Field(default=None, description="Consent to sessions by video or telephone.")
    contact_by_text: ConsentAnswer | None = Field(default=None, description="Consent to text messages.")

    def answers(self) -> dict[ConsentKind, ConsentAnswer]:
        """Those that were given or declined."""
        named = {kind: getattr(self, kind.replace("-", "_")) for kind in ConsentKind}
        return {kind: answer for kind, answer in named.items() if answer is not None}


class KnownConsent(Value):
    """An answer, and since when it holds."""

    answer: ConsentAnswer
    at: Instant


class KnownConsents(Slice):
    """What the client last said, by kind; one that is not there was not asked for."""

    known: dict[ConsentKind, KnownConsent] = {}

    def answer(self, kind: ConsentKind) -> ConsentAnswer | None:
        """What the client last said; None if they were not asked."""
        held = self.known.get(kind)
        return held.answer if held else None

    @property
    def to_treatment(self) -> bool:
        """Whether the client consents to treatment."""
        return self.answer(ConsentKind.TREATMENT) is ConsentAnswer.GIVEN

    @property
    def payer_may_be_told(self) -> bool:
        """Whether the plan may be asked; a client who was not asked about it has not said no.

        Sharing what the payment needs is allowed without a consent, and a client may ask that it be not done
        (45 CFR 164.506(c), 164.522(a)).
        """
        return self.answer(ConsentKind.SHARING_WITH_PAYER) is not ConsentAnswer.DECLINED

    def in_words(self) -> str:
        """Each kind and its answer, in one line."""
        return ", ".join(f"{kind} {self.answer(kind) or 'not asked'}" for kind in ConsentKind)


class ConsentRecorded(BaseEvent):
    """The client gave, declined or withdrew a consent. `before`: what they had said."""

    type: Literal["consent.recorded"] = "consent.recorded"
    consent: ConsentKind
    answer: ConsentAnswer
    before: ConsentAnswer | None = None
    note: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        withdrawn = self.before is ConsentAnswer.GIVEN and self.answer is ConsentAnswer.DECLINED
        return f"Consent to {self.consent}: {'withdrawn' if withdrawn else self.answer}{said_by(self.by)}"


class RecordConsent(
    Decision,
    label="Record a consent",
    by=tuple(dict.fromkeys((*ADMISSIONS, *CARE_TEAM))),
    at=tuple(dict.fromkeys((*BEFORE_CARE, *IN_CARE))),
    high_risk=True,
):
    """Record that the client gave, declined or withdrew a consent."""

    kind: Literal["record-consent"] = "record-consent"
    consent: ConsentKind = Field(description="What the client was asked.")
    answer: ConsentAnswer = Field(description="What they said; declined also where they take it back.")
    note: Words | None = Field(default=None, description="What was said, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """At any time before care and in care."""
        yield ConsentRecorded(
            **when,
            consent=self.consent,
            answer=self.answer,
            before=state.consents.answer(self.consent),
            note=self.note,
            by=self.by,
        )


def require_consent_to_treatment(state: JourneyState) -> None:
    """Refuses unless the client consents to treatment."""
    require(
        state.consents.to_treatment,
        "no-consent",
        "The client has not consented to treatment. Ask them and record the consent, or record that they withdraw.",
    )


def require_payer_may_be_told(state: JourneyState) -> None:
    """Refuses where the client does not want a plan to be told."""
    require(
        state.consents.payer_may_be_told,
        "payer-not-to-be-told",
        "The client does not want their plan told. Ask them again and record the consent, or choose self-pay.",
    )


@part.evolves
def note_the_answers(state: JourneyState, event: ScreeningCompleted) -> KnownConsents:
    """What was not asked this time stays."""
    return _noted(state, event.consents.answers(), event.at)


@part.evolves
def note_the_consent(state: JourneyState, event: ConsentRecorded) -> KnownConsents:
    """The latest answer counts."""
    return _noted(state, {event.consent: event.answer}, event.at)


def _noted(state: JourneyState, answers: dict[ConsentKind, ConsentAnswer], at: Instant) -> KnownConsents:
    new = {kind: KnownConsent(answer=answer, at=at) for kind, answer in answers.items()}
    return KnownConsents(known={**state.consents.known, **new})


@part.consequence
def settle_a_consent_withdrawn_in_care(state: JourneyState, event: ConsentRecorded) -> Iterator[BaseEvent]:
    """A person finds out what the client wants; nothing ends by itself."""
    if event.consent is not ConsentKind.TREATMENT:
        return
    if event.answer is ConsentAnswer.GIVEN:
        yield from met(state, event, SETTLE_CONSENT)
    elif state.care.began and not state.open_of(SETTLE_CONSENT.kind):
        yield raised_within(state, event, SETTLE_CONSENT, "consent_business_days")


@part.consequence
def settle_what_is_open_after_a_return(state: JourneyState, event: CareResumed) -> Iterator[BaseEvent]:
    """What a client who came back had refused is asked again."""
    if not state.consents.to_treatment:
        yield raised_within(state, event, SETTLE_CONSENT, "consent_business_days")
    if not state.consents.payer_may_be_told and not state.funding.is_self_paid:
        yield raised_within(state, event, SETTLE_PAYMENT, "consent_business_days")


@part.consequence
def settle_nothing_before_care(
    state: JourneyState, event: EnrolmentCorrected | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """Without the consent the client cannot be enrolled."""
    yield from cancelled(state, event, SETTLE_CONSENT)


@part.consequence
def settle_who_pays(state: JourneyState, event: ConsentRecorded | ScreeningCompleted) -> Iterator[BaseEvent]:
    """A client who does not want their plan told pays themselves, or changes their mind: a person asks."""
    if state.consents.payer_may_be_told:
        yield from met(state, event, SETTLE_PAYMENT)
    elif _payer_was_refused_by(event) and not state.funding.is_self_paid and not state.open_of(SETTLE_PAYMENT.kind):
        yield raised_within(state, event, SETTLE_PAYMENT, "consent_business_days")


def _payer_was_refused_by(event: ConsentRecorded | ScreeningCompleted) -> bool:
    if event.type == "screening.completed":
        return event.consents.sharing_with_payer is ConsentAnswer.DECLINED
    return event.consent is ConsentKind.SHARING_WITH_PAYER


@part.consequence
def note_who_pays(state: JourneyState, event: FundingResolved) -> Iterator[BaseEvent]:
    """The client pays themselves: no plan is told."""
    if event.route in SELF_PAID:
        yield from met(state, event, SETTLE_PAYMENT)
