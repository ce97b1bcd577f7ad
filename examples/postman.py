"""Make the Postman collection of the API, out of the description that the API makes of itself.

Run `python examples/postman.py` after a route was changed. In Postman set the variables `email` and `password` of the
collection and send "Open a session" first: its tokens are kept for the other requests.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from evently_flask_api import openapi_document
from evently_flask_api.routes import GROUPS

COLLECTION = Path(__file__).with_name("evently.postman_collection.json")
_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_VARIABLES = {
    "address": "http://127.0.0.1:8000",
    "email": "hugo@example.org",
    "password": "evently demo",
    "access_token": "",
    "refresh_token": "",
}
_KEEPS_TOKENS = [
    "const login = pm.response.json();",
    "if (login.access_token) {",
    "  pm.collectionVariables.set('access_token', login.access_token);",
    "  pm.collectionVariables.set('refresh_token', login.refresh_token);",
    "}",
]
_PATH_ID = re.compile(r"\{(\w+)\}")


def collection(document: dict[str, Any]) -> dict[str, Any]:
    """Return the collection of an OpenAPI document: a folder a tag, a request an operation."""
    folders = [
        {
            "name": tag["name"],
            "description": tag["description"],
            "item": [
                _request(document, method, path, operation)
                for path, operations in document["paths"].items()
                for method, operation in operations.items()
                if tag["name"] in operation["tags"]
            ],
        }
        for tag in document["tags"]
    ]
    info = document["info"]
    return {
        "info": {"name": info["title"], "description": info["description"], "schema": _SCHEMA},
        "auth": _bearer("access_token"),
        "variable": [{"key": name, "value": value} for name, value in _VARIABLES.items()],
        "item": folders,
    }


def _request(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation["description"],
        "url": _url(path, operation.get("parameters", [])),
        "header": [
            {
                "key": parameter["name"],
                "value": "{{$guid}}" if parameter["name"] == "Idempotency-Key" else "",
                "description": parameter.get("description", ""),
                "disabled": not parameter.get("required", False),
            }
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "header"
        ],
    }
    if "requestBody" in operation:
        [content] = operation["requestBody"]["content"].values()
        body = _example(document, content["schema"])
        if "password" in body and path.endswith("/login"):
            body |= {"email": "{{email}}", "password": "{{password}}"}
        request["body"] = {
            "mode": "raw",
            "raw": json.dumps(body, indent=2, ensure_ascii=False),
            "options": {"raw": {"language": "json"}},
        }
    if operation["security"] == []:
        request["auth"] = {"type": "noauth"}
    elif {"refreshToken": []} in operation["security"]:
        request["auth"] = _bearer("refresh_token")
    item: dict[str, Any] = {"name": operation["summary"], "request": request, "response": []}
    if path.endswith(("/auth/login", "/auth/refresh")):
        item["event"] = [{"listen": "test", "script": {"type": "text/javascript", "exec": _KEEPS_TOKENS}}]
    return item


def _url(path: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    named = _PATH_ID.sub(r":\1", path)
    query = [
        {
            "key": parameter["name"],
            "value": "",
            "description": parameter.get("description", ""),
            "disabled": not parameter.get("required", False),
        }
        for parameter in parameters
        if parameter["in"] == "query"
    ]
    return {
        "raw": "{{address}}" + named,
        "host": ["{{address}}"],
        "path": named.strip("/").split("/"),
        "query": query,
        "variable": [{"key": name, "value": ""} for name in _PATH_ID.findall(path)],
    }


def _example(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the first example of a body, as its shape gives it."""
    for kind in schema.get("anyOf", [schema]):
        if "$ref" in kind:
            kind = document["components"]["schemas"][kind["$ref"].rsplit("/", 1)[1]]
        if "examples" in kind:
            return dict(kind["examples"][0])
    return {}


def _bearer(variable: str) -> dict[str, Any]:
    return {
        "type": "bearer",
        "bearer": [{"key": "token", "value": "{{" + variable + "}}", "type": "string"}],
    }


def text() -> str:
    """Return the collection of the API as it is now, as the file holds it."""
    return json.dumps(collection(openapi_document(GROUPS)), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    COLLECTION.write_text(text(), encoding="utf-8")
