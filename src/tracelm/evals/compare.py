"""Two runs, row by row: what became better, what worse, and what nobody can tell."""

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from tracelm.errors import ConfigError, EvaluationError
from tracelm.evals.difference import Difference, Pairs, Rules, decided, difference_of, reconciled
from tracelm.evals.measured import METRICS, Measured, mean_of
from tracelm.evals.statistics import benjamini_hochberg, holm

if TYPE_CHECKING:
    import pandas as pd

    from tracelm.evals.report import Report

Margin: TypeAlias = float | Mapping[str, float] | None
"""The difference that does not matter: one for all scores, or one by name."""

SMALL_SLICE: Final = 30
"""Slices with fewer pairs are marked as small."""

_TABLE: Final = {
    "n": "int64",
    "mean": "Float64",
    "baseline_mean": "Float64",
    "difference": "Float64",
    "se": "Float64",
    "low": "Float64",
    "high": "Float64",
    "p_value": "Float64",
    "verdict": "object",
    "p_adjusted": "Float64",
    "q_value": "Float64",
    "p_t": "Float64",
    "p_wilcoxon": "Float64",
    "p_mcnemar": "Float64",
    "effect_size": "Float64",
    "detectable": "Float64",
    "unscored": "int64",
    "difference_if_failed": "Float64",
    "margin": "Float64",
    "not_worse": "boolean",
    "better": "int64",
    "worse": "int64",
    "same": "int64",
    "lower_is_better": "bool",
    "why": "object",
}


@dataclass(frozen=True)
class Comparison:
    """A run beside its baseline, over the rows that both have.

    Attributes:
        run: The run.
        baseline: What it is compared with.
        pairs: For each row that both have, its number in the run and its number in the baseline.
        only_in_run: Rows of the run that the baseline lacks, or did not run.
        only_in_baseline: Rows of the baseline that the run lacks, or did not run.
        differences: What was found, one a score.
        left_out: Scores that are not compared, with the reason.
    """

    run: Measured
    baseline: Measured
    pairs: Sequence[tuple[int, int]]
    only_in_run: Sequence[int]
    only_in_baseline: Sequence[int]
    differences: Sequence[Difference]
    left_out: Mapping[str, str]
    _margin: Margin = None
    _rules: Rules = field(default_factory=Rules)

    @functools.cached_property
    def table(self) -> "pd.DataFrame":
        """One line a score.

        Index = score name; columns `n, mean, baseline_mean, difference, se, low, high, p_value, verdict`, then
        `p_adjusted, q_value, p_t, p_wilcoxon, p_mcnemar, effect_size, detectable, unscored, difference_if_failed,
        margin, not_worse, better, worse, same, lower_is_better, why`. What does not exist is `pd.NA`.
        """
        import pandas as pd

        index = pd.Index([each.name for each in self.differences], name="score", dtype=object)
        return pd.DataFrame(_columns(self.differences), index=index)

    def __getitem__(self, score: str) -> Difference:
        """Return what was found about a score.

        Raises:
            KeyError: It was not compared; the message says why.
        """
        for each in self.differences:
            if each.name == score:
                return each
        raise KeyError(f"{score!r} was not compared: {self.left_out.get(score, 'no score has that name')}")

    def by(self, column: str) -> "pd.DataFrame":
        """Compare slice by slice.

        The p-values are adjusted for all scores and all slices together, for with enough slices one differs by chance.

        Args:
            column: A column of the dataset, or a key of its column `metadata`.

        Returns:
            As `table`, with the index (slice, score) and a column `small`: fewer than 30 pairs.

        Raises:
            EvaluationError: No row has that column, or it has too many values.
        """
        import pandas as pd

        found = self.slices(column)
        flat = [(name, each) for name, differences in found.items() for each in differences]
        index = pd.MultiIndex.from_tuples([(name, each.name) for name, each in flat], names=[column, "score"])
        frame = pd.DataFrame(_columns([each for _, each in flat]), index=index)
        frame.insert(1, "small", frame["n"] < SMALL_SLICE)
        return frame

    def slices(self, column: str) -> dict[str, list[Difference]]:
        """Return what `by` shows as records, by slice.

        Raises:
            EvaluationError: As `by`.
        """
        rows = self.run.slices(column)
        names = [each.name for each in self.differences]
        parts: list[_Part] = []
        where: list[str] = []
        for name, numbers in rows.items():
            kept = set(numbers)
            pairs = [pair for pair in self.pairs if pair[0] in kept]
            parts += [_part(self.run, self.baseline, pairs, each, self._rules_for(each)) for each in names]
            where += [name] * len(names)
        found: dict[str, list[Difference]] = {}
        for name, each in zip(where, _decide(parts), strict=True):
            found.setdefault(name, []).append(each)
        return found

    def row_differences(self, score: str) -> list[tuple[int, float]]:
        """Return by how much each paired row differs, by its number in the run.

        Args:
            score: The score.
        """
        run, baseline = self.run.trials(score), self.baseline.trials(score)
        found: list[tuple[int, float]] = []
        for one, other in self.pairs:
            left, right = _known(run.get(one, [])), _known(baseline.get(other, []))
            if left and right:
                found.append((one, mean_of(left) - mean_of(right)))
        return found

    def report(self) -> "Report":
        """Return the comparison to look at: `print` it, or write it as Markdown, HTML, JSON or JUnit XML."""
        from tracelm.evals.report import Report

        return Report.of(self.run, comparison=self)

    def __str__(self) -> str:
        return str(self.report())

    def _rules_for(self, score: str) -> Rules:
        return replace(self._rules, margin=_margin_of(self._margin, score))


