"""The board with its API on a real record, asked through ASGI. Temporal and the sign-in provider are stood in for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from access.audit import Audit
from access.cli_codes import CliCodes
from access.provider import Provider
from access.rules import Viewer
from access.saved_views import SavedViews
from access.sessions import Session, Sessions, UsedFor
from access.signatures import Signer
from centre.loading import load
from centre.rule_sources import RuleSources
from clientkeys.keys import Keyring
from dashboard.board.app import create_app
from dashboard.board.changes import Changes
from dashboard.board.services import FindViewer, Services
from dashboard.board.visit import SESSION_COOKIE
from dashboard.reading import state_of
from domain.commands import BaseCommand
from domain.decide import decide
from domain.pathway import Event
from domain.refusal import Refusal, Refused, UnknownHere
from domain.values import Role
from eventstore import EventStore, PostgresEventStore, open_store
from intake.finding import Finder
from record.sealing import Sealer
from tests.clientkeys.memory import MemoryKeyring
from tests.dashboard.keeping import projecting, reached
from tests.domain.walk import Walk
from workflows.client import CommandRefused, JourneyNotRunning, Journeys
from workflows.messages import JourneyStatus, journey_status
from workflows.payload_codec import KEY_BYTES, PayloadKeys

STAFF: Mapping[str, Viewer] = {
    each.person: each
    for each in (
        Viewer(person="clinician-1", roles=(Role.CLINICIAN,)),
        Viewer(person="clinician-2", roles=(Role.CLINICIAN,)),
        Viewer(person="supervisor-1", roles=(Role.SUPERVISOR, Role.CLINICIAN)),
        Viewer(person="admissions-1", roles=(Role.ADMISSIONS,)),
        Viewer(person="operations-1", roles=(Role.OPERATIONS,)),
        Viewer(person="case-manager-1", roles=(Role.CASE_MANAGER,)),
        Viewer(person="north-1", roles=(Role.SUPERVISOR,), sites=("north",)),
    )
}
"""Who is on the list of staff, by id."""
API = "/api/v1"
TEMPORAL_UI = "http://temporal.example:8233"
SIGNER = Signer(Ed25519PrivateKey.generate())
PAYLOAD_KEYS = PayloadKeys([bytes(range(KEY_BYTES))])


class DecidingJourneys:
    """Stands in for Temporal: decides with the real rules, and records at once.

    Attributes:
        fails: What every decision meets instead, if anything.
        told: The commands that came, in order.
    """

    def __init__(self, store: EventStore, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self.fails: Exception | None = None
        self.told: list[BaseCommand] = []

    async def tell(self, journey_id: str, command: BaseCommand) -> JourneyStatus:
        self.told.append(command)
        if self.fails is not None:
            raise self.fails
        stored = await self._store.read(journey_id)
        if not stored:
            raise JourneyNotRunning(journey_id)
        state = state_of(stored)
        if command.cause in state.answered:
            return journey_status(state)
        try:
            command.require_known(state)
        except Refused as refused:
            raise CommandRefused(refused.refusal.code, refused.refusal.sentence) from None
        except UnknownHere as unknown:
            raise CommandRefused("worker-out-of-date", f"{unknown}. Nothing has changed.") from None
        outcome = decide(state, command, stored[-1].occurred_at + timedelta(minutes=1))
        if isinstance(outcome, Refusal):
            raise CommandRefused(outcome.code, outcome.sentence)
        if outcome.events:
            await record(self._store, self._sealer, journey_id, outcome.events, len(stored), command.cause)
        return journey_status(outcome.state)


async def record(store: EventStore, sealer: Sealer, journey_id: str, events: Any, version: int, key: str) -> None:
    """Puts events on record with their words sealed."""
    sealed = await sealer.seal(events, stream=journey_id, key=key, client_ref=f"client-of-{journey_id}")
    await store.append(journey_id, expected_version=version, key=key, events=sealed)


@dataclass(frozen=True)
class Served:
    """The application, and what it stands on."""

    app: FastAPI
    url: str
    store: PostgresEventStore
    sealer: Sealer
    services: Services
    journeys: DecidingJourneys
    http: httpx2.AsyncClient

    async def keep(self, walks: Mapping[str, Walk]) -> int:
        """Puts walks on record under these ids, with their words sealed, and projects them; the last position."""
        for name, walked in walks.items():
            first: list[Event] = [walked.record[0].model_copy(update={"journey_id": name})]
            await record(self.store, self.sealer, name, first + walked.record[1:], 0, f"{name}-1")
        return await self.project()

    async def project(self) -> int:
        """Brings the read models to the record's head, which it returns."""
        events = await self.store.read_all(limit=10_000)
        async with projecting(self.url):
            await reached(self.url, events[-1].position)
        return events[-1].position

    async def session(self, person: str, used_for: UsedFor = "cli") -> Session:
        """A session of a person."""
        return await self.services.sessions.begin(person, used_for, datetime.now(UTC))

    async def headers(self, person: str) -> dict[str, str]:
        """The headers of a program that the person signed in."""
        return {"Authorization": f"Bearer {(await self.session(person)).token}"}

    async def browser(self, person: str) -> tuple[dict[str, str], str]:
        """The headers of a browser in which the person signed in, and the token that its forms carry."""
        session = await self.session(person, "board")
        return {"Cookie": f"{SESSION_COOKIE}={session.token}"}, session.csrf_token()

    async def get(self, path: str, person: str = "supervisor-1", **headers: str) -> httpx2.Response:
        """What the person is answered there."""
        given = {**await self.headers(person), **{name.replace("_", "-"): held for name, held in headers.items()}}
        return await self.http.get(API + path, headers=given)

    async def post(self, path: str, person: str, body: Mapping[str, object]) -> httpx2.Response:
        """What the person is answered there."""
        return await self.http.post(API + path, headers=await self.headers(person), json=dict(body))


