"""The clearinghouse over X12 005010X279A1: asks one service type at a time until the cost share is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from activities.http import exchange
from activities.ports import (
    ClientDirectory,
    ClientIdentity,
    ClinicRefused,
    ClinicUnavailable,
    EligibilityInquiry,
)
from activities.x12 import rejections
from activities.x12.inquiry import Submitter, Subscriber, clean, trace_for, write_270
from activities.x12.response import Member, Response, read_271
from activities.x12.rules import Rules
from activities.x12.tokens import Interchange, X12Error, read_interchange
from activities.x12.verdict import judge
from domain.benefits import Benefits, Verdict

SYSTEM = "eligibility"
CONTENT_TYPE = "application/EDI-X12"
_CLIENT = "[client]"


@dataclass(frozen=True, slots=True)
class PayerProfile:
    """The service types that a payer answers, in the order to ask, and how the payer classifies the centre."""

    service_types: tuple[str, ...] = ("MH", "A8")
    rules: Rules = field(default_factory=Rules)


class X12Eligibility:
    """An `Eligibility` that posts 270s to a clearinghouse.

    The same inquiry has the same bytes and traces, so the clearinghouse can answer it again.
    """

    def __init__(
        self,
        url: str,
        directory: ClientDirectory,
        submitter: Submitter,
        *,
        profiles: Mapping[str, PayerProfile] | None = None,
        default_profile: PayerProfile | None = None,
        timeout_seconds: float = 30.0,
        client: httpx2.AsyncClient | None = None,
    ) -> None:
        """`profiles` is keyed by payer identifier; `timeout_seconds` limits each exchange, not the whole check."""
        self._url = url
        self._directory = directory
        self._submitter = submitter
        self._profiles = profiles or {}
        self._default = default_profile or PayerProfile()
        self._seconds = timeout_seconds
        self._http = client or httpx2.AsyncClient(timeout=timeout_seconds)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def check(self, inquiry: EligibilityInquiry) -> Benefits:
        """The payer's answer. "The plan is not active" is an answer too.

        Raises:
            ClinicUnavailable: No answer yet, or the payer is down and allows a retry.
            ClinicRefused: The client is unknown here, or the answer cannot be read or is not for our inquiry.
        """
        person = await self._directory.find(inquiry.client_ref)
        if person is None:
            raise ClinicRefused(SYSTEM, "unknown-client", "Register the client's identity, then repeat.")
        if not person.member_id or not person.payer_id:
            missing = "OWN-NO-PAYER-ID" if person.member_id else "OWN-NO-MEMBER-ID"
            return Benefits(verdict=Verdict.FIX_AND_RESUBMIT, reasons=(missing,), payer=person.payer_id)
        return without_identity(await self._ask_until_priced(inquiry, _subscriber(person)), person)

    async def _ask_until_priced(self, inquiry: EligibilityInquiry, subscriber: Subscriber) -> Benefits:
        profile = self._profiles.get(subscriber.payer_id, self._default)
        first, *more = profile.service_types
        known = await self._ask(inquiry, subscriber, first)
        answer = judge(known, profile.rules, inquiry.service_date)
        notes: tuple[str, ...] = ()
        for service_type in more:
            if not _worth_asking_more(answer, known):
                break
            other = await self._ask(inquiry, subscriber, service_type)
            if other.rejections:
                notes += tuple(f"{service_type}:{code}" for code in rejections.reasons_of(other.rejections))
                continue
            _add(known, other)
            answer = judge(known, profile.rules, inquiry.service_date)
        found = {"payer": subscriber.payer_id, "trace": trace_for(inquiry.key, first)}
        return answer.model_copy(update={**found, "reasons": (*answer.reasons, *notes)})

    async def _ask(self, inquiry: EligibilityInquiry, subscriber: Subscriber, service_type: str) -> Member:
        question = write_270(
            self._submitter, subscriber, key=inquiry.key, service_type=service_type, day=inquiry.service_date
        )
        request = self._http.build_request(
            "POST",
            self._url,
            content=question,
            headers={"Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE},
        )
        answer = await exchange(self._http, SYSTEM, request, seconds=self._seconds)
        return self._member(answer, trace_for(inquiry.key, service_type))

    def _member(self, answer: httpx2.Response, trace: str) -> Member:
        company = clean(self._submitter.company_id, 10)
        responses = _responses(answer)
        member = next((m for r in responses if (m := r.member_for(trace, company)) is not None), None)
        if member is None:
            member = _rejected_above_members(responses, trace)
        if not member.benefits and rejections.may_retry(member.rejections):
            raise ClinicUnavailable(SYSTEM, f"aaa-{member.rejections[0].code}", "The payer is down; repeated.")
        return member


def _add(known: Member, other: Member) -> None:
    known.benefits += [b for b in other.benefits if b not in known.benefits]
    known.periods += [p for p in other.periods if p not in known.periods]
    known.plan_texts += [t for t in other.plan_texts if t not in known.plan_texts]
    known.messages += [m for m in other.messages if m not in known.messages]


def _worth_asking_more(answer: Benefits, known: Member) -> bool:
    unsaid = "MENTAL-HEALTH-NOT-STATED" in answer.reasons or "COVERAGE-NOT-STATED" in answer.reasons
    share = answer.cost_share
    priced = share is not None and (share.copay is not None or share.coinsurance is not None)
    return not known.rejections and (unsaid or (answer.verdict.is_covered and not priced))


def _responses(answer: httpx2.Response) -> list[Response]:
    try:
        interchange = read_interchange(answer.content)
    except X12Error as error:
        if answer.headers.get("content-type", "").startswith("text/html") or _looks_like_html(answer.content):
            raise ClinicUnavailable(SYSTEM, "html", "A web page answered; the service may be down.") from None
        raise ClinicRefused(SYSTEM, f"x12-{error.code}", "Ask the clearinghouse what it sent.") from None
    try:
        return read_271(interchange)
    except X12Error as error:
        if error.code == "truncated":
            raise ClinicUnavailable(SYSTEM, "x12-truncated", "The answer was cut off; repeated.") from None
        raise _without_271(interchange) from None


def _without_271(interchange: Interchange) -> ClinicRefused | ClinicUnavailable:
    for segment in interchange.segments:
        accepted = segment.at(4) if segment.id == "TA1" else segment.at(1)
        if segment.id in ("TA1", "AK9", "IK5", "AK5") and accepted not in ("A", "E"):
            kind = "ta1" if segment.id == "TA1" else "999"
            return ClinicRefused(SYSTEM, kind, "The clearinghouse refused our envelope; check the submitter settings.")
    if any(segment.id in ("TA1", "AK9") for segment in interchange.segments):
        return ClinicUnavailable(SYSTEM, "no-271-yet", "Accepted but not answered yet; repeated with the same trace.")
    return ClinicRefused(SYSTEM, "x12-no-271", "Ask the clearinghouse what it sent.")


def _rejected_above_members(responses: list[Response], trace: str) -> Member:
    for response in responses:
        ours = response.reference in ("", trace) and not any(m.traces for m in response.members)
        if ours and response.rejections:
            return Member(is_dependent=False, hl="", parent="", rejections=list(response.rejections))
    raise ClinicRefused(
        SYSTEM, "trace-mismatch", "The answer is for another inquiry; look up the exchange by its trace."
    )


def without_identity(answer: Benefits, person: ClientIdentity) -> Benefits:
    """`answer` with the client's names, numbers and birth date removed from the payer's own words.

    The words go through Temporal, which must not learn who the client is.
    """
    born = person.birth_date
    days = (f"{born:%Y%m%d}", f"{born:%m/%d/%Y}", f"{born:%Y-%m-%d}", f"{born:%m%d%Y}") if born else ()
    known = [*days, person.member_id, person.family_name, person.given_name]
    secrets = sorted({re.escape(each) for each in known if each and len(each) > 1}, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(secrets)})(?!\w)", re.IGNORECASE)
    told = tuple(each.changed(text=pattern.sub(_CLIENT, each.text)) for each in answer.evidence)
    return answer.changed(evidence=told) if secrets and told else answer


def _looks_like_html(content: bytes) -> bool:
    return content.lstrip()[:200].lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))


def _subscriber(person: ClientIdentity) -> Subscriber:
    return Subscriber(
        member_id=person.member_id or "",
        family_name=person.family_name,
        given_name=person.given_name,
        payer_id=person.payer_id or "",
        birth_date=person.birth_date,
        sex=person.sex,
    )
