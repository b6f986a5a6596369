"""What a message costs depends on its length alone, however it is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx2
import psutil
import pytest

from intake.adt import read_adt
from intake.framing import MOST_BROKEN, Broken, FrameDecoder, frame
from intake.hl7 import parse
from intake.inbox import Arrival
from intake.judging import ReceivingRules, judge
from intake.mllp_client import MllpClient
from intake.problem import Hl7Error, Problem
from tests.intake.conftest import RunningIntake
from tests.intake.hostile import HOSTILE, SIZE
from tests.intake.messages import adt, code
from tests.intake.test_http import PERSON

CPU_SECONDS = 0.5
"""For one message of five megabytes, received and relayed."""
NOW = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)


def cpu_seconds() -> float:
    """What this process and the process that reads long messages have used."""
    children = psutil.Process().children()
    readers = [child.cpu_times() for child in children if "intake.reading_process" in child.cmdline()]
    return time.process_time() + sum(used.user + used.system for used in readers)


def relay(raw: bytes) -> None:
    """Reads a message as a relay does."""
    try:
        read_adt(parse(raw), UTC, NOW)
    except Hl7Error as error:
        assert error.problem.advice


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_reading_any_message_takes_little_time(make: Callable[[], bytes]) -> None:
    raw = make()
    assert len(raw) <= SIZE
    before = time.process_time()
    judged = judge(raw, "mllp", ReceivingRules(), NOW)
    relay(raw)
    assert time.process_time() - before < CPU_SECONDS
    if isinstance(judged, Arrival):
        assert len(judged.ack or b"") < 1000
    else:
        assert judged.advice.endswith(".")


def test_what_is_beyond_a_bound_is_refused_with_a_reason() -> None:
    reasons = {name: judge(make(), "mllp", ReceivingRules(), NOW) for name, make in HOSTILE.items()}
    codes = {name: each.code if isinstance(each, Problem) else each.reason_code for name, each in reasons.items()}
    assert codes["identifiers"] == "too-many-repetitions"
    assert codes["lines of free text"] == codes["segments"] == "too-many-lines"
    assert codes["escapes in the name"] == "value-too-long"
    assert codes["control id"] == "header-too-long"
    assert codes["a document in base64"] is None
    many = adt("A04") + b"OBX|1|TX|||a\r" * 20_001
    judged = judge(many, "mllp", ReceivingRules(), NOW)
    assert isinstance(judged, Problem)
    assert judged.code == "too-many-segments"


@pytest.mark.parametrize(
    "stream",
    [b"\x0b" * 65_536, b"\x0b " * 32_768, b"\x0bx" * 32_768, b"\x1c" * 65_536, b"\x0b\x1c" * 32_768, b"x\x1c" * 9999],
    ids=["starts", "spaced starts", "half messages", "ends", "empty frames", "messages without a start"],
)
def test_a_stream_of_broken_frames_is_given_up(stream: bytes) -> None:
    before = time.process_time()
    events = list(FrameDecoder().feed(stream))
    assert time.process_time() - before < CPU_SECONDS
    assert len(events) <= MOST_BROKEN
    if stream.strip(b"\x0b\x1c"):
        last = events[-1]
        assert isinstance(last, Broken)
        assert last.fatal


@pytest.mark.parametrize(
    "begun",
    [b" " * 60_000, b"x" * 40_000, b"\x1c" + b"\r" * 60_000, b"\x0b", b"\x0b" + b"x" * 5_000_000],
    ids=["blanks", "noise", "blanks behind an end", "a start", "most of a message"],
)
@pytest.mark.parametrize("byte", [b" ", b"x"])
def test_bytes_that_come_one_by_one_cost_the_same_whatever_came_before(begun: bytes, byte: bytes) -> None:
    decoder = FrameDecoder()
    assert list(decoder.feed(begun)) == []
    before = time.process_time()
    for _ in range(5000):
        assert list(decoder.feed(byte)) == []
    assert time.process_time() - before < CPU_SECONDS


@pytest.mark.parametrize("body", [b"", b"M", b"\x0bM"], ids=["ends", "short", "with two starts"])
def test_very_many_short_messages_at_once_take_little_time(body: bytes) -> None:
    stream = (frame(body) if body else b"\x1c") * (400_000 // (len(body) + 3))
    before = time.process_time()
    for _ in FrameDecoder().feed(stream):
        pass
    assert time.process_time() - before < CPU_SECONDS


def test_a_whole_message_makes_up_for_broken_ones() -> None:
    stream = (b"\x0bhalf" + frame(b"MSH|whole")) * (2 * MOST_BROKEN)
    assert not any(isinstance(each, Broken) and each.fatal for each in FrameDecoder().feed(stream))


@pytest.mark.stack
async def test_broken_frames_end_the_connection_and_empty_ones_are_not_kept(running: RunningIntake) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.ports.mllp)
    writer.write(b"\x0b " * 5000)
    async with asyncio.timeout(30):
        await reader.read()  # until intake closes
    writer.close()
    assert await running.kept() == []
    async with MllpClient("127.0.0.1", running.ports.mllp) as client:
        assert code(await client.send(adt("A04"))) == "AA"


@pytest.mark.stack
@pytest.mark.parametrize(
    "name", ["identifiers, 32 kB", "identifiers", "a document in base64", "a document in one line", "fields of PID"]
)
async def test_the_whole_of_intake_takes_little_time_for_a_long_message(running: RunningIntake, name: str) -> None:
    raw = HOSTILE[name]()
    async with MllpClient("127.0.0.1", running.ports.mllp) as client:
        await client.send(HOSTILE["a document in one line"]().replace(b"|C1|", b"|C0|"))  # the reading process is up
        await running.settled()
        before = cpu_seconds()
        await client.send(raw)
        await running.settled()
        assert cpu_seconds() - before < CPU_SECONDS
        assert code(await client.send(adt("A08", control_id="C2"))) == "AA"


@pytest.mark.stack
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 5_000_000,
        b'{"mrn":' * 700_000,
        b'{"mrn":"' + b"9" * 5_000_000 + b'"}',
        b"{" + b",".join(b'"k%d":1' % number for number in range(400_000)) + b"}",
        b'{"mrn":"' + b"\\u0041" * 800_000 + b'"}',
    ],
    ids=["lists", "objects", "a long number", "unknown fields", "escapes"],
)
async def test_a_hostile_document_takes_little_time_and_is_kept(running: RunningIntake, body: bytes) -> None:
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{running.ports.http}", timeout=30) as http:
        before = time.process_time()
        answer = await http.post("/admissions", content=body, headers=headers)
        assert time.process_time() - before < CPU_SECONDS
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-admission")
        assert [why for _, why, _ in await running.kept()] == ["bad-admission"]
        taken = await http.post("/admissions", json=PERSON, headers={"Idempotency-Key": "k2"})
        assert taken.status_code == 202


@pytest.mark.stack
@pytest.mark.parametrize(("content_type", "status"), [(b"application/hl7-v2", b"400"), (b"text/plain", b"4")])
async def test_a_body_in_very_many_pieces_is_refused_and_one_in_some_is_taken(
    running: RunningIntake, content_type: bytes, status: bytes
) -> None:
    head = b"POST /messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: " + content_type
    before = time.process_time()
    reader, writer = await asyncio.open_connection("127.0.0.1", running.ports.http)
    writer.write(head + b"\r\n\r\n" + b"1\r\nx\r\n" * 500_000 + b"0\r\n\r\n")
    async with asyncio.timeout(30):
        assert (await reader.readline()).startswith(b"HTTP/1.1 " + status)
    writer.close()
    assert time.process_time() - before < CPU_SECONDS

    async def pieces() -> AsyncIterator[bytes]:
        message = HOSTILE["a document in one line"]()
        for start in range(0, len(message), 4096):
            yield message[start : start + 4096]

    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{running.ports.http}", timeout=30) as http:
        answer = await http.post("/messages", content=pieces(), headers={"Content-Type": "application/hl7-v2"})
    assert code(answer.content) == "AA"
