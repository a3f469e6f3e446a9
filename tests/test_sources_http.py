from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.serving import Authority, authority, serving, speaking
from widgets import io
from widgets.clock import SECOND
from widgets.fetch import fetch
from widgets.options import BadOptions, read
from widgets.reading import Reading
from widgets.sources import SourceError, sources
from widgets.sources.http import CheckOptions

LATENCIES = {"latency", "latency.dns", "latency.connect", "latency.first-byte", "latency.body"}
seen: list[dict[str, str]] = []


async def handle(request: web.Request) -> web.StreamResponse:
    seen.append({"method": request.method, "body": await request.text(), **request.headers})
    match request.path.split("/")[1:]:
        case ["status", status]:
            return web.Response(status=int(status), text="as asked")
        case ["loop"]:
            raise web.HTTPFound("/loop")
        case ["cookie"]:
            return web.Response(headers={"Set-Cookie": "session=opensesame; Path=/"})
        case ["hops", left] if int(left):
            raise web.HTTPFound(f"/hops/{int(left) - 1}")
        case ["once"]:
            raise web.HTTPTemporaryRedirect("/there")
        case ["away"]:
            raise web.HTTPTemporaryRedirect(request.query["to"])
        case ["elsewhere"]:
            raise web.HTTPFound("ftp://127.0.0.1/x")
        case ["bomb"]:
            body = gzip.compress(bytes(50_000_000), 9)
            return web.Response(body=body, headers={"Content-Encoding": "gzip"})
        case ["badly"]:
            return web.Response(body=b"no gzip", headers={"Content-Encoding": "gzip"})
        case ["latin"]:
            return web.Response(body="größer".encode("latin-1"), content_type="text/plain",
                                charset="latin-1")  # fmt: skip
    return web.Response(text="all is well")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(handle) as address:
        yield address


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(trusted: Authority) -> Iterator[str]:
    with serving(handle, trusted.server) as address:
        yield address


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    seen.clear()
    yield
    io.stop()


def check(url: str, *, within: int = 20 * SECOND, **options: Any) -> Reading:
    return io.submit(fetch(sources["http"], {"url": url, **options}, {}, within)).result(30)


def reason(reading: Reading) -> str:
    """Why it is down; the test fails if it is up."""
    assert reading.numbers["up"] == 0
    assert reading.verdicts["up"].state == "critical"
    return reading.verdicts["up"].message


def free_port() -> int:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_a_good_answer_is_up_with_its_status_and_the_parts_of_its_latency(server: str) -> None:
    reading = check(server)

    assert reading.numbers["up"] == 1
    assert reading.numbers["status"] == 200
    assert reading.verdicts["up"].state == "ok"
    assert reading.verdicts["up"].message == "200 OK"
    assert set(reading.numbers) == {"up", "status"} | LATENCIES
    assert {reading.units[name] for name in LATENCIES} == {"s"}
    parts = sum(reading.numbers[name] for name in LATENCIES - {"latency"})
    assert 0 < parts <= reading.numbers["latency"] * 1.001
    assert reading.complete


def test_a_name_is_looked_up_and_timed(server: str) -> None:
    reading = check(server.replace("127.0.0.1", "localhost"))

    assert reading.numbers["up"] == 1
    assert reading.numbers["latency.dns"] > 0


def test_a_refused_connection_is_a_reading_that_leaves_the_other_series_alone() -> None:
    reading = check(f"http://127.0.0.1:{free_port()}")

    assert reason(reading) == "connection refused"
    assert set(reading.numbers) == {"up"}
    assert not reading.complete


