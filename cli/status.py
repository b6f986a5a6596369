"""`throughline status`: which parts of the system are up."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psycopg

from attendance.listing import untold, why_stopped
from cli.access import load_settings
from cli.output import Exit, Stop, show_fields, show_json
from dashboard.projections import READ_MODELS
from dashboard.projections.standing import generations
from deploy.settings import Settings
from eventstore import EventStoreError
from eventstore.following.bulk import open_session
from migrations import KEYS, MigrationError, pending
from recovery.running import RunningJourneys
from workflows.client import JourneysUnreachable, NamespaceMissing, connect

T = TypeVar("T")

_PATIENCE_SECONDS = 5.0
"""Elapsed time for each part to answer. All are asked at once, so `status` takes well under ten seconds."""

_NO_KEYS = (secrets.token_bytes(32),)
"""Nothing that is encrypted is asked for here, so `status` answers also where the payload keys are missing."""
_OK = "ok"
_AWAY = "does not answer"
_NO_ADDRESS = "no address"
_NOT_KNOWN = "not known"


async def status(*, json: bool = False) -> None:
    """Show which parts of the system are up and whether decisions can be recorded. Exit code 5 if a part is down.

    A worker that was killed still counts for a minute, until Temporal notices.

    Args:
        json: Print one JSON object.
    """
    settings = load_settings()
    (temporal, worker), recording, record, keys, projector, sessions, intake, clinic = await asyncio.gather(
        _within_patience(lambda: _temporal_and_worker(settings), (_AWAY, _NOT_KNOWN)),
        _within_patience(lambda: _recording(settings), _NOT_KNOWN),
        _within_patience(lambda: _database(settings.database_url), _AWAY),
        _within_patience(lambda: _database(settings.keys_url, *KEYS), _AWAY),
        _within_patience(lambda: _projector(settings), _NOT_KNOWN),
        _within_patience(lambda: _sessions(settings), _NOT_KNOWN),
        _within_patience(lambda: _web(f"http://127.0.0.1:{settings.http_port}/health"), _AWAY),
        _within_patience(lambda: _web(settings.clinic_url and f"{settings.clinic_url}/health"), _AWAY),
    )
    found = {
        "record": record,
        "keys": keys,
        "temporal": temporal,
        "worker": worker,
        "recording": recording,
        "projector": projector,
        "sessions": sessions,
        "intake": intake,
        "clinic": clinic,
    }
    if json:
        show_json({**found, "temporal_ui": settings.ui_page})
    else:
        show_fields({**found, "temporal ui": settings.ui_page})
    away = ", ".join(name for name, value in found.items() if value != _OK)
    if away:
        raise Stop(Exit.UNREACHABLE, f"there are problems: {away}; `throughline up` starts everything on this machine")


async def _within_patience(check: Callable[[], Coroutine[Any, Any, T]], otherwise: T) -> T:
    """The result of `check`, or `otherwise` if it hangs.

    It runs in its own thread and event loop, which are abandoned if it hangs: a database driver that waits for a
    stopped server cannot be cancelled.
    """
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()  # from now on the waiting side cannot cancel it

    def run() -> None:
        try:
            answer.set_result(asyncio.run(check()))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(answer), _PATIENCE_SECONDS)
    except TimeoutError:
        return otherwise


async def _database(url: str | None, *folders: Path) -> str:
    if url is None:
        return _NO_ADDRESS
    try:
        missing = pending(url, *folders)
    except MigrationError:
        return _AWAY
    return f"{len(missing)} migrations to run" if missing else _OK


async def _projector(settings: Settings) -> str:
    if settings.database_url is None:
        return _NOT_KNOWN
    try:
        found, kept = await generations(settings.database_url, READ_MODELS)
    except EventStoreError:
        return _NOT_KNOWN
    if any(each.alarm for each in found if each.status == "live"):
        return "stopped, see `throughline projections list`"
    return _OK if kept else "none runs"


async def _sessions(settings: Settings) -> str:
    """Whether journeys are told of their clients' sessions."""
    if settings.database_url is None:
        return _NOT_KNOWN
    try:
        async with await open_session(settings.database_url, "status") as session:
            stopped, found = await why_stopped(session), await untold(session)
    except (EventStoreError, psycopg.Error):
        return _NOT_KNOWN
    if stopped is not None:
        return f"no longer taken from the record: {stopped}; see the log of `throughline intake`"
    if not found:
        return _OK
    named = _counted(Counter(each.why for each in found))
    return f"{_journeys(len(found))} not told of sessions: {named}; see `throughline sessions untold`"


async def _temporal_and_worker(settings: Settings) -> tuple[str, str]:
    if settings.temporal_address is None:
        return _NO_ADDRESS, _NOT_KNOWN
    try:
        client = await connect(settings.temporal_address, settings.temporal_namespace, _NO_KEYS)
        return _OK, _OK if await RunningJourneys(client).are_worked() else "none runs"
    except NamespaceMissing:
        advice = "set TEMPORAL_NAMESPACE, or let `throughline up` make it"
        return f"has no namespace {settings.temporal_namespace}: {advice}", _NOT_KNOWN
    except JourneysUnreachable:
        return _AWAY, _NOT_KNOWN


async def _recording(settings: Settings) -> str:
    """Whether decisions can be recorded, as the journeys themselves report."""
    if settings.temporal_address is None:
        return _NOT_KNOWN
    try:
        client = await connect(settings.temporal_address, settings.temporal_namespace, _NO_KEYS)
        causes = Counter((await RunningJourneys(client).not_recorded()).values())
    except JourneysUnreachable:
        return _NOT_KNOWN
    if not causes:
        return _OK
    return f"{_journeys(causes.total())} cannot record: {_counted(causes)}; see `throughline reconcile`"


def _journeys(number: int) -> str:
    return f"{number} {'journey' if number == 1 else 'journeys'}"


def _counted(causes: Counter[str]) -> str:
    return ", ".join(f"{cause} ({count})" for cause, count in causes.most_common())


async def _web(url: str | None) -> str:
    if url is None:
        return _NO_ADDRESS
    try:
        async with httpx2.AsyncClient(timeout=_PATIENCE_SECONDS) as http:
            response = await http.get(url)
    except httpx2.HTTPError:
        return _AWAY
    return _OK if response.is_success else f"answers {response.status_code}"
