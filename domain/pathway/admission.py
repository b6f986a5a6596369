"""Admission: the messages that begin a journey, repeat its beginning, or take it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

from domain.commands import ADMISSIONS, AdmissionsMessage, BaseCommand
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.closing import JourneyFinal
from domain.pathway.obligation_changes import raised_within
from domain.policy import Policy, policy_named
from domain.refusal import Refused
from domain.sites import SiteId, site_named
from domain.values import CLINICAL, Instant, Key, Role, Words

if TYPE_CHECKING:
    from domain.state import JourneyState

part = Part("admission")

RESOLVE_CANCELLATION = ObligationKind(
    kind="resolve-cancellation",
    title="Decide on an admission cancelled at its source",
    completable_by=(Role.ADMISSIONS, *CLINICAL),
    waivable_by=(Role.ADMISSIONS, *CLINICAL),
    priority=Priority.CLINICAL,
)
CHECK_ADMISSION_TIME = ObligationKind(
    kind="check-admission-time",
    title="Find out when the client was admitted",
    completable_by=ADMISSIONS,
    waivable_by=ADMISSIONS,
    priority=Priority.ADMINISTRATIVE,
)


class Admission(Slice):
    """Whose journey it is, and how it began.

    Attributes:
        policy_version: The policy it was opened under.
        site: Where it was opened.
        calendar: The version of the site's calendar by which its days are counted.
        begins_at: The admission, or the opening if that was earlier; nothing on the journey was true before.
        cancelled_at: When the admission was cancelled before care began.
        time_doubted: Whether the sender's time of the admission cannot be true, so that its receipt counts.
    """

    journey_id: str = ""
    client_ref: str = ""
    policy_version: str = ""
    site: str = ""
    calendar: int = 0
    opened_at: Instant | None = None
    begins_at: Instant | None = None
    cancelled_at: Instant | None = None
    time_doubted: bool = False


class JourneyOpened(BaseEvent):
    """An admissions message began the journey.

    Attributes:
        policy: The version of the policy it is under.
        policy_digest: SHA-256 of what that version says.
        time_doubted: Whether `admitted_at` cannot be true: too far before or after `at`, by the policy.
    """

    type: Literal["journey.opened"] = "journey.opened"
    journey_id: str
    client_ref: str
    policy: str
    policy_digest: str
    site: SiteId
    calendar: int
    admitted_at: Instant
    time_doubted: bool = False
    message: str

    @property
    def admitted(self) -> Instant:
        """When the client was admitted; the time of receipt where the sender's cannot be true."""
        return self.at if self.time_doubted else self.admitted_at

    def _sentence(self) -> str:
        doubted = "; the sender's time of the admission cannot be true" if self.time_doubted else ""
        return f"Journey opened at site {self.site} under policy {self.policy}{doubted}"


class AdmissionRepeated(BaseEvent):
    """Another admissions message for a client already on this journey; nothing starts again.

    Attributes:
        admits: Whether it says that the client comes into care. After a death a cancellation is only noted.
    """

    news: ClassVar[bool] = False

    type: Literal["admission.repeated"] = "admission.repeated"
    message: str
    occurred_at: Instant | None = None
    admits: bool = True

    def _sentence(self) -> str:
        return "A further admissions message; nothing starts again"


class AdmissionCancelled(BaseEvent):
    """The admission was cancelled before care began, or a person must decide.

    Attributes:
        client_at_risk: The client is in a crisis, withdrew and was not checked on yet, or screening showed danger:
            a person decides.
    """

    type: Literal["admission.cancelled"] = "admission.cancelled"
    message: str
    occurred_at: Instant | None = None
    reason: str
    care_had_begun: bool
    client_at_risk: bool = False

    @property
    def person_decides(self) -> bool:
        """Whether the journey stays open until a person has decided."""
        return self.care_had_begun or self.client_at_risk

    def _sentence(self) -> str:
        why = "care had begun" if self.care_had_begun else "the client is at risk"
        return f"Admission {self.reason}" + (f"; {why}, a person decides" if self.person_decides else "; journey ended")


