"""No client's data gets into a log, an acknowledgement's error or an exception."""

from __future__ import annotations

import io

import httpx2
import psycopg
import pytest
import structlog

from intake.mllp_client import MllpClient
from tests.intake.conftest import RunningIntake
from tests.intake.messages import adt

pytestmark = pytest.mark.stack

CANARIES = ("CANARYNAME", "CANARYGIVEN", "CANARYMRN", "CANARYMEMBER", "19870611")


async def test_logs_and_refusals_hold_no_client_data(
    running: RunningIntake, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    written = io.StringIO()
    before = structlog.get_config()
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(written),
        cache_logger_on_first_use=False,
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    )
    try:
        refusals = await _say_everything(running)
    finally:
        structlog.configure(**before)
    log = written.getvalue() + caplog.text + "".join(capsys.readouterr())
    assert "message kept" in log
    assert "message failed" in log
    assert "message not stored" in log
    assert "bytes quarantined" in log
    assert [canary for canary in CANARIES if canary in log + "".join(refusals)] == []


async def _say_everything(running: RunningIntake) -> list[str]:
    person = {
        "mrn": "CANARYMRN",
        "name": "CANARYNAME^CANARYGIVEN\\Z1\\",
        "extra": "IN1|1||P" + "|" * 33 + "CANARYMEMBER",
    }
    good = [adt(event, control_id=event, **person) for event in ("A08", "A04", "A11", "A40", "A60")]
    anonymous = adt("A04", control_id="X", name="CANARYNAME").replace(b"700100^^^NORTH^MR", b"")
    bad = [b"CANARYNAME", anonymous, good[1].replace(b"MSH|^~", b"MSH|^^")]
    running.gate.error, running.gate.failures = RuntimeError, 1
    async with MllpClient("127.0.0.1", running.ports.mllp) as client:
        for message in good:
            await client.send(message)
        refusals = [(await client.send(message)).decode() for message in bad]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{running.ports.http}", timeout=30) as http:
        answer = await http.post(
            "/admissions",
            json={"mrn": "CANARYMRN", "birth_date": "CANARYNAME", "CANARYGIVEN": 1},
            headers={"Idempotency-Key": "k"},
        )
    await running.settled()
    refusals.append(await _say_to_a_failing_store(running, good[1]))
    return [*refusals, answer.text]


async def _say_to_a_failing_store(running: RunningIntake, message: bytes) -> str:
    async with (
        await psycopg.AsyncConnection.connect(running.database_url, autocommit=True) as admin,
        MllpClient("127.0.0.1", running.ports.mllp) as client,
    ):
        await admin.execute("alter table intake.messages rename to away")
        return (await client.send(message)).decode()
