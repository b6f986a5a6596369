"""Whether a server listens."""

import asyncio


async def port_open(host: str, port: int) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
