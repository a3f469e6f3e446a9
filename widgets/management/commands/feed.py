"""manage.py feed try FILE|NAME, list, show NAME and refresh NAME"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from widgets import clock, io
from widgets.clock import format_duration, parse_duration
from widgets.management import feeds
from widgets.models import Feed
from widgets.options import BadOptions, check_secrets
from widgets.reading import Reading
from widgets.registry import UnknownSlug, nearest
from widgets.sources import Source, SourceError, sources
from widgets.trial import Trial

FIRST_ROWS = 5
KEYS = ("name", "source", "options", "timeout")


class Command(BaseCommand):
    help = "Try a feed, see how feeds are asked, and have one asked now."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        trying = actions.add_parser("try", help="ask a source, or listen; nothing is recorded")
        trying.add_argument(
            "feed", metavar="FILE|NAME", help="a YAML file with source and options, or a feed"
        )
        trying.add_argument(
            "--twice", action="store_true", help="ask again after a second, which gives rates"
        )
        actions.add_parser("list", help="how every feed is asked, and how that goes")
        for action, about in (
            ("show", "all that is known of how one feed is asked"),
            ("refresh", "have one feed asked now, and wait for it"),
        ):
            one = actions.add_parser(action, help=about)
            one.add_argument("feed", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        match options["action"]:
            case "list":
                every = Feed.objects.select_related("now")
                lines = feeds.listed(every, clock.now())
            case "show":
                lines = feeds.shown(feeds.find(options["feed"]), clock.now())
            case "refresh":
                lines = feeds.shown(feeds.refresh(options["feed"]), clock.now())
            case _:
                lines = tried(options)
        for line in lines:
            self.stdout.write(line)


def tried(options: Mapping[str, Any]) -> Iterator[str]:
    """What a feed says when it is asked here, once or twice."""
    trial = find(options["feed"])
    try:
        reading, duration = trial.ask()
        if options["twice"]:
            time.sleep(1)
            reading, duration = trial.ask()
    except SourceError as error:
        raise CommandError(f"{options['feed']}: {error}") from None
    finally:
        io.stop()
    return described(reading, duration)


def find(given: str) -> Trial:
    """The feed in that file or of that name, or CommandError."""
    path = Path(given)
    if path.is_file() or path.suffix in {".yaml", ".yml"}:
        return from_file(path)
    feed = Feed.objects.select_related("now").filter(name=given).first()
    if feed is None:
        names = list(Feed.objects.values_list("name", flat=True))
        raise CommandError(f'no file and no feed "{given}"{nearest(given, names)}')
    return Trial(known_source(feed.source), feed.options, feed.timeout, dict(feed.now.memo))


def from_file(path: Path) -> Trial:
    """A file with one feed: source, and perhaps options, timeout and name."""
    try:
        given = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise CommandError(f"{path} is no YAML: {error}") from None
    if not isinstance(given, dict) or "source" not in given:
        raise CommandError(f"{path}: `source: …` is expected, with options and timeout")
    for key in given:
        if key not in KEYS:
            raise CommandError(f'{path}: unknown key "{key}"{nearest(str(key), list(KEYS))}')
    source = known_source(str(given["source"]))
    try:
        timeout = parse_duration(given["timeout"]) if "timeout" in given else source.timeout
        if problems := check_secrets(given.get("options")):
            raise BadOptions(problems)
    except ValueError as error:  # BadOptions is one.
        raise CommandError(f"{path}: {error}") from None
    return Trial(source, given.get("options") or {}, timeout, {})


def known_source(slug: str) -> Source:
    try:
        return sources[slug]
    except UnknownSlug as error:
        raise CommandError(str(error)) from None


def described(reading: Reading, duration: int) -> Iterator[str]:
    """The reading for a terminal, a line at a time."""
    # One width for all names, so that the numbers stand in a column.
    width = max(map(len, reading.numbers), default=0)
    for name, value in reading.numbers.items():
        line = f"{name:{width}}  {value:,.10g} {reading.units.get(name, '')}".rstrip()
        verdict = reading.verdicts.get(name)
        yield f"{line}  {verdict.state} {verdict.message}".rstrip() if verdict else line
    if reading.rows is not None:
        yield f"{len(reading.rows):,} rows"
        for row in reading.rows[:FIRST_ROWS]:
            yield "  " + ", ".join(f"{key}: {value}" for key, value in row.items())
    if reading.text is not None:
        yield f"text: {reading.text}"
    if reading.history:
        names = {name for name, _, _ in reading.history}
        yield f"{len(reading.history):,} points of the past, of {len(names):,} series"
    if reading.at is not None:
        yield f"true at {clock.as_datetime(reading.at).isoformat(timespec='milliseconds')}"
    for note in reading.notes:
        yield f"note: {note}"
    yield f"took {format_duration(duration) if duration >= 1000 else f'{duration} µs'}"
