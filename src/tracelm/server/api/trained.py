"""Models that were trained, as runs and datasets tell of them."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from tracelm.json_model import Model


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


def model_line(model: object) -> ModelLine | None:
    """Read what a run, or a model, says of where it comes from; a run's record may come from anywhere.

    Args:
        model: As `ModelVersion.reference` tells it; `None` and what is no model give `None`.
    """
    if not isinstance(model, Mapping):
        return None
    told: Mapping[str, Any] = model  # pyright: ignore[reportUnknownVariableType]
    trained_on: Any = told.get("dataset") or {}
    try:
        return ModelLine.model_validate(
            {
                **{name: told.get(name) for name in ("name", "version", "digest", "training")},
                "dataset": trained_on.get("name"),
                "dataset_version": trained_on.get("version"),
            }
        )
    except (AttributeError, ValidationError):
        return None
