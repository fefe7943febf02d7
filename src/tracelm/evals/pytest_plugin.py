"""Evaluations as tests: the part of the pytest plugin that the fixture `tracelm_eval` loads when a test asks for it.

@pytest.mark.tracelm_eval("right >= 0.9", "low(right) >= 0.8")
def test_the_answers_are_right(tracelm_eval):
    tracelm_eval(evaluation, answer)
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, get_args

import pytest

from tracelm.errors import ConfigError
from tracelm.evals.conditions import conditions_of

if TYPE_CHECKING:
    from tracelm.evals.evaluation import Evaluation
    from tracelm.evals.gates import Checks
    from tracelm.evals.report import Report, Row
    from tracelm.evals.run import EvalRun

MARK: Final = "tracelm_eval"

Underpowered = Literal["fail", "pass"]
"""What becomes of a test whose rows cannot tell."""

_SHOWN_ROWS: Final = 5
_LONGEST: Final = 200


class EvalTest:
    """Runs an evaluation inside of a test, and fails the test where a condition does not hold."""

    def __init__(self, node: pytest.Item) -> None:
        self._node = node
        self._conditions, self._underpowered = _marked(node)

    def __call__(
        self,
        evaluation: "Evaluation",
        task: object,
        *,
        conditions: Sequence[str] = (),
        baseline: "EvalRun | None" = None,
    ) -> "EvalRun":
        """Run the task, and hold the run against the conditions of the evaluation, of the marks and of this call.

        Args:
            evaluation: What is run; works in a sync and in an async test.
            task: What is evaluated.
            conditions: Further conditions.
            baseline: What "than baseline" means.

        Returns:
            The run, where all conditions hold.

        Raises:
            pytest.fail.Exception: One does not hold, or (unless the mark says `underpowered="pass"`) the rows cannot
                tell. The message shows the figures with their intervals, and the worst rows.
            ConfigError: There is no condition, one cannot be read, or it names a score that the run does not have.
        """
        wanted = [*evaluation.conditions, *self._conditions, *conditions_of(conditions)]
        if not wanted:
            raise ConfigError(f"there is nothing to check: @pytest.mark.{MARK}('score >= 0.9') says what must hold")
        run = evaluation.run(task)
        checks = run.check(wanted, baseline=baseline)
        self._node.user_properties.append((MARK, f"{evaluation.name}: {_brief(checks)}"))
        if checks.answer == "failed" or (checks.answer == "underpowered" and self._underpowered == "fail"):
            from tracelm.evals.report import Report

            compared = None if baseline is None else run.compare(baseline)
            report = Report.of(run.measured, comparison=compared, checks=checks)
            pytest.fail(_explained(report, checks), pytrace=False)
        return run


def _marked(node: pytest.Item) -> tuple[list[str], Underpowered]:
    conditions: list[str] = []
    underpowered: Underpowered = "fail"
    # From the module's mark to the test's own: the nearest one decides.
    for mark in reversed(list(node.iter_markers(MARK))):
        conditions += conditions_of(mark.args)
        unknown = set(mark.kwargs) - {"underpowered"}
        if unknown:
            raise ConfigError(f"@pytest.mark.{MARK} knows no {', '.join(sorted(unknown))}: there is underpowered=")
        underpowered = mark.kwargs.get("underpowered", underpowered)
        if underpowered not in get_args(Underpowered):
            raise ConfigError(f"underpowered={underpowered!r} is neither 'fail' nor 'pass'")
    return conditions, underpowered


def _brief(checks: "Checks") -> str:
    return "; ".join(f"{each.answer}: {each.condition}: {each.why}" for each in checks.results)


def _explained(report: "Report", checks: "Checks") -> str:
    parts = [str(report)]
    if checks.answer == "underpowered":
        parts.append(
            "The rows cannot tell: add rows, or lower what is asked. "
            f"@pytest.mark.{MARK}(underpowered='pass') lets such a test pass."
        )
    if report.worst:
        parts.append("Worst rows:")
        parts += [_shown(each) for each in report.worst[:_SHOWN_ROWS]]
    return "\n\n".join(parts)


def _shown(row: "Row") -> str:
    lines = [f"row {row.row}, trial {row.trial}: {row.outcome}"]
    lines += [f"  {name}: {_short(value)}" for name, value in row.inputs.items()]
    lines.append(
        f"  error: {_short(row.error)}" if row.output is None and row.error else f"  output: {_short(row.output)}"
    )
    for name, (value, why) in row.scores.items():
        lines.append(f"  {name} = {value}" + (f" ({_short(why)})" if why else ""))
    return "\n".join(lines)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
