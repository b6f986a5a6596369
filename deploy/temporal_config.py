"""How the local Temporal server is started: arguments of the `temporal` command line tool."""

from collections.abc import Mapping
from typing import Final

LOCALHOST: Final = "127.0.0.1"

DYNAMIC_CONFIG: Final[Mapping[str, bool | int | str]] = {
    "frontend.WorkflowTimeSkippingEnabled": True,
    "frontend.WorkflowTimeSkippingMaxSkipPerSession": 100_000,
    # A time skip waits for the timer queue's look-ahead, which is one second by default.
    "history.timerProcessorMaxTimeShift": "50ms",
    "system.forceSearchAttributesCacheRefreshOnRead": True,
    # One worker process polls, so partitions would only add hops.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # The default limits are for shared servers; a simulation of a whole centre is one busy namespace.
    "frontend.namespaceRPS": 20_000,
    "frontend.namespaceRPS.visibility": 1_000,
    "frontend.persistenceMaxQPS": 20_000,
    "history.persistenceMaxQPS": 20_000,
    # Sends no data about this installation to anyone outside.
    "frontend.enableServerVersionCheck": False,
}

# With WAL, synchronous=1 survives the death of any process. Only a power cut can lose the last moments, and those are
# in the event store, from which a journey continues.
_PRAGMAS: Final[Mapping[str, str]] = {"journal_mode": "wal", "synchronous": "1", "busy_timeout": "10000"}


def server_arguments(port: int, ui_port: int | None, database: str) -> list[str]:
    """Arguments that make the command line tool serve on 127.0.0.1 alone, keeping its data in the file `database`.

    Without `ui_port` there is no web page.
    """
    page = ["--headless"] if ui_port is None else ["--ui-ip", LOCALHOST, "--ui-port", str(ui_port)]
    dynamic = [f"{name}={_json_scalar(value)}" for name, value in DYNAMIC_CONFIG.items()]
    return [
        *("server", "start-dev", "--ip", LOCALHOST, "--port", str(port), *page),
        *("--ui-disable-news-fetch", "--db-filename", database, "--log-level", "warn"),
        *(part for name, value in _PRAGMAS.items() for part in ("--sqlite-pragma", f"{name}={value}")),
        *(part for each in dynamic for part in ("--dynamic-config-value", each)),
    ]


def _json_scalar(value: bool | int | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else f'"{value}"'
