"""What every request and every answer has: an id, the instance that answered, safe headers, a line in the log."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger("evently.api")

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""Of every answer, unless the route says otherwise."""

HSTS = "max-age=31536000"


def install_requests(app: Flask, instance: str) -> None:
    """Give every request its id, and every answer its headers and its line in the log."""

    def arrive() -> None:
        g.started = time.perf_counter()
        sent = request.headers.get("X-Request-Id", "")
        g.request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid4().hex

    def leave(answer: Response) -> Response:
        answer.headers["X-Request-Id"] = g.request_id
        answer.headers["X-Instance-Id"] = instance
        own = {name for name, _ in answer.headers}
        answer.headers.extend([(name, value) for name, value in SECURITY_HEADERS.items() if name not in own])
        if request.is_secure:
            answer.headers["Strict-Transport-Security"] = HSTS
        log.info(
            "request",
            request_id=g.request_id,
            instance=instance,
            user=str(g.user_id) if "user_id" in g else None,
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,  # the path itself may hold anything
            status=answer.status_code,
            ms=round((time.perf_counter() - g.started) * 1000, 1),
        )
        return answer

    app.before_request(arrive)
    app.after_request(leave)
