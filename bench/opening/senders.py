"""Admissions of invented clients, sent over MLLP by several senders side by side."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from intake.hl7 import parse
from intake.mllp_client import MllpClient

AUTHORITY = "BENCH"


async def send_all(port: int, clients: int, senders: int) -> dict[str, float]:
    """Sends one admission for each of `clients`; each sender has a connection and sends one after the other.

    Returns:
        For each control id the time of its AA, in seconds since the epoch.

    Raises:
        RuntimeError: A message was not answered with AA.
    """
    run = uuid.uuid4().hex[:8].upper()
    shares = [range(first, clients, senders) for first in range(senders)]
    answered = await asyncio.gather(*(_send(port, run, share) for share in shares))
    return {control_id: at for share in answered for control_id, at in share}


async def _send(port: int, run: str, numbers: Iterable[int]) -> Sequence[tuple[str, float]]:
    answered = []
    async with MllpClient("127.0.0.1", port) as client:
        for number in numbers:
            control_id = f"{run}{number}"
            answer = parse(await client.send(_admission(control_id, number, run)))
            if answer.field("MSA", 1) != "AA":
                raise RuntimeError(f"an admission was answered {answer.field('MSA', 1)}")
            answered.append((control_id, time.time()))
    return answered


def _admission(control_id: str, number: int, run: str) -> bytes:
    mrn = f"B{run}{number}"
    stamp = f"{datetime.now(UTC):%Y%m%d%H%M%S}+0000"
    segments = (
        f"MSH|^~\\&|FRONT|{AUTHORITY}|THROUGHLINE|{AUTHORITY}|{stamp}||ADT^A04|{control_id}|P|2.5.1",
        f"EVN|A04|{stamp}|||FRONT|{stamp}",
        f"PID|1||{mrn}^^^{AUTHORITY}^MR||Example^Client {number}||19900101|U",
        f"PV1|1|O|FRONT||||||||||||||||V{mrn}",
        f"IN1|1|PLAN|PAYER01{'|' * 33}M{mrn}",
    )
    return "\r".join(segments).encode() + b"\r"
