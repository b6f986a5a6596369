"""`throughline migrate`: brings both databases up to date and starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.access import settings_as_given
from cli.output import Exit, Stop, show_json, stdout
from deploy.errors import SettingsError
from migrations import DatabaseUnavailable, MigrationFailed, migrate_keys
from migrations import migrate as migrate_record

_RECORD = "the record's database (record, intake, read models)"
_KEYS = "the keys' database"


def migrate(*, json: bool = False) -> None:
    """Bring the databases up to date: the record with intake and read models, then the keys. Nothing is started.

    Both DATABASE_URL and THROUGHLINE_KEYS_URL must log in as the owner. Stop all processes of an older release first.

    Each migration is all or nothing. Run it again to apply what is left.

    Args:
        json: Print one JSON object: the migrations that were applied to each database.
    """
    settings = settings_as_given()
    try:  # both must be known before either is changed
        record_url, keys_url = settings.require_database_url(), settings.require_keys_url()
    except SettingsError as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None
    say = not json
    applied = {
        "record": _applied(_RECORD, lambda: migrate_record(record_url), say=say),
        "keys": _applied(_KEYS, lambda: migrate_keys(keys_url), say=say),
    }
    if json:
        show_json(applied)


def _applied(database: str, bring_up_to_date: Callable[[], list[str]], *, say: bool) -> list[str]:
    with _named(database):
        applied = bring_up_to_date()
    if say:
        for each in applied:
            stdout.print(f"applied {each}", markup=False)
        number = f"{len(applied)} {'migration' if len(applied) == 1 else 'migrations'}"
        stdout.print(f"{database}: {f'{number} applied' if applied else 'up to date, nothing to apply'}", markup=False)
    return applied


@contextmanager
def _named(database: str) -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable:
        line = f"{database} does not answer: check DATABASE_URL and THROUGHLINE_KEYS_URL, then ask again"
        raise Stop(Exit.UNREACHABLE, line) from None
    except MigrationFailed as error:
        raise Stop(Exit.FAILED, f"{database}: {error}") from None
