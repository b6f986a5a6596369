"""PostgreSQL dies by SIGKILL every 5 to 20 s while eight writers append and a reader follows.

Every append that was acknowledged must be there once, at the position that was said, and nothing else; the reader must
have seen every event once, in order, and nothing that was taken back. Longer, by hand:

    python -m tests.campaigns.postgres_killed --kills 50 --appends 20000 --seed 7
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from deploy.home import Home
from deploy.postgres import Postgres, remove_socket_folder, start_postgres
from deploy.processes import Supervisor
from eventstore import Appended, EventStore, NewEvent, StoredEvent, StoreUnavailable, VersionConflict, open_store
from migrations import migrate
from tests.campaigns.report import Report, arguments, own_home, tell
from tests.campaigns.wire import Wire

WRITERS = 8
_BEAT_SECONDS = 0.2
"""All writers append at once, then rest: about 40 appends a second, and a kill finds many of them under way."""
_BETWEEN_KILLS = (5.0, 20.0)
_INTO_A_BEAT = (0.0, 0.025)
"""How long after a beat a kill comes."""
_PATIENCE_SECONDS = 60.0
Step = tuple[str, str]
"""A stream, and the key of an append in it."""


class Server:
    """A PostgreSQL of one's own that is killed and started again on the same files."""

    def __init__(self, supervisor: Supervisor, data: Path, started: Postgres, wire: Wire, url: str) -> None:
        self.url = url
        self._supervisor = supervisor
        self._data = data
        self._started = started
        self._wire = wire

    @staticmethod
    @asynccontextmanager
    async def at(path: Path) -> AsyncIterator[Server]:
        home = Home(path)
        home.create()
        lock = await home.lock(5, lambda: None)
        supervisor = Supervisor.open(home.logs, home.journal, lock)
        try:
            started = await start_postgres(supervisor, home.postgres)
            near = path / "wire"
            wire = Wire(near, started.socket_folder)
            async with wire.passing():
                yield Server(supervisor, home.postgres, started, wire, replace(started, socket_folder=near).url())
        finally:
            await supervisor.close()
            remove_socket_folder(home.postgres)
            os.close(lock)

    async def kill(self, *, sessions_too: bool) -> None:
        """SIGKILL to the postmaster, whose sessions then end by themselves, or to all, as when a machine dies."""
        postmaster = psutil.Process(self._started.process.pid)
        victims = [postmaster, *postmaster.children(recursive=True)] if sessions_too else [postmaster]
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        if sessions_too:
            self._wire.cut()
        await self._started.process.wait()

    async def start_again(self) -> None:
        await self._supervisor.stop(self._started.process)
        self._started = await start_postgres(self._supervisor, self._data)


@dataclass
class Books:
    """What was asked of the record, what it answered, and what a reader saw."""

    asked: dict[Step, tuple[NewEvent, ...]] = field(default_factory=dict)
    answers: dict[Step, Appended] = field(default_factory=dict)
    seen: list[StoredEvent] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def step_events(writer: int, number: int, chance: random.Random) -> tuple[NewEvent, ...]:
    """One to three events that no other append has."""
    return tuple(
        NewEvent(
            type="campaign.counted",
            schema_version=1,
            data={"writer": writer, "number": number, "part": part},
            occurred_at=datetime.now(UTC),
        )
        for part in range(chance.randint(1, 3))
    )


class Writer:
    """Appends to two streams of its own and to one that all share, and asks again until it has an answer."""

    def __init__(self, store: EventStore, books: Books, writer: int, chance: random.Random) -> None:
        self._store = store
        self._books = books
        self._writer = writer
        self._chance = chance
        self._versions: dict[str, int] = defaultdict(int)
        self._number = 0

    async def write_one(self) -> None:
        self._number += 1
        stream = self._chance.choice(("shared", f"own-{self._writer}-a", f"own-{self._writer}-b"))
        key = f"step-{self._writer}-{self._number}"
        events = self._books.asked[stream, key] = step_events(self._writer, self._number, self._chance)
        answer = await self._answered(stream, key, events)
        self._books.answers[stream, key] = answer
        self._books.counts["answers of an earlier attempt"] += answer.replayed
        self._versions[stream] = answer.version

    async def _answered(self, stream: str, key: str, events: Sequence[NewEvent]) -> Appended:
        attempt = 0
        while True:
            try:
                return await self._store.append(
                    stream, expected_version=self._versions[stream], key=self.key_for(key, attempt), events=events
                )
            except StoreUnavailable:
                attempt += 1
                self._books.counts["retries"] += 1
                await asyncio.sleep(_BEAT_SECONDS / 4)
            except VersionConflict as conflict:
                self._versions[stream] = conflict.actual
                self._books.counts["conflicts"] += 1

    def key_for(self, key: str, attempt: int) -> str:
        """The same for every attempt."""
        return key


async def follow(store: EventStore, books: Books, stopped: Callable[[int], bool]) -> None:
    """Reads on from the last position seen until told that this was the last; survives the database's deaths."""
    position = 0
    while not stopped(position):
        try:
            batch = await store.read_all(after_position=position, limit=200)
        except StoreUnavailable:
            books.counts["reads that failed"] += 1
            batch = ()
        books.seen += batch
        if batch:
            position = batch[-1].position
        else:
            await asyncio.sleep(_BEAT_SECONDS / 10)


