"""Runs, one run, and two side by side."""

import re

from playwright.sync_api import Page, expect

from tests.browser.seen import run_ids
from tests.serving import Serving


def test_runs_have_intervals_and_two_are_compared(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/evaluations")
    run = page.get_by_role("row").filter(has_text="politeness").first
    expect(run).to_contain_text(re.compile(r"0\.\d{3} to 0\.\d{3}"))
    boxes = page.get_by_role("checkbox")
    for index in range(2):
        boxes.nth(index).check()
    page.get_by_role("button", name="Compare").click()
    verdict = page.get_by_role("row", name=re.compile("^politeness better"))
    expect(verdict).to_contain_text("36 / 0 / 0")
    expect(page.get_by_text("Please look into the app").first).to_be_visible()
    page.get_by_role("row").filter(has_text=re.compile(r"^7")).get_by_role("button").click()
    expect(page).to_have_url(re.compile("row=7"))
    expect(page.get_by_text("How do I block my card?").first).to_be_visible()
    page.get_by_role("button", name="Swap").click()
    expect(page.get_by_role("row", name=re.compile("^politeness worse"))).to_be_visible()


def test_a_run_shows_its_rows_and_leads_to_their_traces(page: Page, server: Serving) -> None:
    newer, _ = run_ids(server)
    page.goto(f"{server.url}/evaluations/{newer}")
    expect(page.get_by_role("row", name=re.compile("^mentions_app"))).to_contain_text("36 of 36")
    page.get_by_role("button", name="question", exact=True).click()
    expect(page.get_by_role("table", name="Scores by question")).to_contain_text("Why was my payment refused?")
    expect(page.get_by_role("button", name="scored 36")).to_be_visible()
    page.get_by_role("button", name="3", exact=True).click()
    expect(page).to_have_url(re.compile("row=3.0"))
    page.get_by_role("link", name="Open the trace").click()
    expect(page.get_by_role("heading", name="evaluation row").first).to_be_visible()


def test_scores_over_time_and_points_lead_to_runs_and_rows(page: Page, server: Serving) -> None:
    newer, older = run_ids(server)
    page.goto(f"{server.url}/evaluations")
    chart = page.get_by_role("img", name="politeness: 2 runs")
    box = chart.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    expect(page).to_have_url(re.compile(f"/evaluations/{newer}"))
    page.goto(f"{server.url}/evaluations/compare?run={newer}&baseline={older}&score=politeness")
    points = page.get_by_role("img", name=re.compile("^Rows by politeness")).locator("circle")
    expect(points).to_have_count(3)
    points.last.click()
    expect(page).to_have_url(re.compile("row="))
    expect(page.get_by_text("36 better (100 %)")).to_be_visible()


def test_a_drag_on_an_axis_keeps_the_runs_that_go_through_there(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/evaluations")
    # The charts above come with an answer of their own, and move what stands below.
    expect(page.get_by_role("img", name="politeness: 2 runs")).to_be_visible()
    page.get_by_text("Settings and scores of these runs").click()
    expect(page.get_by_role("img", name="Settings and scores of 2 of 2 runs")).to_be_visible()
    axis = page.locator('[data-axis="politeness"]').bounding_box()
    assert axis is not None
    middle = axis["x"] + axis["width"] / 2
    page.mouse.move(middle, axis["y"] + 2)
    page.mouse.down()
    page.mouse.move(middle, axis["y"] + axis["height"] / 3)
    page.mouse.up()
    expect(page.get_by_role("img", name="Settings and scores of 1 of 2 runs")).to_be_visible()
    page.get_by_role("button", name="1 of 2 runs; show all").click()
    expect(page.get_by_role("img", name="Settings and scores of 2 of 2 runs")).to_be_visible()
