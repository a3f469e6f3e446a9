"""Close codes, as RFC 6455 leaves them to applications; the page knows them (static/live.js)."""

from __future__ import annotations

SIGN_IN, FORBIDDEN, GONE = 4401, 4403, 4404
# After these a page does not come back by itself.
FINAL = frozenset({SIGN_IN, FORBIDDEN, GONE})
