"""What a command needs to reach: the record and the journeys, with errors a person can act on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cli.output import Exit, Stop
from deploy.errors import SettingsError
from deploy.settings import Settings
from eventstore import EventStore, SchemaMissing, StoreUnavailable, open_store
from workflows.client import Journeys, JourneysUnreachable, connect


def load_settings() -> Settings:
    """The installation's settings. Stops with `USAGE` where one cannot be read."""
    try:
        return Settings.load()
    except SettingsError as error:
        raise Stop(Exit.USAGE, str(error)) from None


@asynccontextmanager
async def the_record() -> AsyncIterator[EventStore]:
    """The event store. Stops with `UNREACHABLE` where it does not answer."""
    settings = load_settings()
    try:
        async with open_store(settings.require_database_url()) as store:
            yield store
    except (SettingsError, StoreUnavailable, SchemaMissing) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None


async def the_journeys() -> Journeys:
    """The running journeys. Stops with `UNREACHABLE` where Temporal does not answer."""
    settings = load_settings()
    try:
        client = await connect(
            settings.require_temporal_address(), settings.temporal_namespace, virtual_time=settings.virtual_time
        )
    except (SettingsError, JourneysUnreachable) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None
    return Journeys(client)