def faults_in(books: Books, record: Sequence[StoredEvent]) -> list[str]:
    """Where the record, what was acknowledged, and what the reader saw differ."""
    return [*_holes(record), *_lost_or_moved(books, record), *_uncalled_for(books, record), *_misread(books, record)]


def _holes(record: Sequence[StoredEvent]) -> list[str]:
    found = [] if [each.position for each in record] == [*range(1, len(record) + 1)] else ["positions are not dense"]
    versions: dict[str, list[int]] = defaultdict(list)
    for each in record:
        versions[each.stream].append(each.version)
    return found + [
        f"versions of {name} are not dense" for name, held in versions.items() if held != [*range(1, len(held) + 1)]
    ]


def _lost_or_moved(books: Books, record: Sequence[StoredEvent]) -> list[str]:
    at = {each.position: each for each in record}
    found = [f"no answer to {step}" for step in books.asked.keys() - books.answers.keys()]
    for step, answer in books.answers.items():
        if any(at.get(event.position) != event for event in answer.events):
            found.append(f"{step} is not where it was acknowledged, at {answer.position}")
        if [_content(event) for event in answer.events] != [_content(event) for event in books.asked[step]]:
            found.append(f"{step} was acknowledged with other events")
    return found


def _uncalled_for(books: Books, record: Sequence[StoredEvent]) -> list[str]:
    asked = Counter(_content(event) for events in books.asked.values() for event in events)
    held = Counter(_content(event) for event in record)
    return [f"event {content} is there {held[content]} times" for content in held if held[content] != asked[content]]


def _misread(books: Books, record: Sequence[StoredEvent]) -> list[str]:
    if books.seen == list(record):
        return []
    twice = len(books.seen) - len({each.position for each in books.seen})
    missed = len({each.position for each in record} - {each.position for each in books.seen})
    return [f"the reader saw {len(books.seen)} events of {len(record)}: {missed} missed, {twice} twice, or others"]


def _content(event: NewEvent) -> tuple[int, int, int]:
    return event.data["writer"], event.data["number"], event.data["part"]


async def on_the_beat() -> None:
    """Returns at the next moment at which all writers begin."""
    now = asyncio.get_running_loop().time()
    await asyncio.sleep(_BEAT_SECONDS - now % _BEAT_SECONDS)


async def kill_again_and_again(server: Server, kills: int, chance: random.Random, counts: Counter[str]) -> None:
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(*_BETWEEN_KILLS))
        await on_the_beat()
        await asyncio.sleep(chance.uniform(*_INTO_A_BEAT))
        sessions_too = chance.random() < 0.5
        await server.kill(sessions_too=sessions_too)
        counts["kills"] += 1
        counts["of them with all sessions"] += sessions_too
        await server.start_again()


async def campaign(seed: int, *, kills: int, appends: int) -> Report:
    """At least so many kills and appends."""
    again = f"python -m tests.campaigns.postgres_killed --seed {seed} --kills {kills} --appends {appends}"
    chance, books = random.Random(seed), Books()
    with own_home() as path:
        async with Server.at(path) as server:
            await asyncio.to_thread(migrate, server.url)  # the wire is on this loop
            async with open_store(server.url, max_size=WRITERS) as store, open_store(server.url) as reading:
                record = await _run(server, store, reading, books, chance, kills, appends)
    counts = {"kills": 0, **books.counts, "appends": len(books.answers), "events": len(record)}
    return Report(again, counts, faults_in(books, record))


async def _run(
    server: Server,
    store: EventStore,
    reading: EventStore,
    books: Books,
    chance: random.Random,
    kills: int,
    appends: int,
) -> list[StoredEvent]:
    enough, last = asyncio.Event(), [sys.maxsize]
    writers = [Writer(store, books, number, random.Random(chance.random())) for number in range(WRITERS)]

    async def write(writer: Writer) -> None:
        while not enough.is_set():
            await on_the_beat()
            await writer.write_one()

    async with asyncio.TaskGroup() as all_of_it:
        following = all_of_it.create_task(follow(reading, books, lambda position: position >= last[0]))
        writing = [all_of_it.create_task(write(each)) for each in writers]
        await kill_again_and_again(server, kills, chance, books.counts)
        while len(books.answers) < appends:
            await on_the_beat()
        enough.set()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await asyncio.wait(writing)
            async with open_store(server.url) as fresh:  # a pooled connection may be a dead server's
                record = [each async for each in whole(fresh)]
            last[0] = len(record)
            await following
    return record


async def whole(store: EventStore) -> AsyncIterator[StoredEvent]:
    """The record from its beginning, in pages."""
    position = 0
    while page := await store.read_all(after_position=position):
        for each in page:
            yield each
        position = page[-1].position


if __name__ == "__main__":
    given = arguments(__doc__, kills=20, appends=8000)
    sys.exit(tell(asyncio.run(campaign(given["seed"], kills=given["kills"], appends=given["appends"]))))
