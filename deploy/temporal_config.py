"""Configuration of the local Temporal server and its web page, as data (JSON, which is YAML too)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

LOCALHOST: Final = "127.0.0.1"
SERVER_PORTS: Final = 9
"""How many ports the server needs; the first is the one that clients use."""

DYNAMIC_CONFIG: Final[Mapping[str, Any]] = {
    "frontend.WorkflowTimeSkippingEnabled": True,
    "frontend.WorkflowTimeSkippingMaxSkipPerSession": 100_000,
    # A skip waits for the timer queue to look ahead: by default a second.
    "history.timerProcessorMaxTimeShift": "50ms",
    "system.forceSearchAttributesCacheRefreshOnRead": True,
    # One worker process polls: partitions would only cost hops.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # The limits are for servers that many share; a simulation of a whole centre is one busy namespace.
    "frontend.namespaceRPS": 20_000,
    "frontend.namespaceRPS.visibility": 1_000,
    "frontend.persistenceMaxQPS": 20_000,
    "history.persistenceMaxQPS": 20_000,
    # Nothing here tells anybody outside about this installation.
    "frontend.enableServerVersionCheck": False,
}


def dynamic_config() -> dict[str, Any]:
    """The dynamic configuration in the server's file format."""
    return {name: [{"value": value}] for name, value in DYNAMIC_CONFIG.items()}


def server_config(ports: Sequence[int], database: str, dynamic_file: str) -> dict[str, Any]:
    """The server's configuration: every listener on this machine only, SQLite in `database`.

    File names are relative to the directory that the server is started in. Takes SERVER_PORTS ports.
    """
    grpc, http = ports[0], ports[-1]
    services = ("frontend", "history", "matching", "worker")
    rpc = {
        name: {"grpcPort": ports[i], "membershipPort": ports[i + 4], "bindOnLocalHost": True}
        for i, name in enumerate(services)
    }
    rpc["frontend"]["httpPort"] = http
    return {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "defaultStore": "main",
            "visibilityStore": "visibility",
            "numHistoryShards": 1,
            "datastores": {"main": _sqlite(database), "visibility": _sqlite(database)},
        },
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": LOCALHOST}},
        "services": {name: {"rpc": ports_} for name, ports_ in rpc.items()},
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {
                "active": {
                    "enabled": True,
                    "initialFailoverVersion": 1,
                    "rpcName": "frontend",
                    "rpcAddress": f"{LOCALHOST}:{grpc}",
                    "httpAddress": f"{LOCALHOST}:{http}",
                }
            },
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "dynamicConfigClient": {"filepath": dynamic_file, "pollInterval": "60s"},
    }


def ui_config(port: int, server_address: str, namespace: str) -> dict[str, Any]:
    """The web page's configuration: on this machine only, open to no other site, fetching no news."""
    return {
        "temporalGrpcAddress": server_address,
        "host": LOCALHOST,
        "port": port,
        "enableUi": True,
        "cors": {"cookieInsecure": True, "allowOrigins": [f"http://{LOCALHOST}:{port}"]},
        "defaultNamespace": namespace,
        "disableNewsFetch": True,
        # What ends a journey is a decision on record. A workflow ended here would leave its client without a clock.
        "workflowTerminateDisabled": True,
        "workflowCancelDisabled": True,
        "workflowResetDisabled": True,
        "batchActionsDisabled": True,
        "startWorkflowDisabled": True,
        "refreshInterval": "1m",
        "hideLogs": True,
    }


def cli_arguments(port: int, ui_port: int | None, database: str) -> list[str]:
    """Arguments that make the `temporal` command line tool serve the same way."""
    page = ["--headless"] if ui_port is None else ["--ui-ip", LOCALHOST, "--ui-port", str(ui_port)]
    dynamic = [f"{name}={_json_scalar(value)}" for name, value in DYNAMIC_CONFIG.items()]
    return [
        *("server", "start-dev", "--ip", LOCALHOST, "--port", str(port), *page),
        *("--db-filename", database, "--log-level", "warn"),
        *(part for each in dynamic for part in ("--dynamic-config-value", each)),
    ]


def _json_scalar(value: bool | int | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else f'"{value}"'


def _sqlite(database: str) -> dict[str, Any]:
    # With WAL, synchronous=1 survives the death of any process; only a power cut can cost the last moments,
    # and those are in the event store, from which a journey goes on.
    return {
        "sql": {
            "pluginName": "sqlite",
            "databaseName": database,
            "connectAddr": "localhost",
            "connectProtocol": "tcp",
            "connectAttributes": {
                "cache": "private",
                "setup": "true",
                "journal_mode": "wal",
                "synchronous": "1",
                "busy_timeout": "10000",
            },
            "maxConns": 1,
            "maxIdleConns": 1,
            "maxConnLifetime": "1h",
        }
    }
