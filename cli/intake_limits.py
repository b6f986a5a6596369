"""Turns the settings for intake into intake's own types."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

from deploy.limits import Limits
from domain.sites import all_sites
from intake.connections import TcpKeepalive
from intake.http import HttpLimits
from intake.mllp_server import MllpLimits
from intake.places import LaneRules
from intake.receiver import ReceivingRules
from intake.relay import RelayRules
from intake.service import IntakeSettings


class _Slow(TypedDict):
    slow_after: timedelta
    slow: int


def intake_settings(limits: Limits) -> IntakeSettings:
    """The intake settings that follow from the centre's sites and the environment."""
    return IntakeSettings(
        receiving=ReceivingRules(zone=ZoneInfo(all_sites()[0].calendar.zone)),
        receiving_connections=limits.intake_receiving_connections,
        connection_patience=timedelta(seconds=limits.intake_connection_seconds),
        relaying=_relaying(limits),
        limits=_mllp(limits),
        http_limits=_http(limits),
    )


def _mllp(limits: Limits) -> MllpLimits:
    return MllpLimits(
        max_bytes=limits.mllp_max_bytes,
        max_connections=limits.mllp_max_connections,
        max_connections_per_peer=limits.max_connections_per_peer,
        idle_seconds=limits.mllp_idle_seconds,
        message_seconds=limits.mllp_message_seconds,
        handling_seconds=limits.mllp_handling_seconds,
        write_seconds=limits.mllp_write_seconds,
        keepalive=_keepalive(limits),
    )


def _http(limits: Limits) -> HttpLimits:
    return HttpLimits(
        max_bytes=limits.http_max_bytes,
        max_connections=limits.http_max_connections,
        max_connections_per_peer=limits.max_connections_per_peer,
        idle_seconds=limits.http_idle_seconds,
        head_seconds=limits.http_head_seconds,
        body_seconds=limits.http_body_seconds,
        handling_seconds=limits.http_handling_seconds,
        write_seconds=limits.http_write_seconds,
        keepalive=_keepalive(limits),
    )


def _keepalive(limits: Limits) -> TcpKeepalive:
    return TcpKeepalive(
        idle_seconds=limits.keepalive_idle_seconds,
        interval_seconds=limits.keepalive_interval_seconds,
        probes=limits.keepalive_probes,
    )


def _relaying(limits: Limits) -> RelayRules:
    return RelayRules(
        poll=timedelta(seconds=limits.intake_poll_seconds),
        park_for=timedelta(hours=limits.intake_park_hours),
        first_delay=timedelta(seconds=limits.intake_first_delay_seconds),
        longest_delay=timedelta(seconds=limits.intake_longest_delay_seconds),
        attempts=limits.intake_attempts,
        lease=timedelta(seconds=limits.intake_lease_seconds),
        openings=LaneRules(
            at_once=limits.intake_openings_at_once,
            time_limit=timedelta(seconds=limits.intake_openings_seconds),
            connections=limits.intake_openings_connections,
            **_slow(limits),
        ),
        journeys=LaneRules(
            at_once=limits.intake_journeys_at_once,
            time_limit=timedelta(seconds=limits.intake_journeys_seconds),
            connections=limits.intake_journeys_connections,
            **_slow(limits),
        ),
    )


def _slow(limits: Limits) -> _Slow:
    return _Slow(slow_after=timedelta(seconds=limits.intake_slow_seconds), slow=limits.intake_slow_messages)
