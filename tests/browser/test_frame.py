"""What stands around all pages: the login, the colours, and what is said when the server is gone."""

import gzip
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import sent
from tests.browser.conftest import Watched
from tests.browser.seen import trace_named
from tests.serving import Serving, make_key, serving
from tracelm.server.pages import STATIC

_REFUSED = "Failed to load resource"


def test_where_a_key_is_needed_it_is_asked_for_and_feedback_is_taken(
    page: Page, tmp_path: Path, watched: dict[str, Watched]
) -> None:
    watched["page"].expected = (_REFUSED,)
    home = tmp_path / "locked"
    key = make_key(home, "read", "ingest", name="ada")
    with serving(home) as locked:
        reply = locked.send(
            sent.request([sent.span("4" * 32, 1, "secret")], project="p"), key=key, content_type="application/json"
        )
        assert reply.status == 200
        page.goto(f"{locked.url}/traces")
        page.get_by_label("API key").fill("tlm_000000000000_" + "x" * 43)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("not known here")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Log in").click()
        trace_named(page, "secret").get_by_role("link").click()
        page.get_by_role("tab", name=re.compile("^Scores")).click()
        form = page.get_by_role("form", name="Score it")
        form.get_by_role("button", name="yes", exact=True).click()
        form.get_by_role("button", name="Save the score").click()
        expect(page.get_by_text("by ada")).to_be_visible()


def test_a_server_that_is_gone_is_said_and_can_be_tried_again(
    page: Page, tmp_path: Path, watched: dict[str, Watched]
) -> None:
    watched["page"].expected = (_REFUSED,)
    with serving(tmp_path / "gone") as running:
        page.goto(running.url)
        page.get_by_role("link", name="Traces", exact=True).click()
        expect(page.get_by_role("heading", name="No traces yet")).to_be_visible()
    page.get_by_role("link", name="Datasets", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("is `tracelm serve` still running?")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_the_switch_of_colours_beats_the_system_and_is_kept(page: Page, server: Serving) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{server.url}/traces")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    switch = page.get_by_role("button", name=re.compile("^Colours: "))
    switch.click()
    switch.click()
    expect(switch).to_have_accessible_name("Colours: dark")
    assert page.evaluate(ground) != light
    page.reload()
    expect(switch).to_have_accessible_name("Colours: dark")
    assert page.evaluate(ground) != light


def test_what_a_browser_loads_first_is_small() -> None:
    loaded = [
        STATIC / "index.html",
        *(path for path in (STATIC / "assets").iterdir() if path.suffix in {".js", ".css"}),
    ]
    assert sum(len(gzip.compress(path.read_bytes())) for path in loaded) < 350_000
