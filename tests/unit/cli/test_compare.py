"""`tracelm eval compare`, over runs that were recorded."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tracelm
from tests.serving import serving
from tests.unit.evals.saved import PAGE
from tracelm.cli.main import app
from tracelm.evals import html


def exact(output: int, expected: int) -> bool:
    return output == expected


@tracelm.scorer(lower_is_better=True)
def off(output: int, expected: int) -> float:
    return float(abs(output - expected))


def often_wrong(number: int) -> int:
    return number * 2 + (number % 3 == 0)


def seldom_wrong(number: int) -> int:
    if number == 7:
        raise ValueError("seven \x1b[31m")
    return number * 2 + (number % 10 == 0)


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    tracelm.init("sums", home=tmp_path / "home")
    rows = [{"number": n, "expected": 2 * n, "metadata": {"kind": "even" if n % 2 == 0 else "odd"}} for n in range(60)]
    evaluation = tracelm.Evaluation(dataset=tracelm.Dataset(name="sums", rows=rows), scorers=[exact, off])
    found = evaluation.run(seldom_wrong).run_id, evaluation.run(often_wrong).run_id
    tracelm.shutdown()
    return found


def invoke(tmp_path: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["eval", "compare", *arguments, "--home", str(tmp_path / "home")])
    assert done.exit_code == code, done.output
    return done.stdout if code != 2 else done.stderr


def test_a_comparison_of_recorded_runs_is_that_of_the_runs(tmp_path: Path, runs: tuple[str, str]) -> None:
    document = json.loads(invoke(tmp_path, *runs, "--json"))
    scores = {each["name"]: each for each in document["comparison"]["scores"]}
    assert (scores["exact"]["n"], scores["exact"]["unscored"], scores["exact"]["verdict"]) == (59, 1, "better")
    assert (scores["off"]["lower_is_better"], scores["off"]["verdict"]) == (True, "better")
    assert scores["exact"]["mean"] == pytest.approx(53 / 59)
    assert document["comparison"]["pairs"] == 60
    assert document["worst_rows"][0]["inputs"]["number"] == 7


def test_text_for_people_has_no_control_characters(tmp_path: Path, runs: tuple[str, str]) -> None:
    printed = invoke(tmp_path, *runs, "--by", "kind")
    assert "better: exact:" in printed
    assert "\\x1b[31m" in printed
    assert "\x1b" not in printed
    assert "even" in printed


def test_without_a_margin_or_a_condition_nothing_fails(tmp_path: Path, runs: tuple[str, str]) -> None:
    better, worse = runs
    assert "worse: exact:" in invoke(tmp_path, worse, better)


def test_a_margin_is_a_gate(tmp_path: Path, runs: tuple[str, str]) -> None:
    better, worse = runs
    for pair, margin, code, answer in (
        ((better, worse), "0.05", 0, "passed"),
        ((worse, better), "0.05", 1, "failed"),
        ((better, better), "0.01", 3, "underpowered"),
    ):
        printed = invoke(tmp_path, *pair, "--on", "exact", "--margin", margin, code=code)
        assert f"{answer}: no worse than baseline by {margin} on exact: " in " ".join(printed.split())


def test_conditions_are_a_gate_too(tmp_path: Path, runs: tuple[str, str]) -> None:
    invoke(tmp_path, *runs, "--check", "exact >= 0.8 and p90(latency_s) <= 100", code=0)
    invoke(tmp_path, *runs, "--check", "exact >= 0.8", "--check", "exact >= 0.95", code=1)
    invoke(tmp_path, *runs, "--check", "low(exact) >= 0.85", code=3)
    printed = invoke(tmp_path, *runs, "--check", "exact >> 1", code=2)
    assert printed == "error: expected a number\n    exact >> 1\n           ^\n"


def test_errors_have_an_exit_code_of_their_own(tmp_path: Path, runs: tuple[str, str]) -> None:
    assert "no score" not in invoke(tmp_path, runs[0], "ffffffff", code=2)
    assert "cannot compare on 'nope'" in invoke(tmp_path, *runs, "--on", "nope", code=2)
    assert "does not say in which form" in invoke(tmp_path, *runs, "--output", str(tmp_path / "r.pdf"), code=2)


@pytest.fixture
def page_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page as the build of the UI makes it, which need not be built."""
    file = tmp_path / "template.html"
    file.write_text(PAGE)
    monkeypatch.setattr(html, "TEMPLATE", file)