class OpenJourney(BaseCommand):
    """An admissions message begins a journey at a site. `admitted_at` is when the source says it happened."""

    kind: Literal["open-journey"] = "open-journey"
    journey_id: Key
    client_ref: Key
    site: SiteId
    message: Key
    admitted_at: Instant

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """The first events. Opening twice is answered without a second opening.

        Raises:
            UnknownHere: This process does not know the site.
        """
        if state.version == 0:
            site = site_named(self.site)
            policy = policy_named(site.policy)
            yield JourneyOpened(
                **when,
                journey_id=self.journey_id,
                client_ref=self.client_ref,
                policy=site.policy,
                policy_digest=policy.digest,
                site=site.id,
                calendar=site.calendar.version,
                admitted_at=self.admitted_at,
                time_doubted=not _is_plausible(policy, self.admitted_at, when["at"]),
                message=self.message,
            )


def _is_plausible(policy: Policy, admitted_at: Instant, received_at: Instant) -> bool:
    """Whether the sender's time may be true, as far as the policy says."""
    since = received_at - admitted_at
    return timedelta(days=-policy.admitted_ahead_days) <= since <= timedelta(days=policy.admitted_past_days)


class RepeatAdmission(AdmissionsMessage):
    """Another admissions message arrived for this client; it is noted, and nothing starts again."""

    kind: Literal["repeat-admission"] = "repeat-admission"

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """It makes an end final, so that a new journey can begin; refused once it is."""
        yield from noted(self, state, when)


def noted(said: AdmissionsMessage, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
    """An admission that begins nothing.

    While a death is reviewed it is noted, and a person finds out who was admitted.

    Raises:
        Refused: The end of the journey is final.
    """
    if state.is_over:
        raise Refused("journey-ended", "This journey has ended; the admission begins a new one.")
    if state.stage.is_end and not state.death.may_be_a_mistake:
        yield JourneyFinal(**when)
        return
    yield AdmissionRepeated(**when, message=said.message, occurred_at=said.occurred_at)


class CancelAdmission(AdmissionsMessage):
    """The admission was cancelled at its source (ADT A11, A27, A38); ends the journey if care has not begun."""

    kind: Literal["cancel-admission"] = "cancel-admission"
    reason: Words = "cancelled at the source"

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Once care has begun, or while the client is at risk, a person decides. After a death nothing is left to."""
        if state.death.may_be_a_mistake:
            yield AdmissionRepeated(**when, message=self.message, occurred_at=self.occurred_at, admits=False)
            return
        if state.stage.is_end:
            raise Refused("journey-ended", "This journey has already ended; nothing is left to cancel.")
        yield AdmissionCancelled(
            **when,
            message=self.message,
            occurred_at=self.occurred_at,
            reason=self.reason,
            care_had_begun=state.care.began,
            client_at_risk=state.crisis.current is not None
            or state.withdrawal.is_pending
            or (not state.care.began and state.screening.shows_danger),
        )


@part.evolves
def open_the_journey(state: JourneyState, event: JourneyOpened) -> Admission:
    """Under the policy and the calendar that hold today."""
    return Admission(
        journey_id=event.journey_id,
        client_ref=event.client_ref,
        policy_version=event.policy,
        site=event.site,
        calendar=event.calendar,
        opened_at=event.at,
        begins_at=min(event.at, event.admitted),
        time_doubted=event.time_doubted,
    )


@part.evolves
def end_with_the_admission(state: JourneyState, event: AdmissionCancelled) -> Admission:
    """Unless a person decides."""
    return state.admission if event.person_decides else state.admission.changed(cancelled_at=event.at)


@part.consequence
def ask_a_person_once_care_began(state: JourneyState, event: AdmissionCancelled) -> Iterator[BaseEvent]:
    """A client in care is not dropped because of a message."""
    if event.person_decides and not state.open_of(RESOLVE_CANCELLATION.kind):
        yield raised_within(state, event, RESOLVE_CANCELLATION, "cancellation_business_days")


@part.consequence
def ask_when_it_was(state: JourneyState, event: JourneyOpened) -> Iterator[BaseEvent]:
    """What is due counts from the admission, so a person must know when it was."""
    if event.time_doubted:
        yield raised_within(state, event, CHECK_ADMISSION_TIME, "admission_check_business_days")
