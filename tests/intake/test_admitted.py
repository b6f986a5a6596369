"""What a worker may see of the journeys that intake handed over."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from deploy.roles import make_login_roles
from domain.pathway.admission import OpenJourney
from eventstore import SchemaMissing, StoreUnavailable
from intake.admitted import HandedOver
from migrations import migrate
from tests.eventstore.test_roles import as_role

JOURNEY, CLIENT, MESSAGE = (f"6a1f0a60-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
ADMITTED = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)


@pytest.fixture
def handed_over(migrated_database: str) -> str:
    """A database with its login roles and one journey that intake handed over."""
    make_login_roles(migrated_database)
    with psycopg.connect(migrated_database) as connection:
        connection.execute(
            "insert into intake.clients (client_ref, identity_as_of) values (%s, %s)", (CLIENT, ADMITTED)
        )
        connection.execute(
            "insert into intake.journeys (journey_id, client_ref, opened_by, site, admitted_at, started_at)"
            " values (%s, %s, %s, 'main', %s, %s)",
            (JOURNEY, CLIENT, MESSAGE, ADMITTED, ADMITTED),
        )
    return migrated_database


async def test_a_worker_sees_what_was_handed_over(handed_over: str) -> None:
    expected = OpenJourney(
        id=f"open/{MESSAGE}", journey_id=JOURNEY, client_ref=CLIENT, site="main", message=MESSAGE, admitted_at=ADMITTED
    )
    assert await HandedOver(as_role(handed_over, "throughline_worker")).openings() == (expected,)


async def test_a_role_that_may_not_see_it_is_told_to_check_the_role(handed_over: str) -> None:
    with pytest.raises(SchemaMissing, match="check the role"):
        await HandedOver(as_role(handed_over, "throughline_projections")).openings()


async def test_a_database_without_intake_is_told_to_be_migrated(fresh_database: str) -> None:
    with pytest.raises(SchemaMissing, match="run the migrations"):
        await HandedOver(fresh_database).openings()
    migrate(fresh_database)
    assert await HandedOver(fresh_database).openings() == ()


async def test_a_database_that_is_away_is_said_to_be(handed_over: str) -> None:
    with pytest.raises(StoreUnavailable):
        await HandedOver(handed_over.replace("/test_", "/gone_")).openings()
