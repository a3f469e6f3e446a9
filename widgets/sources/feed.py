"""News: RSS and Atom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from html import unescape
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django import forms

from widgets import clock, io
from widgets.clock import MINUTE, SECOND
from widgets.options import excerpt
from widgets.reading import Reading
from widgets.sources import Source, SourceError
from widgets.sources._http import TargetOptions, good_page, place
from widgets.sources.json import MUCH

MOST_BODY = 2_000_000
MOST_TITLE = 300
# Where a tag can begin and end. A text with as many "<" as it likes takes no longer for it.
_TAG = re.compile(r"<[^<>]*>")
# What the moment of publication is called, in order of preference.
DATES = ("pubdate", "published", "updated", "date")


class FeedOptions(TargetOptions):
    """Where the news are."""

    field_order = ["url", "limit"]

    limit = forms.IntegerField(
        initial=20,
        min_value=1,
        max_value=200,
        help_text="How many items at most, the newest first.",
    )


class Feed(Source):
    """Rows: title, published, author and link of each item, the newest first. Series: `items`,
    and `age` of the newest (s) if it says when it was published. Text: the title of the whole.

    Titles are text: markup in them is taken away. Links are kept if they lead to http or https.
    Formats: RSS 0.9 to 2.0 with Dublin Core, Atom (RFC 4287).
    """

    slug = "feed"
    label = "RSS or Atom"
    Options = FeedOptions
    interval = 5 * MINUTE
    timeout = 15 * SECOND

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        found = await good_page(options, MOST_BODY)
        work = partial(
            learn, found.body, found.charset, options["limit"], clock.now(), place(options)
        )
        return await io.in_thread(work) if len(found.body) > MUCH else work()


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news. `published` in UTC, None if it does not say."""

    title: str
    published: datetime | None
    author: str
    link: str

    def row(self) -> dict[str, Any]:
        shown = self.published and self.published.isoformat(" ", "seconds")
        return {
            "title": self.title, "published": shown, "author": self.author, "link": self.link,
        }  # fmt: skip


def learn(body: bytes, charset: str, limit: int, now: int, where: str) -> Reading:
    """The reading in a document, or SourceError. `now` in µs. Pure."""
    root = parse(body, charset, where)
    found = list(items(root))
    dates = [item.published for item in found if item.published]
    if len(dates) == len(found):
        # Most are in order already, but not all.
        found.sort(key=lambda item: item.published or datetime.max, reverse=True)
    numbers: dict[str, float] = {"items": len(found)}
    if dates:
        numbers["age"] = now / SECOND - max(dates).timestamp()
    return Reading(
        numbers=numbers,
        units={"age": "s"} if dates else {},
        rows=[item.row() for item in found[:limit]],
        text=title_of(root),
        notes=() if found else ["there is no item in it"],
    )


def parse(body: bytes, charset: str, where: str) -> Element:
    """The root of the document. What defines entities, as bombs do, is refused."""
    document: bytes | str = body
    if charset:
        # Where it is none, what the document itself says counts.
        with suppress(LookupError, UnicodeError):
            document = body.decode(charset)
    try:
        root: Element = fromstring(document)
    except DefusedXmlException:
        raise SourceError(
            f"{where}: the document defines entities of its own, which is refused"
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        said = excerpt(str(error), 100)
        raise SourceError(f"{where}: the document is no XML: {said}") from None
    if _local(root) not in {"rss", "rdf", "feed"}:
        raise SourceError(
            f"{where}: it is neither RSS nor Atom; it begins with <{_local(root)[:40]}>"
        )
    return root


def items(root: Element) -> Iterator[Item]:
    """The news in a document, in its order."""
    for element in root.iter():
        if _local(element) in {"item", "entry"}:
            own = _own(element)
            yield Item(
                title=_text(own.get("title", [])) or "(no title)",
                published=next(_dates(own), None),
                author=_author(own),
                link=_link(own),
            )


def title_of(root: Element) -> str:
    """What the whole is called: of the channel in RSS, of the root in Atom."""
    channel = next((child for child in root if _local(child) == "channel"), root)
    return _text(_own(channel).get("title", []))


def _own(element: Element) -> Mapping[str, list[Element]]:
    """Its children by name. Of other vocabularies (media:title) only Dublin Core's are taken."""
    found: dict[str, list[Element]] = {}
    for child in element:
        space = _space(child)
        if space == _space(element) or "purl.org/dc/" in space:
            found.setdefault(_local(child), []).append(child)
    return found


def _space(element: Element) -> str:
    return str(element.tag).rpartition("}")[0]


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()


def _text(elements: Sequence[Element]) -> str:
    """The text of the first, in one line and without markup."""
    if not elements:
        return ""
    given = "".join(elements[0].itertext())
    return " ".join(unescape(_TAG.sub("", given)).split())[:MOST_TITLE]


def _dates(own: Mapping[str, list[Element]]) -> Iterator[datetime]:
    for name in DATES:
        if (found := moment(_text(own.get(name, [])))) is not None:
            yield found


def moment(given: str) -> datetime | None:
    """A time as RSS (RFC 822) or Atom (RFC 3339) writes it, in UTC; None for anything else."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(given)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
            return found.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _author(own: Mapping[str, list[Element]]) -> str:
    for element in own.get("author", []):
        named = [child for child in element if _local(child) == "name"]
        return _text(named or [element])
    return _text(own.get("creator", []))


def _link(own: Mapping[str, list[Element]]) -> str:
    """The address: the text in RSS, in Atom that of the link that is no `self` or `edit`."""
    for element in own.get("link", []):
        if element.get("rel", "alternate") == "alternate":
            address = (element.get("href") or element.text or "").strip()
            # Any other, such as javascript:, would be somebody's code on the wall.
            if address.lower().startswith(("http://", "https://")):
                return address[:2000]
    return ""
