"""The daily digests on the real parts: one a day for each reader, whatever is away at the time."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from dashboard.digest_activities import DigestSender, ensure_digests
from tests.colleagues import EXAMPLE_STAFF
from tests.workflows.digest_run import DigestRun, digest_run, told
from tests.workflows.house import House, until
from tests.workflows.paths import enrol
from workflows.messages import DIGESTS, TASK_QUEUE, DigestStart

pytestmark = pytest.mark.stack


class Digests:
    """A run of the digests, and the mails that come of it."""

    def __init__(self, house: House, run: DigestRun) -> None:
        self.house = house
        self.run = run
        self.to_the_next_opening = run.to_the_next_opening

    async def sent(self, day: str) -> list[str]:
        """Who was sent a digest of that day, once all of them are."""
        readers = []
        async for each in self.house.client.list_workflows("WorkflowType = 'Page'"):
            if each.id.startswith("page/digest/") and each.id.endswith(day):
                await self.house.client.get_workflow_handle(each.id, run_id=each.run_id).result()
                readers.append(each.id.split("/")[2])
        return readers

    async def arrive(self, day: str) -> list[dict[str, Any]]:
        """The mails of all digests so far, once some of that day have arrived."""

        async def some_were_sent() -> bool:
            return bool(await self.sent(day))

        await until(some_were_sent, f"digests of {day} arrived")
        return self.mails()

    def mails(self) -> list[dict[str, Any]]:
        """The digests that arrived."""
        return [each for each in self.house.clinic.get("/mailbox") if "Today: " in each["subject"]]


def working(house: House) -> AbstractAsyncContextManager[None]:
    """A worker that sends digests, until the block ends."""
    return house.working(digests=sender(house))


def sender(house: House) -> DigestSender:
    return DigestSender(house.client, house._database_url, lambda: EXAMPLE_STAFF)


@asynccontextmanager
async def made(house: House) -> AsyncIterator[Digests]:
    """The digests of the example's site, from a day ago on."""
    async with digest_run(house.client, lambda: working(house)) as run:
        yield Digests(house, run)


async def test_each_reader_gets_one_mail_a_day_at_the_opening_and_none_twice(idle_house: House) -> None:
    async with made(idle_house) as digests:
        case = await idle_house.admit()
        await enrol(case)
        await case.settled()
        day = await digests.to_the_next_opening()
        mails = await digests.arrive(day)
        readers = [mail["to"][0] for mail in mails]
        assert readers and len(set(readers)) == len(readers)
        assert any(case.id[:8] in mail["body"] for mail in mails)
        known_by = (case.id, case.person.client_ref, case.person.family_name, case.person.mrn, case.person.member_id)
        assert not any(word in mail["body"] for word in known_by for mail in mails)
        history = await digests.run.handle.fetch_history()
        assert not any(b"Today: " in event.SerializeToString() for event in history.events), "it would grow with them"
    async with made(idle_house) as digests:  # as after Temporal was told twice
        assert await digests.to_the_next_opening() == day
        assert sorted(await digests.sent(day)) == sorted(set(await digests.sent(day)))
        assert digests.mails() == mails


async def test_no_digest_is_lost_while_the_mail_server_turns_everything_away(idle_house: House) -> None:
    async with made(idle_house) as digests:
        case = await idle_house.admit()
        await case.settled()  # its placement is due soon
        await digests.to_the_next_opening()
        idle_house.clinic.script("*", mail_failures=4)
        day = await digests.to_the_next_opening()
        mails = await digests.arrive(day)
        assert any(case.id[:8] in mail["body"] for mail in mails)


async def test_what_was_new_in_one_digest_is_not_new_in_the_next(idle_house: House) -> None:
    async with made(idle_house) as digests:
        case = await idle_house.admit()
        await case.settled()  # its placement is due soon
        for _ in range(3):  # past the days of the other tests
            day = await digests.to_the_next_opening()
        mails = await digests.arrive(day)
        assert all("Today: 0 new" in mail["subject"] for mail in mails[-1:])


async def test_a_digest_for_which_no_worker_ran_at_the_opening_is_sent_once_one_runs(idle_house: House) -> None:
    async with made(idle_house) as digests:
        case = await idle_house.admit()
        await case.settled()
        for _ in range(4):  # past the days of the other tests
            await digests.to_the_next_opening()
        before = len(digests.mails())
        day = await digests.run.to_the_next_opening_without_a_worker()
        mails = (await digests.arrive(day))[before:]
        readers = [mail["to"][0] for mail in mails]
        assert readers and len(set(readers)) == len(readers)
        assert any(case.id[:8] in mail["body"] for mail in mails)


async def test_where_the_site_is_closed_after_all_what_is_new_is_told_at_the_next_opening(idle_house: House) -> None:
    async with made(idle_house) as digests:
        for _ in range(5):  # past the days of the other tests
            await digests.to_the_next_opening()
        closed = await digests.run.to_a_closed_day()
        day = await digests.to_the_next_opening()
        await digests.arrive(day)
        assert not await digests.sent(closed)
        history = await digests.run.handle.fetch_history()
        *_, (in_vain, nothing), (at_opening, sent) = await told(history, idle_house.client.data_converter)
        assert (nothing.made, sent.made, sent.digests) == (False, True, len(await digests.sent(day)))
        assert at_opening.since == in_vain.since, "what nobody was told is still to be told"


async def test_the_digests_of_a_site_are_begun_once_and_end_with_the_site(idle_house: House) -> None:
    async with working(idle_house):
        await ensure_digests(idle_house.client)
        handle = idle_house.client.get_workflow_handle("digests-main")
        first = (await handle.describe()).run_id
        await ensure_digests(idle_house.client)
        assert (await handle.describe()).run_id == first
        await handle.terminate("the test is over")
        gone = await idle_house.client.start_workflow(
            DIGESTS,
            DigestStart(site="nowhere", since=datetime.now(UTC)),
            id=f"digests-{uuid.uuid4()}",
            task_queue=TASK_QUEUE,
        )
        await gone.result()
        assert (await gone.describe()).status is WorkflowExecutionStatus.COMPLETED
