"""What a widget calls the series it shows."""

from __future__ import annotations

import pytest

from tests.feeds import arrive, make_feed
from widgets.models import Widget
from widgets.select import Spec, pick
from widgets.snapshot import load

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("series", "name", "said"),
    [
        ("disk.*.percent", "", ["disk./.percent", "disk./home.percent"]),
        ("disk.*.percent", "disks", ["disk./.percent", "disk./home.percent"]),
        ("disk.*.percent", "disk *", ["disk /", "disk /home"]),
        ("*", "a *", ["a core.9", "a core.10", "a disk./.percent", "a disk./home.percent"]),
        ("core.*", "*", ["9", "10"]),
        ("core.9", "nine", ["nine"]),
    ],
)
def test_a_star_in_a_name_is_what_the_pattern_s_star_stands_for(
    series: str, name: str, said: list[str]
) -> None:
    names = ["core.10", "core.9", "disk./.percent", "disk./home.percent"]
    arrive(make_feed("host"), dict.fromkeys(names, 1.0))
    shows = [{"feed": "host", "series": series, "name": name}]
    widget = Widget(pk=1, key="w", kind="stat", shows=shows, revision=1)

    picked = pick(Spec.of(widget), load().values())

    assert [line.name for line in picked.lines] == said
