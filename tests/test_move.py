"""From SQLite to PostgreSQL, with everything."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import count

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from dashboard.management.commands.move import _description
from e2e.servers import Postgres
from tests.feeds import NOON, arrive, make_feed
from tests.test_backup import Rows, make_wall, rows
from widgets import clock, moving
from widgets.clock import DAY, SECOND
from widgets.copying import Model, opened, pour
from widgets.models import Feed, FeedState, Sample, Series
from widgets.moving import Digest, digest

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

_numbers = count()


@pytest.fixture
def there(postgres: Postgres) -> Iterator[str]:
    """The address of an empty database."""
    name = f"move{next(_numbers)}"
    postgres.query(f"CREATE DATABASE {name}")
    yield postgres.url.rpartition("/")[0] + f"/{name}"
    postgres.query(f"DROP DATABASE {name}")


def move(to: str) -> str:
    out = io.StringIO()
    call_command("move", "--to", to, stdout=out)
    return out.getvalue()


def refused(to: str) -> str:
    with pytest.raises(CommandError) as caught:
        move(to)
    return str(caught.value)


def rows_there(url: str) -> Rows:
    with opened("there", _description(url)):
        return rows(using="there")


def test_everything_is_there_and_counted(there: str) -> None:
    make_wall()
    was = rows()

    said = move(there)

    assert rows_there(there) == was
    counts = dict(re.findall(r"^(\w+) +([\d,]+)$", said, re.MULTILINE))
    assert counts == {name: f"{len(found):,}" for name, found in was.items()}
    assert counts["widgets_sample"] == "40"
    total = sum(map(len, was.values()))
    assert re.search(
        rf"^together +{total:,} rows in [\d.]+ s, the same on both sides\.$", said, re.M
    )
    assert rows() == was, "it is only read"


def test_what_is_made_there_next_has_a_number_of_its_own(there: str) -> None:
    make_wall()
    move(there)

    with opened("there", _description(there)):
        made = Feed(name="next", source="push")
        super(Feed, made).save(using="there")
        series = Series.objects.using("there").create(feed=made, name="s")

    assert made.pk > Feed.objects.latest("pk").pk
    assert series.pk > Series.objects.latest("pk").pk


def test_what_is_there_is_newer_than_what_pages_hold_and_claimed_by_nobody(there: str) -> None:
    make_wall()
    FeedState.objects.update(lease_until=clock.now() + DAY)
    held = FeedState.objects.latest("version").version

    move(there)

    with opened("there", _description(there)):
        for state in FeedState.objects.using("there"):
            assert state.version > held
            assert state.lease_until == 0
            assert state.claim > 1_000


def test_samples_of_these_days_are_in_partitions_of_their_own(
    there: str, postgres: Postgres
) -> None:
    feed, now = make_feed(), clock.now()
    for at in (now, now - DAY, now - 5 * DAY):
        arrive(feed, {"a": 1}, at)

    move(there)

    held = "SELECT count(*), count(DISTINCT tableoid) FROM widgets_sample"
    strayed = "SELECT count(*) FROM widgets_sample_default"
    name = there.rpartition("/")[2]
    assert postgres.query(held, name) == [(3, 3)]
    assert postgres.query(strayed, name) == [(0,)]


def test_what_sqlite_takes_and_postgresql_does_not_is_moved_as_text(there: str) -> None:
    feed = make_feed(options={"a": "\0"})
    FeedState.objects.update(text="a\0b")

    move(there)

    moved = rows_there(there)
    assert moved["widgets_feedstate"][0]["text"] == "a\N{REPLACEMENT CHARACTER}b"
    assert moved["widgets_feed"][0]["options"] == feed.options


def test_huge_and_tiny_values_are_compared_and_moved_exactly(there: str) -> None:
    feed = make_feed()
    values = [1.7e308, 1.7e308, -1.7e308, 5e-324, 0.1, 1 / 3]
    for i, value in enumerate(values):
        arrive(feed, {"a": value}, NOON + i * SECOND)

    move(there)

    moved = rows_there(there)["widgets_sample"]
    assert [row["value"] for row in moved] == values


def test_a_move_that_fails_leaves_nothing_and_can_be_done_again(there: str) -> None:
    make_wall()
    feed = Feed.objects.get(name="host")
    Feed.objects.filter(pk=feed.pk).update(name="x" * 201)
    was = rows()

    said = refused(there)

    assert said.startswith("Nothing was moved: value too long for type character varying(200)")
    assert all(not found for name, found in rows_there(there).items() if name in MOVED)
    assert rows() == was
    Feed.objects.filter(pk=feed.pk).update(name="host")
    move(there)
    assert rows_there(there) == rows()


MOVED = {"widgets_feed", "widgets_sample", "auth_user", "dashboard_tile"}


def test_a_difference_undoes_it(there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wall()

    def one_more(model: Model, alias: str) -> Digest:
        found = digest(model, alias)
        return Digest(found.rows + 1) if (model, alias) == (Sample, "default") else found

    monkeypatch.setattr(moving, "digest", one_more)

    assert "Nothing was moved: widgets_sample differs: " in refused(there)
    assert not rows_there(there)["widgets_sample"]


def test_what_is_recorded_meanwhile_is_not_half_moved(
    there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = make_feed()
    arrive(feed, {"a": 1, "b": 1}, NOON)

    def record_and_pour(source: str, target: str) -> object:
        # As another process would: nobody waits for the move.
        with opened("writer", connections.settings["default"]) as other, other.cursor() as cursor:
            cursor.execute("UPDATE widgets_sample SET value = 2")
            cursor.execute(
                "INSERT INTO widgets_sample SELECT ts + 1, 3, series_id FROM widgets_sample"
            )
        return pour(source, target)

    monkeypatch.setattr(moving, "pour", record_and_pour)

    move(there)

    assert [row["value"] for row in rows_there(there)["widgets_sample"]] == [1, 1]
    assert Sample.objects.count() == 4


def test_a_database_that_is_not_empty_is_refused(there: str, postgres: Postgres) -> None:
    make_wall()
    name = there.rpartition("/")[2]
    postgres.query("CREATE TABLE shop (id int)", name)

    assert refused(there) == (
        "Nothing was moved: it holds tables of something else; name an empty database."
    )
    postgres.query("DROP TABLE shop", name)
    move(there)
    assert refused(there).endswith("has rows already; name an empty database.")


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("sqlite:////tmp/x", "--to takes postgres://user:password@host:5432/name"),
        ("mysql://u:hunter22@x/y", "--to begins with 'mysql'"),
        ("postgres://u:hunter22@127.0.0.1:1/x", "Nothing was moved: connection failed"),
    ],
)
def test_where_it_cannot_go_is_a_sentence_without_the_password(to: str, said: str) -> None:
    message = refused(to)

    assert message.startswith(said)
    assert "hunter22" not in message


def test_an_older_database_is_brought_up_to_date_first() -> None:
    [(_, newest)] = MigrationLoader(connection).graph.leaf_nodes("widgets")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = %s", [newest])
    try:
        said = refused("postgres://u@127.0.0.1:1/x")
    finally:
        call_command("migrate", "widgets", "--fake", verbosity=0)

    assert "it lacks 1 migrations. Run: manage.py migrate" in said