def held(page: Path) -> Any:
    """What the page of a report holds."""
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    return json.loads(text.partition('id="report">')[2].partition("</script>")[0])


def test_a_run_is_exported_as_a_page(tmp_path: Path, runs: tuple[str, str], page_template: None) -> None:
    page = tmp_path / "run.html"
    home = str(tmp_path / "home")
    done = CliRunner().invoke(app, ["eval", "export", runs[0], "--output", str(page), "--home", home])
    assert (done.exit_code, done.stdout) == (0, f"report of run {runs[0]} in {page}\n")
    document = held(page)
    assert (document["run_id"], document["trials"], document["comparison"]) == (runs[0], 60, None)
    assert [each["column"] for each in document["slices"]] == ["kind"]
    assert (document["rows"][0]["row"], document["rows"][0]["outcome"]) == (7, "task_error")
    second = document["rows"][1]
    assert second["inputs"]["number"] % 10 == 0
    assert second["output"] == second["inputs"]["number"] * 2 + 1
    assert second["latency_s"] > 0


def test_a_page_has_the_rows_as_the_api_gives_them(tmp_path: Path, runs: tuple[str, str], page_template: None) -> None:
    page = tmp_path / "run.html"
    CliRunner().invoke(app, ["eval", "export", runs[0], "--output", str(page), "--home", str(tmp_path / "home")])
    with serving(tmp_path / "home") as server:
        run = server.get(f"/runs/{runs[0]}").json
        rows = server.get(f"/runs/{runs[0]}/rows").json["items"]
        slices = server.get(f"/runs/{runs[0]}/slices").json
    document = held(page)
    assert document["summary"] == run["summary"]
    assert document["slices"] == slices
    assert sorted(document["rows"], key=lambda each: (each["row"], each["trial"])) == rows


def test_a_report_is_written_into_a_file(tmp_path: Path, runs: tuple[str, str], page_template: None) -> None:
    page, suite = tmp_path / "report.html", tmp_path / "junit"
    assert invoke(tmp_path, *runs, "--by", "kind", "--output", str(page)) == ""
    document = held(page)
    assert (document["comparison"]["baseline_run_id"], len(document["baseline_rows"])) == (runs[1], 60)
    assert [each["column"] for each in document["slice_differences"]] == ["kind"]
    invoke(tmp_path, *runs, "--check", "exact >= 0.95", "--format", "junit", "--output", str(suite), code=1)
    assert ET.fromstring(suite.read_text(encoding="utf-8")).attrib["failures"] == "1"


def test_the_summary_of_a_github_step_is_written_when_asked(
    tmp_path: Path, runs: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    invoke(tmp_path, *runs, "--step-summary")
    assert "### Against the baseline" in file.read_text(encoding="utf-8")


def test_less_is_better_where_the_command_says_so(tmp_path: Path, runs: tuple[str, str]) -> None:
    document = json.loads(invoke(tmp_path, *runs, "--lower-is-better", "exact", "--json"))
    assert {each["name"]: each["verdict"] for each in document["comparison"]["scores"]} == {
        "exact": "worse",
        "off": "better",
    }


def test_a_run_whose_process_died_is_not_whole(tmp_path: Path, runs: tuple[str, str]) -> None:
    from tracelm.evals.stored_run import stored_run

    with tracelm.open_store(home=tmp_path / "home") as store:
        found = stored_run(store, store.run(runs[0]))
        assert (found.not_run, len(found.results)) == (0, 60)
        from dataclasses import replace

        more = stored_run(store, replace(store.run(runs[0]), rows=62))
        assert (more.not_run, len(more.results)) == (2, 62)
        assert len(more.keys()) == 60
