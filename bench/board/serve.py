"""Serves the board in a process of its own, without Temporal and without a provider: nobody decides or signs in."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import timedelta

import httpx2
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg_pool import AsyncConnectionPool
from temporalio.client import Client

from access.audit import Audit
from access.cli_codes import CliCodes
from access.provider import Provider, ProviderSettings
from access.saved_views import SavedViews
from access.sessions import Sessions
from access.signatures import Signer
from centre.files import centre_folder
from centre.loading import load
from centre.rule_sources import RuleSources
from centre.staff_file import StaffFile, site_ids
from cli.board import listen
from clientkeys import open_keyring
from dashboard.board.app import create_app
from dashboard.board.changes import Changes
from dashboard.board.services import Services
from deploy.settings import Settings
from eventstore import open_store
from intake.finding import Finder
from record.sealing import Sealer
from workflows.client import Journeys
from workflows.payload_codec import KEY_BYTES, PayloadKeys


async def nothing_stands_still() -> dict[str, str]:
    """There is no Temporal here to ask."""
    return {}


async def serve(settings: Settings) -> None:
    """Until it is stopped. Its port is its only output."""
    centre = load(None)
    url = settings.require_database_url()
    staff = StaffFile(centre_folder(None) / "staff.toml", sites=site_ids())
    listening = listen(0)
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with (
        AsyncConnectionPool(
            url, min_size=2, max_size=settings.board_connections, kwargs={"autocommit": True}, open=False
        ) as pool,
        open_store(url, max_size=settings.record_connections) as store,
        open_keyring(settings.require_keys_url(), settings.require_kek_file()) as keys,
        httpx2.AsyncClient() as http,
    ):
        services = Services(
            pool=pool,
            store=store,
            session_store=store,
            sealer=Sealer(keys),
            journeys=Journeys(Client.__new__(Client)),
            signer=Signer(Ed25519PrivateKey.generate()),
            sessions=Sessions(pool, idle=timedelta(hours=1)),
            audit=Audit(pool),
            saved_views=SavedViews(pool),
            cli_codes=CliCodes(pool),
            finder=Finder(pool, keys),
            provider=Provider(ProviderSettings(issuer="http://127.0.0.1:9", client_id="bench"), http),
            changes=Changes(url, pool),
            viewer=lambda person: staff.current().viewer(person),
            base_url=base_url,
            standing_still=nothing_stands_still,
            sources=RuleSources(centre.policies),
            payload_keys=PayloadKeys([bytes(KEY_BYTES)]),
        )
        sys.stdout.write(f"{base_url}\n")
        sys.stdout.flush()
        config = uvicorn.Config(create_app(services), log_config=None, access_log=False)
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    asyncio.run(serve(Settings.load()))