async def nothing_stands_still() -> dict[str, str]:
    return {}


def services_on(
    pool: AsyncConnectionPool[Any],
    url: str,
    store: EventStore,
    sealer: Sealer,
    keys: Keyring,
    journeys: Journeys,
    viewer: FindViewer,
) -> Services:
    """What the board works with, on a real database. There is no provider: tests begin sessions themselves."""
    return Services(
        pool=pool,
        store=store,
        session_store=store,
        sealer=sealer,
        journeys=journeys,
        signer=SIGNER,
        sessions=Sessions(pool),
        audit=Audit(pool),
        saved_views=SavedViews(pool),
        cli_codes=CliCodes(pool),
        finder=Finder(pool, keys),
        provider=cast(Provider, None),
        changes=Changes(url, pool),
        viewer=viewer,
        base_url="http://board.example",
        payload_keys=PAYLOAD_KEYS,
        standing_still=nothing_stands_still,
        sources=RuleSources(load().policies),
        temporal_ui=f"{TEMPORAL_UI}/namespaces/throughline/workflows",
        virtual_time=True,
    )


@asynccontextmanager
async def serving(url: str, *, sealer: Sealer | None = None, journeys: Journeys | None = None) -> AsyncIterator[Served]:
    """The application on the migrated database at `url`. Journeys live in the time of their last event.

    Args:
        sealer: With the keys of a record that others write; keys in memory if it is left out.
        journeys: Of a real Temporal server; a stand-in if it is left out.
    """
    async with AsyncExitStack() as opened:
        pool = AsyncConnectionPool[Any](
            url, min_size=1, max_size=6, kwargs={"autocommit": True}, open=False, timeout=20
        )
        await opened.enter_async_context(pool)
        store = await opened.enter_async_context(open_store(url, max_size=4))
        keys = MemoryKeyring()
        sealer = sealer or Sealer(keys)
        deciding = DecidingJourneys(store, sealer)
        services = services_on(pool, url, store, sealer, keys, journeys or cast(Journeys, deciding), STAFF.get)
        app = create_app(services)
        transport = httpx2.ASGITransport(app=app)
        http = await opened.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://board.example")
        )
        yield Served(app, url, store, sealer, services, deciding, http)
