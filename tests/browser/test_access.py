"""Every page, in both colours and on a phone; the pictures are kept."""

from collections.abc import Mapping

import pytest
from playwright.sync_api import Page, expect

from tests.browser import sent
from tests.browser.conftest import SCREENSHOTS
from tests.browser.seen import run_ids, serious_faults
from tests.serving import Serving


def _pages(server: Serving) -> Mapping[str, tuple[str, str]]:
    """The address of each page, and a text that is there when it is complete."""
    newer, older = run_ids(server)
    refused = server.get("/traces", where="name:write_mail status:error").json["items"][0]["trace_id"]
    return {
        "home": ("/", "look_up_order"),
        "traces": ("/traces?project=help-desk", "evaluation row"),
        "trace": (f"/traces/{sent.AGENT}?span=help-desk/{6:016x}", "was sent two days ago"),
        "verdicts": (f"/traces/{refused}?tab=verdicts", "Score it"),
        "sessions": ("/sessions", "conversation-1"),
        "session": ("/sessions/conversation-1", "How do I block my card?"),
        "evaluations": ("/evaluations", " to 1.000"),
        "run": (f"/evaluations/{newer}?row=1.0", "Open the trace"),
        "compare": (f"/evaluations/compare?run={newer}&baseline={older}", "Open the trace"),
        "datasets": ("/datasets?name=help-desk", "What is a card payment?"),
        "settings": ("/settings", "without a key"),
        "annotate-rows": (f"/annotate?run={newer}&judge=mentions_app&score=kind", "Please look into the app"),
        "annotate": ("/annotate?where=name:answer&judge=mentions_app&score=kind", "Judged in this sitting"),
        "monitors": ("/monitors", "PHONE, CARD"),
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_access(page: Page, server: Serving, theme: str) -> None:
    page.emulate_media(color_scheme="light" if theme == "light" else "dark", reduced_motion="reduce")
    SCREENSHOTS.mkdir(exist_ok=True)
    faults: dict[str, list[str]] = {}
    for name, (path, text) in _pages(server).items():
        page.goto(server.url + path)
        expect(page.get_by_text(text).first).to_be_visible()
        expect(page.get_by_text("Loading")).to_have_count(0)
        page.screenshot(path=SCREENSHOTS / f"{name}-{theme}.png", animations="disabled")
        if serious := serious_faults(page):
            faults[name] = serious
    assert faults == {}


def test_pages_can_be_read_on_a_phone(page: Page, server: Serving) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path, text in _pages(server).values():
        page.goto(server.url + path)
        expect(page.get_by_text(text).first).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
