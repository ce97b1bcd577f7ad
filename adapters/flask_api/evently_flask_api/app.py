"""The Flask application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from evently_flask_api.callers import Doorkeeper, SessionWatch
from evently_flask_api.documentation import install_documentation
from evently_flask_api.problems import install_problems
from evently_flask_api.requests import ROUTE, Front
from evently_flask_api.routes import GROUPS
from evently_flask_api.routing import Routes, Supplies, install_routes
from evently_flask_api.services import Services
from evently_flask_api.settings import ApiSettings
from evently_flask_api.tokens import Tokens
from evently_flask_api.web_pages import install_pages


class Application(Flask):
    """Flask, without what this application has no use for."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is: none is asynchronous, and to look costs a twentieth of a request."""
        return func


def create_app(services: Services, settings: ApiSettings, groups: Sequence[Routes] = GROUPS) -> Flask:
    """Return the application that answers these routes with these use cases."""
    app = Application("evently_flask_api", static_folder=None, template_folder="pages")
    app.config["MAX_CONTENT_LENGTH"] = settings.body_bytes_max
    app.url_map.merge_slashes = False  # an address with too many slashes is another address, not a redirect
    app.before_request(_arrive)
    install_problems(app)
    door = Doorkeeper(Tokens(app, settings), SessionWatch(services.accounts), settings.instance)
    install_routes(app, groups, Supplies(services, settings, door))
    install_documentation(app, groups)
    install_pages(app)
    if settings.trusted_proxies:
        trusted = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # the way Flask's documentation shows
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted
        )
    app.wsgi_app = Front(  # type: ignore[method-assign]  # outside of that one
        app.wsgi_app, settings.instance, presence=services.presence
    )
    return app


def _arrive() -> None:
    if (rule := request.url_rule) is not None:
        request.environ[ROUTE] = rule.rule
