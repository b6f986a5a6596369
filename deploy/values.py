"""The types of settings, each read from text, with errors that say how to write it.

No error here quotes the value, because it may hold a password.
"""

from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

_HIGHEST_PORT = 65535


class HostPort(NamedTuple):
    """A TCP address."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _host_port(given: Any) -> HostPort:
    if isinstance(given, HostPort):
        return given
    host, colon, port = str(given).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or "/" in host:
        raise ValueError("must be host:port, for example 127.0.0.1:7233")
    if not (port.isascii() and port.isdigit() and int(port) <= _HIGHEST_PORT):
        raise ValueError(f"must be host:port, with a number from 0 to {_HIGHEST_PORT} as the port")
    return HostPort(host, int(port))


def _address(given: str) -> str:
    return str(_host_port(given))


def _http_url(given: str) -> str:
    parts = _split(given)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a web address such as http://127.0.0.1:8490")
    return given.rstrip("/")


def _database_url(given: str) -> str:
    if _split(given) is None or not given.startswith(("postgresql://", "postgres://")):
        raise ValueError("must start with postgresql://, e.g. postgresql://user@host/throughline")
    return given


def _split(given: str) -> SplitResult | None:
    """The parts of an address; None if it cannot be split. The library's own error could quote it."""
    try:
        return urlsplit(given)
    except ValueError:
        return None


def _absolute(given: Path) -> Path:
    try:
        return given.expanduser().absolute()
    except RuntimeError:
        raise ValueError("names the home of a user who is not known here") from None


Port = Annotated[int, Field(ge=0, le=_HIGHEST_PORT)]
"""A TCP port; 0 stands for any free one."""
Address = Annotated[str, AfterValidator(_address)]
"""A TCP address as text."""
Server = Annotated[HostPort, BeforeValidator(_host_port)]
"""A TCP address."""
HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""A web address, without a trailing slash."""
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
"""A PostgreSQL connection URL for psycopg. It may hold a password: never log it."""
File = Annotated[Path, AfterValidator(_absolute)]
"""The path of a file or folder, made absolute."""
