"""Registries are filled by scanning a package: a new module is all a new thing takes."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import ClassVar, Generic, Protocol, TypeVar


class UnknownSlug(LookupError):
    """No entry of that slug; the message names the nearest one."""


def nearest(word: str, known: Iterator[str] | list[str]) -> str:
    """`; did you mean "gauge"?`, or the known ones where nothing is near."""
    names = sorted(known)
    if close := difflib.get_close_matches(word, names, 1):
        return f'; did you mean "{close[0]}"?'
    return f"; there is {', '.join(names)}" if names else ""


class Entry(Protocol):
    slug: ClassVar[str]
    label: ClassVar[str]


T = TypeVar("T", bound=Entry)


class Registry(Generic[T]):
    """Instances of the subclasses of `base` in the modules of one package, by slug.

    A module `gauge.py` holds one class with the slug `gauge`; for a hyphen in it stands `_`.
    Helper modules begin with `_`.
    """

    def __init__(self, noun: str, package: str, base: type[T]) -> None:
        self.noun = noun
        self.package = package
        self.base = base
        self._entries: dict[str, T] = {}

    def scan(self) -> None:
        """Import every module of the package and take what it holds."""
        package = importlib.import_module(self.package)
        for found in pkgutil.iter_modules(package.__path__):
            if not found.name.startswith("_"):
                self._take(importlib.import_module(f"{self.package}.{found.name}"))

    def _take(self, module: ModuleType) -> None:
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, self.base)
                and value.__module__ == module.__name__
                and value.slug
            ):
                self._entries[value.slug] = value()

    def __getitem__(self, slug: str) -> T:
        try:
            return self._entries[slug]
        except KeyError:
            hint = nearest(slug, list(self._entries))
            raise UnknownSlug(f'no {self.noun} "{slug}"{hint}') from None

    def __contains__(self, slug: object) -> bool:
        return slug in self._entries

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries.values())

    def slugs(self) -> list[str]:
        return sorted(self._entries)

    def choices(self) -> list[tuple[str, str]]:
        """For model fields; Django calls it each time, so a new entry makes no migration."""
        return sorted((slug, e.label) for slug, e in self._entries.items())

    @contextmanager
    def added(self, entry: T) -> Iterator[T]:
        """For tests: the entry is there inside the block and gone after it."""
        before = dict(self._entries)
        self._entries[entry.slug] = entry
        try:
            yield entry
        finally:
            self._entries = before
