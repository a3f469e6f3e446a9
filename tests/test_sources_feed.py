from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving import serving
from widgets import io
from widgets.clock import SECOND
from widgets.fetch import fetch
from widgets.reading import Reading, clean
from widgets.sources import SourceError, sources
from widgets.sources.feed import learn, moment

NOW = 1_780_315_200 * SECOND  # 2026-06-01 12:00 UTC

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom"
     xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Status &amp;amp; news</title><atom:link href="http://x/self" rel="self"/>
<item><media:title>no title of ours</media:title><title>Old &lt;b&gt;one&lt;/b&gt;</title>
  <link>https://status.example/1</link><pubDate>Mon, 01 Jun 2026 10:00:00 +0200</pubDate>
  <dc:creator>ann</dc:creator></item>
<item><title><![CDATA[New one]]></title><link>javascript:alert(1)</link>
  <pubDate>Mon, 01 Jun 2026 11:00:00 GMT</pubDate></item>
</channel></rss>"""

ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">Releases</title>
<entry><title type="html">1.2 &amp;lt;stable&amp;gt;</title><link rel="edit" href="http://x/edit"/>
  <link href="https://x/1.2"/><updated>2026-06-01T11:30:00Z</updated>
  <author><name>ben</name><email>b@x</email></author></entry>
<entry><title>1.1</title><link rel="alternate" href="https://x/1.1"/>
  <published>2026-05-01T00:00:00+00:00</published><updated>2026-06-01T00:00:00Z</updated></entry>
</feed>"""

RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Ten</title></channel>
<item><title>one</title><link>http://x/1</link><dc:date>2026-06-01T09:00:00Z</dc:date></item></rdf:RDF>"""


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()


def learned(body: str | bytes, charset: str = "", limit: int = 20) -> Reading:
    return clean(
        learn(body.encode() if isinstance(body, str) else body, charset, limit, NOW, "http://x")
    )


def wrong(body: str | bytes) -> str:
    with pytest.raises(SourceError) as caught:
        learned(body)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["application/rss+xml", "text/xml; charset=utf-8"])
def test_rss_over_http_is_rows_with_the_newest_first(kind: str) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=RSS.encode(), headers={"Content-Type": kind})

    with serving(handle) as url:
        options = {"url": url}
        reading = io.submit(fetch(sources["feed"], options, {}, 20 * SECOND)).result(30)

    assert reading.rows == [
        {"title": "New one", "published": "2026-06-01 11:00:00+00:00", "author": "", "link": ""},
        {
            "title": "Old one",
            "published": "2026-06-01 08:00:00+00:00",
            "author": "ann",
            "link": "https://status.example/1",
        },
    ]
    assert reading.text == "Status & news"
    assert reading.numbers["items"] == 2


def test_atom_is_rows_too() -> None:
    reading = learned(ATOM)

    assert reading.rows == [
        {
            "title": "1.2 <stable>",
            "published": "2026-06-01 11:30:00+00:00",
            "author": "ben",
            "link": "https://x/1.2",
        },
        {
            "title": "1.1",
            "published": "2026-05-01 00:00:00+00:00",
            "author": "",
            "link": "https://x/1.1",
        },
    ]
    assert reading.text == "Releases"
    assert reading.numbers == {"items": 2, "age": 1800}
    assert reading.units == {"age": "s"}


def test_rss_1_0_is_rows_too() -> None:
    [row] = learned(RDF).rows or ()

    assert (row["title"], row["published"]) == ("one", "2026-06-01 09:00:00+00:00")


def test_items_that_do_not_all_say_when_stay_in_their_order() -> None:
    dated = "<title>b</title><pubDate>Mon, 01 Jun 2026 11:00:00 GMT</pubDate>"
    reading = learned(f"<rss><item><title>a</title></item><item>{dated}</item></rss>")

    assert [row["title"] for row in reading.rows or ()] == ["a", "b"]
    assert reading.numbers["age"] == 3600


def test_no_more_rows_than_the_limit() -> None:
    reading = learned(RSS, limit=1)

    assert [row["title"] for row in reading.rows or ()] == ["New one"]
    assert reading.numbers["items"] == 2


def test_one_without_items_says_so() -> None:
    reading = learned("<rss><channel><title>x</title></channel></rss>")

    assert reading.numbers == {"items": 0}
    assert reading.notes == ["there is no item in it"]


