"""Is a judge any good? Its verdicts beside those of people, and beside its own.

Agreement and kappa are always shown together: agreement alone flatters a judge where one label dominates, and kappa
alone punishes it there.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from tracelm.errors import EvaluationError
from tracelm.evals.statistics import (
    Interval,
    cohen_kappa,
    confusion,
    fleiss_kappa,
    kappa_interval,
    krippendorff_alpha,
    mean_interval,
    ppi_mean,
)
from tracelm.evals.statistics.agreement import Scale, Weights, listed

if TYPE_CHECKING:
    import pandas as pd

_HIGH_AGREEMENT: Final = 0.7
_LOW_KAPPA: Final = 0.4
_FEW_ROWS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far a judge agrees with people.

    Attributes:
        n: Rows that both have judged.
        agreement: Share of the rows in which judge and people say the same, with Wilson's interval.
        kappa: Cohen's kappa with its interval (a weighted one has none); `None` where both always say the same one
            thing.
        alpha: Krippendorff's alpha of judge and people; `None` as for kappa.
        chance: The agreement that chance alone would give.
        unreadable: Rows in which the judge gave no verdict (`None`); they count as disagreement.
        confusion: How often which label of people meets which of the judge: (people, judge) → rows.
        between_people: Agreement, kappa and alpha between the people themselves, where several labelled: no judge
            can be expected to do better. `None` for one person.
        sensitivity: Of what people call true, the share that the judge calls true; `None` unless labels are bools.
        specificity: Of what people call false, the share that the judge calls false.
        judged_rate: What share the judge calls true, over all rows that it judged.
        true_rate: What share people would call true, estimated from their labels and all of the judge's verdicts.
        swap: Share of the rows in which the judge stays with its verdict when the two answers change places.
        repeat: Share of the pairs of judgements of one row that are the same.
        notes: What to be careful about, in sentences.
    """

    n: int
    agreement: Interval
    kappa: Interval | None
    alpha: float | None
    chance: float
    unreadable: int
    confusion: Counter[tuple[Hashable, Hashable]]
    between_people: "People | None" = None
    sensitivity: Interval | None = None
    specificity: Interval | None = None
    judged_rate: Interval | None = None
    true_rate: Interval | None = None
    swap: Interval | None = None
    repeat: Interval | None = None
    notes: Sequence[str] = ()

    @property
    def table(self) -> "pd.DataFrame":
        """One line a figure: index = figure; columns `value, low, high, n`. What does not exist is `pd.NA`."""
        import pandas as pd

        lines = self._lines()
        columns = {
            name: pd.array([getattr(each, field) for _, each in lines], dtype="Float64")
            for name, field in (("value", "mean"), ("low", "low"), ("high", "high"))
        }
        counts = pd.array([each.n for _, each in lines], dtype="int64")
        index = pd.Index([name for name, _ in lines], name="figure", dtype=object)
        return pd.DataFrame({**columns, "n": counts}, index=index)

    @property
    def confusion_table(self) -> "pd.DataFrame":
        """Rows: what people said; columns: what the judge said; cells: how often."""
        import pandas as pd

        labels = sorted({label for pair in self.confusion for label in pair}, key=_order)
        cells = [[self.confusion[person, judge] for judge in labels] for person in labels]
        return pd.DataFrame(
            cells,
            index=pd.Index(labels, name="people", dtype=object),
            columns=pd.Index(labels, name="judge", dtype=object),
        )

    def __str__(self) -> str:
        lines = self._lines()
        width = max(len(name) for name, _ in lines)
        shown = [f"{name:<{width}}  {_shown(each)}" for name, each in lines]
        return "\n".join([*shown, *self.notes])

    def _lines(self) -> list[tuple[str, Interval]]:
        def plain(value: float, n: int | None = None) -> Interval:
            return Interval(value, None, None, None, self.n if n is None else n)

        found: list[tuple[str, Interval | None]] = [
            ("agreement", self.agreement),
            ("kappa", self.kappa),
            ("alpha", None if self.alpha is None else plain(self.alpha)),
            ("agreement by chance", plain(self.chance)),
        ]
        people = self.between_people
        if people is not None:
            found += [
                ("agreement between people", plain(people.agreement, people.n)),
                ("kappa between people", None if people.kappa is None else plain(people.kappa, people.n)),
                ("alpha between people", None if people.alpha is None else plain(people.alpha, people.n)),
            ]
        found += [
            ("sensitivity", self.sensitivity),
            ("specificity", self.specificity),
            ("rate as judged", self.judged_rate),
            ("true rate (estimated)", self.true_rate),
            ("same when swapped", self.swap),
            ("same when repeated", self.repeat),
        ]
        return [(name, each) for name, each in found if each is not None]


