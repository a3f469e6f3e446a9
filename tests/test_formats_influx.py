"""Line protocol, and the addresses its senders know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeds import NOON
from tests.pushing import Sender, ask, names, values
from widgets.clock import SECOND
from widgets.formats import BadPush, Push, Reload, Request, formats
from widgets.formats import _lines as lines_module

NS = NOON * 1000


def decode(body: str, **query: str) -> list[Push | BadPush]:
    request = Request("POST", "/write", NOON, query=query)
    found = formats["influx"].decode(body.encode(), request)
    return [one for one in found if not isinstance(one, Reload)]


def points(body: str, **query: str) -> set[tuple[str, str, int | None, float]]:
    """Everything that was read: feed, series, moment, value."""
    found = set()
    for push in decode(body, **query):
        assert isinstance(push, Push), push
        reading = push.reading
        found |= {(push.feed, name, reading.at, value) for name, value in reading.numbers.items()}
        found |= {(push.feed, *point) for point in reading.history}
    return found


@pytest.mark.parametrize(
    ("line", "point"),
    [
        ("cpu usage=7", ("cpu", "usage", None, 7.0)),
        (f"cpu usage=7 {NS}", ("cpu", "usage", NOON, 7.0)),
        (f"cpu,host=a,cpu=cpu0 usage_idle=1.5 {NS}",
         ("cpu", "usage_idle{cpu=cpu0,host=a}", NOON, 1.5)),
        ("cpu v=-12i", ("cpu", "v", None, -12.0)),
        ("cpu v=12u", ("cpu", "v", None, 12.0)),
        ("cpu v=1e3", ("cpu", "v", None, 1000.0)),
        ("cpu v=.5", ("cpu", "v", None, 0.5)),
        ("cpu v=5.", ("cpu", "v", None, 5.0)),
        ("cpu v=t", ("cpu", "v", None, 1.0)),
        ("cpu v=FALSE", ("cpu", "v", None, 0.0)),
        ("cpu  v=1   1780315230000000000  ", ("cpu", "v", NOON, 1.0)),
        ("my\\ cpu\\,1 v=1", ("my cpu,1", "v", None, 1.0)),
        ("cpu,the\\ host=a\\,b\\=c v\\ 1=1", ("cpu", "v 1{the host=a,b=c}", None, 1.0)),
        ('cpu s="a b, c=\\"d\\" \\\\",v=1', ("cpu", "v", None, 1.0)),
        (f'cpu v=1,s="x" {NS}', ("cpu", "v", NOON, 1.0)),
        ("cpu,path=C:\\x v=1", ("cpu", "v{path=C:\\x}", None, 1.0)),
        ("wärme,ort=köln °=21.5", ("wärme", "°{ort=köln}", None, 21.5)),
    ],
)  # fmt: skip
def test_a_line_is_read(line: str, point: tuple[str, str, int | None, float]) -> None:
    assert points(line) == {point}


@pytest.mark.parametrize(
    ("precision", "stamp"),
    [("ns", NS), ("n", NS), ("us", NOON), ("u", NOON), ("µ", NOON), ("ms", NOON // 1000),
     ("s", NOON // SECOND), ("m", NOON // SECOND // 60), ("h", NOON // SECOND // 3600)],
)  # fmt: skip
def test_a_timestamp_is_in_its_precision(precision: str, stamp: int) -> None:
    ((_, _, at, _),) = points(f"cpu v=1 {stamp}", precision=precision)

    assert at is not None
    assert NOON - 3_600 * SECOND < at <= NOON
    if precision not in {"m", "h"}:
        assert at == NOON


def test_of_a_wrong_line_nothing_is_taken() -> None:
    found = decode("cpu a=1,b=1e999\ncpu c=1")

    assert [push.reading.numbers for push in found if isinstance(push, Push)] == [{"c": 1.0}]


def test_comments_and_empty_lines_are_passed_over_and_counted() -> None:
    found = decode("# made by hand\n\ncpu v=1\r\n   \ncpu v=x\n")

    assert [str(bad) for bad in found if isinstance(bad, BadPush)] == [
        "line 5: the field 'v' is 'x': no number, text in quotes, true or false"
    ]


def test_a_line_of_text_alone_is_taken_as_nothing() -> None:
    assert decode('system uptime_format="1 day"') == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cpu", "a measurement and at least one field are expected"),
        ("cpu ", "a measurement and at least one field are expected"),
        ('cpu\\ "', "a measurement and at least one field are expected"),
        ("cpu v", "the field 'v' is not written name=value"),
        ("cpu =1", "the field '=1' is not written name=value"),
        ("cpu v=1,", "the field '' is not written name=value"),
        ("cpu v=", "the field 'v' is ''"),
        ("cpu v=nan", "the field 'v' is 'nan'"),
        ("cpu v=inf", "the field 'v' is 'inf'"),
        ("cpu v=1_000", "the field 'v' is '1_000'"),
        ("cpu v=0x10", "the field 'v' is '0x10'"),
        ("cpu v=1e999", "v is inf, which is no number a wall can show"),
        ("cpu v=1.5i", "the field 'v' is '1.5i'"),
        ('cpu v="open', "the text of the field 'v' has no closing quote"),
        ('cpu v="a"b', "a comma or a space is expected at 'b'"),
        ('cpu v="a",', "a field is expected at ''"),
        (",host=a v=1", "the name of the measurement is empty"),
        ("cpu,host v=1", "the tag 'host' is not written name=value"),
        ("cpu,host= v=1", "the tag 'host=' is not written name=value"),
        ("cpu,=a v=1", "the tag '=a' is not written name=value"),
        ("cpu v=1 noon", "the timestamp 'noon' is no whole number"),
        ("cpu v=1 1.5", "the timestamp '1.5' is no whole number"),
        ("cpu v=1 1 2", "the timestamp '1 2' is no whole number"),
        ("cpu v=1 " + "9" * 30, "the timestamp '999999999999999999999999999999' is no whole"),
        (f"cpu v=1 {2**63}", "its time is 7,443,"),
        ("cpu v=1 253402300799000000000000", "is no whole number"),
        ("cpu v=1 -1", "its time is before 1970"),
        ("cpu v=1 0", "its time is before 1970"),
        ("c\tpu v=1", "has characters that cannot be printed"),
        ("cpu v\0=1", "has characters that cannot be printed"),
        ("c" * 65_536 + " v=1", "65,536 characters; 200 is the most"),
        ("cpu " + "v" * 65_536 + "=1", "65536 characters; 500 is the most"),
        ("cpu," + ",".join(f"t{i}=1" for i in range(65)) + " v=1", "more than 64 tags"),
    ],
)
def test_what_is_wrong_with_a_line_is_named(line: str, said: str) -> None:
    found = decode(f"a v=1\n{line}\nb v=1")

    (bad,) = (one for one in found if isinstance(one, BadPush))
    assert bad.place == "line 2"
    assert said in bad.sentence
    assert sorted(one.feed for one in found if isinstance(one, Push)) == ["a", "b"]


def test_of_a_body_that_is_all_wrong_the_rest_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "MOST_WRONG", 3)

    found = decode("x\n" * 10)

    assert len(found) == 4
    assert str(found[-1]) == "line 3: 3 lines are wrong; what follows was not read"


NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF).filter(
    lambda c: c.isprintable() and c not in '\\"#'), min_size=1, max_size=8)  # fmt: skip


def escaped(name: str) -> str:
    for sign in (",", "=", " "):
        name = name.replace(sign, f"\\{sign}")
    return name


@given(
    NAMES.map(lambda name: name + " x"),
    st.dictionaries(NAMES, NAMES, max_size=3),
    st.dictionaries(
        NAMES, st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3
    ),
)
def test_what_is_written_is_read_back(
    feed: str, tags: dict[str, str], fields: dict[str, float]
) -> None:
    written_tags = "".join(f",{escaped(k)}={escaped(v)}" for k, v in tags.items())
    # As Telegraf does: only commas and spaces are escaped in a measurement.
    measurement = feed.replace(",", "\\,").replace(" ", "\\ ")
    written = ",".join(f"{escaped(k)}={v!r}" for k, v in fields.items())
    suffix = "{" + ",".join(f"{k}={tags[k]}" for k in sorted(tags)) + "}" if tags else ""

    found = points(f"{measurement}{written_tags} {written} {NS}")

    assert found == {(feed, key + suffix, NOON, value) for key, value in fields.items()}


# The addresses


@pytest.mark.parametrize(
    ("address", "status"),
    [("/write?db=telegraf", 204), ("/api/v2/write?org=o&bucket=b&precision=ns", 204),
     ("/api/live/push/telegraf", 200)],
)  # fmt: skip
async def test_lines_are_written_to_every_address(
    sender: Sender, address: str, status: int
) -> None:
    answer = await sender.post(address, "cpu,host=a usage=7\ncpu,host=b usage=8\n")

    assert answer.status == status
    assert await ask(values) == {"cpu/usage{host=a}": 7.0, "cpu/usage{host=b}": 8.0}


async def test_version_1_says_what_was_refused_in_its_header(sender: Sender) -> None:
    answer = await sender.post("/write", "cpu v=1\ncpu v=ä\n")

    assert answer.status == 400
    assert answer.json["error"].startswith("partial write: 1 taken, 1 refused: line 2: the field")
    assert answer.headers["x-influxdb-error"].startswith("partial write: 1 taken")
    assert await ask(values) == {"cpu/v": 1.0}


@pytest.mark.parametrize(
    ("body", "token", "status", "code"),
    [("cpu v=x", "", 400, "invalid"), ("cpu v=1", "nobody", 401, "unauthorized")],
)
async def test_version_2_names_a_code(
    sender: Sender, body: str, token: str, status: int, code: str
) -> None:
    sender.token = token or sender.token

    answer = await sender.post("/api/v2/write", body)

    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["message"]


async def test_a_password_in_the_query_is_a_token(sender: Sender) -> None:
    token, sender.token = sender.token, ""

    assert (await sender.post(f"/write?db=x&u=me&p={token}", "cpu v=1")).status == 204


async def test_an_unknown_precision_is_refused(sender: Sender) -> None:
    answer = await sender.post("/write?precision=fortnights", "cpu v=1")

    assert answer.status == 400
    assert "precision: 'fortnights' is none of ns, n, us" in answer.json["error"]


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("GET", "/ping", 204), ("HEAD", "/ping", 204), ("GET", "/ping/", 204),
     ("GET", "/ping?verbose=true", 200), ("GET", "/health", 200), ("HEAD", "/health", 200),
     ("GET", "/api/v2/health", 200), ("GET", "/ready", 200),
     ("POST", "/query?q=CREATE+DATABASE+x", 200), ("GET", "/query", 200)],
)  # fmt: skip
async def test_what_clients_ask_first_is_answered_to_anybody(
    sender: Sender, method: str, address: str, status: int
) -> None:
    sender.token = ""

    answer = await sender.send(method, address)

    assert answer.status == status
    assert await ask(names) == []
