"""Evaluations: a task, a dataset, scorers, and statistics about the result."""

from tracelm.evals import statistics
from tracelm.evals.calibration import Calibration, calibrate

__all__ = ["Calibration", "calibrate", "statistics"]
