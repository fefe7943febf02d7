"""Monitors and guardrails."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.seen import lines
from tests.serving import Serving


def test_a_monitor_leads_to_the_traces_that_failed(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/monitors")
    chart = page.get_by_role("img", name="mentions_app, share that passes: 8 verdicts")
    expect(chart).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^smollm2-135m mentions_app 8 0 %"))).to_be_visible()
    bar = chart.locator("rect.fill-accent-weak").last.bounding_box()
    assert bar is not None
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    expect(page).to_have_url(re.compile(r"where=score\.mentions_app%3Afailed"))
    expect(lines(page).first).to_be_visible()
    page.go_back()
    worst = page.get_by_role("listitem").filter(has_text="How do I block my card?")
    expect(worst).to_contain_text("2 failures")
    worst.get_by_role("link").first.click()
    expect(page.get_by_role("tree")).to_be_visible()


def test_an_alert_is_an_episode_that_leads_to_the_chart_and_to_what_failed(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/monitors")
    stands = page.get_by_role("table", name="Where the alerts stand")
    expect(stands.get_by_role("row", name=re.compile("^critical app is missing"))).to_contain_text("▲ firing")
    expect(stands.get_by_role("row", name=re.compile("^warning error_rate > 0.5 mentions_app"))).to_contain_text("● ok")
    history = page.get_by_role("table", name="What alerts have said")
    episode = history.get_by_role("row").filter(has_text="app is missing")
    expect(episode).to_contain_text("▲ goes on")
    expect(episode).to_contain_text(re.compile(r"0 \(0 to 0\.\d+\) from 8"))
    expect(episode).to_contain_text("log ✓")
    episode.get_by_role("link", name="Chart").click()
    expect(page).to_have_url(re.compile(r"/monitors\?.*since=\d{19}&until=\d{19}"))
    expect(page.get_by_role("img", name="mentions_app, share that passes: 8 verdicts")).to_be_visible()
    episode.get_by_role("link", name="Failed traces").click()
    expect(page).to_have_url(re.compile(r"where=score\.mentions_app%3Afailed"))
    expect(lines(page)).to_have_count(8)


def test_guardrails_show_what_they_stopped_and_what_they_would_have(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/monitors")
    expect(page.get_by_role("row", name=re.compile(r"^pii 2 1 0 0 0 1 "))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(r"^short 2 0 0 0 2 0 "))).to_be_visible()
    stopped = page.get_by_role("row").filter(has_text="PHONE, CARD")
    expect(stopped).to_contain_text("stopped")
    stopped.get_by_role("link").click()
    expect(page.get_by_role("region", name="The chosen span").get_by_text("block", exact=True)).to_be_visible()


def test_a_chart_is_taken_away_as_a_table_and_as_a_picture(page: Page, server: Serving, tmp_path: Path) -> None:
    page.goto(f"{server.url}/monitors")
    figure = page.get_by_role("figure").filter(has_text="mentions_app, share that passes")
    with page.expect_download() as table:
        figure.get_by_role("button", name="CSV").click()
    table.value.save_as(tmp_path / "table.csv")
    head, *windows = (tmp_path / "table.csv").read_text().splitlines()
    assert head == "start_ns,version,mean,low,high,n"
    assert sum(int(each.split(",")[-1]) for each in windows) == 8
    with page.expect_download() as picture:
        figure.get_by_role("button", name="PNG").click()
    picture.value.save_as(tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
