"""Admission: the messages that begin a journey, repeat its beginning, or take it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

from domain.commands import AdmissionsMessage, BaseCommand
from domain.events import BaseEvent, EventContext
from domain.obligations import ObligationKind
from domain.part import Part, Slice
from domain.pathway.obligations import raised_in_business_days
from domain.policy import policy_named
from domain.refusal import Refused
from domain.sites import SiteId, site_named
from domain.values import CLINICAL, Instant, Key, Role, Words

if TYPE_CHECKING:
    from domain.state import JourneyState

part = Part("admission")

RESOLVE_CANCELLATION = ObligationKind(
    kind="resolve-cancellation",
    title="Decide on an admission cancelled at its source",
    by_hand=True,
    waivable_by=(Role.ADMISSIONS, *CLINICAL),
)


class Admission(Slice):
    """Whose journey it is, and how it began.

    Attributes:
        policy_version: The policy it was opened under.
        site: Where it was opened.
        calendar: The version of the site's calendar by which its days are counted.
        begins_at: The admission, or the opening if that was earlier; nothing on the journey was true before.
        cancelled_at: When the admission was cancelled before care began.
    """

    journey_id: str = ""
    client_ref: str = ""
    policy_version: str = ""
    site: str = ""
    calendar: int = 0
    opened_at: Instant | None = None
    begins_at: Instant | None = None
    cancelled_at: Instant | None = None


class JourneyOpened(BaseEvent):
    """An admissions message began the journey.

    Attributes:
        policy: The version of the policy it is under.
        policy_digest: SHA-256 of what that version says.
    """

    type: Literal["journey.opened"] = "journey.opened"
    journey_id: str
    client_ref: str
    policy: str
    policy_digest: str
    site: SiteId
    calendar: int
    admitted_at: Instant
    message: str

    @property
    def admitted(self) -> Instant:
        """When the client was admitted; `at` where the source's clock is out by more than a year."""
        return self.admitted_at if abs(self.admitted_at - self.at) <= timedelta(days=366) else self.at

    def _sentence(self) -> str:
        return f"Journey opened at site {self.site} under policy {self.policy}"


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
            yield JourneyOpened(
                **when,
                journey_id=self.journey_id,
                client_ref=self.client_ref,
                policy=site.policy,
                policy_digest=policy_named(site.policy).digest,
                site=site.id,
                calendar=site.calendar.version,
                admitted_at=self.admitted_at,
                message=self.message,
            )


class RepeatAdmission(AdmissionsMessage):
    """Another admissions message arrived for this client; it is noted, and nothing starts again."""

    kind: Literal["repeat-admission"] = "repeat-admission"

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Refused once the journey has ended, so that a new one can begin.

        While a death is reviewed it is noted, and a person finds out who was admitted.
        """
        if state.stage.is_end and not state.death.may_be_a_mistake:
            raise Refused("journey-ended", "This journey has ended; the admission begins a new one.")
        yield AdmissionRepeated(**when, message=self.message, occurred_at=self.occurred_at)


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
    )


@part.evolves
def end_with_the_admission(state: JourneyState, event: AdmissionCancelled) -> Admission:
    """Unless a person decides."""
    return state.admission if event.person_decides else state.admission.changed(cancelled_at=event.at)


@part.consequence
def ask_a_person_once_care_began(state: JourneyState, event: AdmissionCancelled) -> Iterator[BaseEvent]:
    """A client in care is not dropped because of a message."""
    if event.person_decides and not state.open_of(RESOLVE_CANCELLATION.kind):
        yield raised_in_business_days(state, event, RESOLVE_CANCELLATION, 1)
