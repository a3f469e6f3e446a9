"""Close codes, as RFC 6455 leaves them to applications; the page knows them (static/live.js)."""

from __future__ import annotations

# Come back at once, to another process. Applications may close with 1000 and 3000 to 4999 only, so
# it is not 1012, which says the same.
RESTARTING = 4503
SIGN_IN, FORBIDDEN, GONE = 4401, 4403, 4404
