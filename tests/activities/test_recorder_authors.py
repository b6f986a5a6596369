"""On a real PostgreSQL: what is not proven is not recorded, and what is recorded says who vouched for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from access.signatures import Authors, Standing, TrustedKeys, is_signed
from activities import signatures
from activities.recorder import Recorder
from domain.authorship import NOT_SIGNED, SIGNATURE_WRONG, Authorship, Via
from domain.commands import SignedCommand
from domain.pathway.admission import AdmissionRepeated, RepeatAdmission
from domain.pathway.obligation_events import ObligationWaived
from eventstore import EventStore, open_store
from eventstore.verification.verify import verify
from record.sealing import Sealer
from tests.access.test_signatures import (
    API,
    FORGERIES,
    INTAKE,
    JOURNEY,
    OPERATOR,
    PLACEMENT,
    SITE,
    TRUSTED,
    signed,
)
from tests.clientkeys.memory import MemoryKeyring
from tests.domain.walk import CLINICIAN, MONDAY

pytestmark = pytest.mark.stack

SECRET = "Bartolomea Quillfeather"  # an invented client
DIRECT = Standing(Via.DIRECT, roles=(CLINICIAN.role,))


@pytest.fixture
async def store(migrated_database: str) -> AsyncIterator[EventStore]:
    async with open_store(migrated_database) as opened:
        yield opened


def recorder(store: EventStore, authors: Authors = TRUSTED, sealer: Sealer | None = None) -> Recorder:
    return Recorder(store, sealer or Sealer(MemoryKeyring()), authors)


def asked(command: SignedCommand, *, key: str = "", after: int = 0) -> signatures.RecordRequest:
    """Two events, the first with words about the client."""
    cause = key or command.cause
    waived = ObligationWaived(
        at=MONDAY,
        cause=cause,
        obligation="enrol-1",
        kind="enrol",
        title="Enrol the client",
        reason=SECRET,
        by=CLINICIAN,
    )
    return signatures.RecordRequest(
        stream=JOURNEY,
        expected_version=after,
        key=cause,
        events=(waived, AdmissionRepeated(at=MONDAY, cause=cause, message="m-1")),
        client_ref="client-1",
        authorship=command.authorship(SITE),
    )


async def meta(store: EventStore) -> list[dict[str, Any]]:
    return [each.meta for each in await store.read(JOURNEY)]


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forgery_is_answered_and_nothing_is_recorded(store: EventStore, forgery: str) -> None:
    make, code = FORGERIES[forgery]
    with capture_logs() as logs:
        recorded = await recorder(store).record(asked(make()))
    assert recorded.refusal is not None and recorded.refusal.code == code
    assert (recorded.events, recorded.as_asked) == ((), False)
    assert await store.read(JOURNEY) == ()
    [line] = logs
    assert (line["event"], line["log_level"], line["cause"]) == ("command-not-believed", "warning", code)
    assert (line["journey"], SECRET in str(line), "other words" in str(line)) == (JOURNEY, False, False)
    later = await recorder(store).record(asked(signed()))
    assert later.as_asked and len(await store.read(JOURNEY)) == 2


async def test_another_cause_than_the_signed_one_is_a_forgery(store: EventStore) -> None:
    recorded = await recorder(store).record(asked(signed(), key="decide-placement/another"))
    assert recorded.refusal is not None and recorded.refusal.code == SIGNATURE_WRONG


async def test_what_is_recorded_says_who_vouched_for_it(store: EventStore, migrated_database: str) -> None:
    command = signed()
    assert (await recorder(store).record(asked(command))).as_asked
    first, second = await meta(store)
    kept = Authorship.model_validate(first["signed"])
    assert is_signed(JOURNEY, first["command_id"], kept, API.public_key())
    assert not is_signed(JOURNEY, first["command_id"], kept, OPERATOR.public_key())
    assert kept.by == PLACEMENT.by and kept.signature is not None
    assert (kept.signature.roles, kept.signature.sites) == (("clinician", "clinical-supervisor"), (SITE, "east"))
    assert command.signature is not None and command.signature.salt not in str(first)
    assert ("signed" in second, first["via"], second["via"]) == (False, "api", "api")
    assert verify(migrated_database).fault is None


async def test_direct_access_is_on_record_as_such_with_every_event(store: EventStore) -> None:
    await recorder(store).record(asked(signed(key=OPERATOR, standing=DIRECT)))
    assert [each["via"] for each in await meta(store)] == ["direct", "direct"]


async def test_a_message_is_on_record_as_one(store: EventStore) -> None:
    message = signed(RepeatAdmission(id="repeat/1", message="m-1"), key=INTAKE, standing=Standing(Via.INTAKE))
    assert (await recorder(store).record(asked(message))).as_asked
    [first, _] = await meta(store)
    assert (first["via"], first["signed"]["by"]) == ("intake", None)
    refused = await recorder(store).record(asked(RepeatAdmission(id="repeat/2", message="m-2"), after=2))
    assert refused.refusal is not None and refused.refusal.code == NOT_SIGNED


async def test_what_the_journey_gives_itself_needs_no_signature(store: EventStore) -> None:
    itself = asked(PLACEMENT, key="time/1").model_copy(update={"authorship": None})
    assert (await recorder(store).record(itself)).as_asked
    assert [each.keys() & {"via", "signed"} for each in await meta(store)] == [set(), set()]


async def test_a_recorded_command_is_handed_over_though_its_key_is_trusted_no_more(store: EventStore) -> None:
    """Its worker died with the answer; the next one has another list of keys."""
    request, sealer = asked(signed(key=OPERATOR, standing=DIRECT)), Sealer(MemoryKeyring())
    await recorder(store, sealer=sealer).record(request)
    again = await recorder(store, TrustedKeys(()), sealer).record(request)
    assert (again.refusal, again.as_asked, len(again.events)) == (None, False, 2)
