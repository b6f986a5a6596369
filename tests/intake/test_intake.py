"""Intake as a whole: real sockets, a real PostgreSQL, and what must hold however senders behave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import psycopg
import pytest
import structlog

from domain.pathway.crisis import CrisisPlace
from intake.facts import AdmissionKind, CancelReason
from intake.framing import frame
from intake.mllp_client import MllpClient, MllpError
from intake.mllp_server import MllpLimits
from intake.receiver import ReceivingRules
from intake.registry import Registry
from intake.relay import RelayRules
from intake.service import IntakeSettings, intake_pool
from tests.clientkeys.memory import MemoryKeyring
from tests.intake.conftest import FAST, RecordingGate, RunningIntake, running_intake, until
from tests.intake.messages import adt, code, fields
from tests.intake.test_hl7 import SWAPPED

pytestmark = pytest.mark.stack


async def send(running: RunningIntake, *messages: bytes) -> list[bytes]:
    async with MllpClient("127.0.0.1", running.ports.mllp) as client:
        return [await client.send(message) for message in messages]


async def raw_exchange(running: RunningIntake, *chunks: bytes, answers: int) -> list[bytes]:
    """Writes `chunks` as they are and reads until `answers` frames came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.ports.mllp)
    received = b""
    async with asyncio.timeout(30):
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        while received.count(b"\x1c\r") < answers:
            received += await reader.read(65536)
    writer.close()
    await writer.wait_closed()
    return [part.strip(b"\x0b") for part in received.split(b"\x1c\r") if part]


async def test_an_admission_opens_one_journey_under_opaque_ids(running: RunningIntake) -> None:
    [ack] = await send(running, adt("A04"))
    assert code(ack) == "AA"
    assert await running.settled() == {"done": 1}
    [(journey_id, (client_ref, admission))] = running.gate.opened.items()
    assert admission.kind is AdmissionKind.REGISTERED
    assert "700100" not in repr((journey_id, client_ref, admission))
    assert "QUILL" not in repr((journey_id, client_ref, admission))


async def test_three_times_the_same_message_is_one_message_with_one_answer(running: RunningIntake) -> None:
    acks = await send(running, *[adt("A04")] * 3)
    assert len(set(acks)) == 1
    assert await running.settled() == {"done": 1}
    assert running.gate.calls == 1


async def test_ten_connections_at_once_make_one_journey_and_ten_equal_answers(running: RunningIntake) -> None:
    acks = await asyncio.gather(*(send(running, adt("A04")) for _ in range(10)))
    assert len({ack for [ack] in acks}) == 1
    assert await running.settled() == {"done": 1}
    assert len(running.gate.opened) == 1


async def test_ten_admissions_of_one_client_at_once_make_one_journey(running: RunningIntake) -> None:
    different = [adt("A04", control_id=f"C{n}", evn=f"202603021015{n:02}+0000", visit=f"V{n}") for n in range(10)]
    await asyncio.gather(*(send(running, message) for message in different))
    assert await running.settled() == {"done": 10}
    assert len(running.gate.opened) == 1
    assert len(running.gate.repeated) == 9


async def test_the_same_event_under_a_new_control_id_says_nothing_new(running: RunningIntake) -> None:
    await send(running, adt("A04", control_id="C1"), adt("A04", control_id="C2"))
    assert await running.settled() == {"done": 1, "ignored": 1}
    assert running.gate.calls == 1


async def test_an_admission_after_a_cancellation_is_a_new_one_though_it_reads_the_same(running: RunningIntake) -> None:
    events = ("A04", "A11", "A04")
    await send(running, *(adt(event, control_id=f"C{n}", evn="20260302") for n, event in enumerate(events)))
    assert await running.settled() == {"done": 3}


