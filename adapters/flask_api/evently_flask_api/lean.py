"""Flask, without what this application has no use for: hosts, sessions in cookies, asynchronous views.

Each of these is a place where Flask lets itself be extended. Together they take an eighth of a request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

_NO_SESSION = NullSession()


class _NoSessions(SessionInterface):
    """Who is signed in is told by a token, and nothing is kept in cookies."""

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return _NO_SESSION

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        """Keep nothing."""


class LeanFlask(Flask):
    """A Flask application that answers at every host alike."""

    session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is: none is asynchronous."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the route of a request; which host was asked makes no difference."""
        if request is None:
            return super().create_url_adapter(None)
        return MapAdapter(
            self.url_map,
            server_name=request.environ.get("HTTP_HOST") or request.environ["SERVER_NAME"],
            script_name=request.root_path or "/",
            subdomain="",
            url_scheme=request.scheme,
            path_info=request.path,
            default_method=request.method,
            query_args=request.query_string.decode("latin-1"),
        )
