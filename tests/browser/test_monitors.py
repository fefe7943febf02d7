"""Monitors and guardrails."""

import os
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import ROOT, SCREENSHOTS
from tests.browser.seen import lines
from tests.serving import Serving, serving

_EPISODE = """
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import tracelm
from tests.browser.shop import look_after
from tracelm.sinks import Log, Webhook


class Refusing(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(403)
        self.end_headers()

    def log_message(self, *args):
        pass


def mentions_app(output):
    return "app" in output


@tracelm.op
def answer(text):
    return text


hooks = HTTPServer(("127.0.0.1", 0), Refusing)
Thread(target=hooks.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{hooks.server_port}/"
hook = Webhook(url=url, secret="whsec_" + "A" * 44, name="pager", allow_private=True)
asked = {"score": "mentions_app", "min_n": 5, "resolve_after": None, "to": [Log(), hook]}
low = tracelm.Alert("pass_rate < 0.5", name="app is missing", **asked)
monitor = tracelm.Monitor(name="answers", scorers=[mentions_app], where="op:answer", alerts=[low])
for texts in (["no"] * 8, ["see the app"] * 24):
    tracelm.init("help-desk", patch=False)
    for text in texts:
        answer(text)
    tracelm.shutdown()
    look_after(monitor)
"""


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


def test_while_the_next_answer_is_awaited_an_episode_leads_to_its_traces(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/monitors")
    history = page.get_by_role("table", name="What alerts have said")
    episode = history.get_by_role("row").filter(has_text="app is missing")
    expect(episode).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/api/v1/alerts\?"), hold)
    episode.get_by_role("link", name="Chart").click()
    expect(page).to_have_url(re.compile(r"since=\d{19}&until=\d{19}"))
    expect(episode.get_by_role("link", name="Failed traces")).to_have_attribute("href", re.compile(r"until=\d{19}"))
    assert held
    for route in held:
        route.continue_()


def test_an_alert_that_is_over_says_so_and_a_notice_that_did_not_arrive_says_what_helps(
    page: Page, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    env = os.environ | {"TRACELM_HOME": str(home)}
    subprocess.run([sys.executable, "-c", _EPISODE], cwd=ROOT, env=env, check=True, capture_output=True)
    with serving(home) as server:
        page.goto(f"{server.url}/monitors")
        stands = page.get_by_role("table", name="Where the alerts stand")
        expect(stands.get_by_role("row").filter(has_text="app is missing")).to_contain_text("● ok")
        episode = (
            page.get_by_role("table", name="What alerts have said").get_by_role("row").filter(has_text="app is missing")
        )
        expect(episode).to_have_count(1)
        expect(episode).to_contain_text(re.compile("● over .* after "))
        expect(episode).not_to_contain_text("goes on")
        expect(episode).to_contain_text("log ✓")
        expect(episode).to_contain_text(re.compile("pager ✕ .*403"))
        expect(page.get_by_role("note")).to_contain_text("A notice that did not arrive is not sent again")
        expect(page.get_by_role("note").get_by_role("listitem")).to_contain_text(re.compile("^pager: .*403"))
        page.screenshot(path=SCREENSHOTS / "alert-over.png", animations="disabled")
        episode.get_by_role("link", name="Failed traces").click()
        expect(lines(page)).to_have_count(8)
        page.goto("about:blank")  # which asks the server for nothing when it goes


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
