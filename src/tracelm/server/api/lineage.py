"""Where a dataset led to: runs, the versions of tasks and scorers, and how many traces."""

from typing import Final

from fastapi import APIRouter, Request
from pydantic import Field

from tracelm.server.access.rule import Reader, check_sees_all
from tracelm.server.api.datasets import DatasetName
from tracelm.server.api.listing import store_of
from tracelm.server.api.models import PREFIX, PROBLEMS, Model, Moment
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


class Lineage(Model):
    """The runs of a dataset."""

    runs: list[RunOfDatasetLine] = Field(description="The newest first, at most 200.")
    is_cut: bool = Field(description="Whether older ones were left out.")


@router.get("/datasets/{name:path}/lineage")
def show_lineage(request: Request, caller: Reader, name: DatasetName) -> Lineage:
    """Show which runs used a dataset, of any of its versions, published or not."""
    check_sees_all(caller)
    store = store_of(request)
    store.index()
    with store.reading() as connection:
        found = runs_of_dataset(connection, name, limit=MOST + 1)
    return Lineage(runs=[RunOfDatasetLine.model_validate(each) for each in found[:MOST]], is_cut=len(found) > MOST)
