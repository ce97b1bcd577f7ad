"""A load generator: some connections that ask again as soon as they were answered. Runs as a process of its own."""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time

import attrs


@attrs.define
class _Connection:
    """One connection with one request under way."""

    socket: socket.socket
    request: bytes
    sent_at: float = 0.0
    answer: bytes = b""

    def ask(self) -> None:
        self.answer = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(self.request)

    def is_answered(self) -> bool:
        """Read what is there; tell whether the answer is whole."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("the server hung up")
        self.answer += data
        head, separator, body = self.answer.partition(b"\r\n\r\n")
        if not separator:
            return False
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        return len(body) >= length


def main(port: str, seconds: str, path: str, body: str, *tokens: str) -> None:
    """Ask for some seconds on one connection for each token; print rate, p99 and statuses as JSON."""
    selector = selectors.DefaultSelector()
    for token in tokens:
        connection = _Connection(
            socket.create_connection(("127.0.0.1", int(port))),
            (
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            ).encode(),
        )
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask()
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    begin = time.perf_counter()
    end = begin + float(seconds)
    while (now := time.perf_counter()) < end:
        for key, _ in selector.select(timeout=end - now):
            connection = key.data
            if connection.is_answered():
                latencies.append(time.perf_counter() - connection.sent_at)
                status = connection.answer[9:12].decode()
                statuses[status] = statuses.get(status, 0) + 1
                connection.ask()
    elapsed = time.perf_counter() - begin
    latencies.sort()
    print(
        json.dumps(
            {
                "per_second": len(latencies) / elapsed,
                "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
                "statuses": statuses,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
