"""How the pages are served: cached for good or not at all, and open to no script but their own."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from evently_flask_api.web_pages import assets, present_version
from tests.api.harness import Api
from tests.api.test_openapi import Page

ASSETS = f"//app/assets/{present_version()}/"
OWN_SCRIPTS = [name for name in assets() if name.endswith(".js") and not name.startswith("vendor/")]


def imports_of(name: str) -> Iterator[str]:
    """Yield the addresses that a module imports, as names of files of the pages."""
    text = assets()[name].content.decode()
    for found in re.findall(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""", text):
        parts: list[str] = []
        for part in (PurePosixPath(name).parent / found).parts:
            parts = parts[:-1] if part == ".." else [*parts, part]
        yield "/".join(parts)


@pytest.mark.parametrize(
    "place", ["//", "//app/", "//app/bookings", "//app/events/018f", "//app/never/heard/of"]
)
def test_every_address_of_the_pages_answers_the_same_document(api: Api, place: str) -> None:
    answer = api.anyone.get(place)
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert answer.text == api.anyone.get("//").text


def test_the_document_is_asked_for_each_time_and_sent_only_if_it_is_another(api: Api) -> None:
    first = api.anyone.get("//")
    assert first.headers["Cache-Control"] == "no-cache"
    again = api.anyone.get("//", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.text) == (304, "")


def test_a_file_is_kept_for_good_under_the_address_of_its_version(api: Api) -> None:
    answer = api.anyone.get(f"{ASSETS}main.js")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = api.anyone.get(f"{ASSETS}main.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_file_of_another_version_is_not_kept(api: Api) -> None:
    answer = api.anyone.get("//app/assets/0123456789ab/main.js")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("name", ["none.js", "../shell.html", "..%2fdocs.html", "vendor"])
def test_what_is_no_file_of_the_pages_is_not_found(api: Api, name: str) -> None:
    answer = api.anyone.get(ASSETS + name)
    assert answer.status_code == 404 or answer.content_type.startswith("text/html")
    assert "{%" not in answer.text


def test_a_file_travels_compressed_to_whoever_can_read_that(api: Api) -> None:
    plain = api.anyone.get(f"{ASSETS}main.js")
    packed = api.anyone.get(f"{ASSETS}main.js", headers={"Accept-Encoding": "br, gzip"})
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]


def test_all_the_scripts_and_styles_of_the_first_page_are_small(api: Api) -> None:
    page = Page(api.anyone.get("//").text)
    names = [link.partition(f"{present_version()}/")[2] for link in page.links]
    packed = [asset.packed or asset.content for name in names if (asset := assets().get(name))]
    texts = sum(
        len(content) for name, content in zip(names, packed, strict=False) if not name.endswith(".woff2")
    )
    assert texts < 60_000


class TestPolicy:
    def test_no_script_and_no_style_runs_but_from_here(self, api: Api) -> None:
        policy = dict(
            part.split(" ", 1) for part in api.anyone.get("//").headers["Content-Security-Policy"].split("; ")
        )
        assert policy["default-src"] == "'none'"
        assert (policy["script-src"], policy["style-src"], policy["connect-src"]) == ("'self'",) * 3
        assert policy["require-trusted-types-for"] == "'script'"
        assert "unsafe" not in str(policy)

    def test_the_document_holds_no_script_no_style_and_no_address_of_elsewhere(self, api: Api) -> None:
        text = api.anyone.get("//").text
        page = Page(text)
        assert page.inline == []
        assert "style" not in page.tags
        assert re.findall(r"<script[^>]*>([^<]+)", text) == []
        assert not re.search(r"(https?:)?//\w", text)

    def test_the_camera_is_for_the_pages_alone(self, api: Api) -> None:
        assert "camera=(self)" in api.anyone.get("//").headers["Permissions-Policy"]
        assert "camera=()" in api.anyone.get("/events").headers["Permissions-Policy"]

    @pytest.mark.parametrize("name", OWN_SCRIPTS)
    def test_a_script_of_ours_never_turns_a_text_into_elements(self, name: str) -> None:
        text = assets()[name].content.decode()
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
        )

    @pytest.mark.parametrize("name", OWN_SCRIPTS)
    def test_a_script_of_ours_keeps_no_access_token_anywhere(self, name: str) -> None:
        text = assets()[name].content.decode()
        assert "localStorage" not in text
        assert "document.cookie" not in text
        assert ("sessionStorage" in text) == (name == "session.js")


class TestFiles:
    def test_the_document_leads_to_files_that_are_there(self, api: Api) -> None:
        page = Page(api.anyone.get("//", base_url="https://example.org/").text)
        for link in page.links:
            if "/assets/" in link:
                assert api.anyone.get(f"/{link}").status_code == 200, link

    def test_under_a_prefix_of_a_proxy_the_document_leads_there_too(self) -> None:
        api = Api.fresh(trusted_proxies=1)
        text = api.anyone.get("//", headers={"X-Forwarded-Prefix": "/under"}).text
        assert 'name="evently-root" content="/under"' in text
        assert f'src="/under/app/assets/{present_version()}/main.js"' in text

    @pytest.mark.parametrize("name", [name for name in assets() if name.endswith(".js")])
    def test_every_module_imports_modules_that_are_there(self, name: str) -> None:
        assert [found for found in imports_of(name) if found not in assets()] == []

    def test_every_module_is_imported_by_another(self) -> None:
        imported = {found for name in assets() if name.endswith(".js") for found in imports_of(name)}
        modules = {name for name in assets() if name.endswith(".js")}
        assert modules - imported == {"main.js"}

    def test_what_others_wrote_has_its_licence_and_its_version_beside_it(self) -> None:
        told = assets()["vendor/README.md"].content.decode()
        for licence in [name for name in assets() if PurePosixPath(name).name.startswith("LICENSE")]:
            assert PurePosixPath(licence).name in told
        for name in assets():
            if name.startswith("vendor/") and name.endswith(".js"):
                assert name.split("/")[1] in told
            if name.startswith("fonts/") and name.endswith(".woff2"):
                assert f"fonts/LICENSE-{PurePosixPath(name).name.split('-')[0]}" in assets()
