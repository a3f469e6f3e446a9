"""InfluxDB's write addresses, versions 1 and 2, and Grafana Live's."""

from __future__ import annotations

from collections.abc import Iterator

from widgets.formats import Answer, BadPush, Format, Push, Request, Result, as_json, route
from widgets.formats._lines import PRECISIONS, read
from widgets.formats._points import Points

# Clients ask for it and choose their dialect by it.
VERSION = {"X-Influxdb-Version": "1.8.10", "X-Influxdb-Build": "OSS"}
CODES = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not found",
    413: "request too large",
    415: "invalid",
    422: "unprocessable entity",
    503: "unavailable",
    507: "unavailable",
}


class Influx(Format):
    """Line protocol. The measurement is the feed, field and tags are its series.

    Database, bucket, organisation and retention policy are not looked at: a token says what goes
    where. Text fields are passed over, since series are numbers.
    """

    slug = "influx"
    label = "InfluxDB line protocol"
    routes = (
        route("POST", "/write"),
        route("POST", "/api/v2/write"),
        route("POST", "/api/live/push/<stream>"),
        route("GET HEAD", "/ping", open=True),
        route("GET HEAD", "/health", open=True),
        route("GET HEAD", "/api/v2/health", open=True),
        route("GET HEAD", "/ready", open=True),
        route("GET POST", "/query", open=True),
    )
    token_query = ("token", "p")

    def decode(self, body: bytes, request: Request) -> Iterator[Push | BadPush]:
        wanted = request.query.get("precision") or "ns"
        if wanted not in PRECISIONS:
            raise BadPush("precision", f"{wanted[:40]!r} is none of {', '.join(PRECISIONS)}")
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise BadPush(f"byte {error.start}", "this is no UTF-8") from None
        points = Points(request.now)
        yield from read(text, points, PRECISIONS[wanted])
        yield from points.pushes()

    def answer(self, request: Request, result: Result) -> Answer:
        if request.path.startswith("/api/live/"):
            return as_json(result.status, {"message": result.message or "written"})
        if result.good:
            return Answer(204, headers=VERSION)
        message = f"partial write: {result.message}" if result.taken else result.message
        if request.path == "/write":
            # Senders of version 1 log the header rather than the body.
            said = message.encode("ascii", "replace").decode()
            return as_json(
                result.status, {"error": message}, **VERSION, **{"X-Influxdb-Error": said}
            )
        return as_json(result.status, {"code": CODES[result.status], "message": message})

    def greet(self, request: Request) -> Answer:
        if request.path == "/ping":
            if request.query.get("verbose", "false") not in {"", "0", "false"}:
                return as_json(200, {"version": VERSION["X-Influxdb-Version"]}, **VERSION)
            return Answer(204, headers=VERSION)
        if request.path == "/query":
            # Telegraf makes its database before it writes; there is nothing to make.
            return as_json(200, {"results": [{"statement_id": 0}]}, **VERSION)
        if request.path == "/ready":
            return as_json(200, {"status": "ready"})
        return as_json(
            200,
            {"name": "influxdb", "status": "pass", "message": "ready for writes", "checks": [],
             "version": VERSION["X-Influxdb-Version"]},
        )  # fmt: skip
