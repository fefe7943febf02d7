"""One trace, and the span that is chosen."""

import os
import re
import subprocess
import sys

from playwright.sync_api import Page, expect

from tests.browser import sent
from tests.browser.seen import lines, spans
from tests.serving import Serving

_SLOW = """
import sys, tracelm
tracelm.init("slow", patch=False)
@tracelm.op
def wait_for_line() -> str:
    print("begun", flush=True)
    return sys.stdin.readline()
wait_for_line()
tracelm.shutdown()
"""


def test_a_span_is_in_flight_until_it_ends_and_lost_when_its_process_dies(empty_server: Serving, page: Page) -> None:
    env = os.environ | {"TRACELM_HOME": str(empty_server.home)}
    command = [sys.executable, "-c", _SLOW]
    running, doomed = (
        subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    )
    try:
        for process in (running, doomed):
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
        page.goto(f"{empty_server.url}/traces")
        expect(lines(page).filter(has_text="in flight")).to_have_count(2)
        doomed.kill()
        doomed.wait()
        lost = lines(page).filter(has_text="lost")
        expect(lost).to_have_count(1)
        lines(page).filter(has_text="in flight").get_by_role("link").click()
        expect(page.get_by_text("This span has not ended")).to_be_visible()
        running.communicate("done\n")
        expect(page.get_by_text("This span has not ended")).to_have_count(0)
        expect(page.get_by_text("done").first).to_be_visible()
        page.keyboard.press("Escape")
        lost.get_by_role("link").click()
        expect(page.get_by_text("The process died before this span ended")).to_be_visible()
    finally:
        for process in (running, doomed):
            process.kill()
            process.wait()


def test_a_conversation_with_a_model_is_shown_as_one(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces/{sent.AGENT}?span=help-desk/{6:016x}")
    panel = page.get_by_role("region", name="The chosen span")
    expect(panel.get_by_text("You help with orders")).to_be_visible()
    roles = panel.locator("article > header > span:first-child")
    expect(roles).to_have_text(["system", "user", "assistant", "tool", "assistant"])
    picture = panel.locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("(each) => each.naturalWidth") == 160
    expect(panel.get_by_text("look_up_order")).to_be_visible()
    expect(panel.get_by_text("JD-0042", exact=True)).to_be_visible()
    reasoning = panel.get_by_text("I look the order up first")
    expect(reasoning).not_to_be_visible()
    panel.get_by_text(re.compile("^Reasoning")).click()
    expect(reasoning).to_be_visible()


def test_a_failed_span_shows_its_exception_and_a_model_call_its_tokens(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces/{sent.AGENT}")
    page.locator(f'[data-span="{4:016x}"]').click()
    panel = page.get_by_role("region", name="The chosen span")
    expect(panel.get_by_text("the parcel service did not answer").first).to_be_visible()
    panel.get_by_role("tab", name="Events 1").click()
    expect(panel.get_by_text('File "agent.py", line 12, in track')).to_be_visible()
    page.locator(f'[data-span="{2:016x}"]').click()
    panel.get_by_role("tab", name="Cost").click()
    expect(panel.get_by_role("row", name=re.compile("of which for reasoning"))).to_contain_text("128")
    expect(panel.get_by_role("row", name=re.compile("of which read from the cache"))).to_contain_text("1,024")


def test_a_cost_is_told_bucket_by_bucket_with_its_rule(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces?where=name:answer&sort=start")
    lines(page).first.get_by_role("link").click()
    spans(page).filter(has_text="chat smollm2-135m").click()
    page.get_by_role("tab", name="Cost").click()
    expect(page.get_by_role("row", name=re.compile("^output"))).to_contain_text("$0.04 per million")
    expect(page.get_by_text("user:smollm2-135m")).to_be_visible()


def test_a_guardrail_that_refused_is_seen_in_the_tree_and_explained(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces?where=name:write_mail+status:error")
    lines(page).first.get_by_role("link").click()
    expect(spans(page).first).to_contain_text("guarded")
    page.get_by_role("tab", name=re.compile("^Scores")).click()
    panel = page.get_by_role("region", name="The chosen span")
    expect(panel.get_by_text("block", exact=True)).to_be_visible()
    expect(panel.get_by_text(re.compile(r"^CARD \d+–\d+$")).first).to_be_visible()


def test_somebody_scores_a_span_and_is_its_author(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces?where=name:answer&sort=start")
    lines(page).first.get_by_role("link").click()
    page.get_by_role("tab", name=re.compile("^Scores")).click()
    form = page.get_by_role("form", name="Score it")
    expect(form.get_by_role("button", name="Save the score")).to_be_disabled()
    form.get_by_label("What is judged").fill("helpful")
    form.get_by_label("Author").fill("Ada")
    form.get_by_role("button", name="no", exact=True).click()
    form.get_by_label(re.compile("^Why")).fill("It explains another thing.")
    form.get_by_role("button", name="Save the score").click()
    expect(page.get_by_text("by Ada")).to_be_visible()
    expect(page.get_by_text("It explains another thing.")).to_be_visible()
    [score] = server.get("/scores", name="helpful").json["items"]
    assert (score["author"], score["label"], score["source"]) == ("Ada", "false", "human")
