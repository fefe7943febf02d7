"""Statistics of evaluations: pure functions of numbers, without input or output.

What each figure means, when to trust it and where its formula comes from: docs/explanation/statistics.md.
"""

from tracelm.evals.statistics.agreement import cohen_kappa, confusion, fleiss_kappa, kappa_interval, krippendorff_alpha
from tracelm.evals.statistics.bootstrap import bootstrap_interval
from tracelm.evals.statistics.corrected import corrected_rate
from tracelm.evals.statistics.interval import Interval, mean_interval
from tracelm.evals.statistics.multiple import benjamini_hochberg, holm
from tracelm.evals.statistics.paired import (
    McNemar,
    effect_size,
    mcnemar,
    paired_difference,
    paired_proportions,
    wilcoxon,
)
from tracelm.evals.statistics.power import minimal_detectable_effect, power_of, sample_size
from tracelm.evals.statistics.predicted import ppi_mean
from tracelm.evals.statistics.quantile import quantile_interval
from tracelm.evals.statistics.repeats import VarianceParts, pass_at_k, pass_hat_k, reduce_trials, variance_parts
from tracelm.evals.statistics.sequential import FallTest, lowest_mean
from tracelm.evals.statistics.weighted import weighted_interval

__all__ = [
    "FallTest",
    "Interval",
    "McNemar",
    "VarianceParts",
    "benjamini_hochberg",
    "bootstrap_interval",
    "cohen_kappa",
    "confusion",
    "corrected_rate",
    "effect_size",
    "fleiss_kappa",
    "holm",
    "kappa_interval",
    "krippendorff_alpha",
    "lowest_mean",
    "mcnemar",
    "mean_interval",
    "minimal_detectable_effect",
    "paired_difference",
    "paired_proportions",
    "pass_at_k",
    "pass_hat_k",
    "power_of",
    "ppi_mean",
    "quantile_interval",
    "reduce_trials",
    "sample_size",
    "variance_parts",
    "weighted_interval",
    "wilcoxon",
]
