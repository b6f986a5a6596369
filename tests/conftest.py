"""Shared fixtures: one real PostgreSQL and one real Temporal server per pytest session, started on first use."""

import re
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from centre.loading import load
from deploy.payload_keys import read_payload_keys
from deploy.settings import Settings
from deploy.stack import Stack
from domain.people import use_staff
from migrations import migrate
from tests import colleagues

_LONGEST = ("recovery", "cli", "workflows", "browser", "deploy", "intake")
"""Folders of tests that start processes or wait for real timeouts."""

load()  # here, because modules of tests name the example's sites
use_staff(colleagues.find)


@pytest.fixture(scope="session")
def session_home() -> Iterator[Path]:
    """A directory for the session's servers; not pytest's own, which root's PostgreSQL could not reach."""
    home = Path(tempfile.mkdtemp(prefix="throughline-tests-"))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
async def postgres_stack(session_home: Path) -> AsyncIterator[Stack]:
    """A stack of PostgreSQL alone."""
    async with Stack(Settings(home=session_home / "postgres"), ports="free", temporal=False) as running:
        yield running


@pytest.fixture(scope="session")
async def temporal_stack(session_home: Path) -> AsyncIterator[Stack]:
    """A stack of the Temporal server alone."""
    async with Stack(Settings(home=session_home / "temporal"), ports="free", postgres=False, ui=False) as running:
        yield running


@pytest.fixture(scope="session")
async def stack(session_home: Path, postgres_stack: Stack, temporal_stack: Stack) -> AsyncIterator[Stack]:
    """The whole stack, on the session's two servers; `start_process` starts further processes."""
    settings = Settings(
        home=session_home / "stack",
        database_url=postgres_stack.database_url,
        temporal_address=temporal_stack.temporal_address,
        payload_keys=temporal_stack.settings.payload_keys,
    )
    async with Stack(settings, ports="free", ui=False) as running:
        yield running


@pytest.fixture(scope="session")
def database_url_factory(postgres_stack: Stack) -> Callable[[], str]:
    """Makes a new empty database on the session's PostgreSQL and returns its connection URL."""
    return lambda: _create_database(postgres_stack.database_url, sql.SQL("create database {}"))


@pytest.fixture(scope="session")
def migrated_url_factory(postgres_stack: Stack, database_url_factory: Callable[[], str]) -> Callable[[], str]:
    """Makes a new database that is up to date: a copy of one that was migrated."""
    original = database_url_factory()
    migrate(original)
    statement = sql.SQL("create database {{}} template {}").format(sql.Identifier(_name(original))).as_string()
    return lambda: _create_database(postgres_stack.database_url, sql.SQL(statement))


@pytest.fixture
def fresh_database(postgres_stack: Stack, database_url_factory: Callable[[], str]) -> Iterator[str]:
    """The connection URL of an empty database that only this test uses; dropped afterwards."""
    url = database_url_factory()
    yield url
    _drop_database(postgres_stack.database_url, url)


@pytest.fixture
def migrated_database(postgres_stack: Stack, migrated_url_factory: Callable[[], str]) -> Iterator[str]:
    """The connection URL of a database that is up to date and that only this test uses; dropped afterwards."""
    url = migrated_url_factory()
    yield url
    _drop_database(postgres_stack.database_url, url)


def _create_database(admin_url: str, statement: sql.SQL) -> str:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name)))
    return admin_url.replace("/throughline?", f"/{name}?")


def _drop_database(admin_url: str, url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(_name(url))))


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1].partition("?")[0]


@pytest.fixture(scope="session")
def temporal_address(temporal_stack: Stack) -> str:
    """The gRPC address of the session's Temporal server."""
    return temporal_stack.temporal_address


@pytest.fixture(scope="session")
def payload_keys_file(temporal_stack: Stack) -> Path:
    """The file of the keys that encrypt what goes to the session's Temporal server."""
    return temporal_stack.settings.require_payload_keys()


@pytest.fixture(scope="session")
def payload_keys(payload_keys_file: Path) -> list[bytes]:
    """Those keys."""
    return read_payload_keys(payload_keys_file)


@pytest.fixture(scope="session")
async def temporal_client(temporal_stack: Stack) -> Client:
    """A client of the session's Temporal server that encrypts nothing, for workflows of the tests' own."""
    return await Client.connect(
        temporal_stack.temporal_address,
        namespace=temporal_stack.settings.temporal_namespace,
        data_converter=pydantic_data_converter,
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the tests that wait longest, so that no process is left alone with them at the end."""
    items.sort(
        key=lambda item: _LONGEST.index(where) if (where := item.path.parent.name) in _LONGEST else len(_LONGEST)
    )


class FailuresAtOnce:
    """Prints each failure when it happens: a run that is cut short must still say what failed."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Prints it, if it is one."""
        if report.failed:
            self._terminal.write_line(f"\nFAILED now: {report.nodeid} ({report.when})\n{report.longreprtext[-3000:]}")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Registers what prints failures, where there is a terminal: not in the processes of a parallel run."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailuresAtOnce(terminal))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which versions of PostgreSQL the record was tested on, and what the campaigns drew and counted.

    Skipped versions are in pytest's own list; a test hands a campaign's words on as its property `campaign`.
    """
    passed = "\n".join(report.nodeid for report in terminalreporter.stats.get("passed", []))
    majors = sorted(set(re.findall(r"PostgreSQL-(\d+)", passed)))
    if majors:
        terminalreporter.write_line(f"the record was tested on PostgreSQL {', '.join(majors)}")
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "campaign":
                terminalreporter.write_line(str(value))
