"""The OpenAPI 3.1 document, made of the declarations that validate and guard the routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from evently_core.values import Role
from evently_flask_api.callers import Who
from evently_flask_api.limits import RATE_LIMIT_HEADERS
from evently_flask_api.problems import KINDS, MEDIA_TYPE, REPLAYED
from evently_flask_api.routing import Route, Routes
from evently_flask_api.schemas.problems import Problem

API_VERSION = "1.0.0"

ABOUT = """\
Book seats at events, exactly and in fair order.

- **Sign in** at `/auth/login` and send the access token as bearer; refresh it before `expires_in` is over.
- **Problems** are `application/problem+json`; `code` is a stable word, and figures stand beside it.
- **Times** are RFC 3339 with any offset, answered in UTC. **Money** is in minor units (cents).
- **Lists** go on with `next_cursor`, and stay stable while things are added.
- **Retries** are safe with an `Idempotency-Key`: the same request under the same key is answered the same again.
"""

RESPONSE_HEADERS = {
    "X-Request-Id": "Names this request; the caller's own id, if it sent a sane one.",
    "X-Instance-Id": "Names the process that answered.",
    "RateLimit-Policy": "How many requests there may be, and in how many seconds: `100;w=900`.",
    "RateLimit-Limit": "How many requests there may be in the window.",
    "RateLimit-Remaining": "How many are left of it.",
    "RateLimit-Reset": "Seconds until the window closes and all are there again.",
    "Preference-Applied": "`respond-async` if that was asked for with `Prefer`, and the request is accepted, not decided.",
    "Location": "Where what was made can be read.",
    "Content-Disposition": "How a browser calls the file.",
    "ETag": "The version of what is answered; for `If-Match`.",
    "Retry-After": "Seconds after which another try makes sense.",
    "WWW-Authenticate": "How to sign in.",
    REPLAYED: "`true` if this is the answer of before, to the same request under the same key.",
}

_IDS = ("X-Request-Id", "X-Instance-Id")
_MORE_HEADERS = {
    401: ["WWW-Authenticate"],
    409: [REPLAYED],
    429: ["Retry-After"],
    503: ["Retry-After"],
}
"""Of problems, by status."""

_ACCESS, _REFRESH = "accessToken", "refreshToken"
_SECURITY_SCHEMES = {
    _ACCESS: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a log-in.",
    },
    _REFRESH: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The refresh token of a log-in; each is good for one use.",
    },
}

_REF = "#/components/schemas/{model}"

Schemas = Mapping[Any, JsonSchemaValue]
"""By model, and whether it validates or answers."""


class _JsonSchema(GenerateJsonSchema):
    """Schemas without what pydantic adds and nobody needs."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        if described.get("default", ...) is None:
            del described["default"]  # a field that may be left out need not take null
        return described

    def get_title_from_name(self, name: str) -> str:
        return ""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def openapi_document(groups: Sequence[Routes], server: str = "/") -> dict[str, Any]:
    """Return the document for these routes, answered at ``server``."""
    routes = [route for group in groups for route in group]
    schemas, definitions = models_json_schema(
        list(_models(routes)), ref_template=_REF, schema_generator=_JsonSchema
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Evently", "version": API_VERSION, "description": ABOUT},
        "servers": [{"url": server}],
        "tags": [{"name": group.tag, "description": group.about} for group in groups],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions["$defs"].items())),
            "securitySchemes": _SECURITY_SCHEMES,
            "headers": {
                name: {"description": about, "schema": {"type": "string"}}
                for name, about in RESPONSE_HEADERS.items()
            },
        },
    }


def _models(routes: Iterable[Route]) -> Iterable[tuple[type[BaseModel], JsonSchemaMode]]:
    found: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for route in routes:
        if route.body is not None:
            found[route.body, "validation"] = None
        found[route.query, "validation"] = None
        for answer in (route.answer, *route.also.values()):
            if answer is not None:
                found[answer, "serialization"] = None
    return found


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    summary, _, description = (route.handler.__doc__ or "").strip().partition("\n")
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": summary.rstrip("."),
        "description": "\n".join(line.strip() for line in [*_who(route), *description.strip().splitlines()]),
        "security": _security(route),
        "responses": _responses(route, schemas),
    }
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {
            "required": route.body_required,
            "content": {"application/json": {"schema": schemas[route.body, "validation"]}},
        }
    return operation


def _who(route: Route) -> list[str]:
    return [f"For {route.who.value}.", ""]


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.who is Who.REFRESHING:
        return [{_REFRESH: []}]
    if route.who is not Who.ANYONE:
        return [{_ACCESS: []}]
    return [{}, {_ACCESS: []}] if "caller" in route.takes else []


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        for name in route.path_ids
    ]
    found += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in route.path_words
    ]
    described = route.query.model_json_schema(ref_template=_REF, schema_generator=_JsonSchema)
    for name, schema in described.get("properties", {}).items():
        found.append(
            {
                "name": name,
                "in": "query",
                "required": name in described.get("required", ()),
                "description": schema.pop("description", ""),
                "schema": schema,
            }
        )
    if "repeat" in route.takes:
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"}
        about = "Makes a retry safe: the same request under the same key has one effect."
        found.append(_header("Idempotency-Key", about, key))
    if "prefers_async" in route.takes:
        about = "`respond-async`: answer 202 as soon as the request is durable; it is decided in its turn."
        found.append(_header("Prefer", about, {"type": "string", "examples": ["respond-async"]}))
    if "if_match" in route.takes:
        about = "Change only this version; `*` is any."
        tag = {"type": "string", "pattern": r'^(\*|"[0-9]+")$'}
        found.append(_header("If-Match", about, tag))
    return found


def _header(name: str, about: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": about, "schema": schema}


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    always = [*_IDS, *(RATE_LIMIT_HEADERS if route.limited else ())]
    headers = [*always, *route.headers, *([REPLAYED] if "repeat" in route.takes else [])]
    found = {str(route.status): _response(route.status, route.answer, schemas, headers)}
    if route.produces is not None:
        found[str(route.status)]["content"] = {route.produces: {"schema": {"type": "string"}}}
    for status, answer in route.also.items():
        found[str(status)] = _response(status, answer, schemas, headers)
    by_status: dict[int, list[str]] = {}
    for code in sorted(route.problems):
        by_status.setdefault(KINDS[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        if str(status) not in found:
            found[str(status)] = _problem_response(status, codes, schemas, always)
    return found


def _response(
    status: int, answer: type[BaseModel] | None, schemas: Schemas, headers: Sequence[str]
) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "headers": _header_refs(*headers),
    }
    if answer is not None:
        response["content"] = {"application/json": {"schema": schemas[answer, "serialization"]}}
    return response


def _problem_response(
    status: int, codes: Sequence[str], schemas: Schemas, always: Sequence[str]
) -> dict[str, Any]:
    described = {"properties": {"code": {"enum": list(codes)}, "status": {"const": status}}}
    return {
        "description": "\n".join(f"- `{code}`: {KINDS[code].sentence}" for code in codes),
        "headers": _header_refs(*always, *_MORE_HEADERS.get(status, ())),
        "content": {
            MEDIA_TYPE: {"schema": {"allOf": [schemas[Problem, "serialization"], described]}},
        },
    }


def _header_refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def roles_of(who: Who) -> list[Role]:
    """Return the roles that a route admits, for tables of who may do what."""
    return [role for role in Role if who.admits(role)]
