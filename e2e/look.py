"""What a person would complain about on a screen, found by geometry."""

from __future__ import annotations

from pathlib import Path

SCRIPT = Path(__file__).with_name("look.js").read_text()
# Width, height, the least size of text, and of values, titles and states.
SCREENS = {
    "1080p": (1920, 1080, 14, 24),
    "4k": (3840, 2160, 28, 48),
    "phone": (390, 844, 12, 15),
}