def test_the_encoding_that_the_answer_names_counts_for_more_than_the_documents_own() -> None:
    document = "<?xml version='1.0' encoding='utf-8'?><rss><item><title>Größe</title></item></rss>"

    [row] = learned(document.encode("latin-1"), "latin-1").rows or ()
    assert row["title"] == "Größe"
    [row] = learned(document.encode(), "klingon").rows or ()
    assert row["title"] == "Größe"


# -- what strangers send -----------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(10))
LONG = f'<!ENTITY a "{"a" * 50_000}">'


@pytest.mark.parametrize(
    ("defined", "used"),
    [
        (LAUGHS, "&l9;"),
        (LONG, "&a;" * 50_000),
        ('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"),
        ('<!ENTITY % x SYSTEM "http://192.0.2.1/">%x;', ""),
    ],
)
def test_bombs_and_files_of_ours_are_refused(defined: str, used: str) -> None:
    bomb = f"<!DOCTYPE r [{defined}]><rss><item><title>{used}</title></item></rss>"

    said = wrong(bomb)

    assert said == "http://x: the document defines entities of its own, which is refused"


def test_a_document_without_an_end_to_its_depth_is_read() -> None:
    depth = 100_000
    reading = learned("<rss>" + "<a>" * depth + "</a>" * depth + "</rss>")

    assert reading.numbers == {"items": 0}


def test_a_name_of_an_external_definition_is_not_asked_for() -> None:
    document = '<!DOCTYPE rss PUBLIC "-//x" "http://192.0.2.1/rss.dtd"><rss><channel/></rss>'

    assert learned(document).numbers == {"items": 0}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "the document is no XML: no element found"),
        ("<rss>", "the document is no XML"),
        ("hello", "the document is no XML: syntax error"),
        ("<html><body/></html>", "it is neither RSS nor Atom; it begins with <html>"),
        (b"<?xml version='1.0' encoding='klingon'?><rss/>", "the document is no XML"),
        (b"\xff\xfe<", "the document is no XML"),
        ("<rss>&nbsp;</rss>", "the document is no XML: undefined entity"),
    ],
)
def test_rubbish_is_an_error_that_says_what_is_wrong(body: str | bytes, said: str) -> None:
    assert wrong(body).startswith(f"http://x: {said}")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("Mon, 01 Jun 2026 12:00:00 +0200", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("01 Jun 2026 12:00 EST", datetime(2026, 6, 1, 17, tzinfo=UTC)),
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01T12:00:00.5-01:00", datetime(2026, 6, 1, 13, 0, 0, 500_000, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_times_as_they_are_written(given: str, found: datetime | None) -> None:
    assert moment(given) == found


@given(st.text(max_size=40) | st.text("0123456789-:+TZ Junomn,.", max_size=40))
def test_any_text_is_a_time_or_none(given: str) -> None:
    found = moment(given)

    assert found is None or found.tzinfo is UTC


TAGS = ["<rss>", "</rss>", "<item>", "</item>", "<title>", "</title>", "<pubDate>", "</pubDate>"]
OTHERS = ["<link href='http://x' />", "<feed>", "<entry/>", "<![CDATA[", "]]>", "<!--", "-->",
          "<?xml version='1.0'?>", "<!DOCTYPE a [", "]>", "<!ENTITY a 'b'>", "&amp;", "&a;", "&#0;",
          "&#xd800;", "<x:y>", "é", "\0", "a"]  # fmt: skip
parts = st.sampled_from(TAGS + OTHERS)


@settings(deadline=None)
@given(st.lists(parts, max_size=15).map("".join) | st.text(max_size=40), st.booleans())
def test_any_document_is_a_reading_or_an_error_of_the_source(given: str, whole: bool) -> None:
    body = f"<rss><item>{given}</item></rss>" if whole else given
    try:
        reading: Any = learned(body.encode("utf-8", "surrogatepass"))
    except SourceError:
        return  # Nothing else may be raised: it would stand on the tile as a failure of ours.

    json.dumps([dict(reading.numbers), reading.rows, reading.text], allow_nan=False).encode()


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["", "utf-8", "utf-16", "base64"]))
def test_any_bytes_are_a_reading_or_an_error_of_the_source(body: bytes, charset: str) -> None:
    try:
        learned(body, charset)
    except SourceError:
        return  # As above.
