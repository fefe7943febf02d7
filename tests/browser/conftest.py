"""A real Chromium in front of a real server. These tests run in processes of their own: `make test-ui`.

Playwright's loop and those of other tests do not go together in one process.
"""

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.browser import sent
from tests.browser.chromium import NoBrowserError, launch
from tests.serving import Serving, serving
from tracelm.server.pages import STATIC

ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).resolve().parent
SCREENSHOTS = ROOT / ".screenshots"
expect.set_options(timeout=30_000)
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave these tests out of a run that does not name them."""
    named = [Path(each.partition("::")[0]).resolve() for each in config.args]
    return None if any(each.is_relative_to(_HERE) for each in named) else True


def shop(home: Path) -> None:
    """Fill the store of `home` with what a program recorded."""
    env = os.environ | {"TRACELM_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "tests.browser.shop"], cwd=ROOT, env=env, check=True, capture_output=True)


def send(server: Serving, body: bytes) -> None:
    """Send an OTLP request that the server shall take whole."""
    reply = server.send(body, content_type="application/json")
    assert (reply.status, reply.json) == (200, {}), reply.body


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    """A server with a help desk's records, an agent's trace and a hostile one."""
    if not (STATIC / "index.html").is_file():
        pytest.exit("the web UI is not built: run `make web`, or `make test-ui`", returncode=1)
    home = tmp_path_factory.mktemp("shop")
    shop(home)
    with serving(home) as running:
        send(running, sent.request(sent.agent_trace(), project="help-desk"))
        send(running, sent.request(sent.hostile_trace(), project="<b>hostile</b>"))
        yield running


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[Serving]:
    """A server that has nothing yet."""
    with serving(tmp_path / "empty") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """One browser for all tests."""
    with sync_playwright() as playwright:
        try:
            started = launch(playwright)
        except NoBrowserError as error:
            pytest.exit(str(error), returncode=1)
        yield started
        started.close()


class Watched:
    """What pages complained about, or asked of other hosts."""

    def __init__(self, context: BrowserContext) -> None:
        self.errors: list[str] = []
        self.expected: tuple[str, ...] = ()
        """Beginnings of what may be complained about: a request that the test wants refused."""
        self.foreign: list[str] = []
        context.add_init_script(_WATCH)
        context.on("page", self._watch)

    def _watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(self.expected or ("\0",)):
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname != "127.0.0.1":
            self.foreign.append(request.url)


@pytest.fixture
def watched() -> dict[str, Watched]:
    """The watcher of the page under test, by the name `page`."""
    return {}


@pytest.fixture
def page(browser: Browser, watched: dict[str, Watched]) -> Iterator[Page]:
    """A page of 1280 × 720; the test fails if it breaks its policy, writes an error or asks another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="en-GB", timezone_id="Europe/Paris")
    context.set_default_timeout(30_000)
    seen = watched["page"] = Watched(context)
    opened = context.new_page()
    yield opened
    violations: list[Any] = opened.evaluate("window.violations ?? []")
    context.close()
    assert (violations, seen.errors, seen.foreign) == ([], [], [])
