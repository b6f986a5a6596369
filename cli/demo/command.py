"""`throughline demo`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import httpx2
from cyclopts import Parameter

from centre.loading import load
from cli.access import own_settings, temporal_client
from cli.demo.calendar import Calendar, skipper_of
from cli.demo.narrator import Narrator
from cli.demo.open_clients import EVERYBODY
from cli.demo.outcome import ClientOutcome
from cli.demo.outside import ClinicDoor, Registration, SessionDoor
from cli.demo.play import Play, beginning
from cli.demo.script import Client
from cli.house import running_house
from cli.journeys import ui_link
from cli.output import Exit, Stop, show_json, stdout, table
from cli.signing import direct_access
from clientkeys import ClientKeysError, open_keyring
from deploy.errors import StackError
from deploy.settings import Settings
from deploy.stack import to_stderr
from eventstore import EventStore, EventStoreError, open_store
from intake.registry import Registry
from intake.service import intake_pool
from migrations import MigrationError
from workflows.client import Journeys, JourneysUnreachable

_GOES_WRONG = (
    StackError,
    EventStoreError,
    ClientKeysError,
    MigrationError,
    JourneysUnreachable,
    httpx2.HTTPError,
    OSError,
)


async def demo(
    *,
    once: bool = False,
    json: bool = False,
    client: Annotated[tuple[str, ...], Parameter(negative="")] = (),
) -> int:
    """Play the months of twenty-three invented clients on the real parts, then stay up with the board until Ctrl-C.

    Args:
        once: End by itself; exit code 0 only if every path went as scripted.
        json: Print one JSON object instead of the story.
        client: Play this client alone, by the name in the table at its end; give it again for several.
    """
    clients = _chosen(client)
    settings = own_settings()
    settings = settings.changed(home=settings.home / "demo", virtual_time=True)
    try:
        load(settings.centre)
        async with running_house(settings, ports="free") as house:
            to_stderr(f"{len(clients)} clients, months of care each; all of them take about two minutes")
            outcomes = await house.while_up(play(house.settings, quiet=json, clients=clients))
            _show(house.settings, outcomes, json=json)
            if not once:
                _show_where(house.settings, outcomes, json=json)
                await house.run_until_stopped()
    except _GOES_WRONG as error:
        raise Stop(Exit.FAILED, str(error) or type(error).__name__) from None
    return Exit.OK if all(each.as_scripted for each in outcomes) else Exit.FAILED


def _chosen(names: tuple[str, ...]) -> tuple[Client, ...]:
    known = [each.name for each in EVERYBODY]
    if unknown := sorted(set(names) - set(known)):
        raise Stop(Exit.USAGE, f"no client of the demonstration is called {', '.join(unknown)}: {', '.join(known)}")
    return tuple(each for each in EVERYBODY if not names or each.name in names)


async def play(settings: Settings, *, quiet: bool, clients: tuple[Client, ...] = EVERYBODY) -> list[ClientOutcome]:
    """Plays `clients` on a running system with virtual time, and returns the outcome of each."""
    async with open_store(settings.require_database_url()) as store:
        narrator = Narrator(store, quiet=quiet)
        await narrator.start()
        async with _stage(settings, store, narrator, clients) as playing:
            await playing.run()
            return await playing.outcomes()


@asynccontextmanager
async def _stage(
    settings: Settings, store: EventStore, narrator: Narrator, clients: tuple[Client, ...]
) -> AsyncIterator[Play]:
    client = await temporal_client(settings.changed(virtual_time=True))
    journeys = Journeys(client, sign=direct_access(settings))
    clinic = ClinicDoor(settings.require_clinic_url())
    async with (
        intake_pool(settings.require_database_url()) as pool,
        open_keyring(settings.require_keys_url(), settings.require_kek_file()) as keys,
    ):
        registration = Registration("127.0.0.1", settings.mllp_port)
        calendar = Calendar(skipper_of(client), journeys, beginning(datetime.now(UTC)))
        try:
            yield Play(
                journeys,
                Registry(pool, keys),
                registration,
                clinic,
                SessionDoor(store, pool),
                calendar,
                narrator,
                clients,
            )
        finally:
            await clinic.aclose()


def _show(settings: Settings, outcomes: list[ClientOutcome], *, json: bool) -> None:
    if json:
        show_json({"journeys": outcomes, "temporal_ui": settings.ui_page})
        return
    stdout.print()
    columns = ("Client", "Path", "Levels of care", "Events", "History", "Bytes", "Tasks", "As scripted")
    table("How each path ended, and what it cost Temporal", columns, [_cells(each) for each in outcomes])
    for each in outcomes:
        for difference in each.differences:
            stdout.print(f"  {each.client}: {difference}", markup=False)
    went = sum(each.as_scripted for each in outcomes)
    stdout.print(f"\n{went} of {len(outcomes)} paths went as scripted.", markup=False)


def _show_where(settings: Settings, outcomes: list[ClientOutcome], *, json: bool) -> None:
    say = to_stderr if json else stdout.print
    if settings.ui_url is not None:
        say("\nIn the Temporal UI:")
        for each in outcomes:
            say(f"  {each.client.ljust(17)} {ui_link(settings, each.journey_id)}")
    if settings.board_url is not None:
        say(f"\nThe board:   {settings.board_url}")
    say(f"\nOn record:   THROUGHLINE_HOME={settings.home} throughline journeys --all")
    say("All of it stays up until Ctrl-C.")


def _cells(each: ClientOutcome) -> tuple[object, ...]:
    return (
        each.client,
        each.title,
        " → ".join(each.levels_of_care) or "-",
        each.events,
        each.history_events,
        each.history_bytes,
        each.workflow_tasks,
        "yes" if each.as_scripted else "NO",
    )
