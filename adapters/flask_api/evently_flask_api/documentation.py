"""The API's description of itself: `openapi.json` for programs, a page without scripts for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
from flask import Flask, Response, render_template, request
from markupsafe import Markup, escape

from evently_flask_api.openapi import openapi_document
from evently_flask_api.problems import DOCS_PATH, KINDS
from evently_flask_api.routing import PREFIX, Routes
from evently_flask_api.web_pages import assets, present_version

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)

_CODE = re.compile(r"`([^`]+)`")
_SCHEMA_REF = "#/components/schemas/"


@attrs.frozen
class Field:
    """A row about a parameter or a member of a shape."""

    name: str
    kind: str
    shape: str
    """The shape it links to, if its kind is one."""
    required: bool
    about: str


def install_documentation(app: Flask, groups: Sequence[Routes]) -> None:
    """Let an application describe these routes."""

    @cache
    def page() -> str:
        document = openapi_document(groups)
        return render_template(
            "docs.html",
            document=document,
            sections=list(_sections(document)),
            shapes=_shapes(document),
            problems=sorted(KINDS.values(), key=lambda kind: (kind.status, kind.code)),
            shape_of=_kind_and_shape,
            parameters_of=_parameters,
        )

    app.add_template_filter(_coded, "coded")

    def docs() -> Response:
        return Response(page(), content_type="text/html; charset=utf-8", headers=_page_headers())

    def stylesheet() -> Response:
        css = _tokens() + files("evently_flask_api").joinpath("pages/docs.css").read_text(encoding="utf-8")
        return Response(css, content_type="text/css; charset=utf-8", headers=_page_headers())

    def openapi() -> Response:
        # With the address it was asked at, so that a program that imports the document knows where to call.
        document = openapi_document(groups, _own_address())
        return Response(json.dumps(document), content_type="application/json")

    app.add_url_rule(DOCS_PATH, "docs", docs)
    app.add_url_rule(f"{DOCS_PATH}/style.css", "docs_style", stylesheet)
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", openapi)


def _tokens() -> str:
    """Return the design system of the pages, whose fonts stand below their address."""
    tokens = assets()["styles/tokens.css"].content.decode()
    return tokens.replace("../fonts/", f"{request.root_path}/app/assets/{present_version()}/fonts/")


def _own_address() -> str:
    origin = request.host_url.rstrip("/") if request.host else ""  # no host if it was sent as none can be
    return origin + request.root_path or "/"


def _page_headers() -> dict[str, str]:
    return {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}


def _coded(text: str) -> Markup:
    """Return text with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  # escaped just before


def _sections(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield every group with its operations, each of which knows its method and path."""
    for tag in document["tags"]:
        yield (
            tag,
            [
                {"method": method.upper(), "path": path, **operation}
                for path, operations in document["paths"].items()
                for method, operation in operations.items()
                if tag["name"] in operation["tags"]
            ],
        )


def _shapes(document: dict[str, Any]) -> Iterator[tuple[str, str, list[Field], list[str]]]:
    for name, schema in document["components"]["schemas"].items():
        examples = [json.dumps(shown, indent=2) for shown in schema.get("examples", ())]
        yield name, schema.get("description", _allowed(schema)), list(_fields(schema)), examples


def _fields(schema: dict[str, Any]) -> Iterator[Field]:
    for name, member in schema.get("properties", {}).items():
        kind, shape = _kind_and_shape(member)
        yield Field(name, kind, shape, name in schema.get("required", ()), member.get("description", ""))


def _parameters(operation: dict[str, Any]) -> Iterable[Field]:
    for parameter in operation.get("parameters", ()):
        kind, shape = _kind_and_shape(parameter["schema"])
        about = parameter.get("description", "")
        yield Field(f"{parameter['name']} ({parameter['in']})", kind, shape, parameter["required"], about)


def _kind_and_shape(schema: dict[str, Any]) -> tuple[str, str]:
    """Return what a value is in a few words, and the name of the shape in them."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_SCHEMA_REF)
        return name, name
    if "allOf" in schema:
        return _kind_and_shape(schema["allOf"][0])
    if "anyOf" in schema:
        found = [_kind_and_shape(kind) for kind in schema["anyOf"]]
        return " or ".join(kind for kind, _ in found), next((shape for _, shape in found if shape), "")
    if schema.get("type") == "array":
        kind, shape = _kind_and_shape(schema.get("items", {}))
        return f"list of {kind}", shape
    if "enum" in schema or "const" in schema:
        return _allowed(schema), ""
    kind = schema.get("format", schema.get("type", "anything"))
    return " ".join([kind, *_bounds(schema)]), ""


def _allowed(schema: dict[str, Any]) -> str:
    return ", ".join(map(str, schema.get("enum", [schema.get("const", "")])))


def _bounds(schema: dict[str, Any]) -> Iterator[str]:
    for least, most in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
        if least in schema or most in schema:
            yield f"{schema.get(least, '')}…{schema.get(most, '')}"
