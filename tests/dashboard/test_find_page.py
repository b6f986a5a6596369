"""Finding on the board: by reference, name and record number, as the board's own database role."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import uuid4

import httpx2
import psycopg
import pytest
import structlog
from psycopg_pool import AsyncConnectionPool

from access.audit import Audit
from access.rules import Viewer
from access.sessions import Sessions
from clientkeys.errors import KeysUnavailable
from clientkeys.keys import DataKey
from dashboard.board.app import create_app
from dashboard.board.visit import SESSION_COOKIE
from deploy.roles import make_login_roles
from domain.reference import number_in, reference
from domain.values import Role
from eventstore import PostgresEventStore
from intake.facts import Admission, AdmissionKind, Identity, RecordNumber
from intake.finding import MOST
from intake.registry import Registry
from intake.service import intake_pool
from record.sealing import Sealer
from tests.clientkeys.memory import MemoryKeyring
from tests.dashboard.api.served import services_on
from tests.dashboard.keeping import keep, projecting, reached
from tests.domain.walk import enrolled
from workflows.client import Journeys

pytestmark = pytest.mark.stack

CLINICIAN, OPERATIONS, NORTH = "clinician-1", "operations-1", "north-1"
STAFF: Mapping[str, Viewer] = {
    CLINICIAN: Viewer(person=CLINICIAN, roles=(Role.CLINICIAN,), sites=("main",)),
    OPERATIONS: Viewer(person=OPERATIONS, roles=(Role.OPERATIONS,)),
    NORTH: Viewer(person=NORTH, roles=(Role.SUPERVISOR,), sites=("north",)),
}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class _Keys(MemoryKeyring):
    """Keys that can be away."""

    away = False

    async def key_of(self, owner: str) -> DataKey:
        if self.away:
            raise KeysUnavailable("the database is down")
        return await super().key_of(owner)


@dataclass(frozen=True)
class Board:
    """The board, with what it stands on."""

    http: httpx2.AsyncClient
    sessions: Sessions
    audit: Audit
    registry: Registry
    store: PostgresEventStore
    keys: _Keys
    url: str

    async def admit(self, mrn: str, family: str, given: str, *, born: date | None = None, site: str = "main") -> str:
        """A client with a journey that is on record; its id."""
        who = Identity(
            key=RecordNumber(authority="NORTH", mrn=mrn), family_name=family, given_name=given, birth_date=born
        )
        said = Admission(identity=who, visit="V1", occurred_at=NOON, kind=AdmissionKind.ADMITTED)
        journey, _ = await self.registry.admit(said, uuid4(), site)
        await keep(self.store, str(journey.journey_id), enrolled())
        return str(journey.journey_id)

    async def project(self) -> None:
        """Brings the read models up to date."""
        events = await self.store.read_all(limit=10_000)
        async with projecting(self.url):
            await reached(self.url, events[-1].position)

    async def find(self, wanted: str, person: str = CLINICIAN, **more: str) -> httpx2.Response:
        """What the person is answered."""
        session = await self.sessions.begin(person, "board", datetime.now(UTC))
        return await self.http.post(
            "/find",
            headers={"Cookie": f"{SESSION_COOKIE}={session.token}"},
            data={"csrf": session.csrf_token(), "wanted": wanted, **more},
        )

    async def looks(self) -> list[tuple[str, str | None, str]]:
        """What the audit says, the oldest first."""
        return [(each.did, each.journey_id, each.about) for each in reversed(await self.audit.looks())]


@pytest.fixture
async def board(database_url: str, store: PostgresEventStore) -> AsyncIterator[Board]:
    make_login_roles(database_url)
    own_url, keys = database_url.replace("//postgres@", "//throughline_board@"), _Keys()
    async with AsyncExitStack() as opened:
        pool = AsyncConnectionPool[Any](own_url, min_size=1, kwargs={"autocommit": True}, open=False, timeout=20)
        await opened.enter_async_context(pool)
        register = await opened.enter_async_context(intake_pool(database_url))
        services = services_on(pool, own_url, store, Sealer(keys), keys, cast(Journeys, None), STAFF.get)
        transport = httpx2.ASGITransport(app=create_app(services))
        http = await opened.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://board.example")
        )
        yield Board(http, services.sessions, services.audit, Registry(register, keys), store, keys, database_url)


def listed(answer: httpx2.Response) -> list[str]:
    """The journeys that the page shows."""
    return re.findall(r'class="ref" href="/journeys/([^"]+)"', answer.text)


async def test_a_name_lists_who_fits_with_birth_date_and_journey_and_notes_it_first(board: Board) -> None:
    ann = await board.admit("A1", "Reed", "Ann", born=date(1987, 6, 11))
    ben = await board.admit("A2", "Reed", "Ben")
    await board.project()
    answer = await board.find("REED")
    assert (answer.status_code, answer.headers["cache-control"], listed(answer)) == (200, "no-store", [ann, ben])
    [number] = [each.position for each in await board.store.read_all() if each.stream == ann and each.version == 1]
    for shown in ("Reed, Ann", "1987-06-11", reference(number), "main", "In care"):
        assert shown in answer.text, shown
    assert await board.looks() == [
        ("searched", None, "name 2"),
        ("found-client", ann, ""),
        ("found-client", ben, ""),
    ]
    assert listed(await board.find("reed 1987-06-11")) == listed(await board.find("reed", born="1987-06-11")) == [ann]


async def test_a_record_number_finds_its_client(board: Board) -> None:
    ann = await board.admit("AB700", "Reed", "Ann")
    await board.project()
    assert listed(await board.find("ab 700")) == [ann]
    assert await board.looks() == [("searched", None, "number 1"), ("found-client", ann, "")]


async def test_a_name_with_a_digit_in_it_is_found_too(board: Board) -> None:
    ann = await board.admit("A1", "Reed", "Ann 2")
    await board.project()
    assert listed(await board.find("ann 2 reed")) == [ann]
    assert [about for _, _, about in await board.looks()][:2] == ["number 0", "name 1"]


async def test_a_reference_leads_to_its_journey_and_also_who_may_not_see_names(board: Board) -> None:
    ann = await board.admit("A1", "Reed", "Ann")
    await board.project()
    answer = await board.find(" " + reference(1).lower().replace("-", " "), OPERATIONS)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/journeys/{ann}")
    assert await board.looks() == [("searched", None, "reference 1")]


async def test_what_is_at_another_site_is_as_if_it_did_not_exist(board: Board) -> None:
    await board.admit("A1", "Reed", "Ann")
    await board.project()
    nobody = await board.find("stone", NORTH), await board.find("X99", NORTH), await board.find("J-0099-1", NORTH)
    elsewhere = await board.find("reed", NORTH), await board.find("A1", NORTH), await board.find(reference(1), NORTH)
    for one, other in zip(elsewhere[:2], nobody[:2], strict=True):
        assert _without_what_was_asked(one) == _without_what_was_asked(other)
    assert (elsewhere[2].status_code, listed(elsewhere[2])) == (200, [])
    assert {did for did, _, _ in await board.looks()} == {"searched"}


def _without_what_was_asked(answer: httpx2.Response) -> str:
    return re.sub(r'value="[^"]*"', "", answer.text)


async def test_who_may_not_find_clients_is_told_so_and_nothing_is_looked_up(board: Board) -> None:
    await board.admit("A1", "Reed", "Ann")
    await board.project()
    for wanted in ("reed", "A1", "jensen"):
        answer = await board.find(wanted, OPERATIONS)
        assert "not open to your role" in answer.text and listed(answer) == [], wanted
    assert await board.looks() == []


async def test_a_name_that_can_be_read_as_a_reference_is_looked_for_as_a_name(board: Board) -> None:
    assert number_in("Jensen") > 0
    ann = await board.admit("A1", "Jensen", "Ann")
    await board.project()
    assert listed(await board.find("Jensen")) == [ann]
    assert (await board.looks())[0] == ("searched", None, "name 1")


async def test_empty_too_many_and_wrong_are_each_said_with_what_to_do(board: Board) -> None:
    for number in range(MOST + 1):
        await board.admit(f"A{number}", "Reed", "Ann")
    await board.project()
    said = {
        "reed": (200, "Add another word of the name, or the birth date."),
        "stone": (200, "Nobody with that name or record number has a journey at your sites."),
        "B99": (200, "Nobody with that name or record number has a journey at your sites."),
        "J-004K-X": (200, "If it is a reference, a character of it is wrong or missing"),
        "": (422, "There is nothing to look for."),
        "reed 1987-13-41": (422, "The birth date is not understood."),
    }
    for wanted, (status, text) in said.items():
        answer = await board.find(wanted)
        assert (answer.status_code, text in answer.text, listed(answer)) == (status, True, []), wanted
    board.keys.away = True
    answer = await board.find("reed")
    assert (answer.status_code, "The search does not answer now." in answer.text) == (503, True)


async def test_what_cannot_be_noted_is_not_shown(board: Board) -> None:
    await board.admit("A1", "Reed", "Ann")
    await board.project()
    with psycopg.connect(board.url) as connection:
        connection.execute("revoke insert on access.audit from throughline_sessions")
    answer = await board.find("reed")
    assert (answer.status_code, "Ann" in answer.text, listed(answer)) == (503, False, [])


async def test_a_search_leaves_no_trace_of_what_was_looked_for(
    board: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    await board.admit("CANARY7", "Canaryreed", "Ann", born=date(1987, 6, 11))
    await board.project()
    written, before = io.StringIO(), structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False)
    try:
        answers = [await board.find(each) for each in ("canaryreed 1987-06-11", "canary7", "J-CANARY", "canarynobody")]
        board.keys.away = True
        answers.append(await board.find("canaryreed"))
    finally:
        structlog.configure(**before)
    told = [str(answer.url) + str(answer.headers) for answer in answers]
    traces = "\n".join([written.getvalue(), *capsys.readouterr(), *told, str(await board.looks())]).lower()
    assert "find-unavailable" in traces and "searched" in traces
    assert "canary" not in traces and "1987" not in traces


async def test_a_form_of_another_session_finds_nothing(board: Board) -> None:
    await board.admit("A1", "Reed", "Ann")
    await board.project()
    assert (await board.find("reed", csrf="x" * 43)).status_code == 403
    assert await board.looks() == []
