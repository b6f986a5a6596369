"""The clearinghouse's HTTP endpoint: POST a 270, and get the answer in the member's script."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from clinic.ledger import Ledger
from clinic.scripts import Script, Scripts
from clinic.x12 import Bad270, Inquiry, read_270, write_271, write_999, write_ta1

_X12 = "application/EDI-X12"


class Clearinghouse:
    """Answers `POST /x12`."""

    def __init__(self, scripts: Scripts, ledger: Ledger) -> None:
        self._scripts = scripts
        self._ledger = ledger

    async def answer(self, request: Request) -> Response:
        """Answers one inquiry."""
        body = await request.body()
        if not request.headers.get("content-type", "").lower().startswith(_X12.lower()):
            return Response("X12 only", 415)
        try:
            inquiry = read_270(body.decode("ascii"))
        except UnicodeDecodeError:
            return _x12(write_ta1("000000000"))
        except Bad270 as fault:
            return _x12(write_ta1("000000000") if fault.envelope else write_999("0", fault.segment))
        return await self._respond(inquiry, body)

    async def _respond(self, inquiry: Inquiry, body: bytes) -> Response:
        script = self._scripts.of(inquiry.member)
        self._ledger.add(
            "eligibility",
            "270",
            inquiry.trace,
            inquiry.member,
            service_type=inquiry.service_type,
            bytes=body.decode("ascii"),
        )
        await asyncio.sleep(script.eligibility_delay)
        if self._scripts.use_up("eligibility_failures", inquiry.member):
            return Response("down", 503)
        return _scripted(inquiry, script)


def _scripted(inquiry: Inquiry, script: Script) -> Response:
    if script.eligibility_answer == "html":
        return HTMLResponse("<!doctype html><title>Down for maintenance</title>")
    instead = {
        "999": write_999(inquiry.group, "NM1"),
        "ta1": write_ta1(inquiry.control),
        "garbage": f"\x00\x01 {inquiry.family} not X12",
    }
    return _x12(instead.get(script.eligibility_answer) or write_271(inquiry, script))


def _x12(text: str) -> Response:
    return Response(text, media_type=_X12)
