"""A web server that answers as a test tells it to, well or badly."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Target:
    """`/name` answers `answers[name]`: bytes as they are, anything else as JSON; HANG never.

    What can be called is called for each request, and answers with what it returns.
    """

    HANG = object()

    def __init__(self, port: int = 0) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: dict[str, int] = {}
        self.released = threading.Event()
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/")
                target.asked[name] = target.asked.get(name, 0) + 1
                answer = target.answers.get(name)
                answer = answer() if callable(answer) else answer
                if answer is Target.HANG:
                    target.released.wait(120)
                    return
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                try:
                    self.send_response(200 if name in target.answers else 404)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # Too much for whoever asked.

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 200

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
