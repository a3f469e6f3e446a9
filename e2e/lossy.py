"""Watchwall's settings, with a channel layer that loses one in three messages."""

from __future__ import annotations

from watchwall.settings import *  # noqa: F403
from watchwall.settings import CHANNEL_LAYERS as SOUND

CHANNEL_LAYERS = {"default": {**SOUND["default"], "BACKEND": "e2e.lossy_layer.LossyLayer"}}