def test_no_answer_in_time_is_a_reading_too() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    with speaking(hang) as silent:
        assert reason(check(silent, within=SECOND // 10)) == "no answer within 100 ms"


@pytest.mark.parametrize(
    ("spoken", "said"),
    [
        (b"", "the connection was closed without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "the answer is not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
            "the answer broke off or is badly encoded",
        ),
    ],
)
def test_what_is_no_answer_is_down_with_its_reason(spoken: bytes, said: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(spoken)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    with speaking(speak) as address:
        assert reason(check(address)) == said


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("/status/503", {}, "503 Service Unavailable; 200-399 was expected"),
        ("/status/200", {"expect": "404, 500-599"}, "200 OK; 404, 500-599 was expected"),
        ("/", {"contains": "on fire"}, "the body does not contain 'on fire'"),
        ("/", {"matches": "^well"}, "the body does not match '^well'"),
        ("/loop", {}, "more than 5 redirects"),
        ("/hops/6", {}, "more than 5 redirects"),
        ("/elsewhere", {}, "it redirects to what is no address over HTTP"),
        ("/badly", {}, "the answer broke off or is badly encoded"),
    ],
)
def test_an_answer_that_was_not_expected_is_down(
    server: str, path: str, options: dict[str, Any], said: str
) -> None:
    assert reason(check(server + path, **options)) == said


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/status/404", {"expect": "404"}),
        ("/status/404", {"expect": 404}),
        ("/", {"contains": "is well", "matches": "w.ll$"}),
        ("/latin", {"contains": "größer"}),
        ("/once", {}),
        ("/hops/5", {}),
        ("/loop", {"redirects": False}),
    ],
)
def test_an_answer_that_was_expected_is_up(server: str, path: str, options: dict[str, Any]) -> None:
    assert check(server + path, **options).numbers["up"] == 1