async def test_35_messages_with_one_control_id_are_35_messages(running: RunningIntake) -> None:
    acks = await send(running, *(adt("A04", control_id="MSG00001", mrn=f"8{n:05}") for n in range(35)))
    assert {code(ack) for ack in acks} == {"AA"}
    assert await running.settled() == {"done": 35}
    assert len(running.gate.opened) == 35
    [(flagged,)] = await running.rows("select count(*) from intake.messages where 'control-id-reuse' = any(warnings)")
    assert flagged == 34


@pytest.mark.parametrize(
    "message",
    [
        adt("A04", extra="NTE|1||" + "long " * 14_500),
        adt("A04", end="\n"),
        adt("A04", end="\r\n"),
        b"\xef\xbb\xbf" + adt("A04"),
        SWAPPED,
    ],
    ids=["72 KB", "LF", "CRLF", "BOM", "swapped delimiters"],
)
async def test_odd_but_readable_messages_are_taken(running: RunningIntake, message: bytes) -> None:
    [ack] = await send(running, message)
    assert b"AA" in ack.split(b"\r")[1]
    assert await running.settled() == {"done": 1}


async def test_one_message_in_many_segments_and_many_messages_in_one(running: RunningIntake) -> None:
    one = frame(adt("A04", control_id="S1"))
    acks = await raw_exchange(running, one[:5], one[5:60], one[60:], answers=1)
    both = frame(adt("A08", control_id="S2")) + frame(adt("A03", control_id="S3"))
    acks += await raw_exchange(running, both, answers=2)
    assert [fields(ack)["MSA"][1:] for ack in acks] == [["AA", "S1"], ["AA", "S2"], ["AA", "S3"]]


async def test_a_missing_final_cr_is_borne(running: RunningIntake) -> None:
    first, second = adt("A04", control_id="N1"), adt("A08", control_id="N2")
    acks = await raw_exchange(running, frame(first)[:-1], frame(second)[:-1], answers=2)
    assert [code(ack) for ack in acks] == ["AA", "AA"]


@pytest.mark.parametrize(
    ("garbage", "reason"),
    [
        (b"GET / HTTP/1.1", "no-msh"),
        (bytes(range(256)).replace(b"\x0b", b"").replace(b"\x1c", b""), "unsupported-charset"),
        (b"", "no-msh"),
        (adt("A04", control_id=""), "no-control-id"),
        (adt("A04", control_id="9" * 5000), "header-too-long"),
        (adt("A04").replace(b"|2.5.1", b"|3"), "unsupported-version"),
        (adt("A04") + adt("A08"), "several-messages"),
    ],
)
async def test_garbage_is_refused_and_kept_and_the_next_message_is_taken(
    running: RunningIntake, garbage: bytes, reason: str
) -> None:
    refused, again, taken = await send(running, garbage, garbage, adt("A04", control_id="GOOD"))
    assert [code(refused), code(again), code(taken)] == ["AR", "AR", "AA"]
    assert fields(refused)["ERR"][5] == reason
    [(raw, why, advice)] = await running.kept()
    assert (raw, why, advice[-1]) == (garbage, reason, ".")


async def test_an_admission_without_a_record_number_gets_ae_and_is_kept(running: RunningIntake) -> None:
    nobody = adt("A04", control_id="B1").replace(b"700100^^^NORTH^MR", b"")
    refused, replayed, taken = await send(running, nobody, nobody, adt("A04", control_id="B2"))
    assert (code(refused), refused == replayed, code(taken)) == ("AE", True, "AA")
    assert [(raw, why) for raw, why, _ in await running.kept()] == [(nobody, "no-record-number")]


async def test_a_site_may_answer_content_errors_with_aa(intake_database: str, gate: RecordingGate) -> None:
    settings = IntakeSettings(receiving=ReceivingRules(content_errors="AA"), relaying=FAST)
    async with running_intake(intake_database, gate, settings) as running:
        [ack] = await send(running, adt("A04").replace(b"700100^^^NORTH^MR", b""))
        assert code(ack) == "AA"
        assert await running.rows("select reason_code from intake.quarantine") == [("no-record-number",)]