@dataclass(frozen=True, slots=True)
class People:
    """How far several people agree.

    Attributes:
        n: Rows that two or more of them judged.
        agreement: Share of the pairs of labels of one row that are the same.
        kappa: Fleiss' kappa; `None` where not everybody judged every row, or all say the same one thing.
        alpha: Krippendorff's alpha, which allows for missing labels.
    """

    n: int
    agreement: float
    kappa: float | None
    alpha: float | None


def calibrate(
    judge: Iterable[Hashable],
    people: Iterable[Hashable] | Iterable[Iterable[Hashable]],
    *,
    judged_unlabelled: Iterable[Hashable] = (),
    swapped: Iterable[Hashable] | None = None,
    repeats: Iterable[Iterable[Hashable]] = (),
    scale: Scale = "nominal",
    weights: Weights | None = None,
    labels: Sequence[Hashable] | None = None,
) -> Calibration:
    """Hold a judge against people.

    Args:
        judge: The judge's verdict on each row; `None` where it could not be read, which counts as disagreement.
        people: One person's label of each row, or a list of several persons' lists. Of several, the label that most of
            them gave counts; a row without a majority is left out. `None`: that person did not judge the row.
        judged_unlabelled: The judge's verdicts on rows that nobody labelled, for the estimate of the true rate.
        swapped: The judge's verdicts when the two answers that it compares change places, already turned back: the
            same verdict twice means that the place did not matter.
        repeats: Further verdicts of the judge on the same rows, one list a repetition.
        scale: What the labels are, for alpha: `nominal`, `ordinal`, `interval` or `ratio`.
        weights: For labels with an order: `linear` or `quadratic` weights for kappa.
        labels: All labels in their order, where `weights` is given and they are no numbers.

    Raises:
        EvaluationError: Lists of different length, or no row that both have judged.
        ValueError: An unknown scale or weight, or labels that do not fit it.

    Example:
        >>> found = calibrate([True, True, False, True, None], [True, True, False, False, True])
        >>> found.agreement.mean, round(found.kappa.mean, 3), found.unreadable
        (0.6, 0.286, 1)
    """
    said = listed(judge)
    turned = None if swapped is None else listed(swapped)
    again = [listed(each) for each in repeats]
    everybody = _columns(people, len(said))
    kept, truth, left_out = _majority(everybody)
    if not kept:
        raise EvaluationError("no row has both a verdict and a label that most people gave")
    for name, other in (("swapped", turned), *((f"repeats[{index}]", each) for index, each in enumerate(again))):
        if other is not None and len(other) != len(said):
            raise EvaluationError(f"{name} has {len(other)} verdicts and the judge {len(said)}: give one for each row")
    verdicts = [said[index] for index in kept]
    same = [verdict == label for verdict, label in zip(verdicts, truth, strict=True)]
    agreement = mean_interval(same)
    kappa = _kappa(truth, verdicts, weights, labels)
    n = len(kept)
    left, right = Counter(truth), Counter(verdicts)
    chance = math.fsum(left[label] * right[label] for label in left) / n**2
    rates = _rates(truth, verdicts, said, listed(judged_unlabelled))
    return Calibration(
        n=n,
        agreement=agreement,
        kappa=kappa,
        alpha=krippendorff_alpha([truth, verdicts], scale=scale),
        chance=chance,
        unreadable=verdicts.count(None),
        confusion=confusion(truth, verdicts),
        between_people=_people(everybody, scale) if len(everybody) > 1 else None,
        sensitivity=rates[0],
        specificity=rates[1],
        judged_rate=rates[2],
        true_rate=rates[3],
        swap=None if turned is None else mean_interval(one == other for one, other in zip(said, turned, strict=True)),
        repeat=_repeat([said, *again]) if again else None,
        notes=_notes(n, agreement, kappa, chance, verdicts.count(None), left_out),
    )


def _columns(people: Iterable[Hashable] | Iterable[Iterable[Hashable]], n: int) -> list[list[Hashable]]:
    given: list[Hashable] = listed(cast("Iterable[Hashable]", people))
    several = bool(given) and isinstance(given[0], Iterable) and not isinstance(given[0], str | bytes)
    columns = [listed(each) for each in cast("list[Iterable[Hashable]]", given)] if several else [given]
    for each in columns:
        if len(each) != n:
            raise EvaluationError(f"people gave {len(each)} labels and the judge {n} verdicts: give one for each row")
    return columns


