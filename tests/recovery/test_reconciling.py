"""A scheduled run of which a half fails: the other is done all the same, and operations are told once a day."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError

from eventstore.verification.anchors import ensure_signing_key
from intake.admitted import HandedOver
from recovery.signing import HeadSigner
from tests.workflows.house import House, until
from workflows.messages import RECONCILE, TASK_QUEUE

pytestmark = pytest.mark.stack


async def started(house: House, number: int) -> WorkflowHandle[object, object]:
    return await house.client.start_workflow(RECONCILE, id=f"halves/{number}/{uuid.uuid4()}", task_queue=TASK_QUEUE)


async def failure(run: WorkflowHandle[object, object]) -> ApplicationError:
    """Why the run failed."""
    with pytest.raises(WorkflowFailureError) as failed:
        await run.result()
    assert isinstance(failed.value.cause, ActivityError)
    assert isinstance(failed.value.cause.cause, ApplicationError)
    return failed.value.cause.cause


async def happened(run: WorkflowHandle[object, object], kind: str) -> int:
    history = await run.fetch_history()
    return sum(each.HasField(f"{kind}_event_attributes") for each in history.events)  # type: ignore[arg-type]


async def paged(house: House, words: str) -> list[str]:
    """The bodies of the pages whose subject has `words`, once there is one."""

    def pages() -> list[str]:
        return [each["body"] for each in house.clinic.get("/mailbox") if words in each["subject"]]

    async def there_is_one() -> bool:
        return bool(pages())

    await until(there_is_one, f"operations were paged: {words}")
    return pages()


async def test_a_head_that_cannot_be_signed_is_paged_once_a_day_and_the_comparison_is_done(
    idle_house: House, own_database: str, tmp_path: Path
) -> None:
    signer = HeadSigner(own_database, tmp_path / "no-such-key", tmp_path / "heads.jsonl")
    async with idle_house.working(signer=signer):
        first = await started(idle_house, 1)
        assert (await failure(first)).type == "not-signed"
        assert await happened(first, "activity_task_completed") == 1
        assert await happened(first, "child_workflow_execution_started") == 1
        [body] = await paged(idle_house, "head was not signed")
        assert "not-signed" in body
        again = await started(idle_house, 2)
        assert (await failure(again)).type == "not-signed"
        assert await happened(again, "child_workflow_execution_started") == 0


async def test_a_comparison_that_fails_is_paged_and_the_head_is_signed_first(
    idle_house: House, own_database: str, tmp_path: Path
) -> None:
    ensure_signing_key(tmp_path / "signing.pem")
    signer = HeadSigner(own_database, tmp_path / "signing.pem", tmp_path / "heads.jsonl")
    async with idle_house.working():
        case = await idle_house.admit()
        await case.settled()
    gone = HandedOver(own_database.replace("/test_", "/gone_"))
    async with idle_house.working(signer=signer, admitted=gone):
        run = await started(idle_house, 3)
        assert (await failure(run)).type == "StoreUnavailable"
        assert await happened(run, "activity_task_completed") == 1
        assert (tmp_path / "heads.jsonl").exists()
        [body] = await paged(idle_house, "were not compared")
        assert "StoreUnavailable" in body


async def test_both_halves_may_fail_in_one_run(idle_house: House, own_database: str, tmp_path: Path) -> None:
    signer = HeadSigner(own_database, tmp_path / "no-such-key", tmp_path / "heads.jsonl")
    gone = HandedOver(own_database.replace("/test_", "/gone_"))
    async with idle_house.working(signer=signer, admitted=gone):
        run = await started(idle_house, 4)
        assert (await failure(run)).type == "not-signed"
        assert await happened(run, "activity_task_failed") == 2
