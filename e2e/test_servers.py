"""Both servers do the same: the cases of a WebSocket, a page and an end, on each."""

from __future__ import annotations

import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from e2e.boards import board, stat
from e2e.servers import Redis
from e2e.speaking import Speaker, ask, raw, refused, served, stalled
from e2e.wall import ROOT, Managed, Web, eventually, free_port

SERVERS = ("daphne", "uvicorn")
MB = 1_000_000

Webs = Callable[..., Web]


@pytest.fixture(scope="module", params=SERVERS)
def speaker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Speaker]:
    speaker = Speaker(request.param, tmp_path_factory.mktemp("speaker"))
    yield speaker
    assert speaker.end() == 0
    assert speaker.log.read_text() == ""


def frames(client: socket.socket) -> Iterator[bytes]:
    """The payloads of frames below 64 kB, however they arrive."""
    with client.makefile("rb") as file:
        while head := file.read(2):
            length = head[1]
            if length == 126:
                (length,) = struct.unpack("!H", file.read(2))
            yield file.read(length)


# A WebSocket.


@pytest.mark.parametrize("how", ["write", "send"])
def test_frames_of_every_length_arrive_whole(speaker: Speaker, how: str) -> None:
    said = [("x", size) for size in (1, 125, 126, 127, 65_535, 65_536, 1_500_000)]

    # An independent client: it refuses masks, reserved bits and lengths that are not minimal.
    with speaker.open(f"/{how}") as client:
        for text, times in [*said, ("▲ é 中文 🚀 ", 9_000)]:
            ask(client, say=text, times=times, how=how)
            assert client.recv(10) == text * times

    if how == "write":
        assert speaker.told("/write", "before accept") == [False]
        # Each was really written at once: nothing was buffered before it.
        assert speaker.told("/write", "write") == [True] * 8


def test_compression_is_offered_and_not_taken(speaker: Speaker) -> None:
    with speaker.open("/compressed", compression="deflate") as client:
        assert client.request is not None
        assert client.response is not None
        assert "permessage-deflate" in client.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in client.response.headers
        ask(client, say="x" * 10_000)
        assert client.recv(5) == "x" * 10_000


def test_what_is_written_and_what_is_sent_stay_in_order_and_whole(speaker: Speaker) -> None:
    with stalled(speaker, "/filled", fill=1) as client:
        found = []
        for payload in frames(client):
            number, rest = payload.split(b":")
            found.append(int(number))
            if rest == b"last":
                break
            assert rest == b"x" * 54_000

    # It was not written past what the transport had buffered.
    assert [len(found)] == speaker.told("/filled", "filled")
    assert found == list(range(len(found)))


def test_a_ping_is_answered_and_the_page_may_close(speaker: Speaker) -> None:
    with speaker.open("/ping") as client:
        assert client.ping(b"are you there").wait(5)
        client.close(4000)
        assert client.protocol.close_rcvd is not None

    assert speaker.told("/ping", "gone") == [4000]
    assert speaker.told("/ping", "after the end") == [False]


def test_the_application_may_close_and_nothing_is_written_after(speaker: Speaker) -> None:
    with speaker.open("/leave") as client:
        ask(client, leave=4404)
        assert code(client) == 4404

    assert speaker.told("/leave", "after close") == [False]
    assert speaker.told("/leave", "after the end") == [False]


def test_one_that_breaks_off_is_forgotten_and_does_no_harm(speaker: Speaker) -> None:
    with stalled(speaker, "/break", crowd=1) as client:
        assert client.recv(1000)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert speaker.told("/break", "gone")[0] in {1005, 1006}
    assert speaker.told("/break", "after the end") == [False]


def test_a_message_too_large_closes_the_socket(speaker: Speaker) -> None:
    with speaker.open("/large") as client:
        client.send("x" * 70_000)
        # Daphne drops whoever sends it without a word.
        assert code(client) in {1006, 1009}


# The real application.


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    """A database with a public and a private dashboard, and a Redis."""
    redis = Redis().start()
    data = Managed(tmp_path_factory.mktemp("served"), REDIS_URL=redis.url)
    data.manage("migrate", "--verbosity", "0")
    data.apply(board({"x": {"source": "push"}}, [stat("x", [0, 0, 3, 2], "x")]))
    own = board({"y": {"source": "push"}}, [stat("y", [0, 0, 3, 2], "y")], "own", public=False)
    data.apply(own)
    data.python(
        "from django.contrib.auth.models import User; User.objects.create_superuser('a', '', 'b')"
    )
    yield data
    redis.close()


