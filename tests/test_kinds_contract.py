"""What holds for every kind there is; a new one is tested by existing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.template.loader import get_template
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from widgets.clock import HOUR, SECOND
from widgets.face import TileFrame
from widgets.formula import FormulaField
from widgets.kinds import Data, Frame, Happening, Kind, Limits, Line, kinds
from widgets.options import BoolField, initial, read
from widgets.render import render

ROOT = Path(__file__).resolve().parent.parent
NOW = 1_795_443_007 * SECOND
FRAME = Frame(NOW, 3, 3, ZoneInfo("Europe/Berlin"))
TILE = TileFrame("w1", "stat", "Title", NOW, read_at=NOW)
HOSTILE = (
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "' & &amp; &lt;b&gt; ]]> <!-- -->",
    "{{ tile.id }}{% now 'Y' %}",
    "🔥 Ünïcödé \u202eright to left",
    "n" * 500,
)
MOST_BYTES = 40_000


def line(name: str, value: float | None, **more: Any) -> Line:
    return Line(name, name, value=value, at=NOW, since=NOW, step=12 * SECOND, **more)


def long(name: str) -> Line:
    points = [(NOW - HOUR + i * 6 * SECOND, float(i % 7)) for i in range(600)]
    return line(name, 3.0, points=points, unit="%")


EXTREME = (0.0, -0.0, 1e308, -1e308, 5e-324, 2.0**64, -1.0)
DATA: dict[str, Data] = {
    "nothing": Data(),
    "one line": Data([long("cpu")]),
    "fifty lines": Data([long(f"host-{i}.example") for i in range(50)], hidden=7),
    "rows": Data(rows=[{"name": f"row {i}", "n": i, "on": True, "at": None} for i in range(60)]),
    "uneven rows": Data(rows=[{"a": 1}, {"b": [1, {"c": None}]}, {}]),
    "many columns": Data(rows=[{f"column {i}": i for i in range(60)}]),
    "text": Data(text="# Title\n\n* one\n* **two** [link](https://example.org)\n\n`code`"),
    "extreme values": Data(
        [
            line(f"v{i}", v, points=[(NOW - i * SECOND, v) for i, v in enumerate(EXTREME)][::-1],
                 limits=Limits(v, -v, 1e308, -1e308), then={HOUR: -v})
            for i, v in enumerate(EXTREME)
        ]
    ),
    "no values": Data([line("a", None, state="unknown"), line("b", None, freshness="stale")]),
    "hostile": Data(
        [line(t, 1.0, unit=t, message=t, state="critical") for t in HOSTILE],
        rows=[{t: t for t in HOSTILE}] * 3,
        text="\n\n".join(HOSTILE),
        notes=HOSTILE,
    ),
}  # fmt: skip


@pytest.fixture(params=kinds.slugs())
def kind(request: pytest.FixtureRequest) -> Kind:
    return kinds[request.param]


def drawn(slug: str, data: Data, frame: Frame = FRAME, **options: Any) -> str:
    tile = TileFrame("w1", slug, HOSTILE[0], NOW, read_at=NOW, hint=HOSTILE[1], error=HOSTILE[2])
    return render(slug, options, data, frame, tile)


def parsed(html: str) -> ET.Element:
    """The fragment as XML: what is not well-formed, not escaped or not closed does not parse."""
    html = re.sub(r" (data-clock|data-date)(?=[ >])", r' \1=""', html)
    html = re.sub(r"<(br|hr)>", r"<\1/>", html).replace("&nbsp;", "\N{NO-BREAK SPACE}")
    return ET.fromstring(html)


def check(html: str) -> None:
    root = parsed(html)
    assert "could not be drawn" not in html
    assert len(html.encode()) < MOST_BYTES
    assert root.get("id") == "w1"
    for element in root.iter():
        assert element.tag not in {"script", "iframe", "img", "style"}
        assert not {"style", "onload", "onclick"} & set(element.attrib)
        for name in ("d", "x", "y", "width", "height", "y1"):
            assert not re.search("nan|inf", element.get(name, ""), re.IGNORECASE)
        if element.tag == "svg" and element.get("role") == "img":
            assert element.get("aria-label")


@pytest.mark.parametrize("case", DATA)
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (12, 24)])
def test_every_kind_draws_whatever_there_is(kind: Kind, case: str, size: tuple[int, int]) -> None:
    check(drawn(kind.slug, DATA[case], Frame(NOW, *size, FRAME.zone)))


@pytest.mark.parametrize("face", ["waiting", "failed"])
def test_every_kind_has_the_faces_of_the_frame(kind: Kind, face: str) -> None:
    tile = TileFrame("w1", kind.slug, "Title", NOW, face=face, error=HOSTILE[0])  # type: ignore[arg-type]

    html = render(kind.slug, {}, Data(), FRAME, tile)

    check(html)
    assert f'data-face="{face}"' in html
    assert "&lt;script&gt;" in html


def test_every_option_is_explained_and_may_be_left_out(kind: Kind) -> None:
    fields = kind.Options.base_fields

    assert [name for name, f in fields.items() if not f.help_text] == []
    assert set(read(kind.Options, {})) == set(initial(kind.Options))


def test_every_kind_has_its_template_and_its_style(kind: Kind) -> None:
    assert get_template(f"widgets/{kind.slug}.html")
    assert f".widget-{kind.slug}" in (ROOT / "static/css/wall.css").read_text()
    assert kind.__class__.__module__ == f"widgets.kinds.{kind.slug}"
    assert kind.label
    assert kind.accepts


def test_every_kind_says_what_it_needs(kind: Kind) -> None:
    needs = kind.needs(read(kind.Options, {}))

    assert needs.window >= 0
    assert all(offset > 0 for offset in needs.offsets)


def test_every_picture_is_pure(kind: Kind) -> None:
    options = read(kind.Options, {})

    first, second = (kind.picture(options, DATA["fifty lines"], FRAME) for _ in range(2))

    assert first == second


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
limits = st.builds(Limits, numbers, numbers, numbers, numbers)
moments = st.integers(NOW - 2 * HOUR, NOW + 10 * SECOND)
lines = st.builds(
    Line,
    key=st.sampled_from(["a", "b"]) | words,
    name=words | st.sampled_from(["web.read", "web.write", "api.read"]),
    unit=st.sampled_from(["", "%", "B", "B/s", "s", "ms", "°C"]) | words,
    value=numbers,
    at=st.none() | moments,
    state=st.sampled_from(["ok", "warning", "critical", "unknown"]),
    since=st.none() | moments,
    freshness=st.sampled_from(["fresh", "aged", "late", "stale", "failed"]),
    message=words,
    points=st.lists(
        st.tuples(moments, st.floats(allow_nan=False, allow_infinity=False)), max_size=8
    ).map(sorted),
    then=st.dictionaries(st.just(HOUR), numbers),
    limits=limits,
    step=st.sampled_from([0, SECOND, HOUR]),
)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
keys = ["a", "b", ""]
events = st.builds(
    Happening,
    key=st.sampled_from(keys),
    feed=words,
    series=words,
    axis=st.sampled_from(["state", "freshness", "note"]),
    what=st.sampled_from(["critical", "warning", "unknown", "stale", "note"]),
    start=moments,
    end=st.none() | moments,
    value=numbers,
    unit=words,
    text=words,
)
anything = st.builds(
    Data,
    lines=st.lists(lines, max_size=12),
    rows=st.lists(st.dictionaries(words, json, max_size=5), max_size=5),
    text=words,
    hidden=st.integers(0, 10**6),
    events=st.lists(events, max_size=8),
)


def choices(kind: Kind) -> st.SearchStrategy[dict[str, Any]]:
    """Any of the words and switches among a kind's options, and a formula where it computes."""
    found: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in kind.Options.base_fields.items():
        if isinstance(field, forms.ChoiceField):
            found[name] = st.sampled_from(list(dict(cast("Any", field.choices))))
        elif isinstance(field, BoolField):
            found[name] = st.booleans()
        elif isinstance(field, FormulaField):
            found[name] = st.sampled_from(["", "'web.read' / 'api.read'", "sum('web.read', 'x')"])
    return st.fixed_dictionaries({}, optional=found)


@pytest.mark.parametrize("slug", kinds.slugs())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), width=st.integers(1, 12), height=st.integers(1, 24))
def test_any_data_is_drawn(slug: str, data: st.DataObject, width: int, height: int) -> None:
    options = data.draw(choices(kinds[slug]))

    check(drawn(slug, data.draw(anything), Frame(NOW, width, height, FRAME.zone), **options))
