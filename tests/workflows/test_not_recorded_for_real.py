"""What keeps a decision from the record, made on real databases and key files: named, kept, recorded in the end."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from activities import signatures as sig
from clientkeys import open_keyring
from deploy.stack import Stack
from domain.commands import BaseCommand
from domain.pathway.admission import RepeatAdmission
from domain.pathway.placement import DecidePlacement, PlacementDecided
from domain.values import Stage
from eventstore import StoreUnavailable, open_store
from migrations import migrate_keys
from record.sealing import Sealer
from tests.workflows.house import Case, House, until
from tests.workflows.paths import IOP, OP
from tests.workflows.test_not_recorded import marked, not_recorded, nothing_is_said, recorded_once, was_paged
from tests.workflows.test_shown import metadata
from workflows.client import CommandNotRecorded

pytestmark = pytest.mark.stack

_AUDITOR = "&options=-c%20role%3Dthroughline_auditor"
_APPEND = "execute on function es.append_many(json)"
_REVERSED = "update keys.data_keys set wrapped = decode(reverse(encode(wrapped, 'hex')), 'hex')"


@dataclass(frozen=True)
class Databases:
    """A record and the clients' keys, of this test's own, and the server they are on."""

    server: str
    record: str
    keys: str


@dataclass(frozen=True)
class Fault:
    """A way to break one of the databases, and to mend it, in SQL."""

    code: str
    database: str
    broken: str
    mended: str
    role: str = ""


FAULTS = {
    "no record": Fault(sig.RECORD_SCHEMA, "record", "alter schema es rename to gone", "alter schema gone rename to es"),
    "role without rights": Fault(
        sig.RECORD_SCHEMA,
        "record",
        f"revoke {_APPEND} from throughline_auditor",
        f"grant {_APPEND} to throughline_auditor",
        role=_AUDITOR,
    ),
    "event refused": Fault(
        sig.RECORD_REFUSED,
        "record",
        "alter table es.events add constraint mistaken check (type <> 'placement.decided') not valid",
        "alter table es.events drop constraint mistaken",
    ),
    "no keys": Fault(
        sig.KEYS_SCHEMA,
        "keys",
        "alter table keys.data_keys rename to gone",
        "alter table keys.gone rename to data_keys",
    ),
    "key changed": Fault(sig.KEY_UNUSABLE, "keys", _REVERSED, _REVERSED),
}


@pytest.fixture
def databases(
    postgres_stack: Stack, migrated_url_factory: Callable[[], str], database_url_factory: Callable[[], str]
) -> Databases:
    own = Databases(postgres_stack.database_url, migrated_url_factory(), database_url_factory())
    migrate_keys(own.keys)
    return own


@pytest.fixture
def kek(tmp_path: Path) -> Path:
    return new_kek(tmp_path / "kek")


def new_kek(file: Path) -> Path:
    file.write_bytes(base64.b64encode(os.urandom(32)))
    file.chmod(0o600)
    return file


async def run_sql(url: str, *statements: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for each in statements:
            await connection.execute(each.encode())


async def cut_off(own: Databases, url: str) -> None:
    """Ends all connections to the database and allows no new one."""
    name = _name(url)
    await run_sql(
        own.server,
        f"alter database {name} with allow_connections false",
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",
    )


async def connected_again(own: Databases, url: str) -> None:
    await run_sql(own.server, f"alter database {_name(url)} with allow_connections true")


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1].partition("?")[0]


def in_words(case: Case) -> BaseCommand:
    """A placement with words of a person in it, so that the client's key is needed."""
    return case.command(DecidePlacement, id="placement", recommended=IOP, actual=OP, variance="lives far away")


async def with_a_key(own: Databases, kek: Path, case: Case) -> None:
    """Makes the client's key, as an earlier decision would have."""
    async with open_keyring(own.keys, kek) as keys:
        await keys.key_of(case.person.client_ref)


async def said(case: Case, code: str) -> None:
    told = await not_recorded(case, in_words(case))
    assert told.code == code
    assert code in (await metadata(case)).current_details
    assert await marked(case) == code
    await was_paged(case)


