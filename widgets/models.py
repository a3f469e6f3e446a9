"""What is stored: feeds and what machines know of them, series and their samples, widgets, events.

Two rows for each feed. `Feed` is what people edit; `FeedState` is what machines write, so that
saving a form opened an hour ago can never put a version, a lease or a due time back.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction

from widgets import clock, cron
from widgets.cadence import Cadence, is_watched
from widgets.fields import KeptJSONField, PrintableName, SpanField
from widgets.judge import read_thresholds
from widgets.kinds import kind_choices, kinds
from widgets.options import BadOptions, check_secrets, read
from widgets.registry import UnknownSlug
from widgets.shows import read_shows
from widgets.sources import source_choices, sources

STATES = [(state, state) for state in ("ok", "warning", "critical", "unknown")]
FRESHNESS = [(word, word) for word in ("fresh", "aged", "late", "stale", "failed")]


def advance(last: int, now: int | None = None) -> int:
    """The next value of a hybrid clock: never falls, and close to the time in µs."""
    return max(last + 1, clock.now() if now is None else now)


class Revisioned(models.Model):
    """A row whose every edit raises its revision, so that each process can see it changed."""

    revision = models.BigIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.revision = advance(self.revision)
        fields = kwargs.get("update_fields")
        if fields is not None:
            kwargs["update_fields"] = {*fields, "revision"}
        super().save(*args, **kwargs)


class Feed(Revisioned):
    """One named flow of readings: a source with options and an interval."""

    name = PrintableName(unique=True, help_text="As widgets name it: 1 to 200 characters.")
    source = models.CharField(max_length=40, choices=source_choices)
    options = KeptJSONField(default=dict, blank=True)
    interval = SpanField(
        null=True, blank=True, help_text="How often it is asked: from 1 s up. Polled feeds only."
    )
    unwatched = SpanField(
        null=True,
        blank=True,
        help_text="How often it is asked while no open page shows it; longer than the interval.",
    )
    cron = models.CharField(
        max_length=100,
        blank=True,
        help_text="In place of an interval: minute, hour, day of month, month and day of week, "
        'such as "0 7 * * mon-fri".',
    )
    time_zone = models.CharField(
        max_length=60, blank=True, help_text="Of cron, such as Europe/Berlin; empty: the wall's."
    )
    timeout = SpanField(default=5 * clock.SECOND, help_text="When an unfinished fetch is cut off.")
    expect_every = SpanField(
        null=True,
        blank=True,
        help_text="How often a pushed or streamed feed promises a reading; "
        "without it its age is always shown and it is never called live.",
    )
    grace = SpanField(
        null=True,
        blank=True,
        help_text="With it, silence is late after what is expected, and critical when this has "
        "passed as well.",
    )
    thresholds = KeptJSONField(
        default=list,
        blank=True,
        help_text='Such as [{"series": "cpu*", "warning_above": 75, "critical_above": 90}]; '
        "the first that matches a series counts.",
    )
    private = models.BooleanField(
        default=False, help_text="Never drawn on a dashboard that everybody may see."
    )
    node = models.CharField(
        max_length=200, blank=True, help_text="Only consumers on this machine refresh it."
    )
    paused = models.BooleanField(default=False)
    # Whose push made it; what a token may make is counted by it.
    made_by = models.ForeignKey(
        "Token", models.SET_NULL, null=True, blank=True, editable=False, related_name="made"
    )
    # The feed of the stream that made it.
    made_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, editable=False, related_name="made"
    )
    keep_raw = SpanField(default=7 * clock.DAY, help_text="How long samples are kept.")
    keep_minutes = SpanField(default=90 * clock.DAY, help_text="How long minutes are kept.")
    keep_hours = SpanField(default=730 * clock.DAY, help_text="How long hours are kept.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return str(self.name)

    def save(self, *args: Any, **kwargs: Any) -> None:
        settled = self._settle()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], *settled}
        with transaction.atomic():
            super().save(*args, **kwargs)
            state, _ = FeedState.objects.get_or_create(feed=self)
            FeedState.objects.filter(pk=self.pk).update(**self._schedule(state, clock.now()))

    @property
    def cadence(self) -> Cadence:
        """When it is asked, as people set it."""
        zone = self.time_zone or settings.TIME_ZONE
        return Cadence(self.pk, self.interval, self.unwatched, self.cron, zone)

    def _schedule(self, state: FeedState, now: int) -> dict[str, int | None]:
        """What follows of an edit: it is judged anew, and asked by what holds from now on."""
        changed: dict[str, int | None] = {"judge_at": now}
        due, watched = state.next_due, is_watched(state.watched_until, now)
        every = self.cadence.every(watched)
        if self.paused or not self.cadence:
            changed["next_due"] = None
        elif every and (due is None or due > now + every):
            # New, no longer paused, or asked for more often: now, and not at the old slot.
            changed["next_due"] = now
        elif not every and (due is None or (due > now and due != state.lease_until)):
            # What is overdue stays so, and what is under way finds its next run when it is over.
            changed["next_due"] = self.cadence.next_run(now, watched)
        return changed

    def _settle(self) -> list[str]:
        """Make schedule and node fit the source; the fields that changed."""
        settled: list[str] = []
        if self.source not in sources:
            return []
        source = sources[self.source]
        if source.mode != "polled":
            for field, nothing in NO_SCHEDULE.items():
                if getattr(self, field) != nothing:
                    setattr(self, field, nothing)
                    settled.append(field)
        if source.local and not self.node:
            self.node = settings.NODE
            settled.append("node")
        return settled

    def clean(self) -> None:
        try:
            source = sources[self.source]
            read(source.Options, self.options)
            read_thresholds(self.thresholds)
        except UnknownSlug as error:
            raise ValidationError({"source": str(error)}) from None
        except BadOptions as error:
            raise ValidationError([str(problem) for problem in error.problems]) from None
        if problems := check_secrets(self.options):
            raise ValidationError({"options": [str(problem) for problem in problems]})
        if self.grace is not None and not self.expect_every:
            raise ValidationError({"grace": "it follows on expect_every, which is not given"})
        if source.mode == "polled":
            self._clean_schedule()
        if self.timeout < clock.SECOND // 10 or self.timeout > clock.HOUR:
            raise ValidationError({"timeout": "from 100 ms to 1 h"})

    def _clean_schedule(self) -> None:
        if self.cron:
            if self.interval is not None or self.unwatched is not None:
                raise ValidationError({"cron": "in place of an interval, and not beside one"})
            try:
                cron.check(self.cron, self.cadence.zone)
            except cron.BadCron as error:
                raise ValidationError({"cron": str(error)}) from None
            return
        if self.time_zone:
            raise ValidationError({"time_zone": "it is that of cron, which is not given"})
        if (self.interval or 0) < clock.SECOND:
            raise ValidationError(
                {"interval": "a polled feed needs an interval of 1 s or more, or cron"}
            )
        if self.unwatched is not None and self.unwatched <= (self.interval or 0):
            raise ValidationError(
                {"unwatched": "longer than the interval, which holds while somebody watches"}
            )


# Of a feed whose readings come by themselves.
NO_SCHEDULE = {"interval": None, "unwatched": None, "cron": "", "time_zone": ""}


class FeedState(models.Model):
    """What machines write of a feed. Moments in µs; a moment of 0 or None is one that never was."""

    feed = models.OneToOneField(Feed, models.CASCADE, primary_key=True, related_name="now")
    version = models.BigIntegerField(default=0)
    # The last good reading: when it was true, when it came, and its rows, text and notes.
    at = models.BigIntegerField(null=True)
    arrived = models.BigIntegerField(null=True)
    rows = KeptJSONField(null=True)
    text = models.TextField(null=True)  # noqa: DJ001  # no text is not the empty text
    notes = KeptJSONField(default=list)
    # The last fetch, good or not.
    error = models.TextField(blank=True, default="")
    failures = models.IntegerField(default=0)
    failing_since = models.BigIntegerField(null=True)
    # The last failure of all, which stays when later fetches are good.
    last_error = models.TextField(blank=True, default="")
    last_error_at = models.BigIntegerField(null=True)
    duration = models.BigIntegerField(null=True)
    lateness = models.BigIntegerField(null=True)
    memo = KeptJSONField(default=dict)
    # The schedule: when it is due, until when somebody has it, and the number of that claim. While
    # what a calendar asks is under way, it is due when the lease ends.
    next_due = models.BigIntegerField(null=True, db_index=True)
    due = models.BigIntegerField(default=0)
    lease_until = models.BigIntegerField(default=0)
    claim = models.BigIntegerField(default=0)
    # Since when and until when somebody watches it; only kept where that changes the interval.
    watched_since = models.BigIntegerField(default=0)
    watched_until = models.BigIntegerField(default=0)
    # The next moment at which something changes without a reading.
    judge_at = models.BigIntegerField(null=True, db_index=True)
    state = models.CharField(max_length=10, choices=STATES, default="unknown")
    freshness = models.CharField(max_length=10, choices=FRESHNESS, default="aged")
    since = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"state of feed {self.pk}"


class Series(models.Model):
    """One line of numbers inside a feed, with a state and a freshness of its own."""

    feed = models.ForeignKey(Feed, models.CASCADE, related_name="series")
    name = models.CharField(max_length=500)
    unit = models.CharField(max_length=40, blank=True, default="")
    value = models.FloatField(null=True)
    at = models.BigIntegerField(null=True)
    arrived = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=STATES, default="ok")
    freshness = models.CharField(max_length=10, choices=FRESHNESS, default="fresh")
    since = models.BigIntegerField(default=0)
    message = models.CharField(max_length=500, blank=True, default="")
    # What the source itself said of it, beside what thresholds say.
    verdict = models.CharField(max_length=10, choices=STATES, default="ok")
    # When its source said that it had lost sight of it; None: it has not, or sees it again.
    lost = models.BigIntegerField(null=True)
    # A complete reading did not name it: it is kept for its history and drawn no more.
    ended = models.BooleanField(default=False)

    class Meta:
        ordering = ["feed", "name"]
        verbose_name_plural = "series"
        constraints = [models.UniqueConstraint(fields=["feed", "name"], name="series_once")]

    def __str__(self) -> str:
        return self.name


class Sample(models.Model):
    """One number at one moment, µs. The key makes redelivery harmless."""

    pk = models.CompositePrimaryKey("series_id", "ts")
    series = models.ForeignKey(Series, models.DO_NOTHING, db_constraint=False, db_index=False)
    ts = models.BigIntegerField()
    value = models.FloatField()

    def __str__(self) -> str:
        return f"{self.value} at {self.ts}"


class Rollup(models.Model):
    """The samples of one series in one bucket that begins at `ts`, µs."""

    series = models.ForeignKey(Series, models.DO_NOTHING, db_constraint=False, db_index=False)
    ts = models.BigIntegerField()
    n = models.BigIntegerField()
    sum = models.FloatField()
    min = models.FloatField()
    max = models.FloatField()
    last = models.FloatField()
    last_ts = models.BigIntegerField()

    class Meta:
        abstract = True


class Minute(Rollup):
    """Buckets of one minute."""

    pk = models.CompositePrimaryKey("series_id", "ts")

    def __str__(self) -> str:
        return f"minute {self.ts}"


class Hour(Rollup):
    """Buckets of one hour."""

    pk = models.CompositePrimaryKey("series_id", "ts")

    def __str__(self) -> str:
        return f"hour {self.ts}"


# A note is what somebody wrote down: a deployment, a change.
AXES = [(axis, axis) for axis in ("state", "freshness", "note")]


class Event(models.Model):
    """A state or a freshness that was left for another, or a note: with start, end and value."""

    feed = models.ForeignKey(Feed, models.CASCADE, related_name="events")
    series = models.ForeignKey(Series, models.CASCADE, null=True, blank=True)
    axis = models.CharField(max_length=10, choices=AXES)
    what = models.CharField(max_length=10)
    start = models.BigIntegerField()
    end = models.BigIntegerField(null=True, blank=True)
    value = models.FloatField(null=True, blank=True)
    text = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-start"]
        indexes = [
            models.Index(fields=["feed", "-start"], name="event_by_feed"),
            models.Index(fields=["start"], name="event_by_start"),
        ]

    def __str__(self) -> str:
        return f"{self.what} from {self.start}"


OVER_TIME = [(word, word) for word in ("last", "mean", "min", "max", "sum", "count", "rate")]
OVER_SERIES = [(w, w) for w in ("each", "sum", "mean", "min", "max", "worst", "top")]


class Widget(Revisioned):
    """A kind showing series.

    `shows` is a list of {"feed": pattern, "series": pattern, "name": text, "unit": text}, in the
    order of drawing; only `feed` is needed. Patterns are shell patterns (`check.*`, `cpu_*`).
    """

    key = models.SlugField(max_length=100, unique=True, help_text="Its name in YAML.")
    title = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=40, choices=kind_choices)
    options = KeptJSONField(default=dict, blank=True)
    shows = KeptJSONField(default=list, blank=True)
    over_time = models.CharField(max_length=10, choices=OVER_TIME, default="last")
    over_series = models.CharField(max_length=10, choices=OVER_SERIES, default="each")
    window = SpanField(
        null=True,
        blank=True,
        help_text="The span it shows and reduces over; empty: its kind's own.",
    )
    top = models.PositiveIntegerField(default=10, help_text="How many, where series are the top n.")

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.title or self.key

    def clean(self) -> None:
        try:
            read(kinds[self.kind].Options, self.options)
            read_shows(self.shows)
        except UnknownSlug as error:
            raise ValidationError({"kind": str(error)}) from None
        except BadOptions as error:
            raise ValidationError([str(problem) for problem in error.problems]) from None


class Token(models.Model):
    """Lets a sender hand readings in, and perhaps read back. Stored hashed, shown once.

    `feeds` are shell patterns of names (`shop.*`); whatever it may do it may do with those alone.
    """

    name = PrintableName(unique=True, help_text="Whose it is: shown beside what it sends.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # The first characters, by which people tell one from another.
    hint = models.CharField(max_length=12, editable=False)
    feeds = models.JSONField(default=list)
    may_push = models.BooleanField(default=True)
    may_create = models.BooleanField(default=True)
    may_read = models.BooleanField(default=False)
    most_series = models.PositiveIntegerField(
        default=20_000, help_text="In all the feeds that it made."
    )
    created = models.BigIntegerField()
    # Written once a minute at most; None: never.
    used = models.BigIntegerField(null=True)
    revoked = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return str(self.name)


class Handled(models.Model):
    """A push that came with an Idempotency-Key, and its answer once there is one; kept a day."""

    token = models.ForeignKey(Token, models.CASCADE)
    key = models.CharField(max_length=200)
    # Of address and body: a key that is used for something else is a mistake, and said.
    digest = models.CharField(max_length=64)
    at = models.BigIntegerField(db_index=True)
    answer = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="handled_once")]

    def __str__(self) -> str:
        return self.key


class Process(models.Model):
    """One running process, which writes its row every 5 s; how the processes know of each other."""

    key = models.CharField(max_length=200, primary_key=True)
    role = models.CharField(max_length=20)
    node = models.CharField(max_length=200)
    pid = models.IntegerField()
    build = models.CharField(max_length=40)
    started = models.BigIntegerField()
    seen = models.BigIntegerField(db_index=True)
    # Counters since the start and gauges of now, by name; see widgets.processes.
    counters = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return self.key


class Duty(models.Model):
    """What is done once for the whole wall, by whichever process comes first; when it last was."""

    name = models.CharField(max_length=40, primary_key=True)
    done = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "duties"

    def __str__(self) -> str:
        return self.name
