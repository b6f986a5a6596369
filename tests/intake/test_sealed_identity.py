"""Nothing that intake keeps says who a client is to anyone without the keys."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientkeys.errors import KeysUnavailable, SealBroken
from clientkeys.keys import DataKey
from intake.facts import Identity, RecordNumber
from intake.mllp_client import MllpClient
from intake.person import Person
from intake.privacy import Privacy
from intake.registry import Registry
from intake.service import intake_pool
from tests.clientkeys.memory import MemoryKeyring
from tests.intake.conftest import RecordingGate, RunningIntake, running_intake, until
from tests.intake.messages import adt, code, fields
from tests.intake.test_registry import ADMISSION

CANARIES = ("CANARYMRN", "CANARYFAMILY", "CANARYGIVEN", "CANARYMEMBER", "CANARYVISIT", "19870611", "1987-06-11")
TABLES = ("messages", "quarantine", "clients", "journeys", "known", "search_words")
KEY = RecordNumber(authority="NORTH", mrn="CANARYMRN")


def about(event: str, **more: str) -> bytes:
    person = {"mrn": "CANARYMRN", "name": "CANARYFAMILY^CANARYGIVEN", "visit": "CANARYVISIT"}
    return adt(event, **{**person, "extra": "IN1|1||P" + "|" * 33 + "CANARYMEMBER", **more})


def stored_text(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        return "\n".join(
            str(row) for table in TABLES for row in connection.execute(f"select t::text from intake.{table} t".encode())
        )


def in_the_clear(database_url: str) -> list[str]:
    kept = stored_text(database_url)
    return [canary for canary in CANARIES if canary in kept or canary.encode().hex() in kept]


async def send(running: RunningIntake, *messages: bytes) -> list[bytes]:
    async with MllpClient("127.0.0.1", running.ports.mllp) as client:
        return [await client.send(message) for message in messages]


@pytest.mark.stack
async def test_no_table_of_intake_says_who_anybody_is(running: RunningIntake) -> None:
    await send(running, about("A04", control_id="1"), about("A08", control_id="2"), about("A40", control_id="3"))
    await send(running, about("A11", control_id="4", visit="V9"), about("A60", control_id="5"))
    await send(running, b"CANARYFAMILY", about("A04", control_id="6").replace(b"CANARYMRN^^^NORTH^MR", b""))
    assert await running.settled() == {"done": 2, "ignored": 1, "parked": 1, "quarantined": 2}
    assert in_the_clear(running.database_url) == []
    assert about("A40", control_id="3") in [raw for raw, _, _ in await running.kept()]


@pytest.mark.stack
async def test_whatever_names_a_client_is_sealed_with_that_clients_key(running: RunningIntake) -> None:
    await send(running, about("A04", control_id="1"), about("A40", control_id="2"), about("A60", control_id="3"))
    await running.settled()
    [(client_ref, _)] = running.gate.opened.values()
    used = await running.rows("select distinct key_id from intake.messages")
    assert used == [((await running.keyring.key_of(client_ref)).id,)]


class Failing(MemoryKeyring):
    def __init__(self) -> None:
        super().__init__()
        self.is_away = False

    async def key_of(self, owner: str) -> DataKey:
        if self.is_away:
            raise KeysUnavailable("the database is down")
        return await super().key_of(owner)


@pytest.mark.stack
async def test_while_the_keys_are_away_nothing_is_acknowledged_and_nothing_lost(
    intake_database: str, gate: RecordingGate
) -> None:
    keyring = Failing()
    async with running_intake(intake_database, gate, keyring=keyring) as running:
        gate.down = True
        await send(running, about("A04", control_id="1"))
        keyring.is_away, gate.down = True, False

        async def is_put_off() -> bool:
            return await running.rows("select reason_code from intake.messages") == [("keys-unavailable",)]

        await until(is_put_off)
        [refused] = await send(running, about("A08", control_id="2"))
        assert (code(refused), fields(refused)["ERR"][5]) == ("AE", "not-stored")
        keyring.is_away = False
        [taken] = await send(running, about("A08", control_id="2"))
        assert code(taken) == "AA"
        assert await running.settled() == {"done": 2}


@pytest.mark.stack
async def test_a_message_whose_key_was_destroyed_holds_up_nobody(
    intake_database: str, gate: RecordingGate, keyring: MemoryKeyring
) -> None:
    gate.down = True
    async with running_intake(intake_database, gate, keyring=keyring) as running:
        await send(running, about("A04", control_id="1"))
        [(client_ref,)] = await running.rows("select client_ref from intake.messages")
    await keyring.destroy(str(client_ref))
    gate.down = False
    async with running_intake(intake_database, gate, keyring=keyring) as running:
        await send(running, adt("A04", control_id="2"))
        assert await running.settled() == {"ignored": 1, "done": 1}


@pytest.mark.stack
async def test_updates_at_once_lose_nothing_of_each_other(intake_database: str, keyring: MemoryKeyring) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    said = [Identity(key=KEY, **{name: f"{name}-1"}) for name in ("family_name", "sex", "member_id", "payer_id")]
    async with intake_pool(intake_database) as pool:
        registry = Registry(pool, keyring)
        assert await registry.update_identity(said[0], noon) is None
        admission = ADMISSION.model_copy(update={"identity": Identity(key=KEY)})
        journey, _ = await registry.admit(admission, uuid4(), "main")
        await asyncio.gather(*(registry.update_identity(each, noon) for each in said))
        person = await registry.find(str(journey.client_ref))
    assert person is not None
    assert (person.family_name, person.sex, person.member_id, person.payer_id) == (
        *("family_name-1", "sex-1", "member_id-1"),
        "payer_id-1",
    )


WORDS = st.none() | st.sampled_from(["a", "b"])
SAID = st.builds(
    Identity,
    key=st.just(KEY),
    family_name=WORDS,
    birth_date=st.none() | st.just(date(1987, 6, 11)),
    member_id=WORDS,
    cleared=st.sets(st.sampled_from(["family_name", "birth_date", "member_id"])).map(frozenset),
)


@given(first=SAID, then=SAID)
def test_a_newer_message_goes_first_and_an_older_one_fills_gaps(first: Identity, then: Identity) -> None:
    before = Person(key=KEY).after(first, newer=True)
    newer, older = before.after(then, newer=True), before.after(then, newer=False)
    for name, empty in (("family_name", ""), ("birth_date", None), ("member_id", None)):
        held, told = getattr(before, name), getattr(then, name)
        cleared = name in then.cleared
        assert getattr(newer, name) == (empty if cleared else held if told is None else told)
        assert getattr(older, name) == (held if held != empty else empty if told is None else told)


async def test_a_sealed_person_cannot_be_passed_off_as_another(keyring: MemoryKeyring) -> None:
    privacy, ref = Privacy(keyring), uuid4()
    sealed = await privacy.seal_person(Person(key=KEY), ref)
    assert await privacy.open_person(sealed, ref) == Person(key=KEY)
    with pytest.raises(SealBroken):
        await privacy.open_person(sealed, uuid4())
