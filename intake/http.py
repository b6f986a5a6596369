"""Intake over HTTP: the same inbox as MLLP. No client data is ever in a URL.

`POST /messages` takes an HL7 v2 message, `POST /admissions` a JSON admission with an `Idempotency-Key` header,
`GET /health` tells whether messages can be kept. Errors are `application/problem+json` (RFC 9457).
"""

from __future__ import annotations

import re

import psycopg
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intake.ack import Verdict
from intake.admission_document import DocumentError
from intake.hl7 import Problem
from intake.inbox import Inbox
from intake.receiver import HL7, JSON, Receipt, Receiver

_HL7_TYPES = (HL7, "x-application/hl7-v2+er7")
_TITLES = {
    400: "The request cannot be read",
    413: "The message is too long",
    415: "This content type is not taken here",
    422: "The message cannot be used",
    503: "The message was not kept",
}
_TOO_LARGE = Problem("too-large", "Send a shorter message, or raise this listener's size limit.")
_KEY_REUSED = Problem("key-reused", "Use a new Idempotency-Key for another admission.")
_NO_KEY = Problem("no-idempotency-key", "Send an Idempotency-Key header of 1 to 200 visible characters.")


def build_app(inbox: Inbox, messages: Receiver, admissions: Receiver, max_bytes: int) -> Starlette:
    """The HTTP side of intake. `max_bytes` bounds a request's body."""
    endpoints = _Endpoints(inbox, messages, admissions, max_bytes)
    return Starlette(
        routes=[
            Route("/messages", endpoints.post_message, methods=["POST"]),
            Route("/admissions", endpoints.post_admission, methods=["POST"]),
            Route("/health", endpoints.health, methods=["GET"]),
        ]
    )


class _Endpoints:
    def __init__(self, inbox: Inbox, messages: Receiver, admissions: Receiver, max_bytes: int) -> None:
        self._inbox = inbox
        self._messages = messages
        self._admissions = admissions
        self._max_bytes = max_bytes

    async def post_message(self, request: Request) -> Response:
        if _content_type(request) not in _HL7_TYPES:
            return _problem(415, Problem("content-type", f"Send Content-Type: {HL7}."))
        body = await self._body(request)
        if body is None:
            return _problem(413, _TOO_LARGE)
        receipt = await self._messages.receive_hl7(body)
        if receipt.problem is not None and receipt.verdict is not Verdict.ACCEPT:
            return _refusal(receipt, receipt.problem)
        if receipt.ack is None:
            return Response(status_code=204)
        return Response(receipt.ack, media_type=HL7)

    async def post_admission(self, request: Request) -> Response:
        if _content_type(request) != JSON:
            return _problem(415, Problem("content-type", f"Send Content-Type: {JSON}."))
        key = request.headers.get("idempotency-key", "")
        if not re.fullmatch(r"[\x21-\x7e]{1,200}", key):
            return _problem(400, _NO_KEY)
        body = await self._body(request)
        if body is None:
            return _problem(413, _TOO_LARGE)
        try:
            receipt = await self._admissions.receive_admission(body, key)
        except DocumentError as error:
            return _refusal(await self._admissions.quarantine(body, error.problem), error.problem)
        if receipt == "key-reused":
            return _problem(422, _KEY_REUSED)
        return await self._accepted(receipt)

    async def health(self, request: Request) -> Response:
        try:
            await self._inbox.ping()
        except (psycopg.Error, PoolTimeout):
            return JSONResponse({"status": "unavailable", "reason": "The inbox does not answer."}, 503)
        return JSONResponse({"status": "ok"})

    async def _accepted(self, receipt: Receipt) -> Response:
        if receipt.kept is None:
            return _refusal(receipt, receipt.problem or _NO_KEY)
        progress = await self._inbox.progress(receipt.kept.message_id)
        answer = {"message_id": str(receipt.kept.message_id)}
        if progress is not None and progress.journey_id is not None:
            answer["journey_id"] = str(progress.journey_id)
        return JSONResponse(answer, 202)

    async def _body(self, request: Request) -> bytes | None:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._max_bytes:
                return None
        return bytes(body)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refusal(receipt: Receipt, problem: Problem) -> Response:
    if receipt.verdict is Verdict.REJECT:
        return _problem(400, problem)
    if receipt.problem is not None and receipt.problem.code == "not-stored":
        return _problem(503, receipt.problem)
    return _problem(422, problem)


def _problem(status: int, problem: Problem) -> Response:
    headers = {"Retry-After": "5"} if status == 503 else None
    body = {"title": _TITLES[status], "status": status, "code": problem.code, "detail": problem.advice}
    return JSONResponse(body, status, headers, media_type="application/problem+json")
