"""A real Chromium in front of a real server on a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from evently_wiring.application import open_application
from evently_wiring.settings import Settings
from tests.pages.site import Site, Visit, Visitor
from tests.servers import MakeDatabase
from tests.serving.test_serve import free_port, until

CHROMIUM = ["--disable-dev-shm-usage", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]

expect.set_options(timeout=120_000)  # machines differ in speed


@pytest.fixture(scope="session")
def chromium() -> str:
    """The Chromium of this machine. Without one the tests are skipped, but in CI they fail."""
    named = os.environ.get("EVENTLY_TEST_CHROMIUM")
    found = (
        named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    )
    if found is None:
        message = "no Chromium: install Debian's package chromium, or name one in EVENTLY_TEST_CHROMIUM"
        if "CI" in os.environ:
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses to run as root with one
    browser = playwright.chromium.launch(executable_path=chromium, args=[*sandbox, *CHROMIUM])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def site(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`evently serve` in a process of its own, and the use cases over the same database."""
    url, port, folder = make_database(), free_port(), tmp_path_factory.mktemp("site")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENTLY_")}
    environment |= {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "EVENTLY_DATABASE_URL": url,
        "EVENTLY_ADMIN_EMAIL": "root@example.org",
        "EVENTLY_ADMIN_PASSWORD": "a long enough secret",
        "EVENTLY_DATA_DIR": str(folder),
        # All visitors come from one address, and log in more often than somebody does who means it.
        "EVENTLY_RATE_LIMIT": "off",
        "EVENTLY_RATE_LIMIT_LOGIN": "off",
    }
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-m", "evently_cli.main", "serve", "--workers", "1", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        with open_application(Settings.from_environment(environment), url, pool_size=2) as application:
            site = Site(f"http://127.0.0.1:{port}", application)
            until(site.is_ready)
            yield site
    finally:
        process.terminate()
        process.wait(timeout=120)


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Visit]:
    """Open the site as many times as a test wants; afterwards no page may have complained."""
    opened: list[Visitor] = []

    def visit(**context: Any) -> Visitor:
        opened.append(Visitor(browser, site.address, **context))
        return opened[-1]

    yield visit
    complaints = [complaint for visitor in opened for complaint in visitor.complaints]
    for visitor in opened:
        visitor.leave()
    assert complaints == []
