from __future__ import annotations

from django.apps import AppConfig


class WidgetsConfig(AppConfig):
    name = "widgets"

    def ready(self) -> None:
        from widgets import checks, signals  # noqa: F401  # checks register themselves
        from widgets.formats import formats
        from widgets.kinds import kinds
        from widgets.sources import sources

        sources.scan()
        kinds.scan()
        formats.scan()
        signals.connect()
