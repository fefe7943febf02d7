"""The queue of what a person judges."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
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
