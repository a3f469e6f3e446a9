"""Real senders, as people run them, against the real wall."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from e2e.wall import Wall


class Sent(Wall):
    """A wall that nothing but a sender feeds, with a token for everything."""

    token = ""

    def values(self) -> dict[str, float]:
        """The last value of every series, by feed and series."""
        rows = self.query(
            "SELECT f.name, s.name, s.value FROM widgets_series s JOIN widgets_feed f"
            " ON f.id = s.feed_id WHERE f.source = 'push' AND NOT s.ended"
        )
        return {f"{feed}/{series}": value for feed, series, value in rows}


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    wall = Sent(tmp_path_factory.mktemp("sent"))
    wall.start()
    wall.token = wall.manage("token", "create", "sender", "--feeds", "*").strip()
    yield wall
    assert wall.end() == 0, wall.log.read_text()
    assert "Traceback" not in wall.log.read_text()


def test_influxdb_client_writes_batches_and_hears_what_was_wrong(sent: Sent) -> None:
    import influxdb_client
    from influxdb_client.client.write_api import SYNCHRONOUS
    from influxdb_client.rest import ApiException

    now = time.time_ns()
    for gzip in (False, True):
        with influxdb_client.InfluxDBClient(
            url=sent.url, token=sent.token, org="any", enable_gzip=gzip
        ) as client:
            assert client.ping()
            write = client.write_api(write_options=SYNCHRONOUS)
            batch = [
                influxdb_client.Point("from client")
                .tag("host", f"a {i % 2},b")
                .field("usage", float(i))
                .field("note", 'text, "quoted"')
                .time(now - (500 - i) * 1_000_000)
                for i in range(500)
            ]
            write.write(bucket="any", record=batch)
            with pytest.raises(ApiException) as error:
                write.write(bucket="any", record="cpu v=1\ncpu v=oops")
            assert error.value.status == 400
            assert "line 2: the field 'v' is 'oops'" in str(error.value.body)

    ((samples,),) = sent.query(
        "SELECT COUNT(*) FROM widgets_sample WHERE series_id IN (SELECT s.id FROM widgets_series s"
        " JOIN widgets_feed f ON f.id = s.feed_id WHERE f.name = 'from client')"
    )
    assert samples == 500
    values = sent.values()
    assert values["from client/usage{host=a 1,b}"] == 499.0
    assert values["from client/usage{host=a 0,b}"] == 498.0
    assert values["cpu/v"] == 1.0


def test_a_smashing_job_of_ruby_or_curl_is_answered_204(sent: Sent) -> None:
    body = f'{{"auth_token": "{sent.token}", "current": 42}}'

    done = subprocess.run(
        ["curl", "-sS", "-w", "%{http_code}", "-d", body, f"{sent.url}/widgets/karma"],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip

    assert done.stdout == b"204"
    assert sent.values()["karma/current"] == 42.0
