"""How often the judges of monitors err, as it was measured on labels of people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select

from tracelm.store.statements import insert
from tracelm.store.tables import CALIBRATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCalibration:
    """How often a version of a scorer errs.

    Attributes:
        monitor: The monitor that it belongs to.
        score: The score.
        version: The version of the scorer.
        sensitivity: Of what people call true, the share that it calls true.
        specificity: Of what people call false, the share that it calls false.
        true_labels: How many rows people called true.
        false_labels: How many they called false.
    """

    monitor: str
    score: str
    version: str
    sensitivity: float
    specificity: float
    true_labels: int
    false_labels: int


def keep(connection: Connection, found: Sequence[StoredCalibration]) -> None:
    """Write how often scorers err; what was known of the same version is replaced.

    Args:
        connection: One that may write.
        found: What is known.
    """
    for each in found:
        row = asdict(each)
        made = insert(connection.dialect.name, CALIBRATIONS).values(**row)
        key = ("monitor", "score", "version")
        changed = {name: value for name, value in row.items() if name not in key}
        connection.execute(made.on_conflict_do_update(index_elements=list(key), set_=changed))


def of_monitor(connection: Connection, monitor: str) -> list[StoredCalibration]:
    """Return how often the scorers of a monitor err."""
    found = select(CALIBRATIONS).where(CALIBRATIONS.c.monitor == monitor)
    return [StoredCalibration(**row) for row in connection.execute(found).mappings()]
