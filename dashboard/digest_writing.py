"""The digests as they are at a moment, from the read models and the staff list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from activities.ports import Notice
from centre.staff import Staff
from dashboard.digests import Span, digests
from dashboard.open_obligations import open_obligations
from domain.sites import all_sites


class Written(NamedTuple):
    """Digests by the record up to its event `as_of`; `head` was the last one when they were asked for."""

    notices: list[Notice]
    as_of: int
    head: int

    @property
    def behind(self) -> bool:
        """Whether events are missing from them."""
        return self.as_of < self.head


async def write_digests(
    database_url: str, staff: Staff, spans: Sequence[Span], *, patience_seconds: float = 2.0, folded: int = 20_000
) -> Written:
    """The digests of each span, by what is owed now. Sends nothing.

    Args:
        database_url: `postgresql://...`, migrated before.
        staff: Who works here and is on call.
        spans: One for each site that is asked about.
        patience_seconds: For the projector to come to the record's head, elapsed.
        folded: The most events that are folded here if it does not.

    Raises:
        EventStoreError: The database does not answer, or is not migrated.
    """
    listing = await open_obligations(database_url, since=True, patience_seconds=patience_seconds, folded=folded)
    sites = all_sites()
    notices = [each for span in spans for each in digests(listing.rows, listing.recorded_at, staff, sites, span)]
    return Written(notices, listing.as_of, listing.head)
