"""Where a dataset led to: runs, the versions of tasks and scorers, and how many traces."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import Field, ValidationError

from tracelm.data.model import models_of_dataset
from tracelm.json_model import Model, Moment
from tracelm.server.access.rule import Reader, check_sees_all
from tracelm.server.api.datasets import DatasetName
from tracelm.server.api.listing import store_of
from tracelm.server.api.models import PREFIX, PROBLEMS
from tracelm.store.lineage import MOST, runs_of_dataset

router: Final = APIRouter(prefix=PREFIX, tags=["datasets"], responses=PROBLEMS)


class ScorerUseLine(Model):
    """A scorer in a run."""

    name: str
    version: str | None
    n: int = Field(description="Verdicts.")


class TrainingLine(Model):
    """The training that a model came of."""

    id: str
    project: str
    trace_id: str
    span_id: str


class ModelLine(Model):
    """A version of a model that was trained."""

    name: str
    version: str
    digest: str
    training: TrainingLine | None
    dataset_version: str | None = Field(description="Of the dataset that it was trained on; null if not published.")
    dataset: str | None = Field(description="The dataset that it was trained on.")


class RunOfDatasetLine(Model):
    """A run of a dataset."""

    project: str
    run_id: str
    name: str | None
    start_ns: Moment
    dataset_digest: str | None
    dataset_version: str | None = Field(description="Null where the dataset was not published before the run.")
    task: str | None
    task_version: str | None
    traces: int = Field(description="Rows and trials that have a trace.")
    scorers: list[ScorerUseLine]
    model: ModelLine | None = Field(description="The model that was evaluated, where the run names it.")


class Lineage(Model):
    """The runs of a dataset, and the models that were trained on it."""

    runs: list[RunOfDatasetLine] = Field(description="The newest first, at most 200.")
    is_cut: bool = Field(description="Whether older ones were left out.")
    models: list[ModelLine] = Field(description="Versions of models that were trained on it, the newest first.")


@router.get("/datasets/{name:path}/lineage")
def show_lineage(request: Request, caller: Reader, name: DatasetName) -> Lineage:
    """Show which runs used a dataset, of any of its versions, published or not."""
    check_sees_all(caller)
    store = store_of(request)
    store.index()
    with store.reading() as connection:
        found = runs_of_dataset(connection, name, limit=MOST + 1)
    runs = [
        RunOfDatasetLine.model_validate({**asdict(each), "model": None if each.model is None else _line(each.model)})
        for each in found[:MOST]
    ]
    trained = [_line(each.reference()) for each in models_of_dataset(store, name)]
    return Lineage(runs=runs, is_cut=len(found) > MOST, models=[each for each in trained if each is not None])


def _line(model: Mapping[str, Any]) -> ModelLine | None:
    """Read what a run, or a model, says of where it comes from; a run's record may come from anywhere."""
    trained_on: Any = model.get("dataset") or {}
    try:
        return ModelLine.model_validate(
            {
                **{name: model.get(name) for name in ("name", "version", "digest", "training")},
                "dataset": trained_on.get("name"),
                "dataset_version": trained_on.get("version"),
            }
        )
    except (AttributeError, ValidationError):
        return None
