"""`throughline demo`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from cli.access import load_settings
from cli.demo.calendar import Calendar, skipper_of
from cli.demo.narrator import Narrator
from cli.demo.outside import ClinicDoor, Registration
from cli.demo.play import Outcome, Play, today
from cli.house import running_house
from cli.journeys import ui_link
from cli.output import Exit, Stop, show_json, stdout, table
from deploy.errors import StackError
from deploy.settings import Settings
from deploy.stack import to_stderr
from eventstore import EventStoreError, open_store
from intake.registry import Registry
from intake.service import intake_pool
from workflows.client import Journeys, JourneysUnreachable, connect


async def demo(*, once: bool = False, json: bool = False) -> int:
    """Play eight invented clients' months in seconds on the real parts, then stay up until Ctrl-C.

    Parameters
    ----------
    once:
        End by itself; exit code 0 only if every path went as scripted.
    json:
        Print one JSON object instead of the story.
    """
    settings = load_settings()
    settings = replace(settings, home=settings.home / "demo", virtual_time=True)
    try:
        async with running_house(settings, ports="free", progress=to_stderr) as house:
            outcomes = await _play(house.settings, quiet=json)
            _show(house.settings, outcomes, json=json)
            if not once:
                stdout.print("\nEverything stays up until Ctrl-C.")
                await house.stack.run_until_stopped()
    except (StackError, EventStoreError, JourneysUnreachable) as error:
        raise Stop(Exit.FAILED, str(error)) from None
    return Exit.OK if all(each.as_scripted for each in outcomes) else Exit.FAILED


async def _play(settings: Settings, *, quiet: bool) -> list[Outcome]:
    async with open_store(settings.require_database_url()) as store:
        narrator = Narrator(store, quiet=quiet)
        await narrator.start()
        async with _stage(settings, narrator) as play, _told(narrator):
            await play.run()
            return await play.outcomes()


@asynccontextmanager
async def _stage(settings: Settings, narrator: Narrator) -> AsyncIterator[Play]:
    client = await connect(settings.require_temporal_address(), settings.temporal_namespace, virtual_time=True)
    journeys, clinic = Journeys(client), ClinicDoor(settings.require_clinic_url())
    async with intake_pool(settings.require_database_url()) as pool:
        registration = Registration("127.0.0.1", settings.mllp_port)
        calendar = Calendar(skipper_of(client), journeys, today())
        try:
            yield Play(journeys, Registry(pool), registration, clinic, calendar, narrator)
        finally:
            await clinic.aclose()


@asynccontextmanager
async def _told(narrator: Narrator) -> AsyncIterator[None]:
    telling = asyncio.create_task(narrator.follow())
    try:
        yield
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


def _show(settings: Settings, outcomes: list[Outcome], *, json: bool) -> None:
    if json:
        show_json({"journeys": outcomes, "temporal_ui": settings.ui_url})
        return
    stdout.print()
    columns = ("Client", "Path", "Levels", "Events", "History", "Bytes", "Tasks", "As scripted")
    table("What became of everyone", columns, [_cells(each) for each in outcomes])
    for each in outcomes:
        for difference in each.differences:
            stdout.print(f"  {each.client}: {difference}", markup=False)
    stdout.print("\nIn the Temporal UI:")
    for each in outcomes:
        stdout.print(f"  {each.client.ljust(17)} {ui_link(settings, each.journey_id)}", markup=False)


def _cells(each: Outcome) -> tuple[object, ...]:
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
