"""A trace of 33,000 spans."""

from playwright.sync_api import Page, expect

from tests.browser import sent
from tests.browser.conftest import send
from tests.browser.seen import spans
from tests.serving import Serving


def test_a_trace_of_33000_spans_opens_closes_and_is_walked_to_its_end(page: Page, server: Serving) -> None:
    for body in sent.large_trace():
        send(server, body)
    page.goto(f"{server.url}/traces/{sent.LARGE}")
    expect(spans(page).first).to_contain_text("nightly batch")
    expect(page.get_by_text("33,000 spans", exact=True)).to_be_visible(timeout=120_000)
    assert spans(page).count() < 120
    page.keyboard.press("End")
    expect(page.get_by_role("treeitem", selected=True)).to_contain_text("step")
    assert page.get_by_role("tree").evaluate("(box) => box.scrollTop") > 33_000 * 27 - 2_000
    page.get_by_role("button", name="close all").click()
    expect(spans(page)).to_have_count(21)
    page.get_by_role("button", name="open all").click()
    page.keyboard.press("Home")
    expect(spans(page).first).to_contain_text("nightly batch")
    page.keyboard.press("h")
    expect(spans(page)).to_have_count(1)
