"""What there is of a Redis to connect to, seen by trying: nothing is stored, nothing is taken."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.servers import Redis
from e2e.wall import free_port
from tests.counterparts import listens, running
from tests.serving import authority, speaking
from widgets.clock import SECOND
from widgets.reading import Reading
from widgets.sources import SourceError, sources
from widgets.streams.trying import listened


def tried(url: str, **options: Any) -> Reading:
    given = {"url": url, "stream": "s", "start": "beginning", **options}
    return listened(sources["redis-stream"], given, 10 * SECOND)  # type: ignore[arg-type]


def test_what_is_tried_is_taken_from_nobody(redis_server: Redis) -> None:
    client = redis_server.client()
    client.xadd("s", {"n": 1})
    client.xadd("s", {"n": 2, "who": "ada"})
    client.xgroup_create("s", "watchwall", id="0")

    reading = tried(redis_server.url, rows=5)

    assert (reading.numbers, [value for _, _, value in reading.history]) == ({"n": 2}, [1])
    assert reading.rows == [{"n": "2", "who": "ada"}, {"n": "1"}]
    [group] = client.xinfo_groups("s")  # type: ignore[no-untyped-call]
    assert (group["consumers"], group["pending"], group["lag"]) == (0, 0, 2)


def test_over_tls_the_certificate_must_be_valid(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    port, pem = free_port(), str(tmp_path / "server.pem")
    command = ["redis-server", "--port", "0", "--tls-port", str(port), "--tls-cert-file", pem,
               "--tls-key-file", pem, "--tls-ca-cert-file", str(trusted.pem),
               "--tls-auth-clients", "no", "--save", "", "--dir", str(tmp_path)]  # fmt: skip
    url = f"rediss://127.0.0.1:{port}/0"
    with running(command, tmp_path / "log.txt", lambda: listens(port)):
        subprocess.run(
            ["redis-cli", "-p", str(port), "--tls", "--insecure", "XADD", "s", "*", "n", "1"],
            check=True, capture_output=True, timeout=20,
        )  # fmt: skip
        assert tried(url, ca=str(trusted.pem)).numbers == {"n": 1}
        assert tried(url, verify=False).numbers == {"n": 1}
        with pytest.raises(SourceError, match="the certificate is not valid"):
            tried(url)
        with pytest.raises(SourceError, match="the option ca"):
            tried(url, ca=str(tmp_path / "nothing.pem"))


@pytest.mark.parametrize(
    "says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*-9\r\n", b"$99999999999\r\n", b"\xff\xff\r\n"]
)
def test_what_is_no_redis_is_said(says: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(says)
        await writer.drain()

    with speaking(answer) as url, pytest.raises(SourceError, match=r"^Redis at 127\.0\.0\.1:"):
        tried(url.replace("http", "redis"))