def compare(
    run: Measured,
    baseline: Measured,
    *,
    on: Sequence[str] | None = None,
    margin: Margin = None,
    level: float = 0.95,
    power: float = 0.8,
) -> Comparison:
    """Compare two runs over the rows that both have, paired by the digest of the row.

    Args:
        run: The run.
        baseline: What it is compared with.
        on: The scores; also `latency_s` and `cost_usd`. Left out, all that both runs have and that are numbers.
        margin: Differences below it do not matter: the verdict can be "equivalent" then, and `not_worse` is told.
        level: The confidence level.
        power: How often a difference that is there is to be seen.

    Raises:
        ConfigError: An impossible margin, level or power.
        EvaluationError: The runs have no row in common, a digest is not known, or a score of `on` cannot be compared.
    """
    _check(margin, level, power)
    pairs, only_in_run, only_in_baseline = _paired(run, baseline)
    names, left_out = _names(run, baseline, on)
    rules = Rules(level=level, power=power)
    parts = [_part(run, baseline, pairs, name, replace(rules, margin=_margin_of(margin, name))) for name in names]
    found = _decide(parts)
    return Comparison(run, baseline, pairs, only_in_run, only_in_baseline, found, left_out, margin, rules)


@dataclass(frozen=True, slots=True)
class _Part:
    """One score before its verdict: over what was scored, and over all with failures as the worst."""

    rules: Rules
    pairs: Pairs
    found: Difference
    all_pairs: Pairs
    as_failed: Difference


def _part(run: Measured, baseline: Measured, rows: Sequence[tuple[int, int]], name: str, rules: Rules) -> _Part:
    run_trials, baseline_trials = run.trials(name), baseline.trials(name)
    # What a failure counts as is told by all values of both runs, so that a slice is counted like the whole.
    seen = [value for trials in (run_trials, baseline_trials) for row in trials.values() for value in _known(row)]
    less = run.less_is_better(name) or baseline.less_is_better(name)
    worst = (replace(run, lower_is_better=[name]) if less else run).worst_value(name, seen)
    scored: list[tuple[list[float], list[float], int]] = []
    filled: list[tuple[list[float], list[float], int]] = []
    lacking = 0
    for one, other in rows:
        left, right = run_trials[one], baseline_trials[other]
        if _known(left) and _known(right):
            scored.append((_known(left), _known(right), one))
        lacking += None in left or None in right
        if worst is not None:
            filled.append((_filled(left, worst), _filled(right, worst), one))
    pairs = _pairs(run, scored)
    found = difference_of(name, pairs, rules=rules, unscored=lacking, less=less)
    if not lacking:
        return _Part(rules, pairs, found, pairs, found)
    all_pairs = _pairs(run, filled)
    return _Part(rules, pairs, found, all_pairs, difference_of(name, all_pairs, rules=rules, less=less))


