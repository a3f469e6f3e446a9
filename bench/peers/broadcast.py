"""`websockets.broadcast`, as its documentation shows it. `python -m bench.peers.broadcast PORT`.

What a client says goes to stdout, for tests of the client.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

connections: set[ServerConnection] = set()


async def handler(connection: ServerConnection) -> None:
    connections.add(connection)
    # A client that is killed does not say good-bye.
    with suppress(ConnectionClosed):
        async for said in connection:
            print(said, flush=True)
    connections.discard(connection)


async def main(port: int) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    # Compressing for each socket would be most of the work.
    async with serve(handler, "127.0.0.1", port, compression=None, backlog=4096):
        while line := await lines.readline():
            broadcast(connections, line.decode().rstrip("\n"))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
