"""The Flask application."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, request
from flask_cors import CORS
from werkzeug.middleware.proxy_fix import ProxyFix

from evently_flask_api.callers import Doorkeeper, SessionWatch
from evently_flask_api.documentation import install_documentation
from evently_flask_api.lean import LeanFlask
from evently_flask_api.limits import Throttle
from evently_flask_api.metrics import install_metrics
from evently_flask_api.openapi import RESPONSE_HEADERS
from evently_flask_api.problems import install_problems
from evently_flask_api.requests import ROUTE, Front
from evently_flask_api.routes import GROUPS
from evently_flask_api.routing import PREFIX, Routes, Supplies, install_routes
from evently_flask_api.services import Services
from evently_flask_api.settings import ApiSettings
from evently_flask_api.tokens import Tokens
from evently_flask_api.web_pages import install_pages


def create_app(services: Services, settings: ApiSettings, groups: Sequence[Routes] = GROUPS) -> Flask:
    """Return the application that answers these routes with these use cases."""
    app = LeanFlask("evently_flask_api", static_folder=None, template_folder="pages")
    app.config["MAX_CONTENT_LENGTH"] = settings.body_bytes_max
    app.url_map.merge_slashes = False  # an address with too many slashes is another address, not a redirect
    app.before_request(_arrive)
    install_problems(app)
    door = Doorkeeper(Tokens(app, settings), SessionWatch(services.accounts), settings.instance)
    throttle = Throttle(app, services.counters, settings.rate_limits, door.whose)
    if settings.cors_origins:
        _allow_pages_of(app, settings.cors_origins)
    install_routes(app, groups, Supplies(services, settings, door, throttle))
    install_documentation(app, groups)
    install_pages(app)
    install_metrics(
        app,
        services.metrics,
        services.measures,
        settings.metrics_allowed,
        proxied=settings.trusted_proxies > 0,
    )
    if settings.trusted_proxies:
        trusted = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # the way Flask's documentation shows
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted
        )
    app.wsgi_app = Front(  # type: ignore[method-assign]  # outside of that one
        app.wsgi_app, settings.instance, services.metrics, services.presence
    )
    return app


def _allow_pages_of(app: Flask, origins: Sequence[str]) -> None:
    """Let pages of these origins ask from a browser, with a token but without cookies: there are none."""
    CORS(
        app,
        resources=f"{PREFIX}/*",
        origins=list(origins),
        methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "Prefer",
            "X-Request-Id",
        ],
        expose_headers=list(RESPONSE_HEADERS),
        max_age=3_600,
    )

    @app.after_request
    def vary(answer: Response) -> Response:
        # The library says so to pages of these origins alone, and a cache serves all.
        answer.vary.add("Origin")
        return answer


def _arrive() -> None:
    if (rule := request.url_rule) is not None:
        request.environ[ROUTE] = rule.rule
