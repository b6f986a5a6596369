"""Following the record: what is there already page by page, then what is appended as it is appended.

    async with listening(url) as news:
        async for page in follow(read, news, after=position):
            ...

Pages are pulled: while one is being handled, one more is read at most. `Consumer` adds the rest for one named
follower: a checkpoint that moves with what is written, one active process at a time, and a start over after any
loss of the database. Notifications only make it quick; a poll each second makes it sure.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

import psycopg
import structlog
from psycopg.sql import SQL, Identifier

from eventstore.errors import EventStoreError, Fenced, RecordDamaged, StoreUnavailable, UnreadableEvent
from eventstore.following.bulk import BulkEvent, Session, open_session, read_page
from eventstore.following.checkpoints import advance, live_checkpoints, raise_alarm
from eventstore.postgres import CHANNEL, translated

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
PAGE = 500
_SHORTEST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0

Read = Callable[[int, int], Awaitable[Sequence[BulkEvent]]]
Handle = Callable[[Session, Sequence[BulkEvent]], Awaitable[None]]
_TRY_LOCK = "select pg_try_advisory_lock(hashtextextended('throughline consumer ' || %s, 0))"


class News:
    """Says when a channel of PostgreSQL was notified, as far as it can be heard. Many notices are one piece of news.

    Args:
        channel: By default that of appends to the record.
    """

    def __init__(self, channel: str = CHANNEL) -> None:
        self._channel = channel
        self._heard = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Returns at the next notice, at once if there was one since the last call, or after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        self._heard.clear()

    async def listen(self, database_url: str) -> None:
        """Hears until cancelled, on a connection of its own that is made anew whenever it is lost."""
        pause = 0.1
        while True:
            try:
                async with await open_session(database_url, "listener") as session:
                    await session.execute(SQL("listen {}").format(Identifier(self._channel)))
                    self._heard.set()  # what was notified while no one listened
                    pause = 0.1
                    async for _ in session.notifies():
                        self._heard.set()
            except (psycopg.Error, StoreUnavailable) as error:
                log.warning("listener-lost", error=type(error).__name__, again_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


@asynccontextmanager
async def listening(database_url: str, channel: str = CHANNEL) -> AsyncIterator[News]:
    """News of appends, or of another channel, for as long as the block lasts."""
    news = News(channel)
    task = asyncio.create_task(news.listen(database_url))
    try:
        yield news
    finally:
        task.cancel()
        await asyncio.wait([task])


async def catch_up(read: Read, *, after: int, page: int = PAGE) -> AsyncGenerator[Sequence[BulkEvent], None]:
    """The record after a position, page by page until its end. While one is handled, the next is read.

    Args:
        read: Gives the rows after a position, at most so many, and refuses to give them with a hole.
        after: The last position taken in.
        page: The longest page.

    Raises:
        RecordDamaged: Positions are missing. The subscriber must stop there.
    """
    reading = asyncio.ensure_future(read(after, page))
    try:
        while rows := await reading:
            if rows[0].position != after + 1:
                raise RecordDamaged(after, rows[0].position)
            after = rows[-1].position
            if len(rows) < page:
                yield rows
                return
            reading = asyncio.ensure_future(read(after, page))
            await asyncio.sleep(0)  # so that the database is asked before this page is handled
            yield rows
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def follow(
    read: Read, news: News, *, after: int, page: int = PAGE, poll_seconds: float = POLL_SECONDS
) -> AsyncGenerator[Sequence[BulkEvent], None]:
    """The record after a position, page by page and without end; see `catch_up`.

    Args:
        read: As for `catch_up`.
        news: Cuts the wait for more short.
        after: The last position taken in.
        page: The longest page.
        poll_seconds: How often to look without news, elapsed.
    """
    while True:
        async with aclosing(catch_up(read, after=after, page=page)) as pages:
            async for rows in pages:
                after = rows[-1].position
                yield rows
        await news.wait(poll_seconds)


async def become_active(
    session: Session,
    consumer: str,
    poll_seconds: float = POLL_SECONDS,
    on_standing_by: Callable[[], None] = lambda: None,
) -> None:
    """Returns once no other session is active for `consumer`; this one is then, until it ends.

    Only to save work: what keeps two from doing the same is the checkpoint.
    """
    active = await _lock(session, consumer)
    if not active:
        log.info("standing-by", consumer=consumer)
        on_standing_by()
    while not active:
        await asyncio.sleep(poll_seconds)
        active = await _lock(session, consumer)
    log.info("active", consumer=consumer)


async def _lock(session: Session, consumer: str) -> bool:
    row = await (await session.execute(_TRY_LOCK, [consumer])).fetchone()
    return bool(row and row[0])


class Consumer:
    """One named follower of the record; run it in as many processes as you like, one at a time does the work.

    Args:
        database_url: `postgresql://...`, to the server itself and not to a pooler.
        name: Names the checkpoint.
        handle: Takes a page in, on a connection in a transaction. What it writes there is committed together with
            the checkpoint or not at all; what it does elsewhere may be done again after a crash.
        page: The longest page.
        poll_seconds: How often to look without news, elapsed.
    """

    def __init__(
        self, database_url: str, name: str, handle: Handle, *, page: int = PAGE, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._url, self._name, self._handle = database_url, name, handle
        self._page, self._poll_seconds = page, poll_seconds

    async def run(self) -> None:
        """Follows until cancelled, and starts over when the database was away or the checkpoint moved.

        Raises:
            RecordDamaged: Positions are missing. The checkpoint stays before them, with an alarm.
            EventStoreError: The database refuses what it is asked; see `SchemaMissing`.
        """
        await start_over_until_damaged(self._name, self._follow, self._url, [self._name])

    async def _follow(self) -> None:
        async with (
            await open_session(self._url, f"consumer {self._name}") as writing,
            await open_session(self._url, f"reader {self._name}") as reading,
            listening(self._url) as news,
        ):
            await become_active(writing, self._name, self._poll_seconds)
            (checkpoint,) = await live_checkpoints(writing, [self._name])

            async def read(after: int, limit: int) -> Sequence[BulkEvent]:
                return await read_page(reading, after, limit)

            pages = follow(read, news, after=checkpoint.position, page=self._page, poll_seconds=self._poll_seconds)
            async with aclosing(pages):
                async for rows in pages:
                    async with writing.transaction():
                        (checkpoint,) = await advance(writing, [checkpoint], rows[-1].position)
                        await self._handle(writing, rows)


async def start_over_until_damaged(
    name: str, follow_on: Callable[[], Awaitable[None]], database_url: str, consumers: Sequence[str]
) -> None:
    """Calls `follow_on` again whenever the database was away or somebody else moved the checkpoint.

    Any other error of it is raised, and stands at the checkpoints as an alarm.
    """
    pause = _SHORTEST_PAUSE_SECONDS
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await follow_on()
        except Fenced:
            log.info("fenced", consumer=name)
            pause = _SHORTEST_PAUSE_SECONDS
        except (psycopg.OperationalError, psycopg.InterfaceError, StoreUnavailable) as error:
            log.warning("database-away", consumer=name, error=type(error).__name__, again_in_seconds=pause)
        except Exception as error:
            await _alarm(database_url, name, consumers, error)
            if isinstance(error, psycopg.Error):
                raise translated(error) from None
            raise
        if asyncio.get_running_loop().time() - started > _LONGEST_PAUSE_SECONDS:
            pause = _SHORTEST_PAUSE_SECONDS
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _alarm(database_url: str, name: str, consumers: Sequence[str], error: Exception) -> None:
    # The text of an error that is none of ours may hold client data.
    reason = str(error) if isinstance(error, (EventStoreError, UnreadableEvent)) else "see the error's kind"
    log.error("stopped", consumer=name, error=type(error).__name__, reason=reason)
    with suppress(StoreUnavailable):
        async with await open_session(database_url, f"alarm {name}") as session:
            await raise_alarm(session, consumers, f"{type(error).__name__}: {reason}")