async def test_a_merge_is_acknowledged_and_left_to_a_person(running: RunningIntake) -> None:
    [ack] = await send(running, adt("A40"))
    assert code(ack) == "AA"
    assert await running.rows("select reason_code from intake.quarantine") == [("needs-a-person",)]


async def test_an_ignored_message_keeps_the_code_of_its_rule_and_is_logged(running: RunningIntake) -> None:
    with structlog.testing.capture_logs() as lines:
        acks = await send(running, adt("A02"), adt("A04", control_id="C2").replace(b"ADT^A04", b"ORU^R01"))
    assert [code(ack) for ack in acks] == ["AA", "AA"]
    kept = await running.rows("select event, state, reason_code, reason from intake.messages order by received_id")
    assert [row[:3] for row in kept] == [("ADT^A02", "ignored", "location-only"), ("ORU^R01", "ignored", "not-adt")]
    assert all(row[3].endswith(".") for row in kept)
    told = [(line["event_type"], line["state"], line["code"]) for line in lines if line["event"] == "message kept"]
    assert told == [row[:3] for row in kept]


async def test_the_same_message_again_is_not_counted_twice_and_keeps_its_answer(running: RunningIntake) -> None:
    unclear = adt("A04").replace(b"ADT^A04", b"ADT^^ADT_A01")
    first, again = await send(running, unclear, unclear)
    assert (code(first), again) == ("AE", first)
    assert fields(first)["MSA"][2] == "C1"
    assert await running.rows("select state, reason_code, count(*) from intake.messages group by 1, 2") == [
        ("quarantined", "no-trigger", 1)
    ]


async def test_too_long_a_message_is_refused_with_a_reason(intake_database: str, gate: RecordingGate) -> None:
    settings = IntakeSettings(limits=MllpLimits(max_bytes=1000))
    async with running_intake(intake_database, gate, settings) as running:
        [ack] = await raw_exchange(running, b"\x0b" + b"x" * 1001, answers=1)
        assert (code(ack), fields(ack)["ERR"][5]) == ("AR", "frame-too-large")
        [next_ack] = await send(running, adt("A04"))
        assert code(next_ack) == "AA"


async def test_a_peer_that_stops_half_way_is_let_go_and_its_bytes_kept(
    intake_database: str, gate: RecordingGate
) -> None:
    settings = IntakeSettings(limits=MllpLimits(message_seconds=0.05))
    async with running_intake(intake_database, gate, settings) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.ports.mllp)
        writer.write(b"\x0bMSH|half")
        async with asyncio.timeout(30):
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        assert [(raw, why) for raw, why, _ in await running.kept()] == [(b"MSH|half", "incomplete-frame")]


async def test_idle_connections_up_to_the_limit_do_not_keep_a_sender_out(
    intake_database: str, gate: RecordingGate
) -> None:
    settings = IntakeSettings(limits=MllpLimits(max_connections=1))
    async with (
        running_intake(intake_database, gate, settings) as running,
        MllpClient("127.0.0.1", running.ports.mllp) as first,
    ):
        assert code(await first.send(adt("A04"))) == "AA"
        [ack] = await send(running, adt("A08"))
        assert code(ack) == "AA"
        with pytest.raises(MllpError, match="send the same bytes again"):
            await first.send(adt("A08", control_id="C2"))


async def test_enhanced_mode_without_answers_keeps_the_message(running: RunningIntake) -> None:
    quiet, loud = adt("A04", header="|||NE|NE"), adt("A08", control_id="C2", header="|||AL|NE")
    [ack] = await raw_exchange(running, frame(quiet) + frame(loud), answers=1)
    assert fields(ack)["MSA"][1:] == ["CA", "C2"]
    assert await running.settled() == {"done": 2}


