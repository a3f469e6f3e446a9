"""Forms as a browser sends them back."""

from __future__ import annotations

from html.parser import HTMLParser

from django.test import Client


class Inputs(HTMLParser):
    """What the fields of a page hold."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and name:
            if given.get("type") != "checkbox":
                self.values[name] = value
            elif "checked" in given:
                self.values[name] = value or "on"
        elif tag == "textarea":
            self._area = name
            self.values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.values[self._select] = value

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # A browser leaves out the line break that follows the tag.
            self.values[self._area] = self.values[self._area].removeprefix("\n")
            self._area = ""
        elif tag == "select":
            self._select = ""


def inputs(html: str) -> dict[str, str]:
    parser = Inputs()
    parser.feed(html)
    return parser.values


def opened(client: Client, path: str) -> dict[str, str]:
    """What the form at this address would send if nobody typed anything."""
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return inputs(answer.content.decode())
