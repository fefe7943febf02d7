"""What strangers wrote is text, however it is made."""

import os
import re
import subprocess
import sys
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.browser import sent
from tests.browser.conftest import ROOT
from tests.browser.seen import lines, run_ids, spans
from tests.serving import Serving

_EVALUATION = """
import os, sys, tracelm
from tests.browser.sent import INJECTIONS

def echo(text: str) -> dict[str, str]:
    return {text[:200]: text}

def label(text: str) -> str:
    return text[:900]

tracelm.init(INJECTIONS[1], patch=False)
rows = [{"text": each, INJECTIONS[2]: each} for each in INJECTIONS]
for name in (INJECTIONS[0], INJECTIONS[0]):
    tracelm.Evaluation(name=name, dataset=tracelm.Dataset(name=INJECTIONS[3], rows=rows), scorers=[label]).run(echo)
tracelm.shutdown()
"""


def _nothing_ran(page: Page) -> None:
    """No script, frame or foreign picture came out of a record, and no link leads away."""
    assert page.evaluate("window.hacked") is None
    assert page.locator("iframe, object, embed, script:not([src]), svg script, img:not([src^='/'])").count() == 0
    hrefs = page.locator("a[href]").evaluate_all("(all) => all.map((each) => each.getAttribute('href'))")
    assert [each for each in hrefs if not each.startswith(("/", "#"))] == []


def test_hostile_content_is_only_text(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces?project=%3Cb%3Ehostile%3C/b%3E")
    expect(lines(page)).to_have_count(1)
    expect(lines(page).first).to_contain_text("<script>window.hacked = 1</script>")
    page.goto(f"{server.url}/traces/{sent.HOSTILE}")
    expect(spans(page)).to_have_count(4)
    panel = page.get_by_role("region", name="The chosen span")
    for number in range(1, 5):
        page.locator(f'[data-span="{number:016x}"]').click()
        expect(panel).to_contain_text(f"{number:016x}")
        tabs = panel.get_by_role("tab")
        for index in range(tabs.count()):
            tabs.nth(index).click()
            # The one that goes is still there for a moment.
            expect(panel.locator('[role="tabpanel"]:not([inert])')).not_to_be_empty()
            expect(panel.get_by_text("Loading")).to_have_count(0)
        tabs.first.click()
    page.locator(f'[data-span="{2:016x}"]').click()
    expect(panel.get_by_text("U+202E").first).to_be_visible()
    expect(panel.get_by_text("U+E0069").first).to_be_visible()
    expect(panel.get_by_text(re.compile("not shown")).first).to_be_visible()
    _nothing_ran(page)


def test_a_deep_value_opens_and_a_wide_one_is_searched(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/traces/{sent.HOSTILE}?span=%3Cb%3Ehostile%3C/b%3E/{4:016x}")
    panel = page.get_by_role("region", name="The chosen span")
    panel.get_by_role("button", name=re.compile("^Load all of it")).click()
    expect(panel.get_by_text("20,000 items")).to_be_visible()
    panel.get_by_role("searchbox").fill("19999")
    expect(panel.get_by_text("1 match", exact=True)).to_be_visible()
    expect(panel.get_by_text("19999.n", exact=True)).to_be_visible()
    page.locator(f'[data-span="{3:016x}"]').click()
    for _ in range(4):
        panel.get_by_role("button", name="[ 1 item ]", expanded=False).last.click()
    assert panel.get_by_role("button", name="[ 1 item ]").count() >= 6


def test_hostile_content_is_only_text_in_lists_queues_datasets_and_scores(page: Page, server: Serving) -> None:
    project = "<b>hostile</b>"
    for name in sent.INJECTIONS[:4]:
        call = {"trace_id": sent.HOSTILE, "span_id": f"{1:016x}", "project": project}
        score = {**call, "name": name, "value": name, "explanation": name, "author": name, "source": "sdk"}
        assert server.post("/scores", score).status == 201
        rows = {"calls": [{"trace_id": server.get("/traces", where="name:answer").json["items"][0]["trace_id"]}]}
        assert server.post(f"/datasets/{quote(name, safe='')}/rows", rows | {"note": name}).status == 201
    columns = "start,input,output,project,session,user,release,environment,tags,cost"
    judge, scale = quote(sent.INJECTIONS[0]), quote(sent.INJECTIONS[1])
    every = {
        f"/traces?project={quote(project)}&columns={columns}": sent.INJECTIONS[0],
        f"/annotate?project={quote(project)}&score=x&judge={judge}&scale={scale}": "1 of 1",
        f"/datasets?name={quote(sent.INJECTIONS[0])}": "question",
        f"/monitors?project={quote(project)}": "Nothing",
        f"/?project={quote(project)}": "Scores over time",
        f"/sessions?project={quote(project)}": sent.INJECTIONS[1],
        f"/sessions/{quote(sent.INJECTIONS[1], safe='')}": sent.INJECTIONS[0],
        f"/traces/{sent.HOSTILE}?tab=verdicts": "Score it",
        f"/evaluations?name={quote(sent.INJECTIONS[1])}": "No evaluation run here",
    }
    for path, text in every.items():
        page.goto(server.url + path)
        expect(page.get_by_text(text).first).to_be_visible()
        _nothing_ran(page)


def test_hostile_rows_of_an_evaluation_are_only_text(empty_server: Serving, page: Page) -> None:
    env = os.environ | {"TRACELM_HOME": str(empty_server.home)}
    subprocess.run([sys.executable, "-c", _EVALUATION], cwd=ROOT, env=env, check=True)
    newer, older = run_ids(empty_server)
    every = {
        "/evaluations": sent.INJECTIONS[0],
        f"/evaluations/{newer}?row=0.0": "Open the trace",
        f"/evaluations/compare?run={newer}&baseline={older}": "No score",
        f"/annotate?run={newer}&judge=label": "1 of 15",
    }
    for path, text in every.items():
        page.goto(empty_server.url + path)
        expect(page.get_by_text(text).first).to_be_visible()
        _nothing_ran(page)
    page.keyboard.press("y")
    expect(page.get_by_role("region", name="Judged in this sitting: 1")).to_contain_text("<script>")
    _nothing_ran(page)
