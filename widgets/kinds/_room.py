"""How much fits on a tile, from its size in columns × rows.

Reckoned at 1080p on a wall of 8 rows; on other screens all sizes scale alike. A picture that
shows a little too little is right, one that is cut is not.
"""

from __future__ import annotations

from widgets.kinds import Frame

COLUMN = 157
ROW = 125
# What frame, title and footer take.
SIDES = 44
HEAD_AND_FOOT = 96


def pixels(frame: Frame) -> tuple[int, int]:
    """Width and height of the body at 1080p."""
    return (
        max(frame.width * COLUMN - SIDES, 100),
        max(frame.height * ROW - HEAD_AND_FOOT, 40),
    )


def rows_that_fit(frame: Frame, height: int) -> int:
    """How many rows of so many pixels; one at least."""
    return max(pixels(frame)[1] // height, 1)


def columns_that_fit(frame: Frame, width: int) -> int:
    """How many columns of so many pixels; one at least."""
    return max(pixels(frame)[0] // width, 1)
