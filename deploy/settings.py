"""Addresses and limits of one installation. This is the only place that reads the environment.

There are three layers, and the first that has a value wins: the environment, the addresses that a running stack wrote
to `<home>/stack.json`, and the defaults.
"""

import os
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Self, TypeVar

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from deploy.errors import SettingsError
from deploy.home import running_stack_env
from deploy.layers import ENVIRONMENT, RUNNING_STACK, Layer, Variables, explained, variable_of
from deploy.limits import Limits
from deploy.values import Address, DatabaseUrl, File, HostPort, HttpUrl, Port, Server

Given = TypeVar("Given")

DEFAULT_NAMESPACE = "throughline"
DEFAULT_MLLP_PORT = 2575
DEFAULT_HTTP_PORT = 8480
DEFAULT_BOARD_PORT = 8484

_LAYERS: ContextVar[tuple[Layer, ...]] = ContextVar("_LAYERS", default=())
"""The layers that are being read now. Settings that a program creates itself read nothing."""


def _usual_home() -> Path:
    return platformdirs.user_state_path("throughline").absolute()


class Settings(Limits, BaseSettings):
    """Addresses, options and limits of one installation. None: not given, so the stack provides it."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    home: File = Field(
        default_factory=_usual_home, description="Data directory: PostgreSQL's and Temporal's files, logs, stack.json."
    )
    database_url: DatabaseUrl | None = Field(
        default=None, repr=False, description="The database of the record and of intake."
    )
    keys_url: DatabaseUrl | None = Field(
        default=None, repr=False, description="The database of the clients' keys, another one."
    )
    kek_file: File | None = Field(default=None, description="The file of key-encryption keys.")
    payload_keys: File | None = Field(
        default=None, description="The file of the keys that encrypt what goes to Temporal."
    )
    temporal_address: Address | None = Field(default=None, description="Temporal's gRPC address, host:port.")
    temporal_namespace: str = Field(default=DEFAULT_NAMESPACE, description="Temporal's namespace.")
    mllp_port: Port = Field(default=DEFAULT_MLLP_PORT, description="The MLLP port of intake; 0: any free port.")
    http_port: Port = Field(default=DEFAULT_HTTP_PORT, description="The HTTP port of intake; 0: any free port.")
    board_port: Port = Field(default=DEFAULT_BOARD_PORT, description="The port of the board; 0: any free port.")
    board_url: HttpUrl | None = Field(
        default=None, description="The board's address as browsers see it; if not set, its port on this machine."
    )
    sign_in_issuer: HttpUrl | None = Field(
        default=None, description="The OpenID provider at which staff sign in: its issuer address."
    )
    sign_in_client_id: str = Field(
        default="throughline", description="The name under which the provider knows the board."
    )
    sign_in_client_secret: File | None = Field(
        default=None, description="The file with the secret that the provider gave the board, if it gave one."
    )
    sign_in_staff_claim: str = Field(default="sub", description="The claim of an ID token that holds the staff id.")
    clinic_url: HttpUrl | None = Field(default=None, description="Base address of the clinic's HTTP systems.")
    smtp: Server | None = Field(default=None, description="The mail server, host:port.")
    centre: File | None = Field(default=None, description="The folder of the centre's files; if not set, the example.")
    signing_key: File | None = Field(
        default=None, description="The private key that signs heads of the record; the public key is next to it."
    )
    anchors: File | None = Field(
        default=None, description="The file of signed heads, where the database's owner cannot write."
    )
    trusted_keys: File | None = Field(
        default=None, description="The list of public keys whose signatures the worker believes."
    )
    decision_key: File | None = Field(
        default=None, description="The private key that signs decisions of people who have signed in."
    )
    direct_key: File | None = Field(
        default=None, description="The operator's private key, which signs decisions taken by direct access."
    )
    intake_key: File | None = Field(
        default=None, description="The private key with which intake signs admissions messages."
    )
    ui_url: HttpUrl | None = Field(default=None, description="Temporal's web page, if there is one.")
    virtual_time: bool = Field(default=False, description="Journeys run on the virtual calendar of a demonstration.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Uses only our own layers, not a .env file or the environment of a program that creates settings."""
        return (init_settings, *(Variables(settings_cls, layer) for layer in _LAYERS.get()))

    @classmethod
    def from_layers(cls, *layers: Layer) -> Self:
        """Reads settings from these layers. The first layer that has a value wins.

        Raises:
            SettingsError: A value cannot be read; names the variable.
        """
        token = _LAYERS.set(layers)
        try:
            return cls()
        except ValidationError as error:
            raise explained(error, cls) from None
        finally:
            _LAYERS.reset(token)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Reads settings only from `env`. An empty value counts as not set. Raises SettingsError."""
        return cls.from_layers(Layer(ENVIRONMENT, env))

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Self:
        """Reads settings for a command: first the environment, then a running stack's addresses, then the defaults.

        A `stack.json` whose stack has ended is ignored.

        Raises:
            SettingsError: A value cannot be read; names the variable.
        """
        return cls.from_layers(*layers_of(os.environ if env is None else env))

    def changed(self, **changes: object) -> Self:
        """The same settings with `changes`, which are not validated."""
        assert changes.keys() <= type(self).model_fields.keys(), "no such setting"
        return self.model_copy(update=changes)

    def as_env(self) -> dict[str, str]:
        """The variables with which another process reads the same settings by `from_env`.

        Limits at their default are left out.
        """
        usual = Limits()
        values = {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in Limits.model_fields or getattr(self, name) != getattr(usual, name)
        }
        return {variable_of(name): _as_text(value) for name, value in values.items() if value is not None}

    @property
    def ui_page(self) -> str | None:
        """The address of the Temporal UI's list of workflows in this namespace, if there is a UI."""
        return f"{self.ui_url}/namespaces/{self.temporal_namespace}/workflows" if self.ui_url else None

    @property
    def board_page(self) -> str | None:
        """The board's address as browsers see it, as far as it is known before the board starts."""
        return self.board_url or (f"http://127.0.0.1:{self.board_port}" if self.board_port else None)

    @property
    def codec_endpoint(self) -> str | None:
        """Where the Temporal UI has payloads decrypted: the board."""
        return f"{self.board_page}/codec" if self.board_page else None

    def require_database_url(self) -> str:
        """The database URL. Raises SettingsError when nothing provides one."""
        return _required(self.database_url, "DATABASE_URL", "postgresql://user@host/throughline")

    def require_keys_url(self) -> str:
        """The URL of the keys' database. Raises SettingsError when nothing provides one."""
        return _required(self.keys_url, "THROUGHLINE_KEYS_URL", "postgresql://user@host/throughline_keys")

    def require_kek_file(self) -> Path:
        """The file of key-encryption keys. Raises SettingsError when nothing provides one."""
        return _required(self.kek_file, "THROUGHLINE_KEK_FILE", "/etc/throughline/kek")

    def require_payload_keys(self) -> Path:
        """The file of payload keys. Raises SettingsError when nothing provides one."""
        return _required(self.payload_keys, "THROUGHLINE_PAYLOAD_KEYS", "/etc/throughline/payload-keys")

    def require_temporal_address(self) -> str:
        """Temporal's address. Raises SettingsError when nothing provides one."""
        return _required(self.temporal_address, "TEMPORAL_ADDRESS", "127.0.0.1:7233")

    def require_signing_key(self) -> Path:
        """The file of the key that signs heads. Raises SettingsError when nothing provides one."""
        return _required(self.signing_key, "THROUGHLINE_SIGNING_KEY", "/run/secrets/signing.pem")

    def require_anchors(self) -> Path:
        """The file of signed heads. Raises SettingsError when nothing provides one."""
        return _required(self.anchors, "THROUGHLINE_ANCHORS", "/mnt/anchors/heads.jsonl")

    def require_trusted_keys(self) -> Path:
        """The list of trusted public keys. Raises SettingsError when nothing provides one."""
        return _required(self.trusted_keys, "THROUGHLINE_TRUSTED_KEYS", "/etc/throughline/trusted-keys.toml")

    def require_decision_key(self) -> Path:
        """The file of the key that signs decisions. Raises SettingsError when nothing provides one."""
        return _required(self.decision_key, "THROUGHLINE_DECISION_KEY", "/run/secrets/decisions.pem")

    def require_direct_key(self) -> Path:
        """The file of the operator's key. Raises SettingsError when nothing provides one."""
        return _required(self.direct_key, "THROUGHLINE_DIRECT_KEY", "/run/secrets/direct.pem")

    def require_intake_key(self) -> Path:
        """The file of intake's key. Raises SettingsError when nothing provides one."""
        return _required(self.intake_key, "THROUGHLINE_INTAKE_KEY", "/run/secrets/intake.pem")

    def require_clinic_url(self) -> str:
        """The clinic's base URL. Raises SettingsError when nothing provides one."""
        return _required(self.clinic_url, "THROUGHLINE_CLINIC_URL", "http://127.0.0.1:8490")

    def require_smtp(self) -> HostPort:
        """The mail server's address. Raises SettingsError when nothing provides one."""
        return _required(self.smtp, "THROUGHLINE_SMTP", "127.0.0.1:2525")


def layers_of(env: Mapping[str, str]) -> tuple[Layer, ...]:
    """The layers that a command reads: the environment, and a running stack's addresses."""
    home = Settings.from_env({"THROUGHLINE_HOME": env.get("THROUGHLINE_HOME", "")}).home
    return Layer(ENVIRONMENT, env), Layer(RUNNING_STACK, running_stack_env(home))


def _as_text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _required(value: Given | None, name: str, example: str) -> Given:
    if value is None:
        raise SettingsError(f"{name} is not set and no stack is running: run `throughline up`, or set {name}={example}")
    return value
