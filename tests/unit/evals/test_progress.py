"""The bar: how far a run is, where somebody looks, and nowhere else."""

import io
import os
import re
import subprocess
import sys

import pytest
from rich.console import Console

import tracelm
from tests.unit.evals.squares import right, square, squares
from tracelm.evals.progress import Progress
from tracelm.evals.run import RowResult
from tracelm.evals.trial import Taken
from tracelm.scoring.score import Score


def test_the_bar_shows_what_is_done_what_failed_what_it_cost_and_the_means() -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=160, color_system=None)
    before = [RowResult(row=0, trial=0, outcome="scored", cost_usd=0.5, scores={"right": Score(value=True)})]
    results = [*before, *(RowResult(row=row, trial=0) for row in range(1, 4))]
    with Progress("nightly", results, shown=None, console=console) as bar:
        bar.add(Taken(RowResult(row=1, trial=0, outcome="scored", scores={"right": Score(value=False)}), 0.25, 7, 1))
        bar.add(Taken(RowResult(row=2, trial=0, outcome="task_error"), None, 0, 0))
    drawn = _frames(text.getvalue())[-1]
    for shown in ("3/4", "1 errors", "$0.75"):
        assert shown in drawn.splitlines()[0]
    assert [line.split() for line in drawn.splitlines()[-2:]] == [
        ["score", "mean", "so", "far", "scored"],
        ["right", "0.5", "2"],
    ]


def test_a_name_is_shown_as_it_is_and_the_scores_that_find_no_room_are_counted() -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=160, color_system=None)
    scores = {f"[bold]{number}": Score(value=1.0) for number in range(14)}
    done = [RowResult(row=0, trial=0, outcome="scored", scores=scores), RowResult(row=1, trial=0)]
    with Progress("nightly", done, shown=None, console=console):
        pass
    drawn = _frames(text.getvalue())[-1]
    assert "[bold]11" in drawn
    assert "[bold]12" not in drawn
    assert drawn.splitlines()[-1].strip() == "and 2 more"


def _frames(text: str) -> list[str]:
    """What was on the screen, drawing by drawing: each begins with the line of the bar."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")
    return [f"nightly {each}".strip() for each in re.split(r"nightly ", plain)[1:]]


@pytest.mark.parametrize("env", [{}, {"CI": "true"}])
def test_where_nobody_looks_nothing_is_printed(env: dict[str, str]) -> None:
    program = (
        "import tracelm\n"
        "dataset = tracelm.Dataset(name='d', rows=[{'n': 1}])\n"
        "tracelm.Evaluation(dataset=dataset, scorers=[lambda output: True]).run(lambda n: n)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_bar_that_is_asked_for_is_shown_also_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    tracelm.Evaluation(dataset=squares(), scorers=[right]).run(square, progress=True)
    assert "4/4" in capfd.readouterr().err
