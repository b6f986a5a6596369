"""Where things are: the one place that reads the environment.

Three layers, the first that knows wins: the environment, the addresses that a running stack wrote to
`<home>/stack.json`, the defaults.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import platformdirs

from deploy.errors import SettingsError
from deploy.home import running_stack_env

DEFAULT_NAMESPACE = "throughline"
DEFAULT_MLLP_PORT = 2575
DEFAULT_HTTP_PORT = 8480

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


class HostPort(NamedTuple):
    """A TCP address."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """Addresses and options of one installation. `None` means: not given, so the stack provides it."""

    home: Path
    """Data directory: PostgreSQL's and Temporal's files, logs, `stack.json`."""
    database_url: str | None = None
    """PostgreSQL connection URL for psycopg. May hold a password: never log it."""
    keys_url: str | None = None
    """Connection URL of the database of the clients' keys: another than the record's, with backups of its own."""
    kek_file: Path | None = None
    """The file of key-encryption keys (see `eventstore.kek`)."""
    temporal_address: str | None = None
    temporal_namespace: str = DEFAULT_NAMESPACE
    mllp_port: int = DEFAULT_MLLP_PORT
    http_port: int = DEFAULT_HTTP_PORT
    max_connections_per_peer: int | None = None
    """Connections that each of intake's listeners keeps open to one address; intake's own limit where not given."""
    clinic_url: str | None = None
    """Base URL of the clinic's HTTP systems, without a trailing slash."""
    smtp: HostPort | None = None
    centre: Path | None = None
    """The folder of the centre's own files: its systems, staff and policies (see `centre.files`)."""
    signing_key: Path | None = None
    """The private key that signs heads of the record; its public half lies beside it as `.pub`."""
    anchors: Path | None = None
    """The file of signed heads, where the database's owner cannot write."""
    ui_url: str | None = None
    """Temporal's web page, if there is one."""
    virtual_time: bool = False
    """Journeys run on the virtual calendar of a demonstration or simulation."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read settings from `env` alone. An empty value counts as not given.

        Raises SettingsError, naming the variable, when a value cannot be read.
        """
        smtp = _text(env, "THROUGHLINE_SMTP")
        address = _text(env, "TEMPORAL_ADDRESS")
        return cls(
            home=home_from_env(env),
            database_url=_database_url(env, "DATABASE_URL"),
            keys_url=_database_url(env, "THROUGHLINE_KEYS_URL"),
            kek_file=_path(env, "THROUGHLINE_KEK_FILE"),
            temporal_address=str(_host_port("TEMPORAL_ADDRESS", address)) if address else None,
            temporal_namespace=_text(env, "TEMPORAL_NAMESPACE") or DEFAULT_NAMESPACE,
            mllp_port=_port(env, "THROUGHLINE_MLLP_PORT", DEFAULT_MLLP_PORT),
            http_port=_port(env, "THROUGHLINE_HTTP_PORT", DEFAULT_HTTP_PORT),
            max_connections_per_peer=_count(env, "THROUGHLINE_MAX_CONNECTIONS_PER_PEER"),
            clinic_url=_http_url(env, "THROUGHLINE_CLINIC_URL"),
            smtp=_host_port("THROUGHLINE_SMTP", smtp) if smtp else None,
            centre=_path(env, "THROUGHLINE_CENTRE"),
            signing_key=_path(env, "THROUGHLINE_SIGNING_KEY"),
            anchors=_path(env, "THROUGHLINE_ANCHORS"),
            ui_url=_http_url(env, "THROUGHLINE_UI_URL"),
            virtual_time=_flag(env, "THROUGHLINE_VIRTUAL_TIME"),
        )

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read settings for a command: the environment over a running stack's addresses over defaults.

        A `stack.json` whose stack is no longer alive is ignored. Raises SettingsError.
        """
        given = {name: value for name, value in (os.environ if env is None else env).items() if value.strip()}
        return cls.from_env({**running_stack_env(home_from_env(given)), **given})

    def as_env(self) -> dict[str, str]:
        """The variables that make another process read these very settings with `from_env`."""
        values = {
            "THROUGHLINE_HOME": str(self.home),
            "DATABASE_URL": self.database_url,
            "THROUGHLINE_KEYS_URL": self.keys_url,
            "THROUGHLINE_KEK_FILE": str(self.kek_file) if self.kek_file else None,
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_NAMESPACE": self.temporal_namespace,
            "THROUGHLINE_MLLP_PORT": str(self.mllp_port),
            "THROUGHLINE_HTTP_PORT": str(self.http_port),
            "THROUGHLINE_MAX_CONNECTIONS_PER_PEER": str(self.max_connections_per_peer or "") or None,
            "THROUGHLINE_CLINIC_URL": self.clinic_url,
            "THROUGHLINE_SMTP": str(self.smtp) if self.smtp else None,
            "THROUGHLINE_CENTRE": str(self.centre) if self.centre else None,
            "THROUGHLINE_SIGNING_KEY": str(self.signing_key) if self.signing_key else None,
            "THROUGHLINE_ANCHORS": str(self.anchors) if self.anchors else None,
            "THROUGHLINE_UI_URL": self.ui_url,
            "THROUGHLINE_VIRTUAL_TIME": "1" if self.virtual_time else "0",
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def ui_page(self) -> str | None:
        """The web page's list of this namespace's workflows, if there is a web page."""
        return f"{self.ui_url}/namespaces/{self.temporal_namespace}/workflows" if self.ui_url else None

    def require_database_url(self) -> str:
        """The database URL. Raises SettingsError when nothing provides one."""
        return _required(self.database_url, "DATABASE_URL", "postgresql://user@host/throughline")

    def require_keys_url(self) -> str:
        """The URL of the keys' database. Raises SettingsError when nothing provides one."""
        return _required(self.keys_url, "THROUGHLINE_KEYS_URL", "postgresql://user@host/throughline_keys")

    def require_kek_file(self) -> Path:
        """The file of key-encryption keys. Raises SettingsError when nothing provides one."""
        _required(str(self.kek_file) if self.kek_file else None, "THROUGHLINE_KEK_FILE", "/etc/throughline/kek")
        assert self.kek_file is not None
        return self.kek_file

    def require_temporal_address(self) -> str:
        """Temporal's address. Raises SettingsError when nothing provides one."""
        return _required(self.temporal_address, "TEMPORAL_ADDRESS", "127.0.0.1:7233")

    def require_signing_key(self) -> Path:
        """The file of the key that signs heads. Raises SettingsError when nothing provides one."""
        _required(str(self.signing_key or "") or None, "THROUGHLINE_SIGNING_KEY", "/run/secrets/signing.pem")
        assert self.signing_key is not None
        return self.signing_key

    def require_anchors(self) -> Path:
        """The file of signed heads. Raises SettingsError when nothing provides one."""
        _required(str(self.anchors or "") or None, "THROUGHLINE_ANCHORS", "/mnt/anchors/heads.jsonl")
        assert self.anchors is not None
        return self.anchors

    def require_clinic_url(self) -> str:
        """The clinic's base URL. Raises SettingsError when nothing provides one."""
        return _required(self.clinic_url, "THROUGHLINE_CLINIC_URL", "http://127.0.0.1:8490")

    def require_smtp(self) -> HostPort:
        """The mail server's address. Raises SettingsError when nothing provides one."""
        if self.smtp is None:
            _required(None, "THROUGHLINE_SMTP", "127.0.0.1:2525")
        assert self.smtp is not None
        return self.smtp


