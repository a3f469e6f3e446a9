"""Sends to the group: `python -m bench.tutorial.drive`, a line of JSON on stdin for each update."""

from __future__ import annotations

import asyncio
import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.tutorial.settings")

import django

django.setup()

from channels.layers import get_channel_layer


async def main() -> None:
    layer = get_channel_layer()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    print(json.dumps({"ready": 1}), flush=True)
    while line := await lines.readline():
        await layer.group_send("wall", {"type": "tile.changed", "tile": json.loads(line)})


if __name__ == "__main__":
    asyncio.run(main())
