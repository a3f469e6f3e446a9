"""Static files whose address names the build, so that no browser mixes two of them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage


class BuildStaticFilesStorage(StaticFilesStorage):
    """`/static/live.js?v=<build>`: nothing to collect, and no address outlives its contents."""

    def url(self, name: str | None) -> str:
        return f"{super().url(name)}?v={settings.BUILD}"
