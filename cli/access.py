"""What a command needs to reach: the record and the journeys, with errors a person can act on."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from temporalio.client import Client

from centre.loading import load
from cli.output import Exit, Stop
from cli.signing import direct_access
from clientkeys import open_keyring
from clientkeys.errors import ClientKeysError, KekUnusable, KeyMissing, KeysUnavailable
from clientkeys.postgres import PostgresKeyring
from deploy.errors import SettingsError
from deploy.payload_keys import read_payload_keys
from deploy.settings import Settings
from eventstore import EventStore, EventStoreError, SchemaMissing, StoreUnavailable, open_store
from eventstore.errors import UnreadableEvent
from workflows.client import Journeys, JourneysUnreachable, connect


def load_settings() -> Settings:
    """Reads the settings from the environment and from a running stack, and loads the centre's files.

    Stops with `USAGE`.

    Raises:
        CentreFileError: A file of the centre cannot be used.
    """
    settings = settings_as_given()
    load(settings.centre)
    return settings


def settings_as_given() -> Settings:
    """Reads the same settings without loading the centre's files. Stops with `USAGE`."""
    try:
        return Settings.load()
    except SettingsError as error:
        raise Stop(Exit.USAGE, str(error)) from None


def own_settings() -> Settings:
    """Reads the settings from the environment only, for a command that starts its own stack. Stops with `USAGE`."""
    try:
        return Settings.from_env(os.environ)
    except SettingsError as error:
        raise Stop(Exit.USAGE, str(error)) from None


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Stops with `UNREACHABLE` if the record does not answer, and with `FAILED` if it cannot be read."""
    try:
        yield
    except (SettingsError, StoreUnavailable, SchemaMissing) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None
    except (EventStoreError, ClientKeysError, UnreadableEvent) as error:
        raise Stop(Exit.FAILED, str(error)) from None


@asynccontextmanager
async def the_record() -> AsyncIterator[EventStore]:
    """The event store. Stops as `told_in_one_line` does."""
    settings = load_settings()
    with told_in_one_line():
        async with open_store(settings.require_database_url()) as store:
            yield store


@asynccontextmanager
async def the_keys() -> AsyncIterator[PostgresKeyring]:
    """The clients' keys. Stops with `UNREACHABLE` if their database does not answer or the keys cannot be used."""
    settings = load_settings()
    try:
        async with open_keyring(settings.require_keys_url(), settings.require_kek_file()) as keys:
            yield keys
    except (SettingsError, KeysUnavailable, KeyMissing, KekUnusable) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None


async def temporal_client(settings: Settings) -> Client:
    """A client of Temporal, which encrypts what it sends.

    Raises:
        SettingsError: Its address is missing, or the payload keys cannot be read.
        JourneysUnreachable: It does not answer.
    """
    return await connect(
        settings.require_temporal_address(),
        settings.temporal_namespace,
        read_payload_keys(settings.require_payload_keys()),
        virtual_time=settings.virtual_time,
    )


async def the_journeys() -> Journeys:
    """The running journeys. Stops with `UNREACHABLE` if Temporal does not answer."""
    with _told_why_unreachable():
        return Journeys(await temporal_client(load_settings()))


async def the_journeys_to_decide() -> Journeys:
    """The running journeys, for decisions by direct access. Stops as `the_journeys` does, and without a direct key."""
    settings = load_settings()
    with _told_why_unreachable():
        return Journeys(await temporal_client(settings), sign=direct_access(settings))


@contextmanager
def _told_why_unreachable() -> Iterator[None]:
    try:
        yield
    except (SettingsError, JourneysUnreachable) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None
