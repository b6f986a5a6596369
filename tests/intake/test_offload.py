"""Long messages are read in another process, one at a time, and never make other senders wait for it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import cast

import psutil
import pytest

from intake import handling, judging, receiver
from intake.hl7 import Message, parse
from intake.inbox import Arrival, Inbox
from intake.mllp_client import MllpClient
from intake.offload import LARGE_BYTES, ReadingProcess, ReadingProcessLost
from intake.privacy import Privacy, Sealed
from intake.problem import Hl7Error
from intake.receiver import Receiver, ReceivingRules
from intake.service import intake_pool
from tests.clientkeys.memory import MemoryKeyring
from tests.intake.conftest import RunningIntake
from tests.intake.messages import adt, code

LONG = bytes(LARGE_BYTES)
NOW = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)


def long_message(number: int) -> bytes:
    """An admission of a client of its own with a document of some length."""
    note = "OBX|1|ED|PDF||^application^pdf^Base64^" + "QUJD" * LARGE_BYTES
    return adt("A04", control_id=f"L{number}", mrn=f"7002{number:02}", visit=f"V{number}", extra=note)


def process_of(raw: bytes) -> int:
    return os.getpid()


def end_the_process(raw: bytes, *others: object) -> None:
    os._exit(3)


async def test_only_long_messages_are_read_in_the_other_process() -> None:
    async with ReadingProcess() as reading:
        assert await reading.read(LONG[1:], process_of) == os.getpid()
        others = await asyncio.gather(*(reading.read(LONG, process_of) for _ in range(8)))
        assert len(set(others)) == 1
        assert others[0] != os.getpid()
    assert not psutil.pid_exists(others[0])


async def test_an_error_comes_back_as_it_was_raised() -> None:
    async with ReadingProcess() as reading:
        with pytest.raises(Hl7Error) as caught:
            await reading.read(b"x" * LARGE_BYTES, parse)
        assert caught.value.problem.code == "no-msh"


async def test_another_process_is_started_for_one_that_was_lost() -> None:
    async with ReadingProcess() as reading:
        first = await reading.read(LONG, process_of)
        psutil.Process(first).kill()
        assert await reading.read(LONG, process_of) != first
        with pytest.raises(ReadingProcessLost):
            await reading.read(LONG, end_the_process)
        assert await reading.read(LONG, process_of) != os.getpid()


async def test_a_reading_that_was_given_up_does_not_answer_for_the_next() -> None:
    async with ReadingProcess() as reading:
        given_up = asyncio.create_task(reading.read(LONG, bytes.hex))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert await reading.read(LONG, len) == LARGE_BYTES


def test_the_process_ends_with_the_one_that_started_it() -> None:
    start = """
import asyncio, os
from intake.offload import ReadingProcess
from tests.intake.test_offload import LONG, process_of
async def main():
    async with ReadingProcess() as reading:
        print(await reading.read(LONG, process_of), flush=True)
        os._exit(1)
asyncio.run(main())"""
    told = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, timeout=60).stdout
    if psutil.pid_exists(int(told)):
        psutil.Process(int(told)).wait(30)


async def test_a_message_that_cannot_be_read_now_is_to_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "judge", end_the_process)
    async with ReadingProcess() as reading:
        receipt = await Receiver(cast(Inbox, None), reading, "mllp", ReceivingRules()).receive_hl7(long_message(1))
    assert receipt.ack is not None
    assert code(receipt.ack) == "AE"
    assert receipt.problem is not None
    assert receipt.problem.code == "not-stored"


@pytest.mark.stack
async def test_this_process_reads_no_long_message(running: RunningIntake, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse_short(raw: bytes) -> Message:
        assert len(raw) < LARGE_BYTES, "a long message is read in the process that accepts"
        return parse(raw)

    for module in (judging, handling):
        monkeypatch.setattr(module, "parse", parse_short)
    async with MllpClient("127.0.0.1", running.ports.mllp) as client:
        assert code(await client.send(long_message(1))) == "AA"
    assert await running.settled() == {"done": 1}


@pytest.mark.stack
async def test_long_messages_never_take_every_connection(intake_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    holding, most = set[bytes](), list[int]()
    seal_message = Privacy.seal_message

    async def counted(self: Privacy, raw: bytes, *others: object) -> Sealed:
        holding.add(raw)
        most.append(len(holding))
        await asyncio.sleep(0.01)  # so that the others would begin
        holding.discard(raw)
        return await seal_message(self, raw, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(Privacy, "seal_message", counted)
    async with intake_pool(intake_database, 8) as pool:
        inbox = Inbox(pool, MemoryKeyring())

        async def keep(raw: bytes) -> None:
            arrival = judging.judge(raw, "mllp", ReceivingRules(), NOW)
            assert isinstance(arrival, Arrival)
            await inbox.keep(arrival, raw)

        await asyncio.gather(*(keep(long_message(number)) for number in range(8)))
    assert max(most) == 1
