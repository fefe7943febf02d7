"""A trace of 33,000 spans."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, Response, expect

from tests.browser import sent
from tests.browser.conftest import send
from tests.browser.seen import spans
from tests.serving import Serving


def test_a_trace_of_33000_spans_opens_closes_and_is_walked_to_its_end(page: Page, server: Serving) -> None:
    for body in sent.large_trace():
        send(server, body)
    came: list[Response] = []
    page.on("response", lambda each: came.append(each) if f"/traces/{sent.LARGE}" in each.url else None)
    page.goto(f"{server.url}/traces/{sent.LARGE}")
    expect(spans(page).first).to_contain_text("nightly batch")
    expect(page.get_by_text("33,000 spans", exact=True)).to_be_visible(timeout=120_000)
    assert spans(page).count() < 120

    # The first line waits for one small answer; then come the places of all spans, and no line that is not seen.
    expect(
        page.get_by_role("region", name="The chosen span").get_by_role("heading", name="nightly batch")
    ).to_be_visible()
    asked = {urlsplit(each.url).path.removeprefix(f"/api/v1/traces/{sent.LARGE}"): each for each in came[1:]}
    assert list(asked)[:1] == [""]
    assert set(asked) == {"", "/outline", f"/spans/{1:016x}"}
    assert len(asked[""].body()) < 100_000
    assert len(asked["/outline"].body()) < 1_000_000

    page.keyboard.press("End")
    last = page.get_by_role("treeitem", selected=True)
    expect(last).to_contain_text("step 8421")
    assert page.get_by_role("tree").evaluate("(box) => box.scrollTop") > 33_000 * 27 - 2_000
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    lines = [each for each in came if urlsplit(each.url).path.endswith("/lines")]
    assert 1 <= len(lines) <= 3
    page.get_by_role("button", name="close all").click()
    expect(spans(page)).to_have_count(21)
    expect(spans(page).last).to_contain_text("step 21")
    page.get_by_role("button", name="open all").click()
    page.keyboard.press("Home")
    expect(spans(page).first).to_contain_text("nightly batch")
    page.keyboard.press("h")
    expect(spans(page)).to_have_count(1)


def test_a_span_deep_in_a_large_trace_is_shown_where_its_address_says(empty_server: Serving, page: Page) -> None:
    for body in sent.large_trace(3_000):
        send(empty_server, body)
    page.goto(f"{empty_server.url}/traces/{sent.LARGE}?span=batch/{2_900:016x}")
    chosen = page.get_by_role("treeitem", selected=True)
    expect(chosen).to_contain_text("step 2900")
    page.keyboard.press("K")
    expect(chosen).to_contain_text("step 2899")
    for _ in range(2):
        page.keyboard.press("J")
    expect(chosen).to_contain_text("step 2901")
    page.keyboard.press("J")  # the last one in its parent
    expect(chosen).to_contain_text("step 2901")
