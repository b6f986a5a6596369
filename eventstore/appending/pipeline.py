"""A statement that is asked again and again over one connection, the next sent before the last is answered.

So the server goes from one to the next without a pause. psycopg's own pipeline lets nobody send while somebody waits
for an answer; what is sent and received here is therefore said to libpq itself, through `psycopg.pq`.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg import AsyncConnection, OperationalError
from psycopg.adapt import Transformer
from psycopg.errors import FeatureNotSupported, error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

Connect = Callable[[], Awaitable[AsyncConnection[Any]]]
Rows = list[tuple[Any, ...]]

_NAME = "asked_again"


class Pipeline:
    """Over a connection of its own, opened when it is first needed, and again when it was lost, until `close`.

    Each time is a transaction of its own: one that fails does not touch the others.

    Args:
        connect: Opens a connection in autocommit whose text is UTF-8.
        statement: What is asked, as it stands: nothing in it is quoted. `$1` is its argument, its only one.
        argument_type: PostgreSQL's name for the type of the argument.
        patience: Elapsed seconds to wait for a connection.
    """

    def __init__(
        self, connect: Connect, statement: LiteralString, argument_type: LiteralString, *, patience: float
    ) -> None:
        self._connect = connect
        self._prepare = f"prepare {_NAME} ({argument_type}) as {statement}".encode()
        self._patience = patience
        self._opening = asyncio.Lock()
        self._line: _Line | None = None
        self._is_closed = False

    async def ask(self, argument: str) -> Rows:
        """The rows for this argument, which holds no NUL. A caller that stops waiting does not take it back.

        Raises:
            psycopg.Error: As the server refused it, or `OperationalError`: the connection was lost, could not be made
                or is closed, and nobody knows whether the statement was carried out.
        """
        line = self._line if self._line and self._line.is_open else await self._open()
        try:
            return await line.ask(argument.encode())
        except FeatureNotSupported:
            line.close()  # a migration gave the statement's rows other types: what is prepared can never be asked again
            raise

    def close(self) -> None:
        """Ends the connection, for good. What is still unanswered fails."""
        self._is_closed = True
        if self._line:
            self._line.close()

    async def _open(self) -> _Line:
        try:
            async with asyncio.timeout(self._patience), self._opening:
                if not (self._line and self._line.is_open):
                    self._line = await self._opened()
                return self._line
        except TimeoutError:
            raise OperationalError("no connection in time") from None

    async def _opened(self) -> _Line:
        if self._is_closed:
            raise OperationalError("closed")
        connection = await self._connect()
        try:
            await connection.execute(self._prepare)
            if self._is_closed:
                raise OperationalError("closed meanwhile")
            return _Line(connection)
        except BaseException:
            await connection.close()
            raise


class _Line:
    """A connection in libpq's pipeline mode, and who waits for its next answers, in order."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection  # or it would be closed as nobody's
        self._libpq = connection.pgconn
        self._libpq.nonblocking = 1
        self._libpq.enter_pipeline_mode()
        self._reading = Transformer(connection)
        self._asked: deque[asyncio.Future[PGresult]] = deque()
        self._result: PGresult | None = None
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        # libpq closes its own descriptor when it gives a connection up, and the loop cannot let go of a closed one.
        self._socket = os.dup(self._libpq.socket)
        self._loop.add_reader(self._socket, self._receive)

    @property
    def is_open(self) -> bool:
        return not self._is_closed and self._libpq.status == ConnStatus.OK

    async def ask(self, argument: bytes) -> Rows:
        answer: asyncio.Future[PGresult] = self._loop.create_future()
        self._asked.append(answer)
        with self._closed_if_lost():
            self._libpq.send_query_prepared(_NAME.encode(), [argument])
            self._libpq.pipeline_sync()
            if self._libpq.flush():
                self._loop.add_writer(self._socket, self._send_rest)
        return self._rows(await answer)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            os.close(self._socket)
            self._libpq.finish()
        while self._asked:
            self._answer(None)

    def _rows(self, result: PGresult) -> Rows:
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result)
        self._reading.set_pgresult(result)
        return self._reading.load_rows(0, result.ntuples, tuple)

    def _send_rest(self) -> None:
        with self._closed_if_lost():
            if not self._libpq.flush():
                self._loop.remove_writer(self._socket)

    def _receive(self) -> None:
        with self._closed_if_lost():
            self._libpq.consume_input()
            while self._asked and self.is_open and not self._libpq.is_busy():
                self._take(self._libpq.get_result())

    @contextmanager
    def _closed_if_lost(self) -> Iterator[None]:
        """If anything goes wrong, no caller is left to wait on a connection that does not answer in order any more."""
        try:
            yield
        except OperationalError:
            self.close()
        except BaseException:
            self.close()
            raise
        if not self.is_open:
            self.close()

    def _take(self, result: PGresult | None) -> None:
        if result is None:  # the end of what one statement gives
            return
        if result.status == ExecStatus.PIPELINE_SYNC:
            result, self._result = self._result, None
            self._answer(result)
        else:
            self._result = result

    def _answer(self, result: PGresult | None) -> None:
        answer = self._asked.popleft()
        if answer.done():  # its asker has gone
            return
        if result:
            answer.set_result(result)
        else:
            answer.set_exception(OperationalError("the connection was lost"))
