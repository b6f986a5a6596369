"""What a site sets in the environment reaches intake."""

from __future__ import annotations

import pytest

from cli.intake_limits import intake_settings
from deploy.layers import variable_of
from deploy.limits import Limits
from deploy.settings import Settings
from intake.http import HttpLimits
from intake.mllp_server import MllpLimits
from intake.relay import RelayRules
from intake.service import IntakeSettings

OF_INTAKE = [
    name for name in Limits.model_fields if name.startswith(("max_", "keepalive_", "mllp_", "http_", "intake_"))
]


def test_both_listeners_take_the_limit_of_connections_from_one_peer() -> None:
    settings = intake_settings(Settings.from_env({"THROUGHLINE_MAX_CONNECTIONS_PER_PEER": "100"}))
    assert settings.limits == MllpLimits(max_connections_per_peer=100)
    assert settings.http_limits == HttpLimits(max_connections_per_peer=100)


def test_a_limit_that_is_not_set_is_intakes_own() -> None:
    settings = intake_settings(Settings.from_env({}))
    assert (settings.limits, settings.http_limits, settings.relaying) == (MllpLimits(), HttpLimits(), RelayRules())
    assert settings.receiving_connections == IntakeSettings().receiving_connections


@pytest.mark.parametrize("name", OF_INTAKE)
def test_each_limit_of_intake_reaches_it(name: str) -> None:
    another = getattr(Limits(), name) + 1
    assert intake_settings(Settings.from_env({variable_of(name): str(another)})) != intake_settings(Limits())
