"""Whether this process is on its way out."""

from __future__ import annotations

import threading

# Set once, at the end: `/readyz` then says no, and no new work is begun that could not be ended.
stopping = threading.Event()
