"""Reports: the same figures in every form, and texts of models that can do nothing."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from rich.console import Console

import tracelm
from tests.unit.evals.saved import run_of
from tracelm.evals.report import Report

NASTY = "</pre><script>alert(1)</script>\x1b[31m\u202e`|*_# &amp; \x00"
FORMS = ("text", "markdown", "json", "junit")


def compared() -> Report:
    def judge(output: bool) -> tracelm.Score:
        return tracelm.Score(value=output, explanation=NASTY)

    rows = tracelm.Dataset(
        name="nasty <b>",
        rows=[{"number": n, "text": NASTY, "metadata": {"lang": "de" if n % 2 else "en"}} for n in range(40)],
    )
    run = run_of([True] * 30 + [False] * 9 + [ValueError(NASTY)], scorer=judge, rows=rows, conditions=["judge >= 0.9"])
    return run.report(baseline=run_of([False] * 20 + [True] * 20, scorer=judge, rows=rows), by=["lang"])


def test_what_a_model_said_is_shown_and_does_nothing() -> None:
    markdown = compared().to_markdown()
    assert "<script" not in markdown.replace("\\<script", "")
    assert "\x1b" not in str(compared())


def test_text_fits_80_columns() -> None:
    assert max(map(len, str(compared()).splitlines())) <= 80


def test_slices_are_compared_in_every_form_for_people() -> None:
    report = compared()
    for form in ("text", "markdown"):
        lines = [" ".join(line.replace("|", " ").split()) for line in report.render(form).splitlines()]
        assert any(line.startswith("de (small) judge") and line.endswith("underpowered") for line in lines), form


def test_the_worst_rows_come_first() -> None:
    worst = compared().worst
    assert [each.outcome for each in worst[:2]] == ["task_error", "scored"]
    assert [each.row for each in worst] == [39, 30, 31, 32, 33, 34, 35, 36, 37, 38]
    assert worst[1].difference == -1.0
    assert worst[1].scores["judge"] == (False, NASTY)


def test_a_run_without_a_fault_has_no_worst_rows() -> None:
    assert run_of([True] * 5).report().worst == []


def test_json_holds_what_the_others_show() -> None:
    document = json.loads(compared().to_json())
    assert list(document) == snapshot(
        [
            "title",
            "facts",
            "summary",
            "failures",
            "comparison",
            "answer",
            "conditions",
            "slices",
            "slice_differences",
            "worst_rows",
        ]
    )
    assert document["answer"] == "failed"
    assert document["comparison"]["scores"][0]["verdict"] == compared().differences[0].verdict
    assert document["summary"][0]["if_failed_is_0"] == 0.75
    assert set(document["slices"]["lang"]) == {"de", "en"}
    assert [each["n"] for each in document["slice_differences"]["lang"]["de"]] == [19]


def test_junit_has_a_case_for_each_condition_and_none_passes_that_did_not() -> None:
    run = run_of([True] * 16 + [False] * 4, conditions=["right >= 0.7", "right >= 0.9", "low(right) >= 0.7"])
    suite = ET.fromstring(run.report().to_junit())[0]
    assert suite.attrib["tests"] == "3"
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("1", "1")
    kinds = [(case.attrib["name"], case[0].tag) for case in suite]
    assert kinds == [
        ("right >= 0.7", "system-out"),
        ("right >= 0.9", "failure"),
        ("low(right) >= 0.7", "error"),
    ]


def test_what_xml_cannot_hold_does_not_break_junit() -> None:
    run = run_of([ValueError("\x00\x1b\ufffe]]> \ud800 <")], conditions=["right >= 0.5"])
    case = ET.fromstring(run.report().to_junit())[0][0]
    assert "ValueError: \ufffd\ufffd\ufffd]]> \ufffd <" in (case[0].text or "")


def test_junit_without_conditions_is_about_verdicts_or_scores() -> None:
    worse = run_of([False] * 40).report(baseline=run_of([True] * 40))
    assert ET.fromstring(worse.to_junit()).attrib["failures"] == "1"
    assert ET.fromstring(run_of([True]).report().to_junit()).attrib["failures"] == "0"


def test_markdown_is_a_table_for_github() -> None:
    run = run_of([True] * 16 + [False] * 4, conditions=["low(right) >= 0.7"])
    lines = run.report().to_markdown().splitlines()
    assert lines[2:12] == snapshot(
        [
            "**⚠️ underpowered**",
            "",
            "|  | condition | why |",
            "| --- | --- | --- |",
            "| ⚠️ underpowered | low(right) \\>= 0.7 | 0.8 (95% interval 0.584 to 0.9193) |",
            "",
            "| score | mean | 95% interval | scored | errors | n |",
            "| --- | --- | --- | --- | --- | --- |",
            "| right | 0.8 | 0.584 to 0.9193 | 20 | 0 | 20 |",
            "",
        ]
    )


def test_the_summary_of_a_github_step_is_added_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run_of([True]).report()
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert report.to_step_summary() is False
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    assert report.to_step_summary() is True
    assert file.read_text(encoding="utf-8") == f"before\n{report.to_markdown()}\n"


@pytest.mark.parametrize(
    ("name", "begins"),
    [("r.md", "## "), ("r.json", "{"), ("r.xml", "<?xml"), ("r.txt", "saved")],
)
def test_the_ending_of_a_file_says_its_form(tmp_path: Path, name: str, begins: str) -> None:
    file = run_of([True]).report().save(tmp_path / name)
    assert file.read_text(encoding="utf-8").startswith(begins)


def test_an_unknown_form_is_refused(tmp_path: Path) -> None:
    report = run_of([True]).report()
    with pytest.raises(tracelm.ConfigError, match="does not say in which form"):
        report.save(tmp_path / "report.pdf")
    with pytest.raises(tracelm.ConfigError, match="no report has the form 'pdf'"):
        report.render("pdf")


ANYTHING = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.binary(),
    st.none(),
    st.dictionaries(st.one_of(st.integers(), st.text()), st.text(), max_size=2),
)


@settings(deadline=None, max_examples=40)
@given(ANYTHING, st.text(), st.text())
def test_any_output_and_any_error_can_be_reported(output: Any, explanation: str, error: str) -> None:
    def judge(output: object) -> tracelm.Score:
        return tracelm.Score(value=False, explanation=explanation)

    report = run_of([output, ValueError(error), True], scorer=judge).report()
    for form in FORMS:
        text = report.render(form)
        assert text.encode("utf-8", "strict" if form in {"json", "junit"} else "replace")
    json.loads(report.to_json())
    ET.fromstring(report.to_junit())


def test_a_terminal_gets_colours() -> None:
    console = Console(force_terminal=True, width=80, color_system="standard", legacy_windows=False)
    with console.capture() as captured:
        console.print(compared())
    assert "\x1b[31mfailed" in captured.get()