async def test_a_cancellation_that_overtook_its_admission_waits_for_it(running: RunningIntake) -> None:
    await send(running, adt("A11", control_id="1"))
    assert await running.settled() == {"parked": 1}
    await send(running, adt("A04", control_id="2"))
    await until(lambda: is_true(lambda: len(running.gate.cancelled) == 1))
    assert await running.settled() == {"done": 2}
    assert list(running.gate.cancelled.values()) == [CancelReason.CANCELLED]


async def test_a_cancellation_of_a_later_visit_spares_the_journey(running: RunningIntake) -> None:
    visits = [adt("A04", control_id="1"), adt("A04", control_id="2", visit="V2")]
    await send(running, *visits, adt("A11", control_id="3", visit="V2"), adt("A11", control_id="4", visit="V3"))
    assert await running.settled() == {"done": 2, "ignored": 1, "parked": 1}
    assert running.gate.cancelled == {}


async def test_a_discharge_is_reported_and_one_from_an_earlier_stay_is_not(running: RunningIntake) -> None:
    early = adt("A03", control_id="2", visit="V0", evn="20260101080000+0000")
    await send(running, adt("A04", control_id="1"), early, adt("A03", control_id="3"))
    assert await running.settled() == {"done": 2, "quarantined": 1}
    assert len(running.gate.discharged) == 1
    assert await running.rows("select reason_code from intake.quarantine") == [("before-admission",)]


async def test_a_hospital_visit_of_a_client_tells_the_journey_and_its_end_asks_for_no_discharge(
    running: RunningIntake,
) -> None:
    emergency = partial(adt, visit="V2", patient_class="E")
    came, left, back = (emergency(event, control_id=event) for event in ("A04", "A03", "A13"))
    await send(running, adt("A04", control_id="1"), came, left, back)
    assert await running.settled() == {"done": 4}
    gate = running.gate
    [(visit, place)] = gate.at_hospital.values()
    assert (place, "V2" in visit) == (CrisisPlace.EMERGENCY_DEPARTMENT, False)
    assert [*gate.left_hospital.values()] == [*gate.still_at_hospital.values()] == [visit]
    assert not (gate.discharged or gate.taken_back or gate.repeated)


async def test_an_emergency_visit_that_becomes_a_stay_tells_the_journey(running: RunningIntake) -> None:
    emergency = adt("A04", control_id="2", visit="V2", patient_class="E")
    stay = adt("A06", control_id="3", visit="V2", patient_class="I")
    await send(running, adt("A04", control_id="1"), emergency, stay)
    assert await running.settled() == {"done": 3}
    places = [place for _, place in running.gate.at_hospital.values()]
    assert places == [CrisisPlace.EMERGENCY_DEPARTMENT, CrisisPlace.INPATIENT]


async def test_the_end_of_the_journeys_own_visit_is_reported_and_taken_back(running: RunningIntake) -> None:
    await send(running, adt("A04", control_id="1"), adt("A03", control_id="2"), adt("A13", control_id="3"))
    assert await running.settled() == {"done": 3}
    assert (len(running.gate.discharged), len(running.gate.taken_back)) == (1, 1)


async def test_weekly_visits_begin_and_end_without_a_word_to_anybody(running: RunningIntake) -> None:
    visits = [adt(event, control_id=f"{event}{n}", visit=f"V{n}") for n in range(2, 5) for event in ("A04", "A03")]
    await send(running, adt("A04", control_id="1"), *visits)
    assert await running.settled() == {"done": 4, "ignored": 3}
    gate = running.gate
    assert len(gate.repeated) == 3
    assert not (gate.discharged or gate.at_hospital or gate.left_hospital)


