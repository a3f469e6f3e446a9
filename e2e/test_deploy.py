"""deploy/ at work: nginx in front of two web processes that supervisord restarts in turn."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from e2e.boards import board, feed_of, stat
from e2e.cluster import Cluster
from e2e.conftest import OpenPage
from e2e.deployed import DEPLOY, Nginx, Supervisor, probe
from e2e.screen import LEAVING, Screen, longest_silence
from e2e.target import Target
from e2e.wall import ROOT, Managed, Program, eventually, free_port
from tests.serving import authority, serving

MOST_SILENCE = 3.0  # s, of a screen in a rolling restart
NOTE_NUMBERS = """() => {
  window.seen = [];
  const look = () => {
    const number = Number(document.querySelector("#wall .value")?.textContent);
    if (number && number !== seen.at(-1)?.[1]) seen.push([performance.now() / 1000, number]);
  };
  new MutationObserver(look).observe(document.body,
    {subtree: true, childList: true, characterData: true});
  look();
}"""


class Deployed:
    """The whole of it: `url` is nginx, over TLS, and `context` believes its certificate."""

    def __init__(self, folder: Path) -> None:
        self.context = ssl.create_default_context(cafile=authority(folder).pem)
        self.cluster = Cluster(folder, webs=0, hueys=0, WATCHWALL_PROXY="yes").start()
        settings = self.cluster.environment
        names = [
            name for name in settings
            if name.startswith("WATCHWALL_") or name in {"DATABASE_URL", "REDIS_URL"}
        ]  # fmt: skip
        bare = {name: value for name, value in settings.items() if name not in names}
        self.supervisor = Supervisor(folder, {name: settings[name] for name in names}, bare)
        self.nginx = Nginx(folder, self.supervisor.ports, folder / "server.pem")
        self.url = self.nginx.url

    def start(self) -> None:
        self.supervisor.spawn()
        self.nginx.start()
        self.supervisor.wait_until_ready()

    def close(self) -> None:
        self.nginx.close()
        self.supervisor.close()
        self.cluster.close()

    def restart(self, port: int) -> None:
        """One web process, as deploy/README.md says."""
        self.supervisor.ctl("restart", f"watchwall-web:{port}")
        assert probe(port, 60).returncode == 0


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    deployed = Deployed(tmp_path_factory.mktemp("deployed"))
    try:
        deployed.start()
        yield deployed
    finally:
        deployed.close()


@pytest.mark.slow
def test_a_rolling_restart_leaves_no_screen_without_data(
    deployed: Deployed, target: Target, open_page: OpenPage
) -> None:
    numbers = itertools.count(1)
    target.answers["x"] = lambda: {"a": next(numbers)}
    deployed.cluster.apply(board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 3, 2], "x")]))
    page = open_page(f"{deployed.url}/d/test/", ignore_https_errors=True)
    expect(page.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    page.evaluate(NOTE_NUMBERS)
    sockets = deployed.url.replace("https", "wss") + "/ws/d/test/"
    screens = [Screen(sockets, deployed.context) for _ in range(3)]
    eventually(lambda: all(screen.newest > 3 for screen in screens), 30, "all show numbers")
    before = pids(deployed)

    for port in deployed.supervisor.ports:
        deployed.restart(port)
    at_the_end = time.monotonic()
    last = max(screen.newest for screen in screens)
    eventually(lambda: all(screen.newest > last for screen in screens), 10, "all go on")
    eventually(lambda: seen_by(page)[-1][1] > last, 10, "the page goes on")
    for screen in screens:
        screen.close()

    assert not set(pids(deployed)) & set(before)
    # Every one was on one of the two, and was sent to the other; nobody was cut off.
    assert all(set(screen.ends) == {LEAVING} for screen in screens), [s.ends for s in screens]
    silences = [longest_silence([moment for moment, _ in screen.seen]) for screen in screens]
    silences.append(longest_silence([moment for moment, _ in seen_by(page)]))
    assert max(silences) < MOST_SILENCE, silences
    assert all(screen.seen[-1][0] > at_the_end for screen in screens)


def pids(deployed: Deployed) -> list[int]:
    ports = deployed.supervisor.ports
    return [deployed.supervisor.pid_of(f"watchwall-web:{port}") for port in ports]


def seen_by(page: Page) -> list[tuple[float, int]]:
    found: list[tuple[float, int]] = page.evaluate("window.seen")
    return found


@pytest.mark.slow
def test_people_sign_in_over_tls(deployed: Deployed) -> None:
    deployed.cluster.python(
        "from django.contrib.auth.models import User; User.objects.create_superuser('ada', '', 'x')"
    )
    cookies = CookieJar()
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=deployed.context),
        urllib.request.HTTPCookieProcessor(cookies),
    )
    page = opener.open(f"{deployed.url}/login/", timeout=10).read().decode()
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    form = {"username": "ada", "password": "x", "csrfmiddlewaretoken": token}

    answer = opener.open(
        urllib.request.Request(
            f"{deployed.url}/login/",
            urlencode(form).encode(),
            # As browsers send it; what Django compares it with, nginx must have told it.
            {"Origin": deployed.url, "Referer": f"{deployed.url}/login/"},
        ),
        timeout=10,
    )

    assert answer.status == 200
    assert not answer.url.endswith("/login/")
    assert {cookie.name: cookie.secure for cookie in cookies}["sessionid"]


# nginx alone, in front of something that says what it was asked


PART = b"data: " + b"x" * 54_000 + b"\n\n"
MOST_AHEAD = 16_000_000  # bytes, in the buffers of three sockets


class Events:
    """A stream of events that never ends by itself: how much of it was taken, and when last."""

    def __init__(self) -> None:
        self.taken = 0
        self.at = 0.0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        # The end is for a proxy that takes everything.
        while self.taken < 10 * MOST_AHEAD:
            await response.write(PART)
            self.taken, self.at = self.taken + len(PART), time.monotonic()
        return response

    def rests(self) -> bool:
        """Nothing was taken for a second."""
        return self.taken > 0 and time.monotonic() - self.at > 1


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def echo(tmp_path: Path, events: Events) -> Iterator[Nginx]:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/ws/":
            own = web.WebSocketResponse()
            await own.prepare(request)
            await own.send_str(await own.receive_str())
            return own
        if request.path.startswith("/events/"):
            return await events.answer(request)
        size = sum([len(part) async for part in request.content.iter_any()])
        return web.json_response({**request.headers, "size": size})

    with serving(answer) as url:
        port = int(url.rpartition(":")[2])
        # The other one refuses.
        nginx = Nginx(tmp_path, (port, free_port())).start()
        yield nginx
        nginx.close()


def asked(url: str, body: bytes | None = None) -> dict[str, Any]:
    with urllib.request.urlopen(url, body, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_nginx_says_who_asked_for_what_and_keeps_quiet_of_metrics(echo: Nginx) -> None:
    told = [asked(f"{echo.url}/d/x/?tile=1") for _ in range(4)]

    here = f"127.0.0.1:{echo.port}"
    for headers in told:
        assert headers["Host"] == headers["X-Forwarded-Host"] == here
        assert headers["X-Forwarded-Proto"] == "http"
        assert headers["X-Forwarded-For"] == "127.0.0.1"
    for path in ("/metrics", "//metrics", "/%6detrics", "/metrics?x"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            asked(echo.url + path)


def test_nginx_asks_again_at_once_who_has_refused(tmp_path: Path) -> None:
    first, second = Target(), Target()
    first.answers["x"] = second.answers["x"] = {"a": 1}
    nginx = Nginx(tmp_path, (first.port, second.port)).start()
    try:
        first.close()
        without_first = [asked(f"{nginx.url}/x") for _ in range(8)]
        first = Target(first.port)
        first.answers["x"] = {"a": 2}
        second.close()
        without_second = [asked(f"{nginx.url}/x") for _ in range(8)]
    finally:
        nginx.close()
        first.close()

    assert without_first == [{"a": 1}] * 8
    assert without_second == [{"a": 2}] * 8


def test_nginx_passes_a_large_push_to_whoever_does_not_refuse(echo: Nginx) -> None:
    sizes = [asked(f"{echo.url}/api/push/", b"x" * 8_000_000)["size"] for _ in range(4)]

    assert sizes == [8_000_000] * 4


def test_nginx_keeps_no_events_for_a_reader_that_does_not_read(echo: Nginx, events: Events) -> None:
    with socket.create_connection(("127.0.0.1", echo.port)) as reader:
        reader.sendall(b"GET /events/d/x/ HTTP/1.1\r\nHost: x\r\n\r\n")

        eventually(events.rests, 30, "nobody takes more")

        assert 0 < events.taken < MOST_AHEAD


def test_nginx_passes_sockets_on(echo: Nginx) -> None:
    for _ in range(4):
        with connect(echo.url.replace("http", "ws") + "/ws/") as client:
            client.send("hello")
            assert client.recv(5) == "hello"


# The image, as far as it can be without Docker: its files and its commands


def test_the_files_of_the_image_are_enough_to_run_it(tmp_path: Path) -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    image = tmp_path / "image"
    for source in re.findall(r"^COPY (\S+) ", text, re.MULTILINE):
        (image / source).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, image / source)
        else:
            shutil.copy(ROOT / source, image / source)
    port = free_port()
    start, healthy = (
        [sys.executable, *json.loads(found)[1:-1], str(port)]
        for found in (
            re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
            + re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", text, re.MULTILINE)
        )
    )
    environment = Managed(tmp_path / "data").environment

    program = Program(
        ["sh", "-c", f"cd {image} && exec {shlex.join(start)}"], environment, tmp_path / "log.txt"
    )
    program.spawn()
    done = subprocess.run(
        [*healthy, "--wait", "60"], cwd=image, env=environment, check=False, timeout=90
    )
    ended = program.end()

    assert (done.returncode, ended) == (0, 0), program.log.read_text()


def test_the_probe_says_where_nobody_answers() -> None:
    port = free_port()

    done = probe(port)

    assert done.returncode == 1
    assert done.stderr == f"No web process answers on port {port} of 127.0.0.1.\n"
