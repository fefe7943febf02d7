"""How many rows a comparison needs, and how small a difference it can see.

Formula: Miller 2024 (arXiv 2411.00640), section 5: n = (z_{α/2} + z_β)² (ω² + σ_A²/K_A + σ_B²/K_B) / δ².
"""

import math
from statistics import NormalDist


def sample_size(
    effect: float,
    *,
    variance: float,
    within_a: float = 0.0,
    within_b: float = 0.0,
    trials_a: int = 1,
    trials_b: int = 1,
    alpha: float = 0.05,
    power: float = 0.8,
) -> int:
    """Return how many rows a paired comparison needs to see a difference of `effect`.

    Args:
        effect: δ, the smallest difference that should be seen, in the units of the score.
        variance: ω², of the true paired differences from row to row.
        within_a: σ_A², how much the trials of one row vary in the first run.
        within_b: σ_B², the same in the second.
        trials_a: K_A, trials a row in the first run.
        trials_b: K_B, the same in the second.
        alpha: How often chance alone may be taken for a difference (two-sided).
        power: How often a difference of that size is to be seen.

    Raises:
        ValueError: An effect of 0, a negative variance, trials below 1, or a probability outside 0..1.

    Example:
        >>> sample_size(0.03, variance=1 / 9)
        969
    """
    if not effect or not math.isfinite(effect):
        raise ValueError(f"effect={effect!r}: no number of rows can show it; give the smallest difference that matters")
    spread = _spread(variance, within_a, within_b, trials_a, trials_b)
    # A little below the next whole number is that number: 969 must not become 970 by rounding.
    return max(2, math.ceil(_reach(alpha, power) ** 2 * spread / effect**2 - 1e-9))


def minimal_detectable_effect(
    n: int,
    *,
    variance: float,
    within_a: float = 0.0,
    within_b: float = 0.0,
    trials_a: int = 1,
    trials_b: int = 1,
    alpha: float = 0.05,
    power: float = 0.8,
) -> float:
    """Return the smallest difference that a paired comparison over `n` rows can be expected to see.

    Args:
        n: Rows.
        variance: As in `sample_size`, like all that follow.
        within_a: Within the rows of the first run.
        within_b: Within the rows of the second.
        trials_a: Trials a row in the first run.
        trials_b: Trials a row in the second.
        alpha: How often chance alone may be taken for a difference.
        power: How often a difference of that size is to be seen.

    Raises:
        ValueError: No rows, a negative variance, trials below 1, or a probability outside 0..1.

    Example:
        >>> round(minimal_detectable_effect(198, variance=1 / 9, within_a=1 / 6, within_b=1 / 6), 4)
        0.1327
    """
    if n < 1:
        raise ValueError(f"n={n}: there must be at least one row")
    return _reach(alpha, power) * math.sqrt(_spread(variance, within_a, within_b, trials_a, trials_b) / n)


def power_of(effect: float, *, se: float, alpha: float = 0.05) -> float:
    """Return how often a comparison with this standard error sees a difference of `effect`.

    Args:
        effect: The true difference.
        se: The standard error of the difference, above 0.
        alpha: How often chance alone may be taken for a difference.

    Raises:
        ValueError: A standard error that is not above 0, or `alpha` outside 0..1.

    Example:
        >>> round(power_of(0.03, se=0.03 / 2.8016), 2)
        0.8
    """
    if not se > 0:
        raise ValueError(f"se={se!r} must be above 0")
    _check(alpha, "alpha")
    normal = NormalDist()
    critical = normal.inv_cdf(1 - alpha / 2)
    return normal.cdf(effect / se - critical) + normal.cdf(-effect / se - critical)


def _reach(alpha: float, power: float) -> float:
    _check(alpha, "alpha")
    _check(power, "power")
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)


def _check(probability: float, name: str) -> None:
    if not 0 < probability < 1:
        raise ValueError(f"{name}={probability!r} must lie between 0 and 1")


def _spread(variance: float, within_a: float, within_b: float, trials_a: int, trials_b: int) -> float:
    if min(variance, within_a, within_b) < 0:
        raise ValueError("a variance cannot be negative")
    if min(trials_a, trials_b) < 1:
        raise ValueError("a row is run at least once: trials_a and trials_b are 1 or more")
    return variance + within_a / trials_a + within_b / trials_b
