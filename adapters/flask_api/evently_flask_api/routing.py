"""How a route is declared: once, for validation, for who may call, and for the OpenAPI document.

A route is a function whose parameters say what it needs::

    routes = Routes("Accounts", "Coming in.", prefix="/auth")

    @routes.post("/register", status=201, problems=("email_taken",))
    def register(services: Services, body: Registration, repeat: Repeat | None) -> Answer[User]:
        \"\"\"Make an account.\"\"\"

It gets, by the names of its parameters and nothing else:

========================  ============================================================================
``services``              the use cases
``settings``              how the API runs
``body``                  the JSON body, valid; with a default the body may be missing
``query``                 the query, valid
``caller``                who is signed in; ``Caller | None`` where anyone may call
``refreshing``            the session whose refresh token was presented (``Who.REFRESHING``)
``door``                  gives tokens out, and is told of sessions that end
``repeat``                what the ``Idempotency-Key`` stands for, or None
``prefers_async``         whether ``Prefer: respond-async`` asks to be answered before it is decided
``if_match``              the version that ``If-Match`` asks for, or None for any
an id of the path         ``/events/<uuid:event_id>`` gives ``event_id: UUID``; no UUID is no such route
a word of the path        ``/check-ins/<string:code>`` gives ``code: str``
========================  ============================================================================

It returns the shape to answer, or an ``Answer`` with headers, or None for 204.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

import attrs
from flask import Flask, Response, request
from pydantic import BaseModel
from pydantic_core import to_json

from evently_flask_api.callers import Doorkeeper, Who
from evently_flask_api.headers import expected_version, prefers_async, repeat_of_request
from evently_flask_api.limits import Throttle
from evently_flask_api.problems import KINDS, REPLAYED, FieldError, Problem
from evently_flask_api.responses import JSON, JsonResponse
from evently_flask_api.schemas.fields import NoFields, RequestModel
from evently_flask_api.services import Services
from evently_flask_api.settings import ApiSettings
from evently_flask_api.validation import valid_body, valid_query

T = TypeVar("T")
Handler = TypeVar("Handler", bound=Callable[..., Any])

PREFIX = "/api/v1"

_PATH_ID = re.compile(r"<uuid:(\w+)>")
_PATH_PART = re.compile(r"<(uuid|string):(\w+)>")
_MAY_HAVE_BODY = frozenset({"POST", "PUT", "PATCH"})
_FIXED = frozenset({"services", "settings", "door"})
_SUPPLIED = _FIXED | {"body", "query", "caller", "refreshing", "repeat", "prefers_async", "if_match"}


@attrs.frozen
class Answer(Generic[T]):
    """An answer with more to it than its content."""

    content: T
    headers: Mapping[str, str] = attrs.field(factory=dict)
    replayed: bool = False
    """The answer of before, to the same request under the same key."""
    status: int | None = None
    """Another status than the route's."""

    @classmethod
    def showing(
        cls, shape: Mapping[str, Any], headers: Mapping[str, str] | None = None, *, replayed: bool = False
    ) -> Answer[Any]:
        """Answer something that is in its shape already, for routes where a second look costs too much.

        Nothing holds it to be what the route declares but the tests.
        """
        return Answer(shape, headers or {}, replayed)


@attrs.frozen(kw_only=True)
class Route:
    """A declared route."""

    method: str
    rule: str
    """The whole path, in Flask's words."""
    tag: str
    handler: Callable[..., Any]
    who: Who
    status: int
    answer: type[BaseModel] | None
    """The shape of the answer; None for an answer without JSON."""
    produces: str | None
    """The media type of an answer that is no JSON."""
    also: Mapping[int, type[BaseModel] | None]
    """Shapes of answers of other statuses, which are no problems."""
    headers: Sequence[str]
    problems: frozenset[str]
    body: type[RequestModel] | None
    body_required: bool
    query: type[RequestModel]
    takes: frozenset[str]
    """The names of the handler's parameters."""
    account: str | None
    """The field of the body that names an account: the route takes a password, and may be asked less often."""

    @property
    def name(self) -> str:
        """What the route is called; no other has this name."""
        return self.handler.__name__

    @property
    def limited(self) -> bool:
        """Whether there is a bound to how often somebody may ask."""
        return self.rule.startswith(PREFIX)

    @property
    def path(self) -> str:
        """The path in OpenAPI's words."""
        return _PATH_PART.sub(r"{\2}", self.rule)

    @property
    def path_ids(self) -> list[str]:
        """The names of the ids in the path."""
        return _PATH_ID.findall(self.rule)

    @property
    def path_words(self) -> list[str]:
        """The names of the words in the path."""
        return [name for kind, name in _PATH_PART.findall(self.rule) if kind == "string"]


