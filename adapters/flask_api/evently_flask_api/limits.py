"""How often somebody may ask: flask-limiter, counting through the port of the core.

There are three classes. *Log-in* is for routes that take a password: by address, and by the account that is named.
*Reads* is for what somebody who is signed in only looks at. *General* is for everything else: by user, or by address
where nobody is signed in.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address
from math import ceil
from threading import local
from typing import Any

import structlog
from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter._extension import LimiterContext
from limits import RateLimitItemPerSecond
from limits.storage import Storage

from evently_core.counting import Counted, Counters, Rate
from evently_core.errors import Unavailable
from evently_core.memory.counters import MemoryCounters
from evently_core.values import UserId
from evently_flask_api.problems import Problem
from evently_flask_api.requests import HEADERS
from evently_flask_api.settings import RateLimits

log = structlog.get_logger("evently.api")

PAUSE_SECONDS = 1.0
"""How long shared counters that failed are left alone."""

RATE_LIMIT_HEADERS = ("RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

_SCHEME = "evently"


class SteadyCounters:
    """Counters that all processes share, and those of this process for as long as the shared ones are gone."""

    def __init__(
        self, shared: Counters, own: Counters | None = None, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """Count in ``shared`` as long as it can be reached."""
        self._shared = shared
        self._own = own or MemoryCounters()
        self._seconds = seconds
        self._gone_until: float | None = None

    def count(self, name: str, seconds: int) -> Counted:
        """Count once more, wherever it works."""
        if self._gone_until is not None:
            now = self._seconds()
            if now < self._gone_until:
                return self._own.count(name, seconds)
            self._gone_until = (
                now + PAUSE_SECONDS
            )  # one request looks whether they are back, the others go on
        try:
            counted = self._shared.count(name, seconds)
        except Unavailable as error:
            if self._gone_until is None:
                log.warning("rate_limits_in_process", error=str(error))
            self._gone_until = self._seconds() + PAUSE_SECONDS
            return self._own.count(name, seconds)
        if self._gone_until is not None:
            self._gone_until = None
            log.info("rate_limits_shared_again")
        return counted


class PortStorage(Storage):
    """A storage of flask-limiter over our port: counting is all that is asked of it."""

    STORAGE_SCHEME = [_SCHEME]  # noqa: RUF012  # the library's registry wants a list

    def __init__(self, uri: str, *, counters: Counters, **_: Any) -> None:
        """Count with these."""
        super().__init__(uri)
        self._counters = counters
        self._of_thread = local()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What counting may fail with."""
        return Unavailable

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count once more."""
        assert amount == 1, "each request counts once"
        counted = self._of_thread.counted = self._counters.count(key, expiry)
        return counted.count

    @property
    def counted(self) -> Counted:
        """What this thread has counted last: the one round trip told of the window as well."""
        found: Counted = self._of_thread.counted
        return found

    def get(self, key: str) -> int:
        """Refuse: a count is known from counting."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Refuse: when a window closes is known from counting."""
        raise NotImplementedError

    def check(self) -> bool:
        """Tell that counting works; where it goes on when Redis is gone, the counters know."""
        return True

    def reset(self) -> int | None:
        """Refuse: a window closes by itself."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Refuse: a window closes by itself."""
        raise NotImplementedError


class _NoContext(LimiterContext):
    """What the library keeps of a request: nothing, so there is nothing to forget."""

    def reset(self) -> None:
        """Forget nothing."""


class Throttle(Limiter):
    """flask-limiter, with a shorter way through the request.

    The library finds out anew for each request which limits there are and what they are called; that takes 70 µs
    before anything is counted, a quarter of a request. Here the three classes are known beforehand. What it answers
    is held against the library by the tests.
    """

    def __init__(
        self, app: Flask, counters: Counters, limits: RateLimits, whose: Callable[[], UserId | None]
    ) -> None:
        """Guard an application; ``whose`` tells who sent the request at hand, if it is known."""
        self._whose = whose
        self._general, self._reads, self._login = map(_item, (limits.general, limits.reads, limits.login))
        self._guarded: dict[str, bool] = {}
        self._no_context = _NoContext()
        super().__init__(
            key_func=_address,
            app=app,
            storage_uri=f"{_SCHEME}://",
            storage_options={"counters": counters},  # type: ignore[dict-item]  # the storage is ours
            strategy="fixed-window",
            headers_enabled=False,  # those of the library are not those of the standard
            enabled=any((limits.general, limits.reads, limits.login)),
        )

    def guard(self, endpoint: str, *, strictly: bool) -> None:
        """Limit how often a route is asked; ``strictly`` in the class of log-in."""
        self._guarded[endpoint] = strictly

    def count_account(self, name: str) -> None:
        """Count a request that names an account, whoever sends it.

        Raises:
            Problem: there were too many.
        """
        if self._login is not None:
            self._count(
                self._login,
                "login:account:" + hashlib.sha256(name.strip().casefold().encode()).hexdigest()[:32],
            )

    @property
    def context(self) -> LimiterContext:
        """What the library would keep of a request: nothing."""
        return self._no_context

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        """Count the request at hand; the library calls this before each."""
        endpoint = request.endpoint
        strictly = (
            False if endpoint is None else self._guarded.get(endpoint)
        )  # what is not there counts as well
        method = request.environ["REQUEST_METHOD"]
        if strictly is None or method == "OPTIONS":
            return  # a browser asks for permission without telling who it is
        if strictly:
            item, name = self._login, f"login:address:{_address()}"
        elif (user_id := self._whose()) is None:
            item, name = self._general, f"general:address:{_address()}"
        elif method == "GET" or method == "HEAD":
            item, name = self._reads, f"reads:user:{user_id}"
        else:
            item, name = self._general, f"general:user:{user_id}"
        if item is not None:
            self._count(item, name)

    def _count(self, item: RateLimitItemPerSecond, name: str) -> None:
        allowed = self.limiter.hit(item, name)
        assert isinstance(self.storage, PortStorage)
        counted = self.storage.counted
        remaining, seconds_left = max(0, item.amount - counted.count), ceil(counted.seconds_left)
        told = (f"{item.amount};w={item.multiples}", str(item.amount), str(remaining), str(seconds_left))
        request.environ[HEADERS] = zip(RATE_LIMIT_HEADERS, told, strict=True)
        if not allowed:
            figures: Mapping[str, int] = {"limit": item.amount, "window_seconds": item.multiples}
            raise Problem("rate_limited", figures=figures, headers={"Retry-After": str(seconds_left)})


def _item(rate: Rate | None) -> RateLimitItemPerSecond | None:
    return None if rate is None else RateLimitItemPerSecond(rate.amount, rate.seconds)


def _address() -> str:
    """Return from where the request at hand comes; who has one address of IPv6 has all of its network of 64 bits."""
    said = request.remote_addr or ""
    if ":" not in said:
        return said
    try:
        address = ip_address(said)
    except ValueError:
        return said
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{int(address) >> 64:x}"
