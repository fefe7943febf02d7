"""What somebody does in the web UI, in a real browser against a real server."""

import gzip
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import sent
from tests.browser.conftest import ROOT, SCREENSHOTS, Watched, send
from tests.serving import Serving, make_key, serving
from tracelm.server.pages import STATIC

_AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
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


def lines(page: Page) -> Locator:
    """The lines of the list of traces."""
    return page.locator("[data-trace]")


def spans(page: Page) -> Locator:
    """The lines of the tree."""
    return page.locator("[data-span]")


def trace_named(page: Page, name: str) -> Locator:
    """The lines of traces with this name."""
    return lines(page).filter(has=page.get_by_role("link", name=name, exact=True))


def run_ids(server: Serving) -> tuple[str, str]:
    """The newer run and the older one."""
    newer, older = server.get("/runs").json["items"][:2]
    return newer["run_id"], older["run_id"]


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
            expect(panel.get_by_role("tabpanel")).not_to_be_empty()
            expect(panel.get_by_text("Loading")).to_have_count(0)
        tabs.first.click()
    page.locator(f'[data-span="{2:016x}"]').click()
    expect(panel.get_by_text("U+202E").first).to_be_visible()
    expect(panel.get_by_text("U+E0069").first).to_be_visible()
    expect(panel.get_by_text(re.compile("not shown")).first).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert page.locator("iframe, object, embed, script:not([src]), svg script, img:not([src^='/'])").count() == 0
    hrefs = page.locator("a[href]").evaluate_all("(all) => all.map((each) => each.getAttribute('href'))")
    assert [each for each in hrefs if not each.startswith(("/", "#"))] == []


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
    expect(page.get_by_role("button", name="scored 36")).to_be_visible()
    page.get_by_role("button", name="3", exact=True).click()
    expect(page).to_have_url(re.compile("row=3.0"))
    page.get_by_role("link", name="Open the trace").click()
    expect(page.get_by_role("heading", name="evaluation row").first).to_be_visible()


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


def test_a_session_is_a_thread(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/sessions")
    page.get_by_role("link", name="conversation-1").click()
    turns = page.get_by_role("listitem").filter(has_text="answer")
    expect(turns).to_have_count(3)
    expect(turns.first).to_contain_text("How do I block my card?")


def test_a_dataset_shows_its_versions_and_rows(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/datasets")
    expect(page.get_by_role("heading", name="36 rows")).to_be_visible()
    expect(page.get_by_role("cell", name="What is a card payment?").first).to_be_visible()


def test_where_a_key_is_needed_it_is_asked_for_and_feedback_is_taken(
    page: Page, tmp_path: Path, watched: dict[str, Watched]
) -> None:
    watched["page"].expected = (_REFUSED,)
    home = tmp_path / "locked"
    key = make_key(home, "read", "ingest", name="ada")
    with serving(home) as locked:
        reply = locked.send(
            sent.request([sent.span("4" * 32, 1, "secret")], project="p"), key=key, content_type="application/json"
        )
        assert reply.status == 200
        page.goto(f"{locked.url}/traces")
        page.get_by_label("API key").fill("tlm_000000000000_" + "x" * 43)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("not known here")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Log in").click()
        trace_named(page, "secret").get_by_role("link").click()
        page.get_by_role("tab", name=re.compile("^Scores")).click()
        form = page.get_by_role("form", name="Score it")
        form.get_by_role("button", name="yes", exact=True).click()
        form.get_by_role("button", name="Save the score").click()
        expect(page.get_by_text("by ada")).to_be_visible()


def test_a_server_that_is_gone_is_said_and_can_be_tried_again(
    page: Page, tmp_path: Path, watched: dict[str, Watched]
) -> None:
    watched["page"].expected = (_REFUSED,)
    with serving(tmp_path / "gone") as running:
        page.goto(running.url)
        page.get_by_role("link", name="Traces", exact=True).click()
        expect(page.get_by_role("heading", name="No traces yet")).to_be_visible()
    page.get_by_role("link", name="Datasets", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("is `tracelm serve` still running?")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


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
        "datasets": ("/datasets", "What is a card payment?"),
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_access(page: Page, server: Serving, theme: str) -> None:
    page.emulate_media(color_scheme="light" if theme == "light" else "dark", reduced_motion="reduce")
    SCREENSHOTS.mkdir(exist_ok=True)
    axe = _AXE.read_text(encoding="utf-8")
    faults: dict[str, list[str]] = {}
    for name, (path, text) in _pages(server).items():
        page.goto(server.url + path)
        expect(page.get_by_text(text).first).to_be_visible()
        expect(page.get_by_text("Loading")).to_have_count(0)
        page.screenshot(path=SCREENSHOTS / f"{name}-{theme}.png", animations="disabled")
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
            for each in found["violations"]
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"][:3]
        ]
        if serious:
            faults[name] = serious
    assert faults == {}


def test_the_switch_of_colours_beats_the_system_and_is_kept(page: Page, server: Serving) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{server.url}/traces")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    switch = page.get_by_role("button", name=re.compile("^Colours: "))
    switch.click()
    switch.click()
    expect(switch).to_have_accessible_name("Colours: dark")
    assert page.evaluate(ground) != light
    page.reload()
    expect(switch).to_have_accessible_name("Colours: dark")
    assert page.evaluate(ground) != light


def test_pages_can_be_read_on_a_phone(page: Page, server: Serving) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path, text in _pages(server).values():
        page.goto(server.url + path)
        expect(page.get_by_text(text).first).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_what_a_browser_loads_first_is_small() -> None:
    loaded = [path for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".html"}]
    assert sum(len(gzip.compress(path.read_bytes())) for path in loaded) < 350_000


def test_moments_are_in_the_zone_of_the_user_and_exact_on_hover(empty_server: Serving, page: Page) -> None:
    start = int(time.time()) // 3600 * 3600 * 10**9 + 123_456_789
    span = sent.span("5" * 32, 1, "exact") | {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 5)}
    send(empty_server, sent.request([span], project="p"))
    page.goto(f"{empty_server.url}/traces")
    title = lines(page).first.locator("time").get_attribute("title")
    assert title is not None
    assert re.search(r"\.123456789 (CET|CEST|GMT\+[12])\n.*\.123456789Z$", title, re.DOTALL), title
