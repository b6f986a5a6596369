"""Everything that the board's pages need, put together once when the process starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from access.audit import Audit
from access.cli_codes import CliCodes
from access.provider import Provider
from access.rules import Viewer
from access.saved_views import SavedViews
from access.sessions import Sessions
from access.signatures import Signer
from centre.rule_sources import RuleSources
from dashboard.board.changes import Changes
from dashboard.board.shared_reads import SharedReads
from dashboard.board.standing_still import AskStandingStill
from dashboard.queries.moment import Pool
from eventstore.port import EventStore
from intake.finding import Finder
from record.sealing import Sealer
from workflows.client import Journeys
from workflows.payload_codec import PayloadKeys

FindViewer = Callable[[str], Viewer | None]
"""Looks up a person in the centre's list of staff, each time."""

_FILES_AT_ONCE = 2
"""Each holds a connection of the pool for as long as its reader takes, and the pages need the others."""
_LAST_EVENT = "select max(last_event_at) from dash.journeys"


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages work with.

    Attributes:
        pool: Connections that read the read models.
        session_store: The record, to append entries about sessions to.
        signer: Vouches for the decisions of people who have signed in.
        finder: Finds clients by name and record number.
        base_url: The board's address as browsers see it.
        payload_keys: What decrypts payloads for the Temporal UI.
        standing_still: Asks which journeys cannot go on.
        sources: Where the numbers of the centre's policies come from.
        temporal_ui: The address of the Temporal UI's list of workflows; None if there is none.
        viewer: Finds who a signed-in person is now.
        virtual_time: Whether journeys run on the calendar of a demonstration.
        is_example: Whether the centre is the example, whose people are invented.
        files: The places for lists that are sent as files.
        shared_reads: What the first page shows, for those who look at once.
    """

    pool: Pool
    store: EventStore
    session_store: EventStore
    sealer: Sealer
    journeys: Journeys
    signer: Signer
    sessions: Sessions
    audit: Audit
    saved_views: SavedViews
    cli_codes: CliCodes
    finder: Finder
    provider: Provider
    changes: Changes
    viewer: FindViewer
    base_url: str
    payload_keys: PayloadKeys
    sources: RuleSources
    standing_still: AskStandingStill
    temporal_ui: str | None = None
    virtual_time: bool = False
    is_example: bool = False
    files: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FILES_AT_ONCE))
    shared_reads: SharedReads = field(default_factory=SharedReads)

    async def now(self) -> datetime:
        """The time by which the journeys live: in a demonstration, that of the last thing that happened."""
        if not self.virtual_time:
            return datetime.now(UTC)
        async with self.pool.connection() as connection:
            found = await (await connection.execute(_LAST_EVENT)).fetchone()
        return (found[0] if found else None) or datetime.now(UTC)