@pytest.fixture(scope="module", params=SERVERS)
def web(request: pytest.FixtureRequest, data: Managed) -> Iterator[Web]:
    # Fewer open files than sockets to come: it has to ask for more.
    web = served(data, request.param, WATCHWALL_DRAIN="1")
    web.command = ["/bin/sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh", *web.command]
    yield web.start()
    assert web.end() == 0, web.log.read_text()
    # Django says each bad request; nothing may have gone wrong in ourselves.
    assert not re.search("ERROR|Traceback|never retrieved", web.log.read_text())


class Visitor:
    """Asks, with cookies and as a browser would."""

    def __init__(self, web: Web) -> None:
        self.url = web.url
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def ask(self, path: str, form: dict[str, str] | None = None, **options: Any) -> tuple[int, Any]:
        """The status, and the answer."""
        body = urlencode(form).encode() if form else None
        request = urllib.request.Request(f"{self.url}{path}", body, **options)
        try:
            answer = self.opener.open(request, timeout=20)
        except urllib.error.HTTPError as error:
            return error.code, error
        return answer.status, answer

    def sign_in(self) -> None:
        html = self.ask("/login/")[1].read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
        assert token
        form = {"username": "a", "password": "b", "csrfmiddlewaretoken": token[1]}
        status, answer = self.ask("/login/", form)
        assert (status, answer.url) == (200, f"{self.url}/")

    @property
    def cookie(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)


def watch(web: Web, slug: str = "test", **options: Any) -> ClientConnection:
    client: ClientConnection = connect(f"ws://127.0.0.1:{web.port}/ws/d/{slug}/", **options)
    return client


def closed(web: Web, slug: str = "test") -> int | None:
    with watch(web, slug) as client:
        return code(client)


def code(client: ClientConnection) -> int | None:
    """The code it is closed with, whatever comes before."""
    try:
        while True:
            client.recv(10)
    except ConnectionClosed:
        return client.close_code


def test_pages_and_files_are_served(web: Web) -> None:
    visitor = Visitor(web)

    status, page = visitor.ask("/d/test/")
    html = page.read().decode()
    found = re.search(r'src="(/static/live[^"]+)"', html)
    assert found
    head_status, head = visitor.ask("/d/test/", method="HEAD")
    file_status, file = visitor.ask(found[1])

    assert status == head_status == file_status == 200
    assert int(head.headers["Content-Length"]) > 1000
    assert head.read() == b""
    assert file.read() == (ROOT / "static" / "live.js").read_bytes()
    assert visitor.ask("/nothing/here/")[0] == 404
    for answer in (page, head, file):
        assert "uvicorn" not in str(answer.headers).lower()


def test_a_form_needs_its_token_and_a_sign_in_opens_what_is_private(web: Web) -> None:
    visitor = Visitor(web)

    assert visitor.ask("/login/", {"username": "a", "password": "b"})[0] == 403
    visitor.sign_in()

    assert visitor.ask("/d/own/")[0] == 200
    with watch(web, "own", additional_headers={"Cookie": visitor.cookie}) as client:
        assert "heartbeat" in str(client.recv(5))
        assert '<hx-partial id="wall">' in str(client.recv(5))


def test_a_request_too_large_or_broken_is_refused_and_the_next_one_served(web: Web) -> None:
    visitor = Visitor(web)

    assert visitor.ask("/login/", {"a": "x" * 3_000_000})[0] in {400, 403, 413}
    with raw(web.port, "GET /\r\nbad header\x00: \xff\r\n") as client:
        assert client.recv(1000)[:12] in {b"HTTP/1.1 400", b""}
    with raw(web.port, "POST /login/ HTTP/1.1\r\nContent-Length: 100\r\n"):
        pass

    assert visitor.ask("/login/")[0] == 200


def test_whoever_may_not_look_is_told_so_by_a_code(web: Web) -> None:
    assert closed(web, "own") == 4401
    assert closed(web, "nope") == 4404


def read_until(stream: Any, text: bytes) -> bytes:
    """The lines of a stream up to the one with this text in it."""
    lines = []
    while text not in (line := stream.readline()):
        assert line, "the stream has ended"
        lines.append(line)
    return b"".join([*lines, line])