def home_from_env(env: Mapping[str, str]) -> Path:
    """The data directory that `env` asks for; else the user's state directory. Always absolute."""
    given = _text(env, "THROUGHLINE_HOME")
    path = Path(given).expanduser() if given else platformdirs.user_state_path("throughline")
    return path.absolute()


def _required(value: str | None, name: str, example: str) -> str:
    if value is None:
        raise SettingsError(f"{name} is not set and no stack is running: run `throughline up`, or set {name}={example}")
    return value


def _text(env: Mapping[str, str], name: str) -> str:
    return env.get(name, "").strip()


def _path(env: Mapping[str, str], name: str) -> Path | None:
    text = _text(env, name)
    return Path(text).expanduser().absolute() if text else None


def _flag(env: Mapping[str, str], name: str) -> bool:
    text = _text(env, name).lower()
    if text not in _TRUE | _FALSE:
        raise SettingsError(f"{name} must be 1 or 0, not {text!r}")
    return text in _TRUE


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = _text(env, name)
    return _port_number(name, text) if text else default


def _port_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise SettingsError(f"{name}: a port is a number from 0 to 65535 (0: any free one), not {text!r}")
    return int(text)


def _count(env: Mapping[str, str], name: str) -> int | None:
    text = _text(env, name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise SettingsError(f"{name} must be a whole number from 1, not {text!r}")
    return int(text)


def _host_port(name: str, text: str) -> HostPort:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or "/" in text:
        raise SettingsError(f"{name} must be host:port, for example 127.0.0.1:7233, not {text!r}")
    return HostPort(host, _port_number(name, port))


def _http_url(env: Mapping[str, str], name: str) -> str | None:
    text = _text(env, name)
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{name} must be a web address such as http://127.0.0.1:8490, not {text!r}")
    return text.rstrip("/")


def _database_url(env: Mapping[str, str], name: str) -> str | None:
    text = _text(env, name)
    if not text:
        return None
    if urlsplit(text).scheme not in ("postgresql", "postgres"):  # the value may hold a password: not shown
        raise SettingsError(f"{name} must start with postgresql://, e.g. postgresql://user@host/throughline")
    return text