async def test_the_end_of_a_visit_that_came_after_the_discharge_is_reported_too(running: RunningIntake) -> None:
    await send(running, adt("A04", control_id="1"))
    await running.settled()
    gate = running.gate
    gate.discharged_clients.update(gate.opened)
    await send(running, adt("A04", control_id="2", visit="V2"), adt("A04", control_id="3", visit="V3"))
    assert await running.settled() == {"done": 3}
    gate.discharged_clients.clear()  # back in care
    await send(running, adt("A04", control_id="4", visit="V4"), adt("A03", control_id="5", visit="V4"))
    assert await running.settled() == {"done": 4, "ignored": 1}, "a weekly visit"
    for number, visit in enumerate(("V3", "V2", "V1")):
        await send(running, adt("A03", control_id=f"end-{number}", visit=visit))
        assert await running.settled() == {"done": 5 + number, "ignored": 1}
        assert len(gate.discharged) == 1 + number
    await send(running, adt("A13", control_id="back", visit="V2"))
    assert await running.settled() == {"done": 8, "ignored": 1} and len(gate.taken_back) == 1


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (adt("A03", control_id="2", visit="V9"), "parked"),  # of a visit that nobody announced
        (adt("A13", control_id="2", visit="V9"), "parked"),
        (adt("A13", control_id="2", visit=""), "quarantined"),  # of who knows which
        (adt("A06", control_id="2"), "quarantined"),  # the journey's own visit changes its class
    ],
)
async def test_what_cannot_be_told_apart_goes_to_a_person(running: RunningIntake, later: bytes, state: str) -> None:
    await send(running, adt("A04", control_id="1"), later)
    assert await running.settled() == {"done": 1, state: 1}
    gate = running.gate
    assert not (gate.discharged or gate.taken_back or gate.at_hospital or gate.still_at_hospital)


async def test_a_change_of_class_without_a_journey_goes_to_a_person(running: RunningIntake) -> None:
    await send(running, adt("A06", control_id="1", patient_class="I"), adt("A13", control_id="2"))
    assert await running.settled() == {"quarantined": 2}


async def test_an_orphan_is_quarantined_when_it_has_waited_long_enough(
    intake_database: str, gate: RecordingGate
) -> None:
    settings = IntakeSettings(relaying=RelayRules(poll=timedelta(milliseconds=50), park_for=timedelta(0)))
    async with running_intake(intake_database, gate, settings) as running:
        await send(running, adt("A03"))
        await until(lambda: has_states(running, {"quarantined": 1}))
        [(reason_code, reason)] = await running.rows("select reason_code, reason from intake.quarantine")
        assert reason_code == "parked-too-long"
        assert "no open journey" in reason


async def test_an_identity_update_starts_no_journey_and_an_older_one_changes_nothing(running: RunningIntake) -> None:
    await send(running, adt("A08", control_id="0", mrn="1"))
    assert await running.settled() == {"parked": 1}
    newer = adt("A08", control_id="2", name="NEWNAME^ORSOLYA", evn="20260303100000+0000")
    older = adt("A08", control_id="3", name="OLDNAME^ORSOLYA", evn="20260302120000+0000", extra="IN1|1||PAY9")
    await send(running, adt("A04", control_id="1"), newer, older)
    assert await running.settled() == {"done": 3, "parked": 1}
    [(client_ref, _)] = running.gate.opened.values()
    async with intake_pool(running.database_url) as pool:
        person = await Registry(pool, running.keyring).find(client_ref)
    assert person is not None
    assert (person.family_name, person.payer_id) == ("NEWNAME", "PAY9")


async def test_an_answer_lost_after_the_gate_acted_changes_nothing(running: RunningIntake) -> None:
    running.gate.failures = 2
    await send(running, adt("A04", control_id="1"))
    assert await running.settled() == {"done": 1}
    running.gate.failures = 1
    await send(running, adt("A03", control_id="2"))
    assert await running.settled() == {"done": 2}
    assert (len(running.gate.opened), len(running.gate.discharged), running.gate.calls) == (1, 1, 5)


