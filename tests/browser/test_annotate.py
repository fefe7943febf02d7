"""The queue of what a person judges."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
from tests.browser.seen import run_ids
from tests.serving import Serving


def test_a_queue_is_judged_with_the_keyboard_and_held_against_a_judge(page: Page, server: Serving) -> None:
    page.goto(f"{server.url}/annotate?where=name:answer&score=right&judge=mentions_app")
    item = page.get_by_role("region", name="The item")
    expect(item).to_contain_text("1 of 6")
    expect(item.get_by_text("question:")).to_be_visible()
    page.keyboard.press("s")
    expect(item).to_contain_text("2 of 6")
    expect(item.get_by_text("question:")).to_be_visible()
    page.keyboard.press("b")
    expect(item).to_contain_text("1 of 6")
    expect(item.get_by_text("question:")).to_be_visible()
    page.keyboard.press("e")
    page.keyboard.type("no app in it")
    page.keyboard.press("Escape")
    for number, key in enumerate(("n", "y", "n"), start=2):
        page.keyboard.press(key)
        expect(item).to_contain_text(f"{number} of 6")
        expect(item.get_by_text("question:")).to_be_visible()
    said = page.get_by_role("region", name="Judged in this sitting: 3")
    expect(said.get_by_role("listitem").first).to_contain_text("judge: no")
    expect(page.get_by_role("row", name=re.compile("^Agreement 0.667"))).to_be_visible()
    expect(page.get_by_role("row", name="yes 1 0")).to_be_visible()
    scores = server.get("/scores", name="right").json["items"]
    assert [(each["label"], each["explanation"]) for each in reversed(scores)] == [
        ("false", "no app in it"),
        ("true", None),
        ("false", None),
    ]
    page.reload()
    expect(item).to_contain_text("1 of 3")


def test_the_rows_of_a_run_are_judged_where_its_scorers_judged(page: Page, server: Serving) -> None:
    newer, _ = run_ids(server)
    page.goto(f"{server.url}/evaluations/{newer}")
    page.get_by_role("link", name="Judge them by hand").click()
    item = page.get_by_role("region", name="The item")
    expect(item).to_contain_text("1 of 36")
    expect(item.get_by_text("What is a card payment?", exact=True)).to_be_visible()
    expect(item.get_by_text("Please look into the app")).to_be_visible()
    page.get_by_label("What is judged").fill("sound")
    page.keyboard.press("Enter")
    page.get_by_label("Author").fill("Ada")
    page.get_by_label("Author").blur()
    page.get_by_role("combobox", name="Judge to compare with").click()
    page.get_by_role("option", name="judge: mentions_app").click()
    for number, key in enumerate(("n", "y"), start=2):
        expect(item.get_by_text("Please look into the app")).to_be_visible()
        page.keyboard.press(key)
        expect(item).to_contain_text(f"{number} of 36")
    said = page.get_by_role("region", name="Judged in this sitting: 2")
    expect(said.get_by_role("listitem").first).to_contain_text("row 1")
    expect(said.get_by_role("listitem").first).to_contain_text("judge: yes")
    expect(
        page.get_by_role("heading", name="“sound” of people and “mentions_app” of the judge, 2 spans")
    ).to_be_visible()
    mine = server.get("/scores", name="sound").json["items"]
    theirs = server.get("/scores", name="mentions_app", run_id=newer, limit=1000).json["items"]
    assert {each["author"] for each in mine} == {"Ada"}
    assert {(each["trace_id"], each["span_id"]) for each in mine} < {
        (each["trace_id"], each["span_id"]) for each in theirs
    }
    page.reload()
    expect(item).to_contain_text("1 of 34")
    expect(item.get_by_role("link", name="row 2", exact=True)).to_be_visible()


def test_a_scale_is_a_key_a_step_and_a_bad_filter_is_marked(
    page: Page, server: Serving, watched: dict[str, Watched]
) -> None:
    watched["page"].expected = ("Failed to load resource",)
    page.goto(f"{server.url}/annotate?where=name:look*&score=tone&scale=good,bad")
    item = page.get_by_role("region", name="The item")
    expect(item.get_by_text("number:")).to_be_visible()
    page.keyboard.press("2")
    expect(item).to_contain_text("2 of 21")
    [score] = server.get("/scores", name="tone").json["items"]
    assert (score["label"], score["source"]) == ("bad", "human")
    box = page.get_by_role("combobox", name="Filter")
    box.fill("latenc>2s")
    box.press("Enter")
    expect(page.get_by_test_id("bad-spot")).to_have_text("latenc")
