"""How much one call to the EHR asks of the server and of Temporal: counted, so that it does not grow unseen."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.calls import ClinicCalls
from activities.creations import Creations
from activities.ports import ClinicRefused, EhrRecord, EpisodeStatus
from tests.activities.foreign import ForeignFhir
from tests.activities.test_ehr import DUTY, record
from tests.activities.test_foreign_servers import ehr
from tests.activities.test_foreign_writes import KINDS, counts

NEW = ["search", "create", "search"]
NEW_AND_READ = [*NEW, "read"]
DUTIES = (DUTY, DUTY.model_copy(update={"id": "duty-2"}))


def asked(server: ForeignFhir, kind: str) -> list[str]:
    """What was asked of the server about resources of `kind`, in order."""
    named = {"GET": "read", "PUT": "update", "POST": "create"}
    paths = [(r.method, r.url.path.removeprefix("/fhir/").split("/")) for r in server.requests]
    return ["search" if path[-1] == "_search" else named[method] for method, path in paths if path[0] == kind]


async def beats(server: ForeignFhir, wish: EhrRecord) -> list[Any]:
    """The heartbeats of one call as Temporal makes it."""
    told: list[Any] = []
    environment, nothing = ActivityEnvironment(), object()
    environment.on_heartbeat = lambda *details: told.append(details)
    await environment.run(ClinicCalls(nothing, ehr(server), nothing, nothing).sync_ehr, wish)  # type: ignore[arg-type]
    return told


@pytest.mark.parametrize("honours", [True, False])
async def test_what_the_answer_and_the_search_show_alike_is_not_read_once_more(honours: bool) -> None:
    server = ForeignFhir(honours_if_none_exist=honours)
    await ehr(server).sync(record(tasks=DUTIES))
    assert [asked(server, kind) for kind in KINDS] == [NEW, NEW, NEW * 2]


@pytest.mark.parametrize("versions", ["none", "etag"])
async def test_what_a_search_shows_without_its_version_is_read(versions: str) -> None:
    server = ForeignFhir(versions=versions)
    await ehr(server).sync(record())
    assert [asked(server, kind)[:4] for kind in KINDS] == [NEW_AND_READ] * 3
    assert counts(server) == [1, 1, 1]


@pytest.mark.parametrize("writes", ["minimal", "outcome"])
async def test_what_the_answer_did_not_show_is_read_once(writes: str) -> None:
    server = ForeignFhir(writes=writes)
    await ehr(server).sync(record())
    assert [asked(server, kind) for kind in KINDS] == [["search", "create", "read", "search"]] * 3


async def test_what_was_changed_since_it_was_created_is_read() -> None:
    """The answer to the create is of an older version than the search's hit."""
    server = ForeignFhir(index_lag=2)

    async def add_a_photo(seconds: float) -> None:
        for patient in server.all("Patient"):
            if "photo" not in patient:
                server.put("Patient", patient["id"], **{**patient, "photo": [{"title": "added by the front desk"}]})

    server.pause = add_a_photo  # type: ignore[method-assign]
    await ehr(server).sync(record())
    assert asked(server, "Patient") == [*NEW, "search", "search", "read"]
    assert counts(server) == [1, 1, 1]


async def test_what_was_put_out_of_use_since_it_was_created_does_not_count() -> None:
    server = ForeignFhir(index_lag=1)

    async def put_out_of_use(seconds: float) -> None:
        (patient,) = server.all("Patient")
        server.put("Patient", patient["id"], **{**patient, "active": False})

    server.pause = put_out_of_use  # type: ignore[method-assign]
    with pytest.raises(ClinicRefused, match="out-of-use"):
        await ehr(server).sync(record())
    assert server.written() == ["POST Patient"]


async def test_a_later_call_finds_reads_and_updates_each_once() -> None:
    server = ForeignFhir()
    await ehr(server).sync(record())
    server.requests.clear()
    await ehr(server).sync(record(2, status=EpisodeStatus.ACTIVE))
    found = ["search", "read"]
    assert [asked(server, kind) for kind in KINDS] == [found, [*found, "update"], [*found, "update"]]


async def test_a_repeated_call_only_looks() -> None:
    server = ForeignFhir()
    await ehr(server).sync(record())
    server.requests.clear()
    await ehr(server).sync(record())
    assert [asked(server, kind) for kind in KINDS] == [["search", "read"]] * 3


async def test_a_create_is_told_to_temporal_three_times_and_an_update_never() -> None:
    """That it is begun, which id it got, and that it is found; Temporal sends at most ten of these a second."""
    server = ForeignFhir()
    assert len(await beats(server, record())) == 3 * len(KINDS)
    assert await beats(server, record(2, status=EpisodeStatus.ACTIVE)) == []


async def test_what_is_begun_is_told_before_it_is_sent() -> None:
    server, order = ForeignFhir(), []
    creations = Creations(keep=lambda kept: order.append((len(server.written()), dict(kept))))
    await ehr(server).sync(record(), creations)
    begun = {label: sent for sent, kept in reversed(order) for label, (_, id_) in kept.items() if not id_}
    assert Counter(label.partition("/")[0] for label in begun) == Counter(KINDS)
    assert [begun[label] for label in sorted(begun, key=lambda each: KINDS.index(each.partition("/")[0]))] == [0, 1, 2]
