"""Measuring how often a detector is right, on labelled public texts in a folder."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tracelm.errors import ConfigError
from tracelm.evals.statistics import mean_interval
from tracelm.scorers.bench_data import (
    CODE_FILE,
    INJECTION_FILE,
    NAME_LABELS,
    ORDINARY_FILES,
    PII_FILE,
    Labelled,
    Split,
    injections,
    ordinary_texts,
    personal_texts,
)
from tracelm.scorers.code_injection import CodeInjection
from tracelm.scorers.credentials import Secrets
from tracelm.scorers.detector import Detector
from tracelm.scorers.injection import PromptInjection
from tracelm.scorers.measured import Measured, Rate
from tracelm.scorers.names import NamesAndAddresses
from tracelm.scorers.safety import PII
from tracelm.scoring.score import Score

_FALSE_POSITIVES: Final = 0.01


def bench(scorer: str, folder: Path, *, split: Split = "test") -> Measured:
    """Measure one scorer with its default settings.

    Args:
        scorer: Its name, one of `BENCHES`.
        folder: Where the files lie that docs/explanation/safety-figures.md names.
        split: Which half of the labelled texts.

    Raises:
        ConfigError: The scorer has no labelled texts to be measured on.
        DatasetError: A file is missing, or is not what it should be.
    """
    measure = BENCHES.get(scorer)
    if measure is None:
        raise ConfigError(f"{scorer!r} cannot be measured: choose from {', '.join(BENCHES)}")
    return measure(folder, split)


def _pii(folder: Path, split: Split) -> Measured:
    return _spans(PII(), personal_texts(folder, split), split)


def _names(folder: Path, split: Split) -> Measured:
    """A name counts as found by whatever type it goes: a model takes the one for the other.

    Word problems and e-mails name persons, so that of the ordinary texts only code is without.
    """
    rows = personal_texts(folder, split, NAME_LABELS)
    ordinary = [each for each in ordinary_texts(folder) if f"{each.kind}.jsonl" == CODE_FILE]
    found = _spans(NamesAndAddresses(), rows, split, by_type=False)
    of_ordinary, _ = _judged(NamesAndAddresses(), ordinary)
    return replace(
        found,
        data=(PII_FILE, CODE_FILE),
        rows=len(rows) + len(ordinary),
        false_positives={**found.false_positives, **_by_text(ordinary, of_ordinary)},
    )


def _spans(scorer: Detector, rows: Sequence[Labelled], split: Split, *, by_type: bool = True) -> Measured:
    """Count what of the labelled places is covered whole."""
    scores, times_ms = _judged(scorer, rows)
    labelled, covered, right = Counter[str](), Counter[str](), 0
    found = [
        [(each["start"], each["end"], each["type"]) for each in score.details.get("spans", ())] for score in scores
    ]
    for row, spans in zip(rows, found, strict=True):
        for start, end, kind in row.spans:
            labelled[kind] += 1
            covered[kind] += any(
                first <= start and last >= end and (kind == type_ or not by_type) for first, last, type_ in spans
            )
        right += sum(any(start < last and first < end for start, end, _ in row.spans) for first, last, _ in spans)
    clean = [score for row, score in zip(rows, scores, strict=True) if not row.spans]
    return Measured(
        scorer=scorer.name,
        data=(PII_FILE,),
        split=split,
        rows=len(rows),
        recall={kind: _rate(covered[kind], labelled[kind]) for kind in sorted(labelled)},
        precision=_rate(right, sum(map(len, found))),
        false_positives={"without such data": _rate(sum(map(_fails, clean)), len(clean))},
        recall_at_1_percent={},
        threshold_at_1_percent=None,
        **_latency(times_ms),
    )


def _injection(folder: Path, split: Split) -> Measured:
    rows = injections(folder, split)
    scores, times_ms = _judged(PromptInjection(), rows)
    attacks: defaultdict[str, list[Score]] = defaultdict(list)
    rest: defaultdict[str, list[Score]] = defaultdict(list)
    for row, score in zip(rows, scores, strict=True):
        (attacks if row.is_attack else rest)[row.kind].append(score)
    risks = sorted((score.details["risk"] for each in rest.values() for score in each), reverse=True)
    allowed = int(_FALSE_POSITIVES * len(risks))
    threshold = risks[allowed] if allowed < len(risks) else 0.0
    ordinary = ordinary_texts(folder, split)
    of_ordinary, _ = _judged(PromptInjection(), ordinary)
    false = {kind: _rate(sum(map(_fails, each)), len(each)) for kind, each in sorted(rest.items())}
    right = sum(_fails(score) for each in attacks.values() for score in each)
    return Measured(
        scorer="prompt_injection",
        data=(INJECTION_FILE, *ORDINARY_FILES),
        split=split,
        rows=len(rows) + len(ordinary),
        recall=_by_kind(attacks, _fails),
        precision=_rate(right, right + sum(each.count for each in false.values())),
        false_positives=false | _by_text(ordinary, of_ordinary),
        recall_at_1_percent=_by_kind(attacks, lambda score: score.details["risk"] > threshold),
        threshold_at_1_percent=threshold,
        **_latency(times_ms),
    )


def _ordinary(scorer: Detector) -> Callable[[Path, Split], Measured]:
    """Measure false alarms alone: there are no public texts here in which such things stand."""

    def measure(folder: Path, split: Split) -> Measured:
        rows = ordinary_texts(folder)
        scores, times_ms = _judged(scorer, rows)
        return Measured(
            scorer=scorer.name,
            data=tuple(ORDINARY_FILES),
            split=split,
            rows=len(rows),
            recall={},
            precision=None,
            false_positives=_by_text(rows, scores),
            recall_at_1_percent={},
            threshold_at_1_percent=None,
            **_latency(times_ms),
        )

    return measure


BENCHES: Final[Mapping[str, Callable[[Path, Split], Measured]]] = {
    "pii": _pii,
    "names_and_addresses": _names,
    "secrets": _ordinary(Secrets()),
    "prompt_injection": _injection,
    "code_injection": _ordinary(CodeInjection()),
}
"""What can be measured, by the name of the scorer."""


def _judged(scorer: Detector, rows: Sequence[Labelled]) -> tuple[list[Score], list[float]]:
    scores: list[Score] = []
    times_ms: list[float] = []
    for row in (*rows[:1], *rows):  # the first one twice: it loads what is loaded once
        begin = time.perf_counter()
        scores.append(scorer.score(output=row.text))
        times_ms.append((time.perf_counter() - begin) * 1e3)
    return scores[1:], times_ms[1:]


def _fails(score: Score) -> bool:
    return score.passed is False


def _by_kind(scores: Mapping[str, Sequence[Score]], counts: Callable[[Score], bool]) -> dict[str, Rate]:
    every = [score for each in scores.values() for score in each]
    return {kind: _rate(sum(map(counts, each)), len(each)) for kind, each in (*sorted(scores.items()), ("all", every))}


def _by_text(rows: Sequence[Labelled], scores: Sequence[Score]) -> dict[str, Rate]:
    judged = defaultdict[str, list[bool]](list)
    for row, score in zip(rows, scores, strict=True):
        judged[row.kind].append(_fails(score))
    return {kind: _rate(sum(failed), len(failed)) for kind, failed in judged.items()}


def _rate(count: int, of: int) -> Rate:
    if not of:
        return Rate(count, of)
    if of == 1:  # an interval of one case says nothing
        return Rate(count, of, 0.0, 1.0)
    found = mean_interval([1.0] * count + [0.0] * (of - count))
    return Rate(
        count,
        of,
        None if found.low is None else round(found.low, 4),
        None if found.high is None else round(found.high, 4),
    )


def _latency(times_ms: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times_ms)
    return {
        f"latency_p{percent}_ms": round(ordered[min(len(ordered) * percent // 100, len(ordered) - 1)], 3)
        for percent in (50, 95)
    }
