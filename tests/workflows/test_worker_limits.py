"""What the settings say of a worker reaches Temporal's own."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import ResourceBasedSlotSupplier

import worker
from deploy.limits import Limits


@activity.defn
async def call() -> None:
    """Calls no one."""


async def test_a_worker_stops_as_patiently_as_it_is_told(temporal_client: Client) -> None:
    usual = worker._call_worker(temporal_client, "usual-limits", [call], Limits(), 4)
    told = worker._call_worker(temporal_client, "other-limits", [call], Limits(worker_stopping_seconds=3), 4)
    assert usual.config()["graceful_shutdown_timeout"] == timedelta(seconds=10)
    assert told.config()["graceful_shutdown_timeout"] == timedelta(seconds=3)


def test_it_makes_as_many_calls_at_once_as_it_is_told() -> None:
    limits = Limits(worker_fewest_calls=7, worker_most_calls=9, worker_cpu=0.5, worker_memory=0.6)
    slots = worker._call_slots(limits, limits.worker_fewest_calls)._get_activity_task_slot_supplier()
    assert isinstance(slots, ResourceBasedSlotSupplier)
    assert (slots.slot_config.minimum_slots, slots.slot_config.maximum_slots) == (7, 9)
    assert (slots.tuner_config.target_cpu_usage, slots.tuner_config.target_memory_usage) == (0.5, 0.6)
