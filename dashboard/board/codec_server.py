"""Decrypts payloads for the Temporal UI, in the browser of a person who may read what anybody wrote.

The UI does not say which journey a payload belongs to, so only those may decrypt who may read the words of every
client. Nothing is encrypted here, and each call is noted in the audit. Only the configured UI's pages may ask.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from google.protobuf import json_format
from temporalio.api.common.v1 import Payloads

from access.rules import About, Action
from dashboard.board.services import Services
from dashboard.board.visit import Allowed, Public, Visit, services_of
from workflows.payload_codec import EncryptingCodec, PayloadUnreadable

router = APIRouter(prefix="/codec", include_in_schema=False)

_MOST_BYTES = 5 * 1024 * 1024
_EVERY_SITE = About(site="")
"""What belongs to a site that is not known is only for those who work at every site."""
CodecVisit = Annotated[Visit, Depends(Allowed(Action.READ_PAYLOADS))]


class NotOurs(Exception):
    """The page that asks is not the Temporal UI, or what it sends is no list of payloads."""


@router.options(
    "/decode", dependencies=[Depends(Public("the browser asks whether the UI's page may ask; tells nothing"))]
)
async def may_ask(request: Request) -> Response:
    """Tells the browser that the UI's pages may ask."""
    headers = {
        **_for_the_ui(request),
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type, x-namespace, authorization",
        "Access-Control-Max-Age": "600",
    }
    return Response(status_code=204, headers=headers)


@router.post("/decode")
async def decode(request: Request, visit: CodecVisit) -> Response:
    """The payloads, decrypted."""
    headers = _for_the_ui(request)
    visit.require(Action.READ_PAYLOADS, _EVERY_SITE)
    payloads = await _payloads(request)
    codec = EncryptingCodec(visit.services.payload_keys, request.headers.get("x-namespace", ""))
    await visit.services.audit.add(
        visit.wall_clock, visit.viewer.person, "decrypted-payloads", about=f"payloads={len(payloads.payloads)}"
    )
    try:
        decoded = await codec.decode(payloads.payloads)
    except PayloadUnreadable as error:
        return JSONResponse({"message": str(error)}, 422, headers)
    return JSONResponse(json_format.MessageToDict(Payloads(payloads=decoded)), headers=headers)


async def _payloads(request: Request) -> Payloads:
    body = await request.body()
    if len(body) > _MOST_BYTES:
        raise NotOurs
    try:
        return json_format.Parse(body, Payloads())
    except json_format.ParseError:
        raise NotOurs from None


def _for_the_ui(request: Request) -> dict[str, str]:
    """The headers that let the UI's page read the answer. Raises NotOurs for any other page."""
    origin = _origin_of_ui(services_of(request))
    if origin is None or request.headers.get("origin") != origin:
        raise NotOurs
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Cross-Origin-Resource-Policy": "same-site",
        "Vary": "Origin",
    }


def _origin_of_ui(services: Services) -> str | None:
    if services.temporal_ui is None:
        return None
    parts = urlsplit(services.temporal_ui)
    return f"{parts.scheme}://{parts.netloc}"