async def recorded_in_the_end(case: Case) -> None:
    """The same command asked again gives its outcome, once connections that were cut are made anew."""

    async def is_recorded() -> bool:
        with suppress(CommandNotRecorded, StoreUnavailable):
            status = await case.journeys.tell(case.id, in_words(case))
            return status.stage is Stage.COST_REVIEW and bool(await case.record())
        return False

    await until(is_recorded, "the decision is recorded")
    await case.settled()
    await recorded_once(case, PlacementDecided)
    await nothing_is_said(case)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_broken_database(idle_house: House, databases: Databases, kek: Path, fault: Fault) -> None:
    url = databases.record if fault.database == "record" else databases.keys
    if fault.role:
        await run_sql(url, fault.mended)
    async with open_store(databases.record + fault.role) as store, open_keyring(databases.keys, kek) as keys:
        idle_house.store, idle_house.sealer = store, Sealer(keys)
        async with idle_house.working():
            case, other = await idle_house.admit(), await idle_house.admit()
            before = await case.screened()
            await other.screened()
            await with_a_key(databases, kek, case)
            await run_sql(url, fault.broken)
            await said(case, fault.code)
            assert await case.state() == before
            if fault.code != sig.RECORD_SCHEMA:  # what needs no key, or is no placement, goes on
                assert (await other.do(RepeatAdmission, message="again")).version > before.version
            await run_sql(url, fault.mended)
            await recorded_in_the_end(case)


@pytest.mark.parametrize(("which", "code"), [("record", sig.RECORD_UNREACHABLE), ("keys", sig.KEYS_UNREACHABLE)])
async def test_a_database_that_is_away(
    idle_house: House, databases: Databases, kek: Path, which: str, code: str
) -> None:
    url = databases.record if which == "record" else databases.keys
    async with open_store(databases.record) as store, open_keyring(databases.keys, kek) as keys:
        idle_house.store, idle_house.sealer = store, Sealer(keys)
        async with idle_house.working():
            case = await idle_house.admit()
            await case.screened()
            await with_a_key(databases, kek, case)
            await cut_off(databases, url)
            try:
                await said(case, code)
            finally:
                await connected_again(databases, url)
            await recorded_in_the_end(case)


async def test_a_database_that_hangs(idle_house: House, databases: Databases, kek: Path) -> None:
    async with open_store(databases.record) as store, open_keyring(databases.keys, kek) as keys:
        idle_house.store, idle_house.sealer = store, Sealer(keys)
        async with idle_house.working():
            case = await idle_house.admit()
            await case.screened()
            async with await psycopg.AsyncConnection.connect(databases.record) as locking:
                await locking.execute("lock table es.events in access exclusive mode")
                await said(case, sig.RECORD_UNREACHABLE)
                await locking.rollback()
            await recorded_in_the_end(case)


@pytest.fixture
async def with_the_wrong_file(
    idle_house: House, databases: Databases, kek: Path, tmp_path: Path
) -> AsyncIterator[tuple[Case, Path]]:
    """A decision that a worker with another key-encryption key could not record, and that worker's file."""
    wrong = new_kek(tmp_path / "wrong")
    async with open_store(databases.record) as store, open_keyring(databases.keys, wrong) as keys:
        idle_house.store, idle_house.sealer = store, Sealer(keys)
        async with idle_house.working():
            case = await idle_house.admit()
            await case.screened()
            await with_a_key(databases, kek, case)
            await said(case, sig.WRONG_KEK)
        yield case, wrong


async def test_a_wrong_key_encryption_key(
    idle_house: House, databases: Databases, kek: Path, with_the_wrong_file: tuple[Case, Path]
) -> None:
    case, wrong = with_the_wrong_file
    lines = (await asyncio.to_thread(each.read_bytes) for each in (kek, wrong))
    await asyncio.to_thread(wrong.write_bytes, b"\n".join([each async for each in lines]))
    async with open_keyring(databases.keys, wrong) as keys:
        idle_house.sealer = Sealer(keys)
        async with idle_house.working():  # the workers were restarted with the line added again
            await recorded_in_the_end(case)
