"""One HTTP exchange with a clinic system. Its errors say whether to retry or to ask a person."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx2

from activities.ports import ClinicError, ClinicRefused, ClinicUnavailable

_TRY_AGAIN = frozenset({304, 408, 425, 429})
"""304 is an answer to a condition that we did not send, so nothing is known."""

_LONGEST_DELAY = timedelta(minutes=15)
"""The longest wait that the other side can ask for."""


async def exchange(
    client: httpx2.AsyncClient,
    system: str,
    request: httpx2.Request,
    *,
    seconds: float,
    expected: Mapping[int, type[ClinicError]] | None = None,
) -> httpx2.Response:
    """Sends `request` once, within `seconds` of elapsed time in total.

    Raises:
        ClinicUnavailable: `timeout`, `unreachable`, or `http-<status>` for 304, 408, 425, 429 and 5xx.
        ClinicRefused: `http-<status>` for any other answer except 2xx.
        ClinicError: The type that `expected` names for a status.
    """
    try:
        async with asyncio.timeout(seconds):
            response = await client.send(request)
    except (TimeoutError, httpx2.TimeoutException):
        raise ClinicUnavailable(system, "timeout", "Wait; the call is repeated.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
        raise ClinicUnavailable(
            system, "unreachable", "Check that the system is up and that its address is right."
        ) from None
    error = _error_type(response.status_code, expected or {})
    if error is not None:
        failed = error(system, f"http-{response.status_code}", _advice(error))
        failed.retry_after = _retry_after(response)
        raise failed
    return response


def json_object(system: str, response: httpx2.Response) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        ClinicUnavailable: `not-json`, as when a web page says that the system is down for maintenance.
    """
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        advice = "Wait; the call is repeated. If it lasts, check the system's address: the answer is not FHIR JSON."
        raise ClinicUnavailable(system, "not-json", advice)
    return body


def _error_type(status: int, expected: Mapping[int, type[ClinicError]]) -> type[ClinicError] | None:
    if status in expected:
        return expected[status]
    if 200 <= status < 300:
        return None
    return ClinicUnavailable if status in _TRY_AGAIN or status >= 500 else ClinicRefused


def _retry_after(response: httpx2.Response) -> timedelta | None:
    """The delay from Retry-After in seconds, up to a limit. Its other form, a date, is ignored."""
    asked = response.headers.get("retry-after", "")
    if not (asked.isascii() and asked.isdecimal()):
        return None
    return min(timedelta(seconds=int(asked[:9])), _LONGEST_DELAY) or None


def _advice(error: type[ClinicError]) -> str:
    if issubclass(error, ClinicRefused):
        return "Look up the exchange in the system's log and correct what it refuses."
    return "Wait; the call is repeated."
