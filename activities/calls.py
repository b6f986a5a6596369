"""The activities that call clinic systems. Each calls its port and turns the outcome into an answer.

`ClinicRefused` is not retried; the journey asks a person instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import ports, signatures
from activities.creations import Creations
from domain.pathway.calls import BenefitsAnswer, Done, PlaceAnswer

log = structlog.get_logger(__name__)
T = TypeVar("T")
_LONGEST_DELAY = timedelta(minutes=10)


async def _asked(call: Awaitable[T]) -> T:
    try:
        return await call
    except ports.ClinicError as error:
        final = isinstance(error, ports.ClinicRefused)
        log.warning("clinic-call-failed", system=error.system, code=error.code, final=final)
        raise ApplicationError(
            error.advice,
            type=f"{error.system}/{error.code}",
            non_retryable=final,
            next_retry_delay=_delay(error),
        ) from None


def _delay(error: ports.ClinicError) -> timedelta | None:
    """The delay that the system asks for, but no less than the usual growing delay."""
    if error.retry_after is None:
        return None
    return max(error.retry_after, min(timedelta(seconds=2 ** min(activity.info().attempt - 1, 20)), _LONGEST_DELAY))


def _as_of_now(request: ports.PlaceRequest) -> ports.PlaceRequest:
    """Moves the earliest useful start forward, because a repeated attempt comes later than the journey's request.

    It adds the time passed instead of reading the clock, because a journey may run on a virtual calendar.
    """
    call = activity.info()
    waited = max(call.started_time - call.scheduled_time, timedelta(0))
    return request.model_copy(update={"wanted_from": request.wanted_from + waited})


class ClinicCalls:
    """The clinic's systems as activities."""

    def __init__(
        self,
        eligibility: ports.Eligibility,
        ehr: ports.Ehr,
        places: ports.Places,
        messenger: ports.Messenger,
    ) -> None:
        self._eligibility = eligibility
        self._ehr = ehr
        self._places = places
        self._messenger = messenger

    @activity.defn(name=signatures.CHECK_BENEFITS)
    async def check_benefits(self, inquiry: ports.EligibilityInquiry) -> signatures.Answered:
        """Asks the payer."""
        benefits = await _asked(self._eligibility.check(inquiry))
        return signatures.Answered(answer=BenefitsAnswer(benefits=benefits))

    @activity.defn(name=signatures.SYNC_EHR)
    async def sync_ehr(self, record: ports.EhrRecord) -> signatures.Answered:
        """Brings the EHR up to date with the journey. Heartbeats pass what was created from one attempt to the next."""
        creations = Creations(next(iter(activity.info().heartbeat_details), None), activity.heartbeat)
        return signatures.Answered(answer=Done(reference=await _asked(self._ehr.sync(record, creations))))

    @activity.defn(name=signatures.HOLD_PLACE)
    async def hold_place(self, request: ports.PlaceRequest) -> signatures.Answered:
        """Looks for a place and holds it."""
        found = await _asked(self._places.hold(_as_of_now(request)))
        searched, place = {"facilities": found.facilities}, found.place
        if place is None:
            return signatures.Answered(answer=PlaceAnswer(**searched))
        answer = PlaceAnswer(facility=place.facility, starts_at=place.starts_at, place_id=place.slot, **searched)
        return signatures.Answered(answer=answer)

    @activity.defn(name=signatures.RELEASE_PLACE)
    async def release_place(self, request: signatures.ReleaseRequest) -> signatures.Answered:
        """Gives back a held place."""
        await _asked(self._places.release(request.key, request.journey_id))
        return signatures.Answered(answer=Done())

    @activity.defn(name=signatures.NOTIFY)
    async def notify(self, notice: ports.Notice) -> signatures.Answered:
        """Mails or pages the person on call for the role."""
        return signatures.Answered(answer=Done(reference=await _asked(self._messenger.send(notice))))

    def to_systems(self) -> list[Callable[..., object]]:
        """The activities that call the payer and the EHR."""
        return [self.check_benefits, self.sync_ehr, self.hold_place, self.release_place]

    def to_staff(self) -> list[Callable[..., object]]:
        """The activities that tell staff."""
        return [self.notify]
