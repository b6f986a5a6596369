"""`throughline board`: serves the operations board until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import uvicorn
from psycopg_pool import AsyncConnectionPool

from access.audit import Audit
from access.cli_codes import CliCodes
from access.provider import Provider, ProviderSettings
from access.saved_views import SavedViews
from access.sessions import Sessions
from attendance.entering import open_session_store
from centre.files import centre_folder
from centre.loading import load
from centre.rule_sources import RuleSources
from centre.staff_file import StaffFile, site_ids
from cli.access import load_settings, temporal_client
from cli.house import announce
from cli.logs import log_to_stderr
from cli.output import Exit, Stop
from cli.signing import decision_signer
from clientkeys import ClientKeysError, open_keyring
from dashboard.board.app import create_app
from dashboard.board.changes import Changes
from dashboard.board.services import Services
from dashboard.board.standing_still import StandingStill
from deploy.errors import SettingsError
from deploy.payload_keys import read_payload_keys
from deploy.settings import Settings
from domain.people import use_staff
from eventstore import EventStoreError, open_store
from intake.finding import Finder
from record.sealing import Sealer
from recovery.running import RunningJourneys
from workflows.client import Journeys, JourneysUnreachable
from workflows.payload_codec import PayloadKeys

_HOST = "127.0.0.1"
_STOPPING_SECONDS = 3
_TEMPORAL_WITHIN = timedelta(seconds=1)
"""For a page that shows what Temporal knows: it is shown without, sooner than late."""


async def board(*, ready_file: Path | None = None) -> None:
    """Serve the operations board until SIGTERM or Ctrl-C.

    It listens on this machine. Put a proxy that speaks TLS before it, and give the board's address as browsers see it
    in THROUGHLINE_BOARD_URL.

    Args:
        ready_file: A file to write the port to, once it listens.
    """
    log_to_stderr()
    settings = load_settings()
    try:
        provider = provider_settings(settings)
        listening = listen(settings.board_port)
    except SettingsError as error:
        raise Stop(Exit.USAGE, str(error)) from None
    except OSError as error:
        line = f"cannot listen: {error.strerror}; set THROUGHLINE_BOARD_PORT to a free port"
        raise Stop(Exit.FAILED, line) from None
    port = listening.getsockname()[1]
    try:
        async with _services(settings, provider, settings.board_url or f"http://{_HOST}:{port}") as services:
            config = uvicorn.Config(
                create_app(services),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_STOPPING_SECONDS,
            )
            announce(ready_file, {"port": port})
            await uvicorn.Server(config).serve(sockets=[listening])
    except (SettingsError, JourneysUnreachable, EventStoreError, ClientKeysError) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None


def listen(port: int) -> socket.socket:
    """A socket that listens on this machine; any free port for 0.

    Its answers are sent at once. Else the kernel holds the end of each back for some 40 ms, until the browser has
    acknowledged its beginning: asyncio does that only for sockets that name their protocol.
    """
    listening = socket.create_server((_HOST, port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def provider_settings(settings: Settings) -> ProviderSettings:
    """The provider at which staff sign in.

    Raises:
        SettingsError: None is set up, or it is the development provider and the centre is a real one.
    """
    issuer = settings.sign_in_issuer
    if issuer is None:
        raise SettingsError("THROUGHLINE_SIGN_IN_ISSUER is not set: give the address of the centre's OpenID provider")
    if settings.centre is not None and urlsplit(issuer).scheme != "https":
        raise SettingsError(
            "THROUGHLINE_SIGN_IN_ISSUER must begin with https:// for a configured centre: the development provider "
            "lets anybody be anybody"
        )
    secret = settings.sign_in_client_secret
    return ProviderSettings(
        issuer=issuer,
        client_id=settings.sign_in_client_id,
        client_secret=secret.read_text(encoding="utf-8").strip() if secret else None,
        staff_claim=settings.sign_in_staff_claim,
    )


@asynccontextmanager
async def _services(settings: Settings, provider: ProviderSettings, base_url: str) -> AsyncIterator[Services]:
    url = settings.require_database_url()
    keys_url, kek_file = settings.require_keys_url(), settings.require_kek_file()
    staff = StaffFile(centre_folder(settings.centre) / "staff.toml", sites=site_ids())
    use_staff(staff.colleague)
    client = await temporal_client(settings)
    async with AsyncExitStack() as opened:
        pool = AsyncConnectionPool(
            url, min_size=2, max_size=settings.board_connections, kwargs={"autocommit": True}, open=False, timeout=5
        )
        await opened.enter_async_context(pool)
        store = await opened.enter_async_context(open_store(url, max_size=settings.record_connections))
        sessions = await opened.enter_async_context(open_session_store(url, max_size=settings.record_connections))
        keys = await opened.enter_async_context(open_keyring(keys_url, kek_file, max_size=settings.keys_connections))
        http = await opened.enter_async_context(httpx2.AsyncClient(follow_redirects=False))
        yield Services(
            pool=pool,
            store=store,
            session_store=sessions,
            sealer=Sealer(keys),
            journeys=Journeys(client),
            signer=decision_signer(settings),
            sessions=Sessions(
                pool,
                idle=timedelta(minutes=settings.board_idle_minutes),
                longest=timedelta(hours=settings.board_session_hours),
            ),
            audit=Audit(pool),
            saved_views=SavedViews(pool),
            cli_codes=CliCodes(pool),
            finder=Finder(pool, keys),
            provider=Provider(provider, http),
            changes=Changes(url, pool),
            viewer=lambda person: staff.current().viewer(person),
            base_url=base_url,
            standing_still=StandingStill(RunningJourneys(client, patience=_TEMPORAL_WITHIN)),
            sources=RuleSources(load(settings.centre).policies),
            payload_keys=PayloadKeys(read_payload_keys(settings.require_payload_keys())),
            temporal_ui=settings.ui_page,
            virtual_time=settings.virtual_time,
            is_example=settings.centre is None,
        )
