"""Where settings come from: layers of variables, how they are read, and the error for one that cannot be read."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from deploy.errors import SettingsError

ENVIRONMENT = "environment"
RUNNING_STACK = "running stack"
DEFAULT = "default"

_UNPREFIXED = ("database_url", "temporal_address", "temporal_namespace")
"""Settings whose variables other programs also use."""


class Layer(NamedTuple):
    """Variables from one source."""

    name: str
    values: Mapping[str, str]

    def given(self, setting: str) -> str | None:
        """The layer's text for a setting. An empty text counts as not set."""
        return self.values.get(variable_of(setting), "").strip() or None


def variable_of(setting: str) -> str:
    """The environment variable of a setting."""
    return setting.upper() if setting in _UNPREFIXED else f"THROUGHLINE_{setting.upper()}"


class Variables(PydanticBaseSettingsSource):
    """One layer, as pydantic-settings reads it."""

    def __init__(self, settings: type[BaseSettings], layer: Layer) -> None:
        super().__init__(settings)
        self._layer = layer

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The text, the setting's name, and that it is not JSON."""
        return self._layer.given(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All values of the layer."""
        texts = {name: self._layer.given(name) for name in self.settings_cls.model_fields}
        return {name: text for name, text in texts.items() if text is not None}


def explained(error: ValidationError, settings: type[BaseSettings]) -> SettingsError:
    """The first error, with the variable's name. The value is not quoted, because it may be a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    if not first["loc"]:
        return SettingsError(_words(first))
    name = str(first["loc"][0])
    if name not in settings.model_fields:
        return SettingsError(f"there is no setting {name}")
    return SettingsError(f"{variable_of(name)} {_wanted(settings.model_fields[name]) or _words(first)}")


def unit_of(field: FieldInfo) -> str | None:
    """The unit of the setting's number."""
    extra = field.json_schema_extra
    return str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else None


def _wanted(field: FieldInfo) -> str | None:
    if field.annotation is bool:
        return "must be 1 or 0"
    if field.annotation not in (int, float):
        return None
    least = next((each.ge for each in field.metadata if hasattr(each, "ge")), None)
    most = next((each.le for each in field.metadata if hasattr(each, "le")), None)
    bounds = f"from {least:g}" + (f" to {most:g}" if most is not None else "")
    return f"must be {_kind(field)}, {bounds}"


def _kind(field: FieldInfo) -> str:
    unit = unit_of(field)
    if unit == "share":
        return "a share"
    number = "a whole number" if field.annotation is int else "a number"
    return f"{number} of {unit}" if unit else number


def _words(fault: ErrorDetails) -> str:
    return fault["msg"].removeprefix("Value error, ")
