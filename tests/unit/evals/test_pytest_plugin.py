"""Evaluations as tests, in a pytest of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import pytest
import tracelm

rows = [{"number": n, "expected": 2 * n} for n in range(40)]
dataset = tracelm.Dataset(name="doubles", rows=rows)

def right(output: int, expected: int) -> tracelm.Score:
    return tracelm.Score(value=output == expected, explanation=f"wanted {expected}")

evaluation = tracelm.Evaluation(dataset=dataset, scorers=[right])

def good(number):
    return 2 * number

def poor(number):
    if number == 3:
        raise ValueError("no three")
    return 2 * number + (number % 4 == 0)
"""


def run(tmp_path: Path, tests: str, *options: str, code: int) -> str:
    (tmp_path / "test_quality.py").write_text(SUITE + tests, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", "-q", *options],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_a_run_that_holds_its_conditions_passes_and_is_reported(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
@pytest.mark.tracelm_eval("right >= 0.9", "low(right) >= 0.9")
def test_doubles(tracelm_eval):
    found = tracelm_eval(evaluation, good)
    assert found.summary.loc["right", "mean"] == 1.0
""",
        code=0,
    )
    assert "test_quality.py::test_doubles: doubles: passed: right >= 0.9: 1 (95% interval 0.9124 to 1)" in printed


def test_a_failure_shows_the_figures_and_the_failing_rows(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
@pytest.mark.tracelm_eval("right >= 0.9")
def test_doubles(tracelm_eval):
    tracelm_eval(evaluation, poor)
""",
        code=1,
    )
    assert "failed: right >= 0.9: 0.7436 (95% interval" in printed
    assert "row 3, trial 0: task_error" in printed
    assert "error: 'ValueError: no three'" in printed
    assert "row 0, trial 0: scored" in printed
    assert "output: 1" in printed
    assert "right = False ('wanted 0')" in printed
    assert "pytest_plugin.py" not in printed


@pytest.mark.parametrize(("option", "code"), [("", 1), (', underpowered="pass"', 0), (', underpowered="fail"', 1)])
def test_rows_that_cannot_tell_fail_unless_the_mark_says_otherwise(tmp_path: Path, option: str, code: int) -> None:
    printed = run(
        tmp_path,
        f"""
@pytest.mark.tracelm_eval("low(right) >= 0.7"{option})
def test_doubles(tracelm_eval):
    tracelm_eval(evaluation, poor)
""",
        code=code,
    )
    assert "underpowered: low(right) >= 0.7" in printed
    assert ("The rows cannot tell" in printed) == (code == 1)


def test_evaluations_run_in_several_processes(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
@pytest.mark.parametrize("task", [good, poor, good, poor])
@pytest.mark.tracelm_eval("right >= 0.9")
def test_doubles(tracelm_eval, task):
    tracelm_eval(evaluation, task)
""",
        "-n",
        "2",
        code=1,
    )
    assert "2 failed, 2 passed" in printed
    assert printed.count(": doubles: passed: right >= 0.9") == 2
    assert printed.count(": doubles: failed: right >= 0.9") == 2


def test_conditions_come_from_module_test_evaluation_and_call(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
pytestmark = pytest.mark.tracelm_eval("errors <= 0")
strict = tracelm.Evaluation(dataset=dataset, scorers=[right], conditions=["right >= 0.1"])

@pytest.mark.tracelm_eval("right >= 0.2")
def test_doubles(tracelm_eval):
    before = strict.run(poor)
    tracelm_eval(strict, good, conditions=["better than baseline on right"], baseline=before)
""",
        code=0,
    )
    line = next(each for each in printed.splitlines() if "::test_doubles: " in each)
    assert [part.split(": ")[-2] for part in line.split(": doubles: ")[1].split("; ")[:1]] == ["right >= 0.1"]
    for condition in ("errors <= 0", "right >= 0.2", "better than baseline on right"):
        assert f"passed: {condition}: " in line


def test_a_test_without_a_condition_does_not_pass(tmp_path: Path) -> None:
    printed = run(tmp_path, "\ndef test_doubles(tracelm_eval):\n    tracelm_eval(evaluation, good)\n", code=1)
    assert "there is nothing to check" in printed


def test_a_wrong_mark_is_an_error(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        """
@pytest.mark.tracelm_eval("right >= 0.9", undrepowered="pass")
def test_doubles(tracelm_eval):
    tracelm_eval(evaluation, good)
""",
        code=1,
    )
    assert "knows no undrepowered" in printed


def test_pytest_starts_without_loading_what_evaluations_need(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\ndef test_nothing():\n"
        "    assert {'tracelm.evals', 'scipy', 'pandas', 'opentelemetry.sdk'}.isdisjoint(sys.modules)\n"
    )
    # The plugin of langsmith, which LangChain brings along, loads OpenTelemetry's SDK by itself.
    left_out = [f"no:{name}" for name in ("cacheprovider", "xdist", "langsmith_plugin")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(part for name in left_out for part in ("-p", name)), str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "evaluations" not in done.stdout
