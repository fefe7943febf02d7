"""The figures of the first page."""

import re

from playwright.sync_api import Page, expect

from tests.browser.seen import lines
from tests.serving import Serving


def test_scores_over_time_are_those_of_what_runs_and_lead_to_the_traces_that_failed(
    page: Page, server: Serving
) -> None:
    page.goto(server.url)
    chart = page.get_by_role("img", name="mentions_app, share that passes: 8 scores")
    expect(chart).to_be_visible()
    expect(page.get_by_role("img", name="politeness, mean: 8 scores")).to_be_visible()
    chart.scroll_into_view_if_needed()
    bar = chart.locator("rect.fill-accent-weak").last.bounding_box()
    assert bar is not None
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    expect(page).to_have_url(re.compile(r"where=score\.mentions_app%3Afailed"))
    expect(lines(page)).to_have_count(8)


def test_a_bar_of_the_home_page_leads_to_the_traces_behind_it(page: Page, server: Serving) -> None:
    page.goto(server.url)
    chart = page.get_by_role("img", name=re.compile("^Traces: "))
    expect(chart).to_be_visible()
    bar = chart.locator("rect.fill-accent-weak").first.bounding_box()
    assert bar is not None
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    expect(page).to_have_url(re.compile(r"/traces\?.*since=\d{19}&until=\d{19}"))
    expect(lines(page).first).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="smollm2-135m").click()
    expect(page.get_by_role("combobox", name="Filter")).to_have_value('model:"smollm2-135m"')
    expect(lines(page)).to_have_count(8)
