"""The pages people look at: static files that talk to the API as anybody could.

There is one document, the *shell*, for every address of theirs; the scripts in it draw what the address names.
All files stand below an address that holds a digest of them all, so that a browser keeps them for good and never
mixes those of two versions. There is no build step: a module is served as it was written.
"""

from __future__ import annotations

import gzip
import mimetypes
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

import attrs
from flask import Flask, Response, render_template, request

from evently_flask_api.problems import Problem

SHELL_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob:",  # a ticket is fetched with its bearer, and shown from memory
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        # Markup is made of templates alone: even our own scripts cannot turn a text into elements.
        "require-trusted-types-for 'script'",
        "trusted-types lit-html",
    ]
)

PERMISSIONS = "camera=(self), geolocation=(), microphone=()"
"""The check-in page reads codes with the camera."""

REVALIDATE = "no-cache"
FOR_GOOD = "public, max-age=31536000, immutable"

_COMPRESSED = frozenset({".css", ".js", ".svg"})
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".woff2": "font/woff2"}
_EAGER = ("", "views/", "vendor/")
"""The folders whose modules the first page needs; those of organisers and admins come when they are asked for."""


@attrs.frozen
class Asset:
    """A file of the pages."""

    name: str
    content: bytes = attrs.field(repr=False)
    packed: bytes | None = attrs.field(repr=False)
    """The same in gzip, where that is smaller."""
    media_type: str
    digest: str


def install_pages(app: Flask) -> None:
    """Let an application show the pages at ``/`` and below ``/app/``."""

    @cache
    def shell(root: str) -> tuple[bytes, str]:
        text = render_template(
            "shell.html", root=root, version=present_version(), modules=list(_eager_modules())
        )
        content = text.encode()
        return content, sha256(content).hexdigest()[:20]

    def page(place: str = "") -> Response:
        content, digest = shell(request.root_path)
        answer = Response(content, content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = SHELL_POLICY
        answer.headers["Permissions-Policy"] = PERMISSIONS
        answer.headers["Cache-Control"] = REVALIDATE
        return _conditional(answer, digest)

    app.add_url_rule("/", "page", page)
    app.add_url_rule("/app/", "pages", page)
    app.add_url_rule("/app/<path:place>", "page_of", page)
    app.add_url_rule("/app/assets/<version>/<path:name>", "asset", _asset)


def _asset(version: str, name: str) -> Response:
    """Answer a file. One that is asked for under another version's address is not kept: it may be newer."""
    asset = assets().get(name)
    if asset is None:
        raise Problem("not_found")
    packed = asset.packed if request.accept_encodings.quality("gzip") > 0 else None
    answer = Response(packed or asset.content, content_type=asset.media_type)
    if packed is not None:
        answer.headers["Content-Encoding"] = "gzip"
    if asset.packed is not None:
        answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = FOR_GOOD if version == present_version() else REVALIDATE
    return _conditional(answer, asset.digest + ("-gzip" if packed is not None else ""))


def _conditional(answer: Response, digest: str) -> Response:
    answer.set_etag(digest)
    answer.make_conditional(request)
    return answer


@cache
def present_version() -> str:
    """Return a digest of all files of the pages."""
    whole = sha256()
    for name, asset in sorted(assets().items()):
        whole.update(f"{name} {asset.digest}\n".encode())
    return whole.hexdigest()[:12]


@cache
def assets() -> Mapping[str, Asset]:
    """Return every file of the pages by its name, read once."""
    return {name: _asset_of(name, file.read_bytes()) for name, file in _files(_home(), "")}


def _asset_of(name: str, content: bytes) -> Asset:
    suffix = PurePosixPath(name).suffix
    packed = gzip.compress(content, mtime=0) if suffix in _COMPRESSED else None
    if packed is not None and len(packed) >= len(content):
        packed = None
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "text/plain; charset=utf-8"
    return Asset(name, content, packed, media_type, sha256(content).hexdigest()[:20])


def _home() -> Traversable:
    return files("evently_flask_api").joinpath("pages/app")


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry


def _eager_modules() -> Iterator[str]:
    """Yield the modules that the first page needs, so that a browser asks for all of them at once."""
    for name in sorted(assets()):
        folder = name[: name.rfind("/") + 1]
        if name.endswith(".js") and (folder in _EAGER or folder.startswith("vendor/")):
            yield name
