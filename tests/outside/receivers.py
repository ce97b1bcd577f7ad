"""Somebody who listens: real servers on this machine that remember what they were told."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
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

    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}/hooks"

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
def http_receiver(encrypted: ssl.SSLContext | None = None) -> Iterator[HttpReceiver]:
    """Listen on a port of this machine, to nobody but who speaks TLS if it is ``encrypted``."""

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
    if encrypted is not None:
        server.socket = encrypted.wrap_socket(server.socket, server_side=True)
        receiver.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@attrs.frozen
class Mailed:
    """A letter that came in, and whom the envelope named."""

    sender: str
    to: str
    letter: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.letter["Subject"])

    def part(self, kind: str) -> str:
        """Return the part of a kind as text, without carriage returns."""
        [found] = [part for part in self.letter.walk() if part.get_content_type() == kind]
        content = found.get_content()
        text = content.decode() if isinstance(content, bytes) else content
        return str(text).replace("\r\n", "\n")

    @property
    def kinds(self) -> list[str]:
        return [part.get_content_type() for part in self.letter.walk() if not part.is_multipart()]


@attrs.define
class MailReceiver:
    """An SMTP server that takes everything, unless told otherwise."""

    server: socketserver.ThreadingTCPServer
    mailed: list[Mailed] = attrs.field(factory=list)
    log_ins: list[str] = attrs.field(factory=list)
    answers: dict[str, str] = attrs.field(factory=dict)
    """What is answered to a command instead of a yes."""
    extensions: list[str] = attrs.field(factory=lambda: ["SMTPUTF8", "8BITMIME"])
    in_the_clear: list[str] = attrs.field(factory=list)
    """The commands that came without encryption."""

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


@contextmanager
def mail_receiver(
    *, encrypted: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> Iterator[MailReceiver]:
    """Take letters on a port of this machine: over TLS from the start, or once it is asked for."""

    class Handler(socketserver.StreamRequestHandler):
        def encrypt(self, context: ssl.SSLContext) -> bool:
            """Go on over TLS, if the other side believes us."""
            try:
                self.connection = context.wrap_socket(self.connection, server_side=True)
            except OSError:
                return False
            self.rfile.close()
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
            return True

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            if encrypted is not None and not self.encrypt(encrypted):
                return
            self.say("220 ready")
            sender = to = ""
            while raw := self.rfile.readline():
                line = raw.decode().strip()
                verb = line.split(" ")[0].split(":")[0].upper()
                if not isinstance(self.connection, ssl.SSLSocket):
                    receiver.in_the_clear.append(verb)
                if verb in receiver.answers:
                    self.say(receiver.answers[verb])
                elif verb == "EHLO":
                    lines = ["receiver", *receiver.extensions]
                    for each in lines[:-1]:
                        self.say(f"250-{each}")
                    self.say(f"250 {lines[-1]}")
                elif verb == "DATA":
                    self.say("354 go on")
                    content = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        content += part.removeprefix(b".")
                    letter = email.message_from_bytes(content, policy=email.policy.default)
                    assert isinstance(letter, EmailMessage)
                    receiver.mailed.append(Mailed(sender, to, letter))
                    self.say("250 taken")
                elif verb == "STARTTLS" and starttls is not None:
                    self.say("220 go on")
                    if not self.encrypt(starttls):
                        return
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    if verb == "MAIL":
                        sender = line.partition("<")[2].partition(">")[0]
                    elif verb == "RCPT":
                        to = line.partition("<")[2].partition(">")[0]
                    elif verb == "AUTH":
                        receiver.log_ins.append(line)
                        self.say("235 you are in")
                        continue
                    self.say("250 yes")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    receiver = MailReceiver(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
