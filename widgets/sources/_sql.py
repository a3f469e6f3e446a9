"""One read-only query to a database, with an end to its time and to its rows.

Plain blocking code, for a thread. The operator names each database in the environment, so these
connections do not obey WATCHWALL_EGRESS. What a query may read is what the database lets the user
in its address read: a user that may only SELECT is the real fence, and this one is around it.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from widgets.clock import SECOND

# Connecting, for which no statement's timeout counts. Seconds.
PATIENCE = 4
# One value of SQLite, bytes: it may be made by the query itself.
MOST_VALUE = 10_000_000

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?")


class SqlError(Exception):
    """Why there is no result, in the database's own words; it may hold the password."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, how long it may take (µs), and how many rows are wanted at most."""

    query: str
    timeout: int
    limit: int


@dataclass(frozen=True, slots=True)
class Table:
    """What came back, as Python's types. `more`: there were more rows than were wanted."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    more: bool = False


def ask(address: str, asked: Asked) -> Table:
    """The result of the query, or SqlError."""
    try:
        scheme = urlsplit(address).scheme
        ask_this = DATABASES[scheme]
    except (ValueError, KeyError):
        raise SqlError(
            "it is no address of a database that is known; it takes postgres://…, mysql://…, "
            "or sqlite:///path/to/file"
        ) from None
    login = address.partition("://")[2].rpartition("@")[0]
    if scheme != "sqlite" and any(sign in login for sign in "/?#@[]"):
        # Part of it would be taken for the host or the port, and shown in an error.
        raise SqlError("in its password write / as %2F, @ as %40, and so on for ? # [ ]")
    return ask_this(address, asked)


def passwords(address: str) -> list[str]:
    """The password in an address, in the ways in which it may be written in an error."""
    try:
        given = urlsplit(address).password or ""
    except ValueError:
        return [address]
    return [one for one in dict.fromkeys((given, unquote(given))) if one]


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]], limit: int) -> Table:
    return Table(columns, rows[:limit], len(rows) > limit)


# -- PostgreSQL --------------------------------------------------------------------------------


def _postgres(address: str, asked: Asked) -> Table:
    """Through a cursor of the server's, which takes one statement that reads and no other."""
    # Here and not above: who has no PostgreSQL need not wait for it.
    import psycopg

    patience = str(asked.timeout // 1000)
    try:
        psycopg.conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        raise SqlError("it is no address that PostgreSQL takes") from None
    try:
        with psycopg.connect(
            address,
            connect_timeout=PATIENCE,
            # A server that is gone without a word is noticed; ms.
            tcp_user_timeout=PATIENCE * 1000 + asked.timeout // 1000,
            application_name="watchwall",
        ) as connection:
            connection.read_only = True
            connection.execute("SELECT set_config('statement_timeout', %s, true)", (patience,))
            with connection.cursor("watchwall") as cursor:
                cursor.execute(asked.query.encode())
                columns = [column.name for column in cursor.description or ()]
                return _table(columns, cursor.fetchmany(asked.limit + 1), asked.limit)
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).strip()
        raise SqlError(said or type(error).__name__) from None
    except UnicodeError:
        raise SqlError("the query has characters that cannot be sent") from None


# -- MySQL and MariaDB -------------------------------------------------------------------------


_READING = re.compile(r"[\s(]*(SELECT|WITH|VALUES|TABLE|SHOW|DESC(RIBE)?|EXPLAIN)\b", re.IGNORECASE)


