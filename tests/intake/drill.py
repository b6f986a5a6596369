"""One invented client with words nobody else has, from admission to the last follow-up, on real databases."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from clientkeys import open_keyring
from clientkeys.postgres import PostgresKeyring
from deploy.postgres import wheel_programs
from domain.pathway import Event
from domain.pathway.admission import OpenJourney
from domain.pathway.cost import AcceptCost, DeclineCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.discharge import Discharge, UpdateDischargePlan
from domain.pathway.funding import ResolveFunding
from domain.pathway.move_decisions import DeclineTransition, RequestStepUp
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening
from domain.plans import DischargePlan
from eventstore import EventStore, open_store
from intake.mllp_client import MllpClient
from intake.registry import IntakePool
from intake.service import intake_pool
from migrations import migrate, migrate_keys
from record.sealing import Sealer
from tests.domain.walk import DIRECTOR, SCREENED, Walk
from tests.intake.conftest import RecordingGate, RunningIntake, running_intake
from tests.intake.messages import adt

CANARIES = (
    *("CANARYMRN", "CANARYFAMILY", "CANARYGIVEN", "CANARYMEMBER", "CANARYVISIT", "19870611", "1987-06-11"),
    *("CANARYVARIANCE", "CANARYSCALE", "CANARYPLAN", "CANARYRATIONALE", "CANARYREASON", "CANARYNOTE", "CANARYWAIVER"),
)


def about(event: str, **more: str) -> bytes:
    person = {"mrn": "CANARYMRN", "name": "CANARYFAMILY^CANARYGIVEN", "visit": "CANARYVISIT"}
    return adt(event, **{**person, "extra": "IN1|1||P" + "|" * 33 + "CANARYMEMBER", **more})


def lived_through(journey_id: str, client_ref: str) -> Walk:
    """A whole journey in which everybody writes about the client wherever they can."""
    walk = Walk()
    walk.do(OpenJourney, journey_id=journey_id, client_ref=client_ref, site="main", message="m-1", admitted_at=walk.now)
    walk.do(RecordBenefits, verdict="CLEAR_AUTH_REQUIRED", cost_share={"copay": 20}, note="CANARYNOTE")
    walk.do(CompleteScreening, **SCREENED, note="CANARYNOTE")
    walk.do(DecidePlacement, recommended="IOP", actual="OP", variance="CANARYVARIANCE", instrument="CANARYSCALE")
    walk.do(DeclineCost, reason="CANARYREASON: too dear")
    walk.do(ResolveFunding, route="self-pay", reason="CANARYREASON: an aunt pays")
    walk.do(AcceptCost, estimate="estimate-2")
    walk.enrol()
    plan = DischargePlan(
        follow_ups=("CANARYPLAN in a week", ""),
        crisis_contacts=("CANARYPLAN",),
        resources=("CANARYPLAN",),
        medication=("CANARYPLAN",),
        summary=("CANARYPLAN",),
    )
    walk.do(UpdateDischargePlan, plan=plan)
    walk.do(CompleteReview, outcome="continue", rationale="CANARYRATIONALE")
    walk.do(RequestStepUp, to="IOP", reason="CANARYREASON: worse")
    walk.do(DeclineTransition, reason="CANARYREASON: stays", safety_plan_reviewed=True)
    walk.do(Discharge, reason="goals-met")
    for owed in list(walk.state.obligations.open):
        walk.do(WaiveObligation, obligation=owed, reason="CANARYWAIVER", by=DIRECTOR)
    walk.until_final()
    assert walk.state.is_finished, walk.owes()
    return walk


async def put_on_record(store: EventStore, sealer: Sealer, walk: Walk, *, leave_open: bool = False) -> None:
    """The walk's events as a worker records them, one append for each command."""
    version, appends = 0, _by_cause(walk.record)
    for number, (cause, events) in enumerate(appends, 1):
        journey_id, client_ref = walk.state.journey_id, walk.state.client_ref
        sealed = await sealer.seal(events, stream=journey_id, key=cause, client_ref=client_ref)
        close = number == len(appends) and not leave_open
        await store.append(journey_id, expected_version=version, key=cause, events=sealed, close=close)
        version += len(events)


def _by_cause(events: Sequence[Event]) -> list[tuple[str, list[Event]]]:
    grouped: dict[str, list[Event]] = {}
    for event in events:
        grouped.setdefault(event.cause, []).append(event)
    return list(grouped.items())


@dataclass
class Drill:
    """A client of the centre, everything that is kept of them, and the parts that keep it."""

    url: str
    keys_url: str
    store: EventStore
    keys: PostgresKeyring
    pool: IntakePool
    running: RunningIntake
    journey_id: str
    client_ref: str
    walk: Walk

    @property
    def sealer(self) -> Sealer:
        return Sealer(self.keys)

    def rows(self) -> list[tuple[Any, ...]]:
        """The whole record, hashes included."""
        with psycopg.connect(self.url) as connection:
            return connection.execute("select *, data::text from es.events order by position").fetchall()

    @property
    def over(self) -> datetime:
        """A moment after the retention period."""
        return self.walk.now.replace(year=self.walk.now.year + 11)


@asynccontextmanager
async def drill(url: str, keys_url: str, folder: Path, *, leave_open: bool = False) -> AsyncIterator[Drill]:
    """Admits the client by real messages and has the whole journey recorded."""
    migrate(url)
    migrate_keys(keys_url)
    kek = folder / "kek"
    kek.write_bytes(base64.b64encode(os.urandom(32)))
    kek.chmod(0o600)
    async with AsyncExitStack() as opened:
        store = await opened.enter_async_context(open_store(url))
        keys = await opened.enter_async_context(open_keyring(keys_url, kek))
        pool = await opened.enter_async_context(intake_pool(url))
        running = await opened.enter_async_context(running_intake(url, RecordingGate(), keyring=keys))
        await send(running, about("A04", control_id="1"), about("A08", control_id="2"), about("A40", control_id="3"))
        await running.settled()
        [(journey_id, (client_ref, _))] = running.gate.opened.items()
        walk = lived_through(journey_id, client_ref)
        await put_on_record(store, Sealer(keys), walk, leave_open=leave_open)
        yield Drill(url, keys_url, store, keys, pool, running, journey_id, client_ref, walk)


async def send(running: RunningIntake, *messages: bytes) -> list[bytes]:
    async with MllpClient("127.0.0.1", running.ports.mllp) as client:
        return [await client.send(message) for message in messages]


def dump(url: str) -> str:
    """The whole database as SQL text."""
    return subprocess.run([wheel_programs() / "pg_dump", url], check=True, capture_output=True, text=True).stdout


def restore(sql: str, url: str) -> None:
    """Reads a dump into an empty database."""
    psql = [str(wheel_programs() / "psql"), "-q", "-v", "ON_ERROR_STOP=1", url]
    subprocess.run(psql, input=sql, check=True, capture_output=True, text=True)


def found_in(text: str) -> list[str]:
    """The canaries in `text`, as they are or in the hexadecimal form of a dumped bytea."""
    return [canary for canary in CANARIES if canary in text or canary.encode().hex() in text]


def readable_as(role: str, url: str) -> str:
    """Everything that `role` may read in the database, as text."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"set role {role}".encode())
        tables = connection.execute(
            """select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables
               where table_schema not in ('pg_catalog', 'information_schema')
               and has_schema_privilege(table_schema, 'USAGE')
               and has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), 'SELECT')"""
        ).fetchall()
        return "\n".join(
            str(row) for (table,) in tables for row in connection.execute(f"select t::text from {table} t".encode())
        )
