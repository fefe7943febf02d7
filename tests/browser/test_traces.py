"""The list of traces."""

import os
import re
import subprocess
import sys
import time

from playwright.sync_api import Page, expect

from tests.browser import sent
from tests.browser.conftest import Watched, send
from tests.browser.seen import lines, trace_named
from tests.serving import Serving

_REFUSED = "Failed to load resource"
_PROGRAM = """
import tracelm

tracelm.init("my-project")

@tracelm.op
def answer(question: str) -> str:
    return f"You asked: {question}"

answer("Does it work?")
tracelm.shutdown()
"""


def test_a_newcomer_sees_his_first_trace_appear_and_opens_it(empty_server: Serving, page: Page) -> None:
    page.goto(f"{empty_server.url}/traces")
    expect(page.get_by_role("heading", name="No traces yet")).to_be_visible()
    shown = page.locator("pre").inner_text()
    assert "tracelm.init" in shown
    subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=os.environ | {"TRACELM_HOME": str(empty_server.home)}, check=True
    )
    line = trace_named(page, "answer")
    expect(line).to_have_count(1)
    line.get_by_role("link").click()
    expect(page.get_by_role("heading", name="answer").first).to_be_visible()
    expect(page.get_by_text("Does it work?").first).to_be_visible()
    expect(page.get_by_text("You asked: Does it work?")).to_be_visible()


def test_the_code_for_newcomers_runs_as_it_is_shown(empty_server: Serving, page: Page) -> None:
    page.goto(f"{empty_server.url}/traces")
    shown = page.locator("pre").inner_text()
    env = os.environ | {"TRACELM_HOME": str(empty_server.home)}
    subprocess.run([sys.executable, "-c", shown], env=env, check=True)
    expect(trace_named(page, "answer")).to_have_count(1)


def test_a_filter_is_completed_applied_and_stands_in_the_address(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces")
    expect(lines(page).first).to_be_visible()
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Filter")
    expect(box).to_be_focused()
    expect(page.get_by_role("option", name="status").first).to_be_visible()
    page.keyboard.type("stat")
    expect(page.get_by_role("option").first).to_contain_text("status")
    page.keyboard.press("Tab")
    expect(box).to_have_value(re.compile("^status"))
    box.fill("status:error name:look*")
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"where=status%3Aerror\+name%3Alook"))
    expect(lines(page)).to_have_count(3)
    page.go_back()
    expect(box).to_have_value("")
    page.go_forward()
    expect(box).to_have_value("status:error name:look*")


def test_a_filter_that_cannot_be_read_is_marked_where_it_is_bad(
    page: Page, server: Serving, watched: dict[str, Watched]
) -> None:
    watched["page"].expected = (_REFUSED,)
    page.goto(f"{server.url}/traces")
    box = page.get_by_role("combobox", name="Filter")
    box.fill("status:error latenc>2s")
    box.press("Enter")
    expect(page.get_by_test_id("bad-spot")).to_have_text("latenc")
    expect(page.get_by_role("alert")).to_contain_text("did you mean latency")
    expect(box).to_have_attribute("aria-invalid", "true")


def test_sorting_and_projects_stand_in_the_address(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces")
    page.get_by_role("button", name="Duration").click()
    expect(page).to_have_url(re.compile("sort=-latency"))
    expect(page.get_by_role("columnheader", name="Duration")).to_have_attribute("aria-sort", "descending")
    expect(lines(page).first).to_contain_text("invoke_agent desk")
    page.get_by_role("combobox", name="Project").click()
    page.get_by_role("option", name="help-desk").click()
    expect(page).to_have_url(re.compile("project=help-desk"))
    expect(lines(page).first).to_contain_text("invoke_agent desk")
    page.get_by_role("link", name="Evaluations").click()
    expect(page).to_have_url(re.compile("project=help-desk"))


def test_the_keyboard_leads_through_the_list_into_a_trace_and_back(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces?where=name:look*")
    expect(lines(page)).to_have_count(21)
    for key in ("j", "j", "k", "j", "Enter"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("/traces/[0-9a-f]{32}"))
    expect(page.get_by_role("tree")).to_be_visible()
    expect(page).to_have_title("Traces · tracelm")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/traces\?where=name%3Alook\*$"))
    expect(lines(page).nth(1)).to_have_class(re.compile("bg-chosen"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next, previous line")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_paused_updates_wait_until_they_are_resumed(empty_server: Serving, page: Page) -> None:
    send(empty_server, sent.request([sent.span("1" * 32, 1, "first")], project="live"))
    page.goto(f"{empty_server.url}/traces")
    expect(lines(page)).to_have_count(1)
    button = page.get_by_role("button", name=re.compile("^Live$"))
    expect(button).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Paused")).to_be_visible()
    send(empty_server, sent.request([sent.span("2" * 32, 1, "second")], project="live"))
    assert len(empty_server.get("/traces").json["items"]) == 2
    expect(lines(page)).to_have_count(1)
    page.get_by_role("button", name="Paused").click()
    expect(trace_named(page, "second")).to_have_count(1)
    send(empty_server, sent.request([sent.span("3" * 32, 1, "third")], project="live"))
    expect(trace_named(page, "third")).to_have_count(1)


def test_moments_are_in_the_zone_of_the_user_and_exact_on_hover(empty_server: Serving, page: Page) -> None:
    start = int(time.time()) // 3600 * 3600 * 10**9 + 123_456_789
    span = sent.span("5" * 32, 1, "exact") | {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 5)}
    send(empty_server, sent.request([span], project="p"))
    page.goto(f"{empty_server.url}/traces")
    title = lines(page).first.locator("time").get_attribute("title")
    assert title is not None
    assert re.search(r"\.123456789 (CET|CEST|GMT\+[12])\n.*\.123456789Z$", title, re.DOTALL), title