def _majority(everybody: Sequence[Sequence[Hashable]]) -> tuple[list[int], list[Hashable], int]:
    kept: list[int] = []
    truth: list[Hashable] = []
    left_out = 0
    for index, labels in enumerate(zip(*everybody, strict=True)):
        given = Counter(label for label in labels if label is not None).most_common(2)
        if not given:
            continue
        if len(given) == 2 and given[0][1] == given[1][1]:
            left_out += 1
            continue
        kept.append(index)
        truth.append(given[0][0])
    return kept, truth, left_out


def _kappa(
    truth: Sequence[Hashable],
    verdicts: Sequence[Hashable],
    weights: Weights | None,
    labels: Sequence[Hashable] | None,
) -> Interval | None:
    if weights is None:
        return kappa_interval(truth, verdicts)
    readable = [pair for pair in zip(truth, verdicts, strict=True) if pair[1] is not None]
    if not readable:
        return None
    found = cohen_kappa([one for one, _ in readable], [other for _, other in readable], weights=weights, labels=labels)
    return None if found is None else Interval(found, None, None, None, len(readable))


def _rates(
    truth: Sequence[Hashable], verdicts: Sequence[Hashable], judge: Sequence[Hashable], unlabelled: Sequence[Hashable]
) -> tuple[Interval | None, Interval | None, Interval | None, Interval | None]:
    """Return sensitivity, specificity, the rate as judged, and the true rate, for labels that are bools."""
    if not all(isinstance(label, bool) for label in truth):
        return None, None, None, None
    of_true = [verdict is True for label, verdict in zip(truth, verdicts, strict=True) if label]
    of_false = [verdict is False for label, verdict in zip(truth, verdicts, strict=True) if not label]
    every = [verdict is True for verdict in (*judge, *unlabelled) if verdict is not None]
    unseen = [float(verdict is True) for verdict in unlabelled if verdict is not None]
    estimated: Interval | None = None
    if unseen and len(truth) > 1:
        said = [float(verdict is True) for verdict in verdicts]
        estimated = ppi_mean([float(label is True) for label in truth], said, unseen)
    return (
        mean_interval(of_true) if of_true else None,
        mean_interval(of_false) if of_false else None,
        mean_interval(every) if every else None,
        estimated,
    )


def _people(everybody: Sequence[Sequence[Hashable]], scale: Scale) -> People | None:
    units = [[label for label in labels if label is not None] for labels in zip(*everybody, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    if not units:
        return None
    shares = [_same_pairs(unit) for unit in units]
    complete = all(None not in each for each in everybody)
    return People(
        len(units),
        math.fsum(shares) / len(shares),
        fleiss_kappa(everybody) if complete else None,
        krippendorff_alpha(everybody, scale=scale),
    )


def _repeat(columns: Sequence[Sequence[Hashable]]) -> Interval:
    return mean_interval([_same_pairs(unit) for unit in zip(*columns, strict=True)])


def _same_pairs(unit: Sequence[Hashable]) -> float:
    """Return the share of the pairs among some labels that are the same."""
    n = len(unit)
    return sum(count * (count - 1) for count in Counter(unit).values()) / (n * (n - 1))


def _notes(
    n: int, agreement: Interval, kappa: Interval | None, chance: float, unreadable: int, left_out: int
) -> list[str]:
    notes: list[str] = []
    if kappa is None:
        notes.append("No kappa: judge and people always say the same one thing. Label rows of the other kind too.")
    elif agreement.mean >= _HIGH_AGREEMENT and kappa.mean < _LOW_KAPPA:
        notes.append(
            f"Agreement flatters here: one label dominates, and chance alone agrees in {chance:.0%} of the rows. "
            "Go by kappa, and label more rows of the rare kind."
        )
    if n < _FEW_ROWS:
        notes.append(f"{n} labelled rows are few: the intervals say how little they tell.")
    if unreadable:
        notes.append(f"{unreadable} verdicts could not be read; they count as disagreement.")
    if left_out:
        notes.append(f"{left_out} rows were left out: people were divided.")
    return notes


def _shown(found: Interval) -> str:
    interval = "" if found.low is None or found.high is None else f"  {found.low:.3f} to {found.high:.3f}"
    return f"{found.mean:.3f}{interval}  (n = {found.n})"


def _order(label: Hashable) -> tuple[bool, str]:
    return label is None, str(label)