def test_events_come_at_once_and_what_was_painted_goes_back(web: Web) -> None:
    status, stream = Visitor(web).ask("/events/d/test/")
    came = read_until(stream, b'data: <hx-partial id="wall">')
    token = came.partition(b"\nid: ")[2].partition(b"\n")[0].decode()

    answer = urllib.request.Request(
        f"{web.url}/events/d/test/", b'{"painted":1}', {"Last-Event-ID": token}
    )
    with urllib.request.urlopen(answer, timeout=20) as answered:
        assert answered.status == 204
    # It goes on: the hub's next sign of life.
    read_until(stream, b'"type": "heartbeat"')

    assert status == 200
    assert stream.headers["Content-Type"] == "text/event-stream"
    stream.close()


def test_another_site_opens_no_socket(web: Web) -> None:
    with pytest.raises(InvalidStatus) as refused, watch(web, origin="http://evil.example"):
        pass

    assert refused.value.response.status_code == 403
    with watch(web, origin=web.url) as client:
        assert "heartbeat" in str(client.recv(5))


# The end.


@pytest.fixture
def webs(data: Managed) -> Iterator[Webs]:
    """Starts web processes; the last of them are ended here."""
    started: list[Web] = []

    def start(server: str, **environment: str) -> Web:
        started.append(served(data, server, **environment))
        return started[-1].start()

    yield start
    for web in started:
        web.close()


@pytest.mark.parametrize("server", SERVERS)
def test_at_the_end_screens_are_sent_away_one_after_the_other(webs: Webs, server: str) -> None:
    web = webs(server, WATCHWALL_DRAIN="2")
    there = threading.Barrier(41)
    left: list[tuple[int | None, float]] = []

    def follow() -> None:
        with watch(web) as client:
            client.recv(20)
            there.wait(20)
            left.append((code(client), time.monotonic()))

    threads = [threading.Thread(target=follow) for _ in range(40)]
    for thread in threads:
        thread.start()
    there.wait(20)
    told = time.monotonic()
    web.send(signal.SIGTERM)
    # Nobody new: who is refused at once asks another process at once.
    eventually(lambda: refused(web.port), 1, "it listens no more")
    assert web.runs
    for thread in threads:
        thread.join(10)

    assert {code for code, _ in left} == {4503}
    moments = [moment - told for _, moment in left]
    assert len(moments) == 40
    assert max(moments) < 3
    assert max(moments) - min(moments) > 0.5
    assert web.process is not None
    assert web.process.wait(5) == 0


@pytest.mark.parametrize("server", SERVERS)
def test_at_the_end_a_stream_of_events_ends_whole(webs: Webs, server: str) -> None:
    web = webs(server, WATCHWALL_DRAIN="1")
    _, stream = Visitor(web).ask("/events/d/test/")
    read_until(stream, b'data: <hx-partial id="wall">')

    web.send(signal.SIGTERM)
    rest = stream.read()

    assert b"event: end" not in rest, "the page comes back by itself"
    assert web.process is not None
    assert web.process.wait(5) == 0


@pytest.mark.parametrize("server", SERVERS)
def test_with_nobody_there_it_ends_at_once(webs: Webs, server: str) -> None:
    web = webs(server, WATCHWALL_DRAIN="30")

    began = time.monotonic()

    assert web.end(signal.SIGINT) == 0
    assert time.monotonic() - began < 10


def test_daphne_closes_a_socket_at_the_end_of_its_life(webs: Webs) -> None:
    web = webs("daphne", WATCHWALL_SOCKET_LIFE="1")

    assert closed(web) == 1000
    assert web.end() == 0


# What cannot be served.


def sentence(data: Managed, port: int, *more: str) -> str:
    """The one line that `serve` ends with."""
    done = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", str(port), *more],
        cwd=ROOT, env=data.environment, capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    said = done.stderr.decode().strip()
    assert done.returncode != 0
    assert len(said.splitlines()) == 1
    return said


def test_a_taken_port_is_one_clear_line(data: Managed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert f"Port {port} of 127.0.0.1 cannot be used" in sentence(data, port)


def test_a_database_that_lacks_a_migration_is_one_clear_line(tmp_path: Path) -> None:
    data = Managed(tmp_path, REDIS_URL="redis://127.0.0.1:1")

    assert "Run: manage.py migrate" in sentence(data, free_port(), "--server", "uvicorn")
