from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from activities.ports import ClientDirectory
from intake.facts import Admission, AdmissionKind, Identity, RecordNumber
from intake.registry import Registry
from intake.service import intake_pool
from tests.clientkeys.memory import MemoryKeyring

pytestmark = pytest.mark.stack

ADMISSION = Admission(
    identity=Identity(
        key=RecordNumber(authority="NORTH", mrn="700400"),
        family_name="Marlowe",
        given_name="Pia",
        birth_date=date(1990, 1, 2),
        member_id="MEM-4",
        payer_id="PAY-4",
    ),
    visit="V1",
    occurred_at=datetime(2026, 3, 2, 10, 15, tzinfo=UTC),
    kind=AdmissionKind.ADMITTED,
)


@pytest.fixture
async def registry(intake_database: str, keyring: MemoryKeyring) -> AsyncIterator[Registry]:
    async with intake_pool(intake_database) as pool:
        yield Registry(pool, keyring)


async def test_ten_at_once_get_one_journey_and_one_of_them_opened_it(registry: Registry) -> None:
    answers = await asyncio.gather(*(registry.admit(ADMISSION, uuid4(), "main") for _ in range(10)))
    assert len({journey.journey_id for journey, _ in answers}) == 1
    assert sorted(is_new for _, is_new in answers) == [False] * 9 + [True]


async def test_asking_again_gets_the_same_answer_even_after_the_journey_closed(registry: Registry) -> None:
    message_id = uuid4()
    journey, is_new = await registry.admit(ADMISSION, message_id, "main")
    await registry.close(journey.journey_id)
    await registry.close(str(journey.journey_id))
    again, is_new_again = await registry.admit(ADMISSION, message_id, "main")
    assert (is_new, is_new_again, again.journey_id) == (True, True, journey.journey_id)
    later, _ = await registry.admit(ADMISSION, uuid4(), "main")
    assert later.journey_id != journey.journey_id
    assert later.client_ref == journey.client_ref


async def test_the_directory_finds_the_person_behind_a_reference(registry: Registry) -> None:
    directory: ClientDirectory = registry
    journey, _ = await registry.admit(ADMISSION, uuid4(), "main")
    person = await directory.find(str(journey.client_ref))
    assert person is not None
    assert (person.mrn, person.family_name, person.member_id) == ("700400", "Marlowe", "MEM-4")
    assert await directory.find(str(uuid4())) is None
    assert await directory.find("no reference") is None
