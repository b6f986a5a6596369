"""What a site sets in the environment reaches intake's listeners."""

from __future__ import annotations

from cli.services import intake_settings
from deploy.settings import Settings
from intake.http import HttpLimits
from intake.mllp_server import MllpLimits


def test_both_listeners_take_the_limit_of_connections_from_one_peer() -> None:
    settings = intake_settings(Settings.from_env({"THROUGHLINE_MAX_CONNECTIONS_PER_PEER": "100"}))
    assert settings.limits == MllpLimits(max_connections_per_peer=100)
    assert settings.http_limits == HttpLimits(max_connections_per_peer=100)


def test_a_limit_that_is_not_set_is_intakes_own() -> None:
    settings = intake_settings(Settings.from_env({}))
    assert (settings.limits, settings.http_limits) == (MllpLimits(), HttpLimits())
