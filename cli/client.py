"""`throughline client`: the keys that encrypt what is written about clients, and the index by which they are found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter
from psycopg import Error
from psycopg_pool import PoolTimeout

from cli.access import load_settings, the_keys, the_record
from cli.output import Exit, Stop, complain, show_fields, stdout
from domain.retention import DestructionReason
from intake.indexing import Indexer
from intake.registry import IntakePool
from intake.service import intake_pool
from intake.shredding import NoSuchClient, Shredder, ShredOrder, ShredRefused

client = App(
    name="client",
    help="Destroy or re-wrap the keys that encrypt what is written about clients, and fill the index of their names.",
)

_Ref = Annotated[UUID, Parameter(help="The client's reference, as `throughline journey ID --json` shows it.")]
_By = Annotated[str, Parameter(help="Staff id of the person who decides.")]
_ApprovedBy = Annotated[str, Parameter(help="Staff id of another person who agrees.")]
_Reason = Annotated[DestructionReason, Parameter(help="Why.")]
_Order = Annotated[str | None, Parameter(help="Reference of the legal order, such as a docket number; never a name.")]


@client.command
async def shred(
    client_ref: _Ref, /, *, by: _By, approved_by: _ApprovedBy, reason: _Reason, order: _Order = None
) -> None:
    """Destroy a client's key, so that nothing written about them can be read again, not even in backups.

    It cannot be undone. It is refused while a journey of theirs is open, and before the retention period is over
    unless a legal order asks for it. If it was interrupted, run it again to finish.
    """
    asked = ShredOrder(client_ref=client_ref, by=by, approved_by=approved_by, reason=reason, order=order)
    async with _shredder() as shredder:
        try:
            done = await shredder.shred(asked, datetime.now(UTC))
        except ShredRefused as refused:
            raise Stop(Exit.REFUSED, f"refused ({refused.code}): {refused.sentence}") from None
        except NoSuchClient:
            raise Stop(Exit.NOT_FOUND, "no client has that reference: see `throughline journey ID --json`") from None
    decided = done.decided
    show_fields(
        {
            "Client": decided.client_ref,
            "Decided": f"{decided.at:%Y-%m-%d %H:%M} UTC by {decided.by}, approved by {decided.approved_by}",
            "Reason": decided.reason,
            "Order": decided.order,
            "Key": "destroyed" + (" (already decided earlier)" if done.again else ""),
        }
    )


@client.command
async def shred_again() -> None:
    """Destroy every key again that the record says was destroyed. Use it after you restore the keys' database."""
    async with _shredder() as shredder:
        count = await shredder.destroy_again()
    stdout.print(f"{count} {'key is' if count == 1 else 'keys are'} destroyed, as the record says")


@client.command
async def rewrap() -> None:
    """Wrap every client's key with the newest key-encryption key. Use it after you add a line to the KEK file."""
    async with the_keys() as keys:
        count = await keys.rewrap()
    stdout.print(
        f"{count} {'key' if count == 1 else 'keys'} re-wrapped; you can remove the older lines of the file once all "
        "workers and intakes have been restarted"
    )


@client.command
async def index() -> None:
    """Make clients findable by name who were kept before there was a search, or after intake's tables were restored.

    It may run while intake does, and again.
    """
    async with the_keys() as keys, _the_pool() as pool:
        count = await Indexer(pool, keys).index(lambda done: complain(f"{done} clients so far"))
    stdout.print(f"{count} {'client is' if count == 1 else 'clients are'} found by name and record number")


@asynccontextmanager
async def _shredder() -> AsyncIterator[Shredder]:
    async with the_record() as store, the_keys() as keys, _the_pool() as pool:
        yield Shredder(store, keys, pool)


@asynccontextmanager
async def _the_pool() -> AsyncIterator[IntakePool]:
    async with intake_pool(load_settings().require_database_url()) as pool:
        try:
            yield pool
        except (Error, PoolTimeout) as error:
            raise Stop(Exit.UNREACHABLE, f"the database does not answer ({type(error).__name__}): try again") from None