def test_the_request_carries_what_the_options_say(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_KEY_OF_IT", "opensesame")
    given = {"X-Key": "${env:WATCHWALL_SECRET_KEY_OF_IT}"}

    check(server, method="POST", body="{}", headers=given, user="ann", password="pässword")

    assert seen[0]["method"] == "POST"
    assert seen[0]["body"] == "{}"
    assert seen[0]["X-Key"] == "opensesame"
    assert seen[0]["Authorization"] == "Basic YW5uOnDDpHNzd29yZA=="
    check(server, token="abc")
    assert seen[1]["Authorization"] == "Bearer abc"


def test_what_the_options_hold_goes_to_no_other_server(server: str) -> None:
    with serving(handle) as other:
        check(f"{server}/away?to={other}/", headers={"X-Key": "opensesame"}, token="abc")

        assert seen[0]["X-Key"] == "opensesame"
        assert len(seen) == 2
        assert "opensesame" not in str(seen[1])
        assert "abc" not in str(seen[1])
        with pytest.raises(SourceError, match="where the body is not sent"):
            check(f"{server}/away?to={other}/", method="POST", body="opensesame")
        assert len(seen) == 3


def test_what_the_options_hold_follows_a_redirect_on_the_same_server(server: str) -> None:
    check(f"{server}/once", method="POST", body="hello", headers={"X-Key": "a"}, token="abc")

    assert [one["X-Key"] for one in seen] == ["a", "a"]
    assert seen[1]["body"] == "hello"


def test_a_cookie_is_kept_for_nobody(server: str) -> None:
    named = server.replace("127.0.0.1", "localhost")

    check(f"{named}/cookie")
    check(named)

    assert len(seen) == 2
    assert "Cookie" not in seen[1]


def test_a_body_without_end_is_read_to_one_megabyte_once_unpacked(server: str) -> None:
    reading = check(server + "/bomb")

    assert reading.numbers["up"] == 1
    assert reading.notes == ["only the first 1 MB of the body was read"]


def test_an_own_authority_is_believed_and_the_certificates_days_are_counted(
    secure: str, trusted: Authority
) -> None:
    reading = check(secure, ca=str(trusted.pem))

    assert reading.numbers["up"] == 1
    assert 29 < reading.numbers["certificate.days"] <= 30
    assert reading.units["certificate.days"] == "d"
    assert reading.numbers["latency.tls"] > 0


def test_a_certificate_that_is_not_believed_is_down_unless_told_so(secure: str) -> None:
    assert reason(check(secure)) == (
        "the certificate is not valid: unable to get local issuer certificate"
    )
    assert check(secure, verify=False).numbers["certificate.days"] > 29


def test_a_certificate_that_has_ended_is_down_and_its_days_are_negative(tmp_path: Path) -> None:
    expired = authority(tmp_path, days=-3)

    with serving(handle, expired.server) as address:
        assert reason(check(address, ca=str(expired.pem))) == (
            "the certificate is not valid: certificate has expired"
        )
        assert -4 < check(address, verify=False).numbers["certificate.days"] < -2


def test_an_authority_that_was_replaced_is_read_again(
    secure: str, trusted: Authority, tmp_path: Path
) -> None:
    pem = tmp_path / "ca.pem"
    pem.write_bytes(authority(tmp_path).pem.read_bytes())
    assert "not valid" in reason(check(secure, ca=str(pem)))

    pem.write_bytes(trusted.pem.read_bytes())

    assert check(secure, ca=str(pem)).numbers["up"] == 1


def test_plain_text_where_tls_was_expected_is_down(server: str) -> None:
    assert reason(check(server.replace("http:", "https:"))).startswith("no TLS connection: ")


def test_a_file_of_authorities_that_cannot_be_read_is_an_error_of_the_feed(
    server: str, tmp_path: Path
) -> None:
    (tmp_path / "no.pem").write_text("no certificate")

    with pytest.raises(SourceError, match=r"absent\.pem of option ca: No such file"):
        check(server, ca=str(tmp_path / "absent.pem"))
    with pytest.raises(SourceError, match=r"no\.pem cannot be read as a file of certificates"):
        check(server, ca=str(tmp_path / "no.pem"))


def test_a_secret_with_a_line_break_is_refused_without_telling_it(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_TOKEN", "opensesame\nX: y")

    with pytest.raises(SourceError, match="the header Authorization would have a line break"):
        check(server, token="${env:WATCHWALL_SECRET_TOKEN}")


def test_no_half_of_a_secret_stays_where_an_error_quotes_an_option(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_WORD", "hunter2 and more")
    begun = "x" * 94
    cut = f"{begun}${{env:WATCHWALL_SECRET_WORD}}"

    expected: list[dict[str, Any]] = [{"contains": cut}, {"matches": cut}]
    for options in expected:
        said = reason(check(server, **options))
        assert begun in said
        assert "hunter" not in said
    with pytest.raises(SourceError, match="is no address") as caught:
        check(cut)
    assert "hunter" not in str(caught.value)


def test_an_address_that_a_secret_holds_is_checked_when_it_is_known(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_URL", server)
    assert check("${env:WATCHWALL_SECRET_URL}").numbers["up"] == 1

    monkeypatch.setenv("WATCHWALL_SECRET_URL", "gopher://x")
    with pytest.raises(SourceError) as caught:
        check("${env:WATCHWALL_SECRET_URL}")
    assert "gopher" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "example.org"}, "options.url: 'example.org' is no address"),
        ({"url": "http://x:99999"}, "is no address"),
        ({"url": "http://[::1"}, "is no address"),
        ({"url": "file:///etc/passwd"}, "is no address"),
        ({"url": "http://ann:secret@x"}, "as options, not in the address"),
        ({"headers": {"a b": "c"}}, "'a b' is no name of a header"),
        ({"headers": {"a": "b\r\nc: d"}}, "a has a line break"),
        ({"user": "a", "token": "b"}, "exclude each other"),
        ({"headers": {"authorization": "x"}, "token": "b"}, "exclude each other"),
        ({"password": "a"}, "without a user"),
        ({"method": "BREW"}, "BREW is not one of the available choices"),
        ({"expect": "ok"}, "'ok' is no status"),
        ({"expect": "399-200"}, "'399-200' is no status"),
        ({"matches": "("}, "no regular expression: missing )"),
        ({"matches": "(a+)+$"}, "a repetition inside a repetition"),
        ({"matches": "(?:\\w|b*)*"}, "a repetition inside a repetition"),
    ],
)
def test_wrong_options_are_named_before_anything_is_asked(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOptions) as caught:
        read(CheckOptions, {"url": "http://x"} | given)

    assert said in str(caught.value)
