"""Which folders of migrations make up which database. Each part keeps the files of its own tables."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent

RECORD = tuple(_ROOT / part / "migrations" for part in ("eventstore", "intake", "dashboard", "access", "attendance"))
"""The record's: the event store, intake's tables, the read models, who is signed in, and sessions of care."""

KEYS = (_ROOT / "clientkeys" / "migrations",)
"""The keys': each client's key, and nothing else."""
