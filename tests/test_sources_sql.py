from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.servers import Postgres
from widgets import io
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.fetch import fetch
from widgets.options import BadOptions, read
from widgets.reading import BadReading, Reading, clean
from widgets.sources import SourceError, sources
from widgets.sources._sql import Table
from widgets.sources._tables import reading_of
from widgets.sources.sql import SqlOptions

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW = 1_780_315_200 * SECOND
DATABASES = ("postgres", "mariadb", "sqlite")

SALES = """
CREATE TABLE sales (day date, at timestamp, shop varchar(20), amount decimal(10, 2), note text)
"""
ROWS = """
INSERT INTO sales VALUES
  ('2026-05-31', '2026-05-31 10:00:00', 'north', 10.50, 'a'),
  ('2026-05-31', '2026-05-31 11:00:00', 'south', 20, NULL),
  ('2026-06-01', '2026-06-01 10:00:00', 'north', 30, 'c')
"""


@pytest.fixture(scope="module")
def addresses(
    postgres: Postgres, mariadb: int, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """A database of each kind, all with the same table; their users have a password."""
    with psycopg.connect(postgres.url, autocommit=True) as pg:
        pg.execute("DROP TABLE IF EXISTS sales")
        pg.execute(SALES.encode())
        pg.execute(ROWS.encode())
    with closing(pymysql.connect(host="127.0.0.1", port=mariadb, user="root")) as my:
        cursor = my.cursor()
        for statement in ("CREATE DATABASE shop", "USE shop", SALES, ROWS, "COMMIT",
                          "CREATE USER wall IDENTIFIED BY 'open/sesame'",
                          "GRANT ALL ON shop.* TO wall"):  # fmt: skip
            cursor.execute(statement)
    path = tmp_path_factory.mktemp("sql") / "a shop.sqlite3"
    with closing(sqlite3.connect(path)) as lite:
        lite.execute(SALES)
        lite.execute(ROWS)
        lite.commit()
    return {
        "postgres": postgres.url.replace("watchwall@", "watchwall:open%2Fsesame@"),
        "mariadb": f"mysql://wall:open%2Fsesame@127.0.0.1:{mariadb}/shop",
        "sqlite": f"sqlite:///{str(path).replace(' ', '%20')}",
    }


@pytest.fixture(params=DATABASES)
def database(
    request: pytest.FixtureRequest, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("WATCHWALL_SQL_SHOP", addresses[request.param])
    return str(request.param)


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()


def ask(query: str, connection: str = "SHOP", **options: Any) -> Reading:
    given = {"connection": connection, "query": query, **options}
    return io.submit(fetch(sources["sql"], given, {}, 20 * SECOND)).result(30)


def error(query: str, **options: Any) -> str:
    with pytest.raises(SourceError) as caught:
        ask(query, **options)
    return str(caught.value)


# -- the real ones -----------------------------------------------------------------------------


def test_a_single_row_gives_numbers_by_its_columns(database: str) -> None:
    reading = ask(
        "SELECT count(*) AS orders, sum(amount) AS total FROM sales", units={"total": "€"}
    )

    assert reading.numbers == {"orders": 3.0, "total": 60.5}
    assert reading.units == {"total": "€"}
    assert reading.rows == [{"orders": 3, "total": 60.5}]
    assert reading.notes == []


def test_texts_tell_the_numbers_of_rows_apart(database: str) -> None:
    reading = ask("SELECT shop, sum(amount) AS total FROM sales GROUP BY shop ORDER BY shop;")

    assert reading.numbers == {"north": 40.5, "south": 20.0}


def test_several_numbers_in_a_row_have_their_texts_as_labels(database: str) -> None:
    query = "SELECT shop, count(*) AS n, sum(amount) AS total FROM sales GROUP BY shop"

    assert ask(query).numbers == {
        "n{shop=north}": 2.0,
        "total{shop=north}": 40.5,
        "n{shop=south}": 1.0,
        "total{shop=south}": 20.0,
    }


def test_times_and_numbers_are_a_time_series(database: str) -> None:
    reading = ask("SELECT at, shop, amount FROM sales WHERE at < '2026-06-01' ORDER BY at")

    eleven = (NOW - 25 * HOUR, NOW - 26 * HOUR)
    assert reading.numbers == {"south": 20.0}
    assert reading.at == eleven[0]
    assert list(reading.history) == [("north", eleven[1], 10.5)]
    assert reading.rows is None


def test_a_column_of_dates_counts_for_its_days(database: str) -> None:
    reading = ask("SELECT day, sum(amount) AS total FROM sales GROUP BY day ORDER BY day")

    assert reading.numbers == {"total": 30.0}
    assert reading.at == NOW + DAY // 2
    assert list(reading.history) == [("total", NOW - DAY // 2, 30.5)]


def test_nothing_can_be_written(database: str) -> None:
    writes = [
        "DELETE FROM sales",
        "INSERT INTO sales (shop) VALUES ('west')",
        "UPDATE sales SET amount = 0",
        "DROP TABLE sales",
        "CREATE TABLE other (a int)",
        "SELECT 1; DELETE FROM sales",
        "COMMIT",
        "ROLLBACK; DELETE FROM sales",
    ]
    for query in writes:
        assert "SHOP" in error(query)

    assert ask("SELECT count(*) AS n, sum(amount) AS total FROM sales").numbers == {
        "n": 3.0,
        "total": 60.5,
    }


SLOW = {
    "postgres": "SELECT pg_sleep(30)",
    "mariadb": "SELECT sleep(30), count(*) FROM sales a, sales b",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT max(i) FROM n",
}


def test_a_slow_statement_is_ended_by_its_timeout(database: str) -> None:
    said = error(SLOW[database], statement_timeout="200ms")

    assert said.startswith("WATCHWALL_SQL_SHOP: ")
    assert "time" in said or "too long" in said


MANY = {
    "postgres": "SELECT i FROM generate_series(1, 300000) AS t(i)",
    "mariadb": "SELECT seq AS i FROM seq_1_to_300000 LIMIT 300000",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) "
    "SELECT i FROM n",
}


def test_more_rows_than_the_limit_are_said_and_left_out(database: str) -> None:
    reading = ask(MANY[database], limit=3)

    assert reading.rows == [{"i": 1}, {"i": 2}, {"i": 3}]
    assert reading.notes == ["there are more rows; the first 3 are taken"]


def test_no_row_is_no_data(database: str) -> None:
    reading = ask("SELECT shop, amount FROM sales WHERE shop = 'west'")

    assert (reading.numbers, reading.rows) == ({}, [])
    assert reading.notes == ["no data: the query has no row"]


def test_a_sum_over_nothing_is_no_data_and_not_0(database: str) -> None:
    assert ask("SELECT sum(amount) AS total FROM sales WHERE shop = 'west'").numbers == {}


def test_what_the_database_says_of_a_wrong_query_is_the_error(database: str) -> None:
    said = error("SELECT amounts FROM sales")

    assert said.startswith("WATCHWALL_SQL_SHOP: ")
    assert "amounts" in said


def test_a_percent_sign_is_one(database: str) -> None:
    assert ask("SELECT count(*) AS n FROM sales WHERE shop LIKE '%orth%'").numbers == {"n": 2.0}


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_the_password_is_in_no_error(
    kind: str, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for change in (("127.0.0.1", "no-such-host.invalid"), ("127.0.0.1:", "127.0.0.1:1"),
                   ("127.0.0.1:", "127.0.0.1:x"), ("://", "://no"), ("sesame", "sesame%"),
                   ("sesame", "sesame%00"), ("127.0.0.1", "[::1"), ("://", ":/")):  # fmt: skip
        monkeypatch.setenv("WATCHWALL_SQL_SHOP", addresses[kind].replace(*change))
        said = error("SELECT 1 AS a") if "sesame%" not in change[1] else _maybe("SELECT 1 AS a")
        assert "sesame" not in said


def _maybe(query: str) -> str:
    """The error, or nothing where the address is taken all the same: nobody asks a password."""
    try:
        ask(query)
    except SourceError as caught:
        return str(caught)
    return ""


@pytest.mark.parametrize("password", ["open/sesame", "open@sesame", "sesame#open", "sesame?a=b"])
@pytest.mark.parametrize("scheme", ["postgres", "mysql"])
def test_no_half_of_a_password_is_taken_for_something_else(
    scheme: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SQL_SHOP", f"{scheme}://wall:{password}@127.0.0.1:1/shop")

    assert error("SELECT 1").startswith("WATCHWALL_SQL_SHOP: in its password write / as %2F")


def test_mysql_may_not_even_drop_a_table_where_it_is_asked_to(
    addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MariaDB does, in a transaction that may not write."""
    monkeypatch.setenv("WATCHWALL_SQL_SHOP", addresses["mariadb"])
    monkeypatch.setattr("widgets.sources._sql._READING", re.compile(""))

    assert "READ ONLY transaction" in error("DROP TABLE sales")
    assert "READ ONLY transaction" in error("TRUNCATE TABLE sales")


def test_an_address_that_nobody_knows_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHWALL_SQL_SHOP", "oracle://scott:tiger@host/x")

    said = error("SELECT 1")

    assert said.startswith("WATCHWALL_SQL_SHOP: it is no address of a database that is known; it")
    assert "tiger" not in said


def test_a_database_that_is_not_named_is_told_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WATCHWALL_SQL_STOCK", "sqlite:////x")

    said = error("SELECT 1", connection="shop")

    assert said == "WATCHWALL_SQL_SHOP is not set in the environment; there is STOCK"


@pytest.mark.parametrize(
    "query", ["ATTACH '/etc/passwd' AS x", "PRAGMA query_only = 0", "SELECT load_extension('x')"]
)
def test_sqlite_leaves_the_file_it_was_given_for_no_other(
    query: str, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SQL_SHOP", addresses["sqlite"])

    assert "not authorized" in error(query)


def test_a_file_that_is_not_there_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SQL_SHOP", f"sqlite:///{tmp_path}/no.sqlite3")

    assert "unable to open database file" in error("SELECT 1")
    assert list(tmp_path.iterdir()) == []


def test_types_of_postgresql_are_understood(
    addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SQL_SHOP", addresses["postgres"])

    reading = ask(
        "SELECT interval '90 s' AS took, 'NaN'::numeric AS strange, true AS good, "
        "'{1,2}'::numeric[] AS list, '\\x00ff'::bytea AS raw, '{\"a\": 1}'::json AS json, "
        "gen_random_uuid() AS id, '2026-06-01 14:00:00+02'::timestamptz AS at",
        shape="rows",
    )

    [row] = map(dict, reading.rows or ())
    assert len(row.pop("id")) == 36
    assert row.pop("at").startswith("2026-06-01 ")
    assert row == {
        "took": 90, "strange": None, "good": True, "list": [1, 2], "raw": "2 bytes",
        "json": {"a": 1},
    }  # fmt: skip


# -- from a table to a reading -----------------------------------------------------------------


def made(columns: str, *rows: tuple[Any, ...], more: bool = False, **options: Any) -> Reading:
    ready = read(SqlOptions, {"connection": "X", "query": "q", **options})
    return clean(reading_of(Table(columns.split(), rows, more), ready, NOW))


def test_a_row_of_a_bucket_that_still_fills_is_of_now() -> None:
    hours = [(NOON - timedelta(hours=i), float(i)) for i in range(3)]
    reading = made("hour n", *[(t - timedelta(minutes=30), n) for t, n in hours], bucket="1h")

    assert reading.numbers == {"n": 0.0}
    assert reading.at == NOW
    assert list(reading.history) == [
        ("n", NOW - 30 * MINUTE, 1.0),
        ("n", NOW - 90 * MINUTE, 2.0),
    ]


def test_the_newest_row_of_a_time_series_is_as_old_as_it_says() -> None:
    reading = made("at n", (NOON - timedelta(days=3), 1))

    assert reading.at == NOW - 3 * DAY


def test_times_in_any_zone_are_one_moment() -> None:
    berlin = timezone(timedelta(hours=2))

    assert made("at n", (datetime(2026, 6, 1, 13, tzinfo=berlin), 1)).at == NOW - HOUR
    assert made("at n", (datetime(2026, 6, 1, 11), 1)).at == NOW - HOUR


def test_rows_of_the_future_and_of_times_before_times_are_said_and_left_out() -> None:
    reading = made("at n", (NOON + timedelta(hours=1), 1), (NOON, 2), (datetime(1969, 1, 1), 3))

    assert reading.numbers == {"n": 2.0}
    assert reading.history == []
    assert reading.notes == ["2 rows are left out: their time is in the future or before 1970"]


@pytest.mark.parametrize(
    ("columns", "rows", "numbers"),
    [
        ("a b", [(1, 2)], {"a": 1, "b": 2}),
        ("a", [(True,)], {"a": 1}),
        ("a", [(Decimal("1.5"),)], {"a": 1.5}),
        ("a", [(Decimal("sNaN"),)], {}),
        ("a", [(10**400,)], {}),
        ("a", [(None,)], {}),
        # One number for each text, also while there is only one or nothing is known.
        ("t a", [("x", 1)], {"x": 1}),
        ("t a", [("x", 1), ("", 2), (None, 3)], {}),
        ("t a", [("x", 1), ("y", None)], {"x": 1}),
        ("t a b", [("x", 1, None)], {"a{t=x}": 1}),
        # Nothing tells these apart.
        ("a", [(1,), (2,)], {}),
        ("t a", [("x", 1), ("x", 2)], {}),
    ],
)
def test_numbers_are_taken_where_they_have_a_name(
    columns: str, rows: list[tuple[Any, ...]], numbers: dict[str, float]
) -> None:
    reading = made(columns, *rows)

    assert reading.numbers == numbers
    assert len(reading.rows or ()) == len(rows)


def test_spans_of_time_are_seconds() -> None:
    reading = made("took", (timedelta(minutes=2),))

    assert (reading.numbers, reading.units) == ({"took": 120}, {"took": "s"})


def test_a_shape_that_the_table_does_not_have_is_an_error() -> None:
    with pytest.raises(SourceError, match="a time series needs a column of times and one of num"):
        made("a", (1,), shape="series")
    with pytest.raises(SourceError, match="two rows give 'a'; a column of texts must tell"):
        made("a", (1,), (2,), shape="numbers")
    with pytest.raises(SourceError, match="two columns are called 'a'; name one of them anew"):
        made("a a", (1, 2))


def test_a_shape_that_is_named_is_taken() -> None:
    assert made("day n", (date(2026, 6, 1), 1), shape="rows").rows == [
        {"day": "2026-06-01", "n": 1}
    ]
    assert made("t n", ("x", 1), shape="numbers").rows is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"connection": "../x"}, "options.connection: a name as in WATCHWALL_SQL_SHOP is expected"),
        ({"query": ""}, "options.query"),
        ({"limit": 0}, "options.limit"),
        ({"shape": "pie"}, "options.shape"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOptions) as caught:
        read(SqlOptions, {"connection": "shop", "query": "q", **options})

    assert str(caught.value).startswith(said)


cells = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
)


@settings(deadline=None)
@given(st.data(), st.sampled_from(["auto", "numbers", "rows", "series"]), st.booleans())
def test_any_table_is_a_reading_or_an_error_of_the_source(
    data: st.DataObject, shape: str, bucket: bool
) -> None:
    width = data.draw(st.integers(1, 3))
    rows = data.draw(st.lists(st.tuples(*[cells] * width), max_size=4))
    span = "1h" if bucket else None
    try:
        reading = made(" ".join("abc"[:width]), *rows, shape=shape, bucket=span)
    except (SourceError, BadReading):
        return  # Nothing else may be raised: it would stand on the tile as a failure of ours.

    assert all(0 < at <= NOW for _, at, _ in reading.history)
