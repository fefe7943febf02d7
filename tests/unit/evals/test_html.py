"""The report as a page: what it holds, and that none of it can be more than data; `tests/browser` opens it."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

import tracelm
from tests.unit.evals.saved import PAGE, run_of
from tests.unit.evals.test_report import ANYTHING, NASTY, compared
from tracelm.evals import html
from tracelm.evals.report import Report

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # also halves of surrogate pairs


class Page(HTMLParser):
    """The elements of a page, and the text of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, text = self.found[-1]
            self.found[-1] = (tag, text + data)


@pytest.fixture(autouse=True, scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A page as the build of the UI makes it, without its script: the UI need not be built to test what goes in."""
    with pytest.MonkeyPatch.context() as patch:
        file = tmp_path_factory.mktemp("static") / "report.html"
        file.write_text(PAGE)
        patch.setattr(html, "TEMPLATE", file)
        yield file


def held(report: Report) -> Any:
    """What the page of a report holds; the page has no other element than its template."""
    found = Page(report.to_html()).found
    assert [tag for tag, _ in found] == ["html", "body", "script", "p"]
    return json.loads(found[2][1])


def test_nothing_that_a_model_said_can_end_the_element() -> None:
    text = compared().to_html()
    for each in ("</pre>", "<script>alert", "\x1b", "\u202e", "\x00", "&amp;"):
        assert each not in text, each
    assert [text.count(each) for each in "<>"] == [PAGE.count(each) for each in "<>"]
    document = held(compared())
    assert document["rows"][0]["inputs"]["text"] == NASTY
    assert document["rows"][1]["scores"]["judge"]["explanation"] == NASTY


def test_the_page_holds_each_part_of_the_report() -> None:
    document = held(compared())
    assert list(document) == snapshot(
        [
            "title",
            "run_id",
            "facts",
            "conditions",
            "summary",
            "slices",
            "slice_differences",
            "trials",
            "rows",
            "comparison",
            "baseline_rows",
        ]
    )
    assert (document["trials"], len(document["rows"]), len(document["baseline_rows"])) == (40, 40, 40)
    assert document["conditions"]["answer"] == "failed"
    assert document["summary"][0]["bins"] == [{"low": 0.0, "high": 0.0, "n": 9}, {"low": 1.0, "high": 1.0, "n": 30}]
    assert [(each["name"], each["rows"]) for each in document["slices"][0]["slices"]] == [("de", 20), ("en", 20)]
    assert [each["n"] for each in document["slice_differences"][0]["slices"]["de"]] == [19]
    assert document["comparison"]["differences"][0]["verdict"] == compared().differences[0].verdict


def test_the_worst_rows_come_first_and_stay_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST_ROWS", 12)
    document = held(compared())
    assert (document["trials"], len(document["comparison"]["pairs"])) == (40, 40)
    assert [each["row"] for each in document["rows"]] == [39, *range(30, 39), 20, 21]
    assert {each["row"] for each in document["baseline_rows"]} == {39, *range(30, 39), 20, 21}


def test_without_the_ui_the_error_says_how_to_build_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(html, "TEMPLATE", tmp_path / "report.html")
    with pytest.raises(tracelm.ConfigError, match="run `make web`"):
        compared().save(tmp_path / "page.html")
    (tmp_path / "report.html").write_text("<!doctype html>")
    with pytest.raises(tracelm.ConfigError, match="is of another version"):
        compared().to_html()
    assert not (tmp_path / "page.html").exists()


def test_a_file_that_ends_in_html_is_a_page(tmp_path: Path) -> None:
    file = run_of([True]).report().save(tmp_path / "r.html")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_values_are_spread_over_bins_that_hold_all_of_them() -> None:
    document = held(run_of([float(n) for n in range(40)]).report())
    bins = document["summary"][0]["bins"]
    assert (len(bins), bins[0]["low"], bins[-1]["high"]) == (12, 0.0, 39.0)
    assert sum(each["n"] for each in bins) == 40
    assert held(run_of(["a", "b"]).report())["summary"][0]["bins"] == []


@settings(deadline=None, max_examples=40)
@given(ANYTHING, ANY_TEXT, ANY_TEXT)
def test_any_output_and_any_error_can_be_held(output: Any, explanation: str, error: str) -> None:
    def judge(output: object) -> tracelm.Score:
        return tracelm.Score(value=False, explanation=explanation)

    report = run_of([output, ValueError(error), True], scorer=judge).report()
    assert report.to_html().encode()
    assert sorted(each["row"] for each in held(report)["rows"]) == [0, 1, 2]


@settings(max_examples=200)
@given(st.lists(st.floats(), min_size=1, max_size=40))
def test_any_numbers_can_be_spread_over_bins(values: list[float]) -> None:
    from math import isfinite

    from tracelm.evals.run_models import bins_of

    found = bins_of(values)
    assert sum(each.n for each in found) == sum(map(isfinite, values))
    assert all(each.low <= each.high for each in found)
