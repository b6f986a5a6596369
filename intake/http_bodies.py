"""Refuses HTTP request bodies that arrive in very many pieces, because each piece costs as much as a long one."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Any

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_FREE_PIECES = 1000
_LEAST_BYTES = 256
"""The least bytes per piece, on average, beyond the free pieces. Senders that chunk a body use a few thousand."""


class BoundedBodies(H11Protocol):
    """Uvicorn's HTTP/1.1 with a limit on the pieces of a body. A body beyond it is refused."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _Connection(h11.SERVER)


class _Connection(h11.Connection):
    _pieces = 0
    _bytes = 0

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._pieces = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._pieces += 1
            self._bytes += len(event.data)
            if self._pieces > _FREE_PIECES + self._bytes // _LEAST_BYTES:
                raise h11.RemoteProtocolError("the body came in too many pieces")
        return event
