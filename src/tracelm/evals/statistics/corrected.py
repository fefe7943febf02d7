"""The true rate behind a judge that errs, from how often it errs.

The estimate is Rogan and Gladen's (1978, "Estimating prevalence from the results of a screening test", American Journal
of Epidemiology 107); the interval that of Lang and Reiczigel (2014, "Confidence limits for prevalence of disease
adjusted for estimated sensitivity and specificity", Preventive Veterinary Medicine 113), which holds for few labels and
for rates near 0 and 1 too.
"""

import math
from statistics import NormalDist

from tracelm.evals.statistics.interval import Interval, check_level


def corrected_rate(
    judged: float, n: float, *, sensitivity: Interval, specificity: Interval, level: float = 0.95
) -> Interval | None:
    """Return the rate that people would find, from the rate that a judge finds.

    Args:
        judged: The share that the judge calls true.
        n: Of how many; of a weighted sample, the effective number.
        sensitivity: Of what people call true, the share that the judge calls true; its `n` counts.
        specificity: Of what people call false, the share that the judge calls false; its `n` counts.
        level: The confidence level.

    Returns:
        The rate with an interval that also carries how little is known of the judge; `None` for a judge that is no
        better than chance: nothing follows from what it says.

    Raises:
        ValueError: A rate or a number that is none.

    Example:
        >>> sure = Interval(0.9, None, None, None, 100)
        >>> found = corrected_rate(0.82, 500, sensitivity=sure, specificity=sure)
        >>> round(found.mean, 3), round(found.low, 2), round(found.high, 2)
        (0.9, 0.83, 0.99)
    """
    check_level(level)
    if not 0 <= judged <= 1 or not n > 0 or min(sensitivity.n, specificity.n) < 1:
        raise ValueError("the rate lies between 0 and 1, and all three numbers are above 0")
    youden = sensitivity.mean + specificity.mean - 1
    if youden <= 0:
        return None
    mean = min(1.0, max(0.0, (judged + specificity.mean - 1) / youden))
    z = NormalDist().inv_cdf((1 + level) / 2)
    size, rate = n + z * z, (n * judged + z * z / 2) / (n + z * z)
    se, sp = _shrunk(sensitivity), _shrunk(specificity)
    true = min(1.0, max(0.0, (rate + sp - 1) / (se + sp - 1))) if se + sp > 1 else 0.5
    of_true, of_false = true * se * (1 - se) / sensitivity.n, (1 - true) * sp * (1 - sp) / specificity.n
    middle = true + 2 * z * z * (of_true - of_false)
    spread = rate * (1 - rate) / size + true * of_true + (1 - true) * of_false
    if se + sp <= 1:
        return Interval(mean, None, 0.0, 1.0, round(n))
    error = math.sqrt(spread) / (se + sp - 1)
    low, high = max(0.0, middle - z * error), min(1.0, middle + z * error)
    return Interval(mean, error, min(mean, low), max(mean, high), round(n))


def _shrunk(found: Interval) -> float:
    """Return a share drawn a little towards a half: of 20 that were all right, the next may still be wrong."""
    return (found.n * found.mean + 1) / (found.n + 2)