async def test_a_gate_that_is_down_holds_back_no_acknowledgement_and_loses_nothing(running: RunningIntake) -> None:
    running.gate.down = True
    acks = await send(running, *(adt("A04", control_id=f"D{n}", mrn=f"D{n}") for n in range(5)))
    assert {code(ack) for ack in acks} == {"AA"}
    await until(lambda: is_true(lambda: running.gate.calls >= 10))
    running.gate.down = False
    assert await running.settled() == {"done": 5}
    assert len(running.gate.opened) == 5


async def test_a_message_we_keep_failing_on_is_quarantined_and_holds_up_nobody(running: RunningIntake) -> None:
    running.gate.error, running.gate.failures = RuntimeError, FAST.attempts
    await send(running, adt("A04", control_id="1"))
    assert await running.settled() == {"quarantined": 1}
    await send(running, adt("A04", control_id="2", evn="20260302110000+0000"))
    assert await running.settled() == {"quarantined": 1, "done": 1}
    assert len(running.gate.opened) == 1


async def test_intake_stopped_between_the_call_and_its_note_picks_up_where_it_was(
    intake_database: str, gate: RecordingGate, keyring: MemoryKeyring
) -> None:
    gate.hang = True
    async with running_intake(intake_database, gate, keyring=keyring) as running:
        [first] = await send(running, adt("A04"))
        await until(lambda: is_true(lambda: len(gate.opened) == 1))
        assert await running.states() == {"received": 1}
    gate.hang = False
    async with running_intake(intake_database, gate, keyring=keyring) as running:
        assert await running.settled() == {"done": 1}
        [replayed] = await send(running, adt("A04"))
    assert first == replayed
    assert (len(gate.opened), gate.calls) == (1, 2)


async def test_a_store_that_fails_gives_ae_and_the_message_is_taken_once_it_is_back(
    intake_database: str, gate: RecordingGate
) -> None:
    async with running_intake(intake_database, gate) as running:
        async with await psycopg.AsyncConnection.connect(intake_database, autocommit=True) as admin:
            await admin.execute("alter table intake.messages rename to away")
            [refused] = await send(running, adt("A04"))
            await admin.execute("alter table intake.away rename to messages")
        [taken] = await send(running, adt("A04"))
        assert (code(refused), fields(refused)["ERR"][5], code(taken)) == ("AE", "not-stored", "AA")
        assert await running.settled() == {"done": 1}


async def test_a_journey_that_is_over_gives_way_to_a_new_one(running: RunningIntake) -> None:
    await send(running, adt("A04", control_id="1"))
    await running.settled()
    running.gate.ended = set(running.gate.opened)
    await send(running, adt("A03", control_id="2"))
    assert await running.settled() == {"done": 1, "quarantined": 1}
    await send(running, adt("A04", control_id="3", visit="V9", evn="20260501100000+0000"))
    assert await running.settled() == {"done": 2, "quarantined": 1}
    running.gate.ended = set(running.gate.opened)
    await send(running, adt("A04", control_id="4", visit="V10", evn="20260701100000+0000"))
    assert await running.settled() == {"done": 3, "quarantined": 1}
    assert len(running.gate.opened) == 3
    refs = {client_ref for client_ref, _ in running.gate.opened.values()}
    assert len(refs) == 1


async def test_a_journey_whose_end_is_taken_back_hears_of_the_next_admission(running: RunningIntake) -> None:
    await send(running, adt("A04", control_id="1"))
    await running.settled()
    running.gate.ended = set(running.gate.opened)
    await send(running, adt("A03", control_id="2"))
    assert await running.settled() == {"done": 1, "quarantined": 1}
    running.gate.ended = set()
    await send(running, adt("A04", control_id="3", visit="V9", evn="20260501100000+0000"))
    assert await running.settled() == {"done": 2, "quarantined": 1}
    assert len(running.gate.opened) == 1 and len(running.gate.repeated) == 1, "a client has one open journey"


async def has_states(running: RunningIntake, states: dict[str, int]) -> bool:
    return await running.states() == states


async def is_true(condition: Callable[[], bool]) -> bool:
    return condition()
