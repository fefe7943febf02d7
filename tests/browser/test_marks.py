"""What is done with traces that somebody marked, and with the span that is chosen."""

import ast
import csv
import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

import tracelm
from tests.browser import sent
from tests.browser.conftest import Watched, send
from tests.browser.seen import lines
from tests.serving import Serving


def _two_answers(server: Serving) -> None:
    for number, question in enumerate(("hours", "prices"), start=1):
        of = {"tracelm.op.name": "answer", "input.value": json.dumps({"question": question}), "output.value": '"see"'}
        of |= {"code.function.name": "answer", "code.file.path": "/srv/desk.py", "user.id": f"user {number}"}
        trace = [sent.span(f"{number}" * 32, number, "answer", from_ms=number, of=of)]
        send(server, sent.request(trace, project="desk"))


def test_marked_traces_become_rows_scores_and_files(empty_server: Serving, page: Page, tmp_path: Path) -> None:
    _two_answers(empty_server)
    page.goto(f"{empty_server.url}/traces")
    expect(lines(page)).to_have_count(2)
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    bar = page.get_by_role("toolbar", name="Marked traces")
    expect(bar).to_contain_text("2 traces marked")

    bar.get_by_role("button", name="Add to a dataset").click()
    form = page.get_by_role("form", name="Add to a dataset")
    form.get_by_label(re.compile("^Dataset")).fill("golden")
    form.get_by_role("button", name="Add", exact=True).click()
    expect(form.get_by_text("2 rows added.")).to_be_visible()
    page.keyboard.press("Escape")
    rows = empty_server.get("/datasets/golden/versions/v0").json["rows"]["items"]
    assert {each["columns"]["question"] for each in rows} == {"hours", "prices"}

    bar.get_by_role("button", name="Score").click()
    form = page.get_by_role("form", name="Score it")
    form.get_by_role("button", name="yes", exact=True).click()
    form.get_by_role("button", name="Save 2 scores").click()
    expect(form.get_by_text("Saved.")).to_be_visible()
    page.keyboard.press("Escape")
    assert {each["trace_id"] for each in empty_server.get("/scores").json["items"]} == {"1" * 32, "2" * 32}

    with page.expect_download() as exported:
        bar.get_by_role("link", name="OTLP lines").click()
    exported.value.save_as(tmp_path / "spans.jsonl")
    with tracelm.open_store(f"sqlite:///{tmp_path}/other.db") as store:
        assert store.maintenance.import_(tmp_path / "spans.jsonl").spans == 2
    with page.expect_download() as table:
        bar.get_by_role("button", name="CSV").click()
    table.value.save_as(tmp_path / "traces.csv")
    with (tmp_path / "traces.csv").open(newline="") as file:
        assert [each["trace_id"][0] for each in csv.DictReader(file)] == ["2", "1"]
    bar.get_by_role("button", name="Clear the marks").click()
    expect(bar).to_have_count(0)


def test_a_whole_trace_is_scored_and_added_to_a_dataset_from_its_head(empty_server: Serving, page: Page) -> None:
    _two_answers(empty_server)
    page.goto(f"{empty_server.url}/traces/{'1' * 32}")
    page.get_by_role("button", name="Score the trace").click()
    form = page.get_by_role("dialog").get_by_role("form", name="Score it")
    form.get_by_label("Author").fill("Ada")
    form.get_by_role("button", name="yes", exact=True).click()
    form.get_by_role("button", name="Save the score").click()
    expect(form.get_by_text("Saved.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("treeitem")).to_contain_text("1 score")
    [score] = empty_server.get("/scores").json["items"]
    assert (score["author"], score["span_id"]) == ("Ada", f"{1:016x}")
    page.get_by_role("button", name="Add to a dataset").first.click()
    form = page.get_by_role("dialog").get_by_role("form", name="Add to a dataset")
    form.get_by_label(re.compile("^Dataset")).fill("golden")
    form.get_by_role("button", name="Add", exact=True).click()
    expect(form.get_by_text("1 row added.")).to_be_visible()


def test_all_that_a_filter_finds_is_taken_away_also_what_is_not_loaded(
    empty_server: Serving, page: Page, tmp_path: Path, watched: dict[str, Watched]
) -> None:
    watched["page"].expected = ("Failed to load resource",)
    names = ["even", "odd"] * 110
    spans = [sent.span(f"{number:032x}", number, name, from_ms=number) for number, name in enumerate(names, start=1)]
    send(empty_server, sent.request(spans, project="many"))
    page.goto(f"{empty_server.url}/traces?where=name:even")
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "-1")
    page.get_by_role("button", name="Export").click()
    box = page.get_by_role("dialog")
    expect(box).to_contain_text("the 100 lines that are loaded")
    with page.expect_download() as table:
        box.get_by_role("button", name="CSV of all").click()
    table.value.save_as(tmp_path / "traces.csv")
    with (tmp_path / "traces.csv").open(newline="") as file:
        assert [each["name"] for each in csv.DictReader(file)] == ["even"] * 110
    with page.expect_download() as exported:
        box.get_by_role("button", name="OTLP lines").click()
    exported.value.save_as(tmp_path / "spans.jsonl")
    with tracelm.open_store(f"sqlite:///{tmp_path}/other.db") as store:
        assert store.maintenance.import_(tmp_path / "spans.jsonl").spans == 110


def test_columns_stand_in_the_address_and_a_view_keeps_them_under_a_name(empty_server: Serving, page: Page) -> None:
    _two_answers(empty_server)
    page.goto(f"{empty_server.url}/traces?where=name:answer")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="User").check()
    page.get_by_role("checkbox", name="Cost").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader", name="User")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Cost")).to_have_count(0)
    expect(lines(page).first).to_contain_text("user 2")
    expect(page).to_have_url(re.compile(r"columns=start%2Cname%2Cinput%2Coutput%2Cuser%2Clatency%2Cspans%2Ctokens"))
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Name of this view").fill("who asks")
    page.keyboard.press("Enter")
    page.goto(f"{empty_server.url}/traces")
    expect(page.get_by_role("columnheader", name="User")).to_have_count(0)
    page.get_by_role("button", name="Views").click()
    page.get_by_role("link", name="who asks").click()
    expect(page.get_by_role("columnheader", name="User")).to_be_visible()
    expect(page.get_by_role("combobox", name="Filter")).to_have_value("name:answer")


def test_a_call_is_copied_as_python_that_makes_it_again(empty_server: Serving, page: Page) -> None:
    _two_answers(empty_server)
    send(empty_server, sent.request(sent.agent_trace(), project="desk"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def copied(path: str) -> ast.Module:
        page.goto(empty_server.url + path)
        page.get_by_role("button", name="Copy as Python").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        code: str = page.evaluate("navigator.clipboard.readText()")
        return ast.parse(code)

    assert ast.unparse(copied(f"/traces/{'1' * 32}")) == "from desk import answer\nanswer(question='hours')"
    call = next(
        each
        for each in ast.walk(copied(f"/traces/{sent.AGENT}?span=desk/{6:016x}"))
        if isinstance(each, ast.Call) and any(word.arg == "messages" for word in each.keywords)
    )
    told = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    assert told["model"] == "gpt-4o-mini"
    assert [each["role"] for each in told["messages"]] == ["system", "user", "assistant", "tool"]
    [_, picture] = told["messages"][1]["content"]
    assert picture["image_url"]["url"] == f"data:image/png;base64,{sent.picture()}"
    assert json.loads(told["messages"][2]["tool_calls"][0]["function"]["arguments"]) == {"number": 1207}
