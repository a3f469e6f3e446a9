"""Where this process stands in its life, for whoever in it has to know."""

from __future__ import annotations

import threading

# Set once the process was told to end: it goes on answering, but nobody new should come to it.
stopping = threading.Event()

# What it does for the wall, as its row says: `up`, `web`, `huey`, `listen`; "" for a command that
# soon ends.
role = ""
