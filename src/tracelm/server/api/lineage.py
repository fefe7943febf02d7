"""Where a dataset led to: runs, the versions of tasks and scorers, and how many traces."""

from dataclasses import asdict
from typing import Final

from fastapi import APIRouter, Request
from pydantic import Field

from tracelm.data.model import models_of_dataset
from tracelm.json_model import Model, Moment
from tracelm.server.access.rule import Reader, check_sees_all
from tracelm.server.api.datasets import DatasetName
from tracelm.server.api.listing import store_of
from tracelm.server.api.models import PREFIX, PROBLEMS
from tracelm.server.api.trained import ModelLine, model_line
from tracelm.store.lineage import MOST, runs_of_dataset

router: Final = APIRouter(prefix=PREFIX, tags=["datasets"], responses=PROBLEMS)


class ScorerUseLine(Model):
    """A scorer in a run."""

    name: str
    version: str | None
    n: int = Field(description="Verdicts.")


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
    runs = [RunOfDatasetLine.model_validate({**asdict(each), "model": model_line(each.model)}) for each in found[:MOST]]
    trained = [model_line(each.reference()) for each in models_of_dataset(store, name)]
    return Lineage(runs=runs, is_cut=len(found) > MOST, models=[each for each in trained if each is not None])
