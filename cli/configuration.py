"""`throughline config`: every setting, what it is, where it comes from and what it means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Set
from dataclasses import asdict, dataclass

from cli.access import settings_as_given
from cli.explained import SHOW_TRACEBACKS
from cli.output import complain, show_json, table
from deploy.layers import DEFAULT, Layer, unit_of, variable_of
from deploy.settings import Settings, layers_of

_URL = re.compile(
    r"(?P<scheme>[a-z]+)://(?:(?P<user>[\w.%+-]*)(?P<password>:[^@/?#]*)?@)?"
    r"(?P<host>[\w.,:\[\]-]*)(?P<path>/[\w.%/-]*)?(?P<query>\?.*)?"
)
_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Told:
    """One setting as it is shown, without its password."""

    variable: str
    value: str | int | float | bool | None
    unit: str | None
    source: str
    description: str


def config(*, json: bool = False) -> None:
    """List every setting: its value, where it comes from and what it means. Passwords are not shown.

    The environment comes first, then a running stack, then the default. A value that cannot be read is
    named, with exit code 2. A variable THROUGHLINE_… that no setting reads is named on stderr.

    Args:
        json: Print a JSON list.
    """
    settings, layers = settings_as_given(), layers_of(os.environ)
    told = list(_told(settings, layers))
    for name in _not_read({each.variable for each in told}):
        complain(f"no setting reads {name}")
    if json:
        show_json([asdict(each) for each in told])
        return
    rows = [(each.variable, _with_unit(each), each.source, each.description) for each in told]
    table(None, ("Variable", "Value", "From", "What it is"), rows)


def _told(settings: Settings, layers: tuple[Layer, ...]) -> Iterator[Told]:
    own = [name for name in Settings.model_fields if name in Settings.__annotations__]
    limits = [name for name in Settings.model_fields if name not in own]
    for name in (*own, *limits):
        field = Settings.model_fields[name]
        source = next((layer.name for layer in layers if layer.given(name)), DEFAULT)
        value = _plain(getattr(settings, name))
        yield Told(variable_of(name), value, unit_of(field), source, field.description or "")


def _not_read(variables: Set[str]) -> list[str]:
    """The THROUGHLINE variables that are set but not used: misspelt, or for another release."""
    ours = {name for name in os.environ if name.startswith("THROUGHLINE_")}
    return sorted(ours - variables - {SHOW_TRACEBACKS})


def _plain(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return masked(text) if "://" in text else text


def masked(url: str) -> str:
    """The address without its password and without its query, which may hold one too."""
    found = _URL.fullmatch(url)
    if found is None:  # an unexpected form: a password could be anywhere in it
        return f"{url.partition('://')[0]}://{_HIDDEN}"
    user = found["user"] or ""
    at = f"{user}{f':{_HIDDEN}' if found['password'] else ''}@" if user or found["password"] else ""
    query = f"?{_HIDDEN}" if found["query"] else ""
    return f"{found['scheme']}://{at}{found['host']}{found['path'] or ''}{query}"


def _with_unit(told: Told) -> str:
    if told.value is None:
        return "-"
    value = f"{told.value:g}" if isinstance(told.value, float) else str(told.value)
    return f"{value} {told.unit}" if told.unit else value
