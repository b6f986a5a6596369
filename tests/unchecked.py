"""For tests that are not about who decides: every command is believed."""

from __future__ import annotations

from domain.authorship import Authorship
from domain.refusal import Refusal


class Unchecked:
    """Believes whom a command names, signed or not."""

    def refusal(self, journey_id: str, cause: str, authorship: Authorship) -> Refusal | None:
        return None
