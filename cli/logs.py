"""Logs of the long-running processes: one JSON line each on stderr, without client data."""

from __future__ import annotations

import logging
import sys

import structlog


def log_to_stderr() -> None:
    """Sends structlog and the libraries' warnings to stderr."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    # The SDK logs every failed activity attempt with its traceback; ours already logs it in one line.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
