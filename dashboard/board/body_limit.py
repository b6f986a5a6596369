"""No request has a body of any size: it is read into memory before anybody is asked who they are."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LARGEST_BYTES = 256 * 1024


class BodyLimit:
    """Stops reading a body that is too large. The answer is a problem like any other."""

    def __init__(self, app: ASGIApp, largest_bytes: int = _LARGEST_BYTES) -> None:
        self._app = app
        self._largest_bytes = largest_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        read = 0

        async def counting() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._largest_bytes:
                raise HTTPException(413)
            return message

        await self._app(scope, counting, send)
