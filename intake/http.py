"""Intake over HTTP: the same inbox as MLLP. No client data is ever in a URL.

`POST /messages` takes an HL7 v2 message, `POST /admissions` a JSON admission with an `Idempotency-Key` header,
`GET /health` says whether messages can be stored. Errors are `application/problem+json` (RFC 9457).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intake.ack import AckKind
from intake.admission_document import DocumentError
from intake.connections import TcpKeepalive
from intake.framing import DEFAULT_MAX_BYTES
from intake.hl7 import Problem
from intake.inbox import Inbox
from intake.receiver import HL7, JSON, Receipt, Receiver

T = TypeVar("T")
_HL7_TYPES = (HL7, "x-application/hl7-v2+er7")
_TITLES = {
    400: "The request cannot be read",
    408: "The request took too long to arrive",
    413: "The message is too long",
    415: "This content type is not accepted here",
    422: "The message cannot be used",
    503: "The message was not stored",
}
_RETRY_AFTER_SECONDS = "5"
TOO_SLOW = Problem("too-slow", "Send the whole request again, faster; it was not stored.")
_NOT_IN_TIME = Problem("not-stored", "The message may not have been stored; send the same bytes again later.")
_TOO_LARGE = Problem("too-large", "Send a shorter message, or raise this listener's size limit.")
_KEY_REUSED = Problem("key-reused", "Use a new Idempotency-Key for another admission.")
_NO_KEY = Problem("no-idempotency-key", "Send an Idempotency-Key header of 1 to 200 visible characters.")


class Refused(Exception):
    """A request that is answered with a problem.

    Attributes:
        status: The HTTP status code.
        problem: What is wrong and what to do.
    """

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(problem.code)
        self.status = status
        self.problem = problem


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The limits of the HTTP listener. All times are elapsed seconds.

    Attributes:
        max_bytes: The longest body.
        max_connections: The most open at once. The one that has been idle longest is closed for a new one.
        max_connections_per_peer: The most open at once from one address; a proxy counts as one. At this limit, the
            peer's connection that has been idle longest is closed for its new one.
        idle_seconds: From an answer to the first byte of the next request; whole seconds.
        head_seconds: From a request's first byte to the end of its head. For the first request, from the connection.
        body_seconds: From the end of a request's head to the end of its body; then it is answered 408.
        handling_seconds: From the end of a request to its answer; then it is answered 503.
        write_seconds: For the peer to take an answer.
        keepalive: When TCP asks a silent peer whether it is still there.
    """

    max_bytes: int = DEFAULT_MAX_BYTES
    max_connections: int = 100
    max_connections_per_peer: int = 50
    idle_seconds: int = 5
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    handling_seconds: float = 60.0
    write_seconds: float = 30.0
    keepalive: TcpKeepalive = field(default_factory=TcpKeepalive)


def build_app(inbox: Inbox, messages: Receiver, admissions: Receiver, limits: HttpLimits) -> Starlette:
    """The HTTP application of intake. `limits` apply to the size of a body, the time to read it and to handle it."""
    endpoints = _Endpoints(inbox, messages, admissions, limits)
    return Starlette(
        routes=[
            Route("/messages", endpoints.post_message, methods=["POST"]),
            Route("/admissions", endpoints.post_admission, methods=["POST"]),
            Route("/health", endpoints.health, methods=["GET"]),
        ],
        exception_handlers={Refused: _refused, ClientDisconnect: _gone},
    )


class _Endpoints:
    def __init__(self, inbox: Inbox, messages: Receiver, admissions: Receiver, limits: HttpLimits) -> None:
        self._inbox = inbox
        self._messages = messages
        self._admissions = admissions
        self._limits = limits

    async def post_message(self, request: Request) -> Response:
        if _content_type(request) not in _HL7_TYPES:
            raise Refused(415, Problem("content-type", f"Send Content-Type: {HL7}."))
        body = await self._body(request)
        receipt = await self._in_time(self._messages.receive_hl7(body))
        if receipt.problem is not None and receipt.verdict is not AckKind.ACCEPT:
            raise _refusal(receipt, receipt.problem)
        if receipt.ack is None:
            return Response(status_code=204)
        return Response(receipt.ack, media_type=HL7)

    async def post_admission(self, request: Request) -> Response:
        if _content_type(request) != JSON:
            raise Refused(415, Problem("content-type", f"Send Content-Type: {JSON}."))
        key = request.headers.get("idempotency-key", "")
        if not re.fullmatch(r"[\x21-\x7e]{1,200}", key):
            raise Refused(400, _NO_KEY)
        body = await self._body(request)
        return await self._in_time(self._admitted(body, key))

    async def health(self, request: Request) -> Response:
        try:
            await self._in_time(self._inbox.ping())
        except (psycopg.Error, PoolTimeout, Refused):
            return JSONResponse({"status": "unavailable", "reason": "The inbox does not answer."}, 503)
        return JSONResponse({"status": "ok"})

    async def _admitted(self, body: bytes, key: str) -> Response:
        try:
            receipt = await self._admissions.receive_admission(body, key)
        except DocumentError as error:
            raise _refusal(await self._admissions.quarantine(body, error.problem), error.problem) from None
        if receipt == "key-reused":
            raise Refused(422, _KEY_REUSED)
        if receipt.kept is None:
            raise _refusal(receipt, receipt.problem or _NO_KEY)
        progress = await self._inbox.progress(receipt.kept.message_id)
        answer = {"message_id": str(receipt.kept.message_id)}
        if progress is not None and progress.journey_id is not None:
            answer["journey_id"] = str(progress.journey_id)
        return JSONResponse(answer, 202)

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._limits.max_bytes:
                        raise Refused(413, _TOO_LARGE)
        except TimeoutError:
            raise Refused(408, TOO_SLOW) from None
        return bytes(body)

    async def _in_time(self, handling: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._limits.handling_seconds):
                return await handling
        except TimeoutError:
            raise Refused(503, _NOT_IN_TIME) from None


def problem_document(status: int, problem: Problem) -> tuple[dict[str, str], bytes]:
    """A refusal's headers and body, in the form of RFC 9457."""
    body = json.dumps({"title": _TITLES[status], "status": status, "code": problem.code, "detail": problem.advice})
    headers = {"Content-Type": "application/problem+json", "Content-Length": str(len(body))}
    if status == 408:
        headers["Connection"] = "close"
    if status == 503:
        headers["Retry-After"] = _RETRY_AFTER_SECONDS
    return headers, body.encode()


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refusal(receipt: Receipt, problem: Problem) -> Refused:
    if receipt.verdict is AckKind.REJECT:
        return Refused(400, problem)
    if receipt.problem is not None and receipt.problem.code == "not-stored":
        return Refused(503, receipt.problem)
    return Refused(422, problem)


async def _refused(request: Request, refused: Exception) -> Response:
    if not isinstance(refused, Refused):
        raise refused
    headers, body = problem_document(refused.status, refused.problem)
    return Response(body, refused.status, headers)


async def _gone(request: Request, error: Exception) -> Response:
    """Handles a peer that closed the connection before its request was complete. No one is there to read the answer."""
    return Response(status_code=400)
