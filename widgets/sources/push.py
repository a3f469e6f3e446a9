"""Readings that are handed in: nothing is asked for."""

from __future__ import annotations

from widgets.sources import Source


class Push(Source):
    """A feed whose readings arrive by themselves. It may promise how often with `expect_every`."""

    slug = "push"
    label = "Handed in"
    mode = "pushed"
