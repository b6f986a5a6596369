"""Leaves a run that a newer release started to workers of that release."""

from __future__ import annotations

from domain.comparing import Fingerprint
from domain.state import STATE_SCHEMA
from workflows.clear_text import ClearText


class NewerState(Exception):
    """A newer release started this run. The workflow task fails, which loses nothing: it is tried again until a worker
    of that release takes it.
    """


def refuse_newer(carried: Fingerprint | None) -> None:
    """Leaves a run to workers of the release that started it, or of a newer one.

    Raises:
        NewerState: The run was started with a newer schema than this worker's.
    """
    if carried is not None and carried.state_schema > STATE_SCHEMA:
        text = (
            f"this journey's state has schema {carried.state_schema}, this worker knows {STATE_SCHEMA}: "
            "run the newer release"
        )
        raise NewerState(ClearText(text))  # `throughline reconcile` reads it from the history
