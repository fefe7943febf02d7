"""What is known of the errors of a monitor's scorers, on its way into the store."""

from typing import TYPE_CHECKING

from tracelm.monitors.windows import ErrorRates
from tracelm.scoring.scorer import version_of
from tracelm.store import calibrations
from tracelm.store.calibrations import StoredCalibration

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tracelm.evals.calibration import Calibration
    from tracelm.monitors.monitor import Monitor


def keep_calibrations(connection: "Connection", monitor: "Monitor") -> None:
    """Write how often the present versions of a monitor's scorers err.

    Args:
        connection: One that may write.
        monitor: The monitor.
    """
    found: list[StoredCalibration] = []
    for score, known in monitor.calibrations.items():
        scorer, rates = monitor.scorer_of(score), rates_of(known)
        if scorer is not None and rates is not None:
            found.append(
                StoredCalibration(
                    monitor=monitor.name,
                    score=score,
                    version=version_of(scorer),
                    sensitivity=rates.sensitivity.mean,
                    specificity=rates.specificity.mean,
                    true_labels=rates.sensitivity.n,
                    false_labels=rates.specificity.n,
                )
            )
    calibrations.keep(connection, found)


def rates_of(known: "Calibration | None") -> ErrorRates | None:
    """Return how often a scorer errs, as a calibration tells it; `None` where it does not."""
    if known is None or known.sensitivity is None or known.specificity is None:
        return None
    return ErrorRates(sensitivity=known.sensitivity, specificity=known.specificity)
