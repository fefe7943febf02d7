"""What a training logs, as metrics of the program's own MeterProvider, if it has one."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from opentelemetry import metrics

from tracelm import semconv

_NAMES: Final = {
    "loss": (semconv.TRAINING_LOSS, "1"),
    "eval_loss": (semconv.TRAINING_EVAL_LOSS, "1"),
    "learning_rate": (semconv.TRAINING_LEARNING_RATE, "1"),
    "grad_norm": (semconv.TRAINING_GRAD_NORM, "1"),
    "gpu_memory": (semconv.TRAINING_GPU_MEMORY, "By"),
    "num_tokens": (semconv.TRAINING_TOKENS, "{token}"),
}


def measure(run: str, found: Mapping[str, float]) -> None:
    """Set the gauges of what is known.

    Args:
        run: The name of the training.
        found: Numbers by their names.
    """
    for name, (key, unit) in _NAMES.items():
        if name in found:
            _gauge(metrics.get_meter_provider(), key, unit).set(found[name], {semconv.TRAINING_NAME: run})


@lru_cache(maxsize=16)
def _gauge(provider: metrics.MeterProvider, key: str, unit: str) -> Any:
    return provider.get_meter("tracelm").create_gauge(key, unit=unit)