class Routes:
    """Routes that belong together. Iterate over it for what was declared."""

    def __init__(self, tag: str, about: str, *, prefix: str = "", base: str = PREFIX) -> None:
        """Take how the documentation calls them, and with what their paths begin."""
        self.tag = tag
        self.about = about
        self._prefix = base + prefix
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        """Yield the routes in the order they were declared."""
        return iter(self._routes)

    def get(self, rule: str = "", **declared: Any) -> Callable[[Handler], Handler]:
        """Declare what GET does; see `declare`."""
        return self.declare("GET", rule, **declared)

    def post(self, rule: str = "", **declared: Any) -> Callable[[Handler], Handler]:
        """Declare what POST does; see `declare`."""
        return self.declare("POST", rule, **declared)

    def patch(self, rule: str = "", **declared: Any) -> Callable[[Handler], Handler]:
        """Declare what PATCH does; see `declare`."""
        return self.declare("PATCH", rule, **declared)

    def delete(self, rule: str = "", **declared: Any) -> Callable[[Handler], Handler]:
        """Declare what DELETE does; see `declare`."""
        return self.declare("DELETE", rule, **declared)

    def declare(
        self,
        method: str,
        rule: str,
        *,
        who: Who = Who.ANYONE,
        status: int = 200,
        also: Mapping[int, type[BaseModel] | None] | None = None,
        headers: Sequence[str] = (),
        problems: Sequence[str] = (),
        account: str | None = None,
        produces: str | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare a route: who may call, the status of success, headers, and the problems of its own.

        With ``account``, a field of the body, it may be asked as seldom as who takes passwords has to be.
        ``produces`` is the media type of an answer that is no JSON.

        Problems that follow from the rest (no token, a body that is no JSON, …) need not be named.
        """

        def declared(handler: Handler) -> Handler:
            signature = inspect.signature(handler, eval_str=True)
            takes = frozenset(signature.parameters)
            whole_rule = self._prefix + rule
            unknown = takes - _SUPPLIED - {name for _, name in _PATH_PART.findall(whole_rule)}
            assert not unknown, f"{handler.__name__} takes what nobody gives: {unknown}"
            assert (who in (Who.ANYONE, Who.REFRESHING)) or "caller" in takes, (
                "whoever must sign in is a caller"
            )
            body = signature.parameters.get("body")
            query = signature.parameters.get("query")
            answer = _model_of(signature.return_annotation)
            route = Route(
                method=method,
                rule=whole_rule,
                tag=self.tag,
                handler=handler,
                who=who,
                status=204 if signature.return_annotation is None else status,
                answer=answer,
                produces=produces,
                also=also or {},
                headers=headers,
                problems=frozenset(problems) | _implied(method, whole_rule, who, takes),
                body=_model_of(body.annotation) if body else None,
                body_required=body is not None and body.default is body.empty,
                query=(_model_of(query.annotation) if query else None) or NoFields,
                takes=takes,
                account=account,
            )
            assert route.problems <= KINDS.keys(), f"unknown problems: {route.problems - KINDS.keys()}"
            self._routes.append(route)
            return handler

        return declared


def _implied(method: str, rule: str, who: Who, takes: frozenset[str]) -> set[str]:
    """Return the problems that a route may have because of what it is."""
    codes = {"bad_request", "validation_failed", "internal_error"}
    if rule.startswith(PREFIX):
        codes |= {"rate_limited"}
    if takes & {"services", "caller"}:
        codes |= {"unavailable", "overloaded"}
    if takes & {"caller", "refreshing"}:
        codes |= {"invalid_token", "token_expired", "session_ended"}
    if who is not Who.ANYONE:
        codes |= {"not_signed_in"}
    if who in (Who.ORGANISER, Who.ADMIN):
        codes |= {"forbidden"}
    if _PATH_PART.search(rule):
        codes |= {"not_found"}
    if method in _MAY_HAVE_BODY:
        codes |= {"malformed_json", "body_too_large", "unsupported_media_type"}
    if "repeat" in takes:
        codes |= {"invalid_idempotency_key", "idempotency_key_reused"}
    if "if_match" in takes:
        codes |= {"invalid_if_match", "precondition_failed"}
    return codes


def _model_of(annotation: Any) -> Any:
    """Return the model in an annotation: itself, of an optional one, or the content of an answer."""
    if get_origin(annotation) is Answer:
        [annotation] = get_args(annotation)
    if get_origin(annotation) in (Union, UnionType):
        [annotation] = [kind for kind in get_args(annotation) if kind is not NoneType]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


@attrs.frozen
class Supplies:
    """What handlers may ask for that is the same for every request."""

    services: Services
    settings: ApiSettings
    door: Doorkeeper
    throttle: Throttle


class Endpoint:
    """Does what its route declares, for one application."""

    def __init__(self, route: Route, supplies: Supplies) -> None:
        """Take what the handler may ask for."""
        self.route = route
        self._door = supplies.door
        self._throttle = supplies.throttle
        self._headers = frozenset(route.headers)
        self._body_bytes_max = supplies.settings.body_bytes_max
        self._fixed = {name: getattr(supplies, name) for name in route.takes & _FIXED}

    def __call__(self, **path_ids: Any) -> Response:
        """Answer the request at hand."""
        route = self.route
        supplied: dict[str, Any] = {**self._fixed, **path_ids}
        if "caller" in route.takes:
            supplied["caller"] = self._door.caller(route.who)
        if "refreshing" in route.takes:
            supplied["refreshing"] = self._door.refreshing()
        body, query = self._valid_parts()
        if route.account is not None:
            self._throttle.count_account(getattr(body, route.account))
        if "body" in route.takes and (body is not None or route.body_required):
            supplied["body"] = body
        if "query" in route.takes:
            supplied["query"] = query
        if "repeat" in route.takes:
            supplied["repeat"] = repeat_of_request(lambda: body.model_dump_json().encode() if body else b"")
        if "prefers_async" in route.takes:
            supplied["prefers_async"] = prefers_async()
        if "if_match" in route.takes:
            supplied["if_match"] = expected_version()
        return self._answered(route.handler(**supplied))

    def _valid_parts(self) -> tuple[RequestModel | None, RequestModel]:
        """Return body and query, or say everything that is wrong with both."""
        errors: list[FieldError] = []
        body = self._body(errors) if self.route.method in _MAY_HAVE_BODY else None
        query = valid_query(self.route.query, errors)
        if errors:
            raise Problem("validation_failed", errors=errors)
        assert query is not None, "without errors everything is valid"
        return body, query

    def _body(self, errors: list[FieldError]) -> RequestModel | None:
        raw = _whole_body(self._body_bytes_max)
        if not raw and not self.route.body_required:
            return None
        if raw and request.environ.get("CONTENT_TYPE") != JSON and not request.is_json:
            raise Problem("unsupported_media_type")
        return valid_body(self.route.body or NoFields, raw, errors)

    def _answered(self, returned: Any) -> Response:
        answer = returned if isinstance(returned, Answer) else Answer(returned)
        assert answer.headers.keys() <= self._headers, "a header that the route does not declare"
        headers = {**answer.headers, REPLAYED: "true"} if answer.replayed else answer.headers
        if not isinstance(answer.content, Response):
            return JsonResponse(_json(answer.content), answer.status or self.route.status, headers)
        response = answer.content
        response.headers.update(headers)
        return response


def _json(content: Any) -> bytes | None:
    if content is None:
        return None
    if isinstance(content, BaseModel):
        return content.model_dump_json().encode()
    return to_json(content)


def _whole_body(most: int) -> bytes:
    """Return the body of the request at hand, of so many bytes at most.

    Of a body that comes without its length the library reads what fits, and leaves the rest unread and unsaid:
    a request that was cut could still be JSON, and be answered as if it were whole.

    Raises:
        Problem: it is larger than it may be.
    """
    environ = request.environ
    said = environ.get("CONTENT_LENGTH", "")
    has_length = said.isdecimal() and said.isascii() and "HTTP_TRANSFER_ENCODING" not in environ
    if has_length and int(said) <= most:
        raw: bytes = environ["wsgi.input"].read(int(said))
        if len(raw) == int(said):
            return raw  # the usual case, without the library's stream of 15 µs around it
        raise Problem("bad_request", "The body is shorter than its Content-Length says.")
    raw = request.get_data(cache=False)
    if request.content_length is None and len(raw) >= most and environ["wsgi.input"].read(1):
        raise Problem("body_too_large")
    return raw


def install_routes(app: Flask, groups: Sequence[Routes], supplies: Supplies) -> None:
    """Let an application answer these routes."""
    for route in (route for group in groups for route in group):
        app.add_url_rule(route.rule, route.name, Endpoint(route, supplies), methods=[route.method])
        if route.limited:
            supplies.throttle.guard(route.name, strictly=route.account is not None)
