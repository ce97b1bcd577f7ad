"""``python -m benchmarks.request [--profile]``: what one POST /bookings costs in CPU, over a store in memory.

Everything in front of the store is on: token, session, limits that refuse nobody, validation, headers, log, metrics.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import os
import pstats
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.bench import published, request
from evently_core.counting import Rate
from evently_core.evently import Evently
from evently_core.memory.accounts import MemoryAccounts, MemorySessions
from evently_core.memory.basics import ScryptPasswords, SystemClock
from evently_core.memory.storage import MemoryStorage
from evently_core.services.accounts import AccountService
from evently_core.values import OPERATOR, Role
from evently_flask_api import ApiSettings, RateLimits, Services, create_app
from evently_wiring.ids import UuidV7
from evently_wiring.logs import configure_logs

REQUESTS = 20
RUNS = 200
NEVER = Rate(10**9, 900)
PASSWORD = "a password for figures"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    chosen = parser.parse_args()
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # the log's, for as long as the process lives
    configure_logs("json")
    clock, ids = SystemClock(), UuidV7()
    evently = Evently.over(MemoryStorage(), clock, ids)
    accounts = AccountService(MemoryAccounts(), MemorySessions(), ScryptPasswords(cost=2), clock, ids)
    app = create_app(
        Services(accounts=accounts, evently=evently),
        ApiSettings(
            secret_key=b"0123456789abcdef" * 4,
            instance="bench",
            rate_limits=RateLimits(general=NEVER, reads=NEVER, login=NEVER),
        ),
    )
    accounts.create_user(OPERATOR, "bench@example.org", PASSWORD, "Bench", Role.ATTENDEE)
    signed_in = json.loads(
        b"".join(_call(app, "/api/v1/auth/login", {"email": "bench@example.org", "password": PASSWORD})[1])
    )

    def over_http() -> Callable[[], object]:
        event_id = published(evently)
        body = json.dumps({"event_id": str(event_id), "quantity": 1}).encode()

        def book() -> None:
            status, _ = _call(app, "/api/v1/bookings", body, signed_in["access_token"])
            assert status == "201 CREATED", status

        return book

    def engine() -> Callable[[], object]:
        event_id = published(evently)
        wish = request(0)
        return lambda: evently.bookings.book(event_id, wish)

    whole, alone = _cost(over_http), _cost(engine)
    print(f"POST /bookings {whole}, of which the engine over memory {alone} (µs CPU: median, and the least)")
    if chosen.profile:
        with cProfile.Profile() as profile:
            for _ in range(RUNS):
                book = over_http()
                for _ in range(REQUESTS):
                    book()
        pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(70)


def _cost(make: Callable[[], Callable[[], object]]) -> str:
    figures = []
    for _ in range(RUNS):
        act = make()
        act()
        started = time.process_time()
        for _ in range(REQUESTS):
            act()
        figures.append((time.process_time() - started) / REQUESTS * 1e6)
    return f"{statistics.median(figures):.0f} ({min(figures):.0f})"


def _call(app: Any, path: str, body: object, token: str | None = None) -> tuple[str, list[bytes]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ACCEPT": "application/json",
        "HTTP_USER_AGENT": "bench",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(raw),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if token is not None:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    answered: list[str] = []
    parts = app(environ, lambda status, _headers, _error=None: answered.append(status))
    content = list(parts)
    if hasattr(parts, "close"):
        parts.close()
    return answered[0], content


if __name__ == "__main__":
    main()
