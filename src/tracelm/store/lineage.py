"""Which runs used a dataset, and with which versions of task and scorers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson
from sqlalchemy import Connection, func, select

from tracelm.store.tables import RUNS, SCORES, TRIALS

MOST: Final = 200
_SOME: Final = 500  # as many values as one statement takes


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerUse:
    """A scorer in a run.

    Attributes:
        name: The score's name.
        version: The scorer's version; `None` where it told none.
        n: Verdicts.
    """

    name: str
    version: str | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOfDataset:
    """A run of a dataset.

    Attributes:
        name: Of the evaluation; `None` as long as the run is not finished.
        dataset_version: `v0`, `v1`, ... where the dataset was published before the run.
        task: What was evaluated.
        task_version: The version of its code.
        traces: How many rows and trials have a trace.
        scorers: The scorers, in the order of their names.
        model: The version of a model that was evaluated, with its training; `None` where the run names none.
    """

    project: str
    run_id: str
    name: str | None
    start_ns: int
    dataset_digest: str | None
    dataset_version: str | None
    task: str | None
    task_version: str | None
    traces: int
    scorers: Sequence[ScorerUse]
    model: Mapping[str, Any] | None = None


def runs_of_dataset(connection: Connection, dataset: str, *, limit: int = MOST) -> Sequence[RunOfDataset]:
    """Return the newest runs of a dataset, the newest first.

    Args:
        connection: One that may read.
        dataset: The dataset's name.
        limit: How many at most.
    """
    told = ("project", "run_id", "name", "start_ns", "dataset_digest", "dataset_version", "task", "task_version")
    newest = select(*(RUNS.c[name] for name in told), RUNS.c.provenance).where(RUNS.c.dataset == dataset)
    rows = connection.execute(newest.order_by(RUNS.c.start_ns.desc(), RUNS.c.id.desc()).limit(limit)).mappings().all()
    traces: dict[tuple[str, str], int] = {}
    scorers: dict[tuple[str, str], list[ScorerUse]] = {}
    ids = sorted({str(row["run_id"]) for row in rows})
    for start in range(0, len(ids), _SOME):
        some = ids[start : start + _SOME]
        count = select(TRIALS.c.project, TRIALS.c.run_id, func.count()).where(TRIALS.c.run_id.in_(some))
        for project, run_id, n in connection.execute(count.group_by(TRIALS.c.project, TRIALS.c.run_id)):
            traces[project, run_id] = n
        whose = (SCORES.c.project, SCORES.c.run_id, SCORES.c.name, SCORES.c.scorer_version)
        used = select(*whose, func.count()).where(SCORES.c.run_id.in_(some), SCORES.c.source == "eval")
        for project, run_id, name, version, n in connection.execute(used.group_by(*whose).order_by(SCORES.c.name)):
            scorers.setdefault((project, run_id), []).append(ScorerUse(name=name, version=version, n=n))
    return [
        RunOfDataset(
            **{name: row[name] for name in told},
            model=_model(row["provenance"]),
            traces=traces.get((row["project"], row["run_id"]), 0),
            scorers=scorers.get((row["project"], row["run_id"]), []),
        )
        for row in rows
    ]


def _model(provenance: str | None) -> Mapping[str, Any] | None:
    try:
        found: Any = orjson.loads(provenance or "{}")
    except orjson.JSONDecodeError:  # it may come from anywhere
        return None
    model: Any = cast("dict[str, Any]", found).get("model") if isinstance(found, dict) else None
    return cast("dict[str, Any]", model) if isinstance(model, dict) and model else None