def _pairs(run: Measured, found: Sequence[tuple[list[float], list[float], int]]) -> Pairs:
    return Pairs(
        run=[mean_of(left) for left, _, _ in found],
        baseline=[mean_of(right) for _, right, _ in found],
        clusters=[run.cluster(row) for _, _, row in found] if run.has_clusters else None,
        single=all(len(left) == len(right) == 1 for left, right, _ in found),
    )


def _decide(parts: Sequence[_Part]) -> list[Difference]:
    scored = _adjusted([part.found for part in parts])
    filled = _adjusted([part.as_failed for part in parts])
    verdicts: list[Difference] = []
    for part, found, as_failed in zip(parts, scored, filled, strict=True):
        verdict = decided(found, part.pairs, rules=part.rules)
        if found.unscored:
            verdict = reconciled(verdict, decided(as_failed, part.all_pairs, rules=part.rules))
        verdicts.append(verdict)
    return verdicts


def _adjusted(found: Sequence[Difference]) -> list[Difference]:
    known = [each.p_value for each in found if each.p_value is not None]
    strict, mild = iter(holm(known)), iter(benjamini_hochberg(known))
    return [
        each if each.p_value is None else replace(each, p_adjusted=next(strict), q_value=next(mild)) for each in found
    ]


def _paired(run: Measured, baseline: Measured) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    left, right = run.keys(), baseline.keys()
    ran, ran_before = _ran(run), _ran(baseline)
    pairs = [(row, right[key]) for key, row in left.items() if key in right and row in ran and right[key] in ran_before]
    if not pairs:
        raise EvaluationError(
            f"runs {run.run_id} and {baseline.run_id} have no row in common: a row is the same when all of its columns "
            "are, so evaluate both on the same version of the dataset"
        )
    paired, paired_before = {one for one, _ in pairs}, {other for _, other in pairs}
    return (
        pairs,
        [row for row in left.values() if row not in paired],
        [row for row in right.values() if row not in paired_before],
    )


def _ran(run: Measured) -> set[int]:
    return {each.row for each in run.results if each.outcome != "not_run"}


def _names(run: Measured, baseline: Measured, on: Sequence[str] | None) -> tuple[list[str], dict[str, str]]:
    labels = {*run.labels, *baseline.labels}
    left_out: dict[str, str] = {}
    for name in dict.fromkeys((*run.scores, *baseline.scores)):
        if name in labels:
            left_out[name] = "it is a label, which has no mean"
        elif name not in run.scores:
            left_out[name] = "the run does not have it"
        elif name not in baseline.scores:
            left_out[name] = "the baseline does not have it"
    names = [name for name in run.scores if name not in left_out]
    if on is None:
        return names, left_out
    if isinstance(on, str):
        raise ConfigError(f"on must be a list, also where there is one score: on=[{on!r}]")
    for name in on:
        if name not in names and name not in METRICS:
            known = ", ".join((*names, *METRICS))
            raise EvaluationError(f"cannot compare on {name!r}: {left_out.get(name, f'there are {known}')}")
    return list(dict.fromkeys(on)), left_out


def _check(margin: Margin, level: float, power: float) -> None:
    for name, value in (("level", level), ("power", power)):
        if not 0 < value < 1:
            raise ConfigError(f"{name}={value!r} must lie between 0 and 1")
    margins = margin.values() if isinstance(margin, Mapping) else [] if margin is None else [margin]
    for each in margins:
        if not 0 <= each < float("inf"):
            raise ConfigError(f"margin={each!r} must be a number, 0 or more: the difference that does not matter")


def _margin_of(margin: Margin, name: str) -> float | None:
    return margin.get(name) if isinstance(margin, Mapping) else margin


def _known(values: Collection[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _filled(values: Collection[float | None], worst: float) -> list[float]:
    return [worst if value is None else value for value in values]


def _columns(found: Sequence[Difference]) -> "dict[str, object]":
    import pandas as pd

    columns: dict[str, object] = {}
    for name, dtype in _TABLE.items():
        values = [cast("object", getattr(each, name)) for each in found]
        columns[name] = values if dtype == "object" else pd.array(values, dtype=dtype)  # type: ignore[call-overload]
    return columns
