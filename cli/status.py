"""`throughline status`: what answers and what does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2

from cli.access import load_settings
from cli.output import Exit, Stop, show_fields, show_json
from dashboard.projections import READ_MODELS
from dashboard.projections.standing import generations
from deploy.settings import Settings
from eventstore import EventStoreError, pending
from eventstore.postgres_keys import KEYS_MIGRATIONS
from recovery.running import RunningJourneys
from workflows.client import JourneysUnreachable, connect

_OK = "ok"
_AWAY = "does not answer"
_NO_ADDRESS = "no address"


async def status(*, json: bool = False) -> None:
    """Say what answers and what does not. Exit code 5 if anything needed is away.

    A worker that was killed still counts for a minute: Temporal learns of it when its poll ends.

    Parameters
    ----------
    json:
        Print one JSON object.
    """
    settings = load_settings()
    temporal, worker = await _temporal_and_worker(settings)
    found = {
        "record": await _database(settings.database_url),
        "keys": await _database(settings.keys_url, KEYS_MIGRATIONS),
        "temporal": temporal,
        "worker": worker,
        "projector": await _projector(settings),
        "intake": await _web(f"http://127.0.0.1:{settings.http_port}/health"),
        "clinic": await _web(settings.clinic_url and f"{settings.clinic_url}/health"),
    }
    if json:
        show_json({**found, "temporal_ui": settings.ui_url})
    else:
        show_fields({**found, "temporal ui": settings.ui_url})
    away = ", ".join(name for name, value in found.items() if value != _OK)
    if away:
        raise Stop(Exit.UNREACHABLE, f"not all is well: {away}; `throughline up` starts everything on this machine")


async def _database(url: str | None, *folders: Path) -> str:
    if url is None:
        return _NO_ADDRESS
    try:
        missing = await asyncio.to_thread(pending, url, *folders)
    except EventStoreError:
        return _AWAY
    return f"{len(missing)} migrations to run" if missing else _OK


async def _projector(settings: Settings) -> str:
    if settings.database_url is None:
        return "not known"
    try:
        found, kept = await generations(settings.database_url, READ_MODELS)
    except EventStoreError:
        return "not known"
    if any(each.alarm for each in found if each.status == "live"):
        return "stopped, see `throughline projections list`"
    return _OK if kept else "none runs"


async def _temporal_and_worker(settings: Settings) -> tuple[str, str]:
    if settings.temporal_address is None:
        return _NO_ADDRESS, "not known"
    try:
        client = await connect(settings.temporal_address, settings.temporal_namespace)
        return _OK, _OK if await RunningJourneys(client).are_worked() else "none runs"
    except JourneysUnreachable:
        return _AWAY, "not known"


async def _web(url: str | None) -> str:
    if url is None:
        return _NO_ADDRESS
    try:
        async with httpx2.AsyncClient(timeout=5) as http:
            response = await http.get(url)
    except httpx2.HTTPError:
        return _AWAY
    return _OK if response.is_success else f"answers {response.status_code}"