def _mysql(address: str, asked: Asked) -> Table:
    import pymysql
    from pymysql.cursors import SSCursor

    parts = urlsplit(address)
    try:
        port = parts.port or 3306
    except ValueError:
        raise SqlError("its port is no number") from None
    options = dict(parse_qsl(parts.query))
    ca = options.pop("ssl_ca", None)
    if options:
        raise SqlError(f"its address has the unknown option {min(options)}; there is ssl_ca")
    if not _READING.match(asked.query):
        raise SqlError("only what reads is sent: SELECT, WITH, VALUES, TABLE, SHOW, DESCRIBE")
    seconds = asked.timeout / SECOND
    try:
        with closing(
            pymysql.connect(
                host=parts.hostname or "127.0.0.1",
                port=port,
                user=unquote(parts.username or ""),
                password=unquote(parts.password or ""),
                database=unquote(parts.path.lstrip("/")) or None,
                charset="utf8mb4",
                connect_timeout=PATIENCE,
                read_timeout=int(seconds) + PATIENCE,
                write_timeout=PATIENCE,
                ssl_ca=ca,
                ssl_verify_cert=True if ca else None,
                ssl_verify_identity=True if ca else None,
                program_name="watchwall",
            )
        ) as connection:
            # Of the two only one knows each; times in UTC, as everywhere here.
            limit = (
                f"max_statement_time = {seconds:.3f}"
                if "mariadb" in str(connection.get_server_info()).lower()  # type: ignore[no-untyped-call]
                else f"max_execution_time = {int(seconds * 1000)}"
            )
            with connection.cursor() as cursor:
                cursor.execute(f"SET SESSION {limit}")
                cursor.execute(f"SET SESSION sql_select_limit = {asked.limit + 1}")
                cursor.execute("SET SESSION time_zone = '+00:00'")
                # MariaDB lets a DROP through where only one transaction may not write.
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
                cursor.execute("START TRANSACTION READ ONLY")
            # Row by row: a LIMIT in the query itself counts for more than the session's.
            with connection.cursor(SSCursor) as rows:
                rows.execute(asked.query)
                columns = [column[0] for column in rows.description or ()]
                return _table(columns, list(rows.fetchmany(asked.limit + 1)), asked.limit)
    except pymysql.Error as error:
        raise SqlError(str(error.args[-1]) if error.args else type(error).__name__) from None
    except (OSError, ValueError) as error:
        # A port that is none, a file of certificates that is not there, a lone surrogate.
        raise SqlError(str(error)) from None


# -- SQLite ------------------------------------------------------------------------------------

_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}


def _sqlite(address: str, asked: Asked) -> Table:
    path = "/" + unquote(urlsplit(address).path).lstrip("/")
    try:
        with closing(_opened(path, asked.timeout)) as connection:
            # A query that attaches another file, or changes a setting, is refused.
            connection.set_authorizer(
                lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY
            )
            cursor = connection.execute(asked.query)
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchmany(asked.limit + 1)
    except (sqlite3.Error, sqlite3.Warning) as error:
        said = str(error)
        raise SqlError("the query took too long" if said == "interrupted" else said) from None
    except (ValueError, UnicodeError) as error:
        raise SqlError(str(error)) from None
    return _table(columns, _with_times(rows), asked.limit)


def _opened(path: str, timeout: int) -> sqlite3.Connection:
    """A connection that reads, for so long (µs)."""
    seconds = timeout / SECOND
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=seconds)
    end = time.monotonic() + seconds
    # SQLite has no timeout for a statement; it asks every so many steps whether to go on.
    connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE)
    return connection


def _with_times(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The rows with times: SQLite has no type for them, so a column of texts that all are such
    a time as SQLite writes, and of nothing else, is one of times."""
    table = [list(row) for row in rows]
    for at in range(len(table[0]) if table else 0):
        texts = [row[at] for row in table if row[at] is not None]
        if not texts or not all(isinstance(t, str) and _MOMENT.fullmatch(t) for t in texts):
            continue
        try:
            times = [None if row[at] is None else _time(row[at]) for row in table]
        except ValueError:
            continue  # The thirteenth month: texts, after all.
        for row, moment in zip(table, times, strict=True):
            row[at] = moment
    return table


def _time(text: str) -> Any:
    found = datetime.fromisoformat(text)
    return found.date() if len(text) == len("2026-06-01") else found


DATABASES: dict[str, Callable[[str, Asked], Table]] = {
    "postgres": _postgres,
    "postgresql": _postgres,
    "mysql": _mysql,
    "mariadb": _mysql,
    "sqlite": _sqlite,
}
