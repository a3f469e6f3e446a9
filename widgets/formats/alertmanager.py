"""The webhooks of Alertmanager and of Grafana's alerting, which says the same and more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from widgets.formats import BadPush, Format, Push, Request, route
from widgets.formats._json import expect_object, noun, parse
from widgets.formats._points import MOST_TAGS, check_feed, check_series, series_name
from widgets.reading import MAX_NAME, MAX_SERIES, Reading, State, Verdict

SEVERITIES: dict[str, State] = {
    **dict.fromkeys(("critical", "page", "error", "fatal", "emergency"), "critical"),
    **dict.fromkeys(("info", "none", "ok"), "ok"),
}
SAID = ("summary", "message", "description")
MOST_GROUPS = 1_000


class Alertmanager(Format):
    """`/api/hooks/alertmanager` and `/api/hooks/grafana`: an alert that fires is a series.

    It is named by its labels and judged by its severity; resolved, it ends. The series `firing` is
    how many fire in all groups. The feed is `?feed=…`, the only one of the token, or `alerts`.
    """

    slug = "alertmanager"
    label = "Alertmanager and Grafana alerts"
    routes = (route("POST PUT", "/api/hooks/alertmanager"), route("POST PUT", "/api/hooks/grafana"))

    def decode(self, body: bytes, request: Request) -> Iterator[Push | BadPush]:
        given = expect_object(parse(body))
        feed = request.query.get("feed") or request.only_feed or "alerts"
        check_feed(feed, "feed")
        alerts = given.get("alerts")
        if not isinstance(alerts, list):
            raise BadPush(
                "alerts", f"a list is expected, as Alertmanager sends it, not {noun(alerts)}"
            )
        if len(alerts) > MAX_SERIES:
            raise BadPush("alerts", f"{len(alerts):,} alerts; {MAX_SERIES:,} is the most")
        firing: dict[str, Verdict] = {}
        resolved: list[str] = []
        for i, alert in enumerate(alerts):
            try:
                name, verdict = _alert(alert, f"alerts[{i}]")
            except BadPush as error:
                yield error
                continue
            if verdict is None:
                resolved.append(name)
            else:
                firing[name] = verdict
        left_out = given.get("truncatedAlerts")
        note = f"{str(left_out)[:20]} more alerts were not sent (max_alerts)" if left_out else ""
        reading = Reading(
            dict.fromkeys(firing, 1.0),
            verdicts=firing,
            complete=False,
            ended=[name for name in resolved if name not in firing],
        )
        group = hashlib.sha256(str(given.get("groupKey")).encode("utf-8", "replace")).hexdigest()
        yield Push(feed, reading, fold=partial(_count, group[:20], len(firing), note))


def _alert(given: Any, place: str) -> tuple[str, Verdict | None]:
    """The name of an alert and what it means; None: it is resolved."""
    alert = expect_object(given, place)
    labels = {
        str(k): str(v) for k, v in expect_object(alert.get("labels"), f"{place}.labels").items()
    }
    if len(labels) > MOST_TAGS:
        raise BadPush(f"{place}.labels", f"{len(labels):,} labels; {MOST_TAGS} is the most")
    severity = labels.pop("severity", "").lower()
    title = labels.pop("alertname", "alert")
    name = series_name(title, labels)
    if len(name) > MAX_NAME:
        name = f"{title[:200]}{{{str(alert.get('fingerprint'))[:40]}}}"
    check_series(name, f"{place}.labels")
    status = alert.get("status")
    if status == "resolved":
        return name, None
    if status != "firing":
        raise BadPush(f"{place}.status", "firing or resolved is expected")
    said = alert.get("annotations")
    texts = said if isinstance(said, dict) else {}
    message = next((str(texts[key]) for key in SAID if texts.get(key)), "")
    return name, Verdict(SEVERITIES.get(severity, "warning"), message[:500])


def _count(group: str, firing: int, note: str, memo: dict[str, Any], reading: Reading) -> Reading:
    """Add how many alerts fire in all groups, of which each notification tells one."""
    groups = memo.setdefault("groups", {})
    groups.pop(group, None)
    if firing:
        groups[group] = firing
    while len(groups) > MOST_GROUPS:
        del groups[next(iter(groups))]
    return Reading(
        numbers={**reading.numbers, "firing": float(sum(groups.values()))},
        verdicts={**reading.verdicts, "firing": Verdict("ok", note)},
        at=reading.at,
        complete=False,
        ended=reading.ended,
    )
