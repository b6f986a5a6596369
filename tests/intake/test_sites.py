"""At which site a journey opens: as the message says, or as a person says; never a guess."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from domain.sites import all_sites
from intake.adt import read_adt
from intake.facts import Admission
from intake.handling import read_fact
from intake.hl7 import parse
from intake.judging import HL7, ReceivingRules
from intake.locations import Locations, named_locations
from intake.releasing import release_to_site
from intake.service import intake_pool
from tests.centres import loaded, three_sites
from tests.clientkeys.memory import MemoryKeyring
from tests.intake.conftest import RecordingGate, RunningIntake, running_intake
from tests.intake.messages import adt, code
from tests.intake.test_intake import send

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)
NOON_WITHOUT_ZONE = "20260703120000"


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    return three_sites(tmp_path)


def at(location: str, facility: str = "NORTH^9.8^ISO", **fields: str) -> bytes:
    """An admission whose PV1-3 is `location`, sent by `facility`."""
    raw = adt("A04", **fields).replace(b"PV1|1|O||", f"PV1|1|O|{location}|".encode())
    return raw.replace(b"|NORTH^9.8^ISO|", f"|{facility}|".encode())


@pytest.mark.parametrize(
    ("location", "facility", "site"),
    [
        ("^^^Mesa Clinic", "HOSPITAL", "mesa"),
        ("^^^mesa clinic", "HOSPITAL", "mesa"),
        ("^^^X&9.8.3&ISO", "HOSPITAL", "pier"),
        ("Harbour Clinic^2^B", "HOSPITAL", "harbour"),
        ("", "HARBOUR CLINIC", "harbour"),
        ("", "HOSPITAL^9.8.1^ISO", "harbour"),
        ("^^^Mesa Clinic", "mesa", "mesa"),
        ("^^^Mesa Clinic", "PIER", None),  # two sites
        ("^^^Elsewhere", "HOSPITAL", None),
        ('^^^""', '""', None),
        ("", "", None),
    ],
)
def test_a_message_means_the_one_site_that_it_names(
    centre: Path, location: str, facility: str, site: str | None
) -> None:
    with loaded(centre):
        locations = Locations.of(all_sites())
    meant = locations.meant(named_locations(parse(at(location, facility))))
    assert (meant.site if meant else None) == site


def test_a_centre_with_one_site_has_no_other(centre: Path) -> None:
    with loaded(centre):
        alone = Locations.of(all_sites()[:1])
    meant = alone.meant(("Elsewhere",))
    assert meant is not None and meant.site == "harbour"


@pytest.mark.parametrize(
    ("location", "hour"), [("^^^Harbour Clinic", 16), ("^^^Mesa Clinic", 19), ("^^^Pier Clinic", 19), ("", 12)]
)
def test_a_time_without_an_offset_is_local_to_the_site_that_is_named(centre: Path, location: str, hour: int) -> None:
    with loaded(centre):
        locations = Locations.of(all_sites())
    fact = read_adt(parse(at(location, "HOSPITAL", evn=NOON_WITHOUT_ZONE)), UTC, NOW, locations).fact
    assert isinstance(fact, Admission)
    assert fact.occurred_at.astimezone(UTC) == datetime(2026, 7, 3, hour, tzinfo=UTC)


def test_a_kept_message_is_read_as_it_was_judged(centre: Path) -> None:
    with loaded(centre):
        rules = ReceivingRules()
    fact = read_fact(at("^^^Mesa Clinic", evn=NOON_WITHOUT_ZONE), HL7, rules, NOW)
    assert isinstance(fact, Admission) and "Mesa Clinic" in fact.locations
    assert fact.occurred_at.astimezone(UTC).hour == 19


@pytest.fixture
async def three(
    centre: Path, intake_database: str, gate: RecordingGate, keyring: MemoryKeyring
) -> AsyncIterator[RunningIntake]:
    with loaded(centre):
        async with running_intake(intake_database, gate, keyring=keyring) as running:
            yield running


def opened_at(running: RunningIntake) -> list[str]:
    return sorted(admission.site for _, admission in running.gate.opened.values())


@pytest.mark.stack
async def test_each_journey_opens_at_the_site_of_its_admission(three: RunningIntake) -> None:
    for number, site in enumerate(("Harbour", "Mesa", "Pier")):
        await send(three, at(f"^^^{site} Clinic", control_id=f"C{number}", mrn=f"70020{number}"))
    assert await three.settled() == {"done": 3}
    assert opened_at(three) == ["harbour", "mesa", "pier"]
    assert await three.rows("select site from intake.journeys order by site") == [("harbour",), ("mesa",), ("pier",)]


@pytest.mark.stack
@pytest.mark.parametrize("message", [at("^^^Elsewhere"), at("^^^Mesa Clinic", "PIER"), at("")])
async def test_an_admission_that_tells_no_site_waits_for_a_person_and_nothing_of_it_is_lost(
    three: RunningIntake, message: bytes
) -> None:
    [ack] = await send(three, message)
    assert code(ack) == "AA"
    assert await three.settled() == {"quarantined": 1}
    assert not three.gate.opened
    assert await three.rows("select from intake.journeys") == await three.rows("select from intake.clients") == []
    [(raw, reason, advice)] = await three.kept()
    assert (raw, reason) == (message, "unknown-site")
    assert "--site SITE" in advice and "Elsewhere" not in advice


@pytest.mark.stack
async def test_a_person_names_the_site_and_the_admission_goes_on(three: RunningIntake) -> None:
    await send(three, at("^^^Elsewhere"))
    await three.settled()
    [(number,)] = await three.rows("select quarantine_id from intake.quarantine")
    async with intake_pool(three.database_url) as pool:
        assert not await release_to_site(pool, number + 1, "mesa", "s-12")
        assert await release_to_site(pool, number, "mesa", "s-12")
        assert not await release_to_site(pool, number, "pier", "s-13")
    assert await three.settled() == {"done": 1}
    assert opened_at(three) == ["mesa"]
    assert await three.rows("select released_by, released_at is not null from intake.quarantine") == [("s-12", True)]


@pytest.mark.stack
async def test_another_kind_of_message_in_quarantine_is_not_released_so(three: RunningIntake) -> None:
    await send(three, adt("A40"))
    await three.settled()
    [(number,)] = await three.rows("select quarantine_id from intake.quarantine")
    async with intake_pool(three.database_url) as pool:
        assert not await release_to_site(pool, number, "mesa", "s-12")


@pytest.mark.stack
async def test_an_open_journey_needs_no_site_again(three: RunningIntake) -> None:
    await send(three, at("^^^Pier Clinic", control_id="C1", visit="V1"))
    await three.settled()
    await send(three, at("^^^Elsewhere", control_id="C2", visit="V2", evn="20260302111500+0000"))
    assert await three.settled() == {"done": 2}
    assert opened_at(three) == ["pier"] and len(three.gate.repeated) == 1


@pytest.mark.stack
async def test_a_json_admission_may_name_its_site(three: RunningIntake) -> None:
    person = {"authority": "NORTH", "family_name": "Marlowe", "given_name": "Pia", "occurred_at": "2026-03-02T10:15Z"}
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{three.ports.http}", timeout=30) as client:
        for number, named in enumerate(({"site": "mesa"}, {"site": "Pier Clinic"}, {"site": "nowhere"}, {})):
            document = {**person, "mrn": f"70030{number}", **named}
            answer = await client.post("/admissions", json=document, headers={"Idempotency-Key": f"k-{number}"})
            assert answer.status_code == 202
    assert await three.settled() == {"done": 2, "quarantined": 2}
    assert opened_at(three) == ["mesa", "pier"]
