"""Evaluations: a task, a dataset, scorers, and statistics about the result."""

from tracelm.evals import statistics

__all__ = ["statistics"]
