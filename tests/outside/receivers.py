"""Somebody who listens: real servers on this machine that remember what they were told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
from standardwebhooks import Webhook as Verifier


@attrs.frozen
class Message:
    """What came in: path, headers in lower case, and the body as it was."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    """In seconds of the monotonic clock."""

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    @property
    def line(self) -> tuple[str, int]:
        """The event and the number of the line that was told."""
        data = self.content["data"]
        return data["event_id"], data["number"]

    def verified(self, secret: str) -> Any:
        """Return what the library of the specification makes of it, or fail as it does."""
        return Verifier(secret).verify(self.body, self.headers)


@attrs.define
class HttpReceiver:
    """Answers 204, unless told otherwise."""

    server: ThreadingHTTPServer
    messages: list[Message] = attrs.field(factory=list)
    answer: Callable[[Message], int] = lambda _: 204
    headers: dict[str, str] = attrs.field(factory=dict)
    drip: bool = False
    """Answers one byte after another, and never comes to an end."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hooks"

    def received(self, message: Message, handler: BaseHTTPRequestHandler) -> None:
        self.messages.append(message)
        status = self.answer(message)
        if self.drip:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                handler.wfile.write(b"x")
                time.sleep(0.05)
        handler.send_response(status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    """Listen on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                receiver.received(Message(self.path, headers, body, time.monotonic()), self)
            except OSError:
                self.close_connection = True  # who asked has gone

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = HttpReceiver(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
