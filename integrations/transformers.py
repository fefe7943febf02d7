"""Records the training of a model by Transformers' `Trainer`, or by one that is made of it (TRL)."""

import secrets
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from contextvars import Token
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

import orjson
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, TraceFlags
from transformers.trainer_callback import ExportableState, TrainerCallback

from tracelm import semconv
from tracelm.data.dataset import Dataset
from tracelm.data.model import ModelVersion, publish_model
from tracelm.errors import ConfigError
from tracelm.integrations._fields import field, items, number, text
from tracelm.integrations._training.curve import Curve, Point
from tracelm.integrations._training.metrics import measure
from tracelm.trace import runtime
from tracelm.trace.context import detach
from tracelm.trace.safely import safely
from tracelm.trace.spans import end_safely, open_span, record_failure

_SETTINGS: Final = (
    *("per_device_train_batch_size", "gradient_accumulation_steps", "num_train_epochs", "learning_rate", "seed"),
    *("lr_scheduler_type", "warmup_steps", "weight_decay", "optim", "bf16", "fp16", "max_grad_norm"),
)
_LAST: Final = {
    "loss": semconv.TRAINING_LOSS,
    "learning_rate": semconv.TRAINING_LEARNING_RATE,
    "grad_norm": semconv.TRAINING_GRAD_NORM,
    "eval_loss": semconv.TRAINING_EVAL_LOSS,
}
"""What is told by its last value; all that is logged is on the curve."""
_KEPT: Final = (*_LAST, "epoch", "num_input_tokens_seen", "num_tokens")
_MOST_EVALUATIONS: Final = 60
"""A span of OpenTelemetry holds 128 events."""


class TrainingRun(TrainerCallback, ExportableState):
    """A callback that records a training as one span, `train NAME`.

    Give it to the trainer, and train in its `with` block: a run that fails or is interrupted is told as such then,
    since a trainer tells no callback. Only the main process records, and only after `tracelm.init`.

    Args:
        model: What the trained model is called; versions of it are published under this name.
        dataset: What it is trained on. Publish it, so that the run tells its version.
        name: What the run is called; left out, as the model.

    Attributes:
        id: 16 hex digits.

    Example:
        >>> run = TrainingRun(model="support-writer", dataset=examples)  # doctest: +SKIP
        >>> trainer = SFTTrainer(..., callbacks=[run])  # doctest: +SKIP
        >>> with run:  # doctest: +SKIP
        ...     trainer.train()
        >>> trainer.save_model("out")  # doctest: +SKIP
        >>> version = run.publish("out")  # doctest: +SKIP
    """

    def __init__(self, *, model: str, dataset: Dataset | None = None, name: str | None = None) -> None:
        self.model: Final = model
        self.dataset: Final = dataset
        self.name: Final = name or model
        self._begin()
        _newest[0] = weakref.ref(self)

    def _begin(self) -> None:
        self.id = secrets.token_hex(8)
        self._span: Span | None = None
        self._context: SpanContext | None = None
        self._base: str | None = None
        self._is_inside = False
        self._token: Token[Context] | None = None
        self._curve = Curve()
        self._evaluations = Curve(most=_MOST_EVALUATIONS)
        self._last: dict[str, float] = {}
        self._step = 0

    # --- the block --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._is_inside = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._is_inside = False
        with safely("end the record of a training"):
            if error is None:
                self._end("stopped")
            else:
                self._end("failed" if isinstance(error, Exception) else "interrupted", error)

    # --- what the trainer tells -------------------------------------------------------------------------------------

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Begin the span."""
        with safely("record a training"):
            if self._span is not None:  # it was used before, and nobody heard how that ended
                self._end("interrupted")
            if runtime.active is None or not state.is_world_process_zero:
                return
            is_inside = self._is_inside
            self._begin()
            self._is_inside = is_inside
            self._base = text(field(field(model, "config"), "_name_or_path"))
            earlier = self._earlier(state)
            links = [] if earlier is None else [earlier[1]]
            attributes = self._attributes(args, state, None if earlier is None else earlier[0])
            around = otel_context.get_current()
            span = open_span(f"train {self.name}", around, inputs=None, attributes=attributes, links=links)
            self._span, self._context = span, span.get_span_context()
            if is_inside:  # else nobody would take it back where the training fails
                self._token = otel_context.attach(trace.set_span_in_context(span, around))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Take a point of the curve."""
        with safely("record a step of a training"):
            if self._span is not None and isinstance(logs, Mapping):
                found = _numbers(cast("Mapping[str, object]", logs))
                # What an evaluation gave comes by itself; the last log sums up.
                if found and "train_loss" not in found and not any(name.startswith("eval_") for name in found):
                    self._take(self._curve, state, found)
                self._last.update({name: each for name, each in found.items() if name in _KEPT})

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Take the result of an evaluation."""
        with safely("record an evaluation of a training"):
            if self._span is not None and isinstance(metrics, Mapping):
                found = _numbers(cast("Mapping[str, object]", metrics))
                self._take(self._evaluations, state, found)
                self._last.update({name: each for name, each in found.items() if name in _KEPT})

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End the span."""
        with safely("end the record of a training"):
            if self._span is not None:
                self._step = int(state.global_step)
                self._last |= {"epoch": float(state.epoch or 0.0), "num_input_tokens_seen": state.num_input_tokens_seen}
                self._end("completed" if state.global_step >= state.max_steps else "stopped")

    # --- a checkpoint knows which run it is of ----------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of the run."""
        context = self._context
        told = {} if context is None else {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
        return {"args": {}, "attributes": {"earlier": {"id": self.id, **told}}}

    @classmethod
    def from_state(cls, state: Any) -> Any:  # noqa: ARG003 - told by Transformers
        """Return the run that goes on: the newest one that was made, which knows the dataset."""
        found = _newest[0]()
        return cls(model="unnamed") if found is None else found

    # --- the model --------------------------------------------------------------------------------------------------

    def publish(
        self,
        folder: str | Path | None = None,
        *,
        aliases: Sequence[str] = (),
        note: str | None = None,
        url: str | None = None,
    ) -> ModelVersion:
        """Publish the model that came out as the next version of its name: digests and origin, not the weights.

        Args:
            folder: Where it was saved.
            aliases: Names that point at this version from now on.
            note: What there is to say about it.
            url: The store, as for `tracelm.open_store`.

        Raises:
            ConfigError: Nothing was recorded, or there is no file in the folder.
            StoreError: The store cannot be written, or an alias reads like a version.
        """
        context = self._context
        if context is None or runtime.active is None:
            raise ConfigError("no training was recorded: call tracelm.init('my-project') before trainer.train()")
        about: dict[str, Any] = {
            "training": {
                "id": self.id,
                "project": runtime.active.settings.project,
                "trace_id": f"{context.trace_id:032x}",
                "span_id": f"{context.span_id:016x}",
            },
            "metrics": {name: self._last[name] for name in _LAST if name in self._last},
        }
        if self._base:
            about["base"] = self._base
        if self.dataset is not None:
            about["dataset"] = {
                "name": self.dataset.name,
                "digest": self.dataset.digest,
                "version": self.dataset.version,
            }
        return publish_model(self.model, folder, about=about, aliases=aliases, note=note, url=url)

    # --- how --------------------------------------------------------------------------------------------------------

    def _attributes(self, args: Any, state: Any, earlier: str | None) -> dict[str, Any]:
        told = {name: getattr(args, name, None) for name in _SETTINGS}
        plain = {name: each if isinstance(each, bool | int | float) else str(each) for name, each in told.items()}
        found: dict[str, Any] = {
            semconv.TRAINING_ID: self.id,
            semconv.TRAINING_NAME: self.name,
            semconv.MODEL_NAME: self.model,
            semconv.TRAINING_STEPS_PLANNED: int(state.max_steps),
            semconv.TRAINING_SETTINGS: orjson.dumps(plain).decode(),
        }
        if self._base:
            found[semconv.MODEL_BASE] = self._base
        if self.dataset is not None:
            found[semconv.DATASET_NAME], found[semconv.DATASET_DIGEST] = self.dataset.name, self.dataset.digest
            if self.dataset.version is not None:
                found[semconv.DATASET_VERSION] = self.dataset.version
        if state.global_step:
            found[semconv.TRAINING_RESUMED_STEP] = int(state.global_step)
        return found if earlier is None else {**found, semconv.TRAINING_RESUMED_FROM: earlier}

    def _earlier(self, state: Any) -> tuple[str, SpanContext] | None:
        """Return the run that a checkpoint is of, where this one goes on from it."""
        kept: Any = field(state.stateful_callbacks, type(self).__name__) if state.global_step else None
        several = items(kept)
        kept = several[-1] if several else kept
        told: Any = field(field(kept, "attributes"), "earlier")
        run_id, trace_id, span_id = (text(field(told, name)) for name in ("id", "trace_id", "span_id"))
        if run_id is None or trace_id is None or span_id is None:
            return None
        flags = TraceFlags(TraceFlags.SAMPLED)
        return run_id, SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags)

    def _take(self, curve: Curve, state: Any, found: Mapping[str, float]) -> None:
        memory = _gpu_memory_bytes()
        if memory is not None:
            self._last["gpu_memory"] = memory
        self._step = int(state.global_step)
        curve.add(Point(step=int(state.global_step), time_ns=time.time_ns(), metrics=found))
        measure(self.name, {**found, **({} if memory is None else {"gpu_memory": memory})})

    def _end(self, outcome: str, error: BaseException | None = None) -> None:
        span, self._span = self._span, None
        token, self._token = self._token, None
        detach(token)
        if span is None:
            return
        with safely("record how a training ended"):
            span.set_attribute(semconv.TRAINING_OUTCOME, outcome)
            span.set_attributes({key: self._last[name] for name, key in _LAST.items() if name in self._last})
            span.set_attribute(semconv.TRAINING_STEPS, self._step)
            span.set_attribute(semconv.TRAINING_EPOCHS, self._last.get("epoch", 0.0))
            tokens = self._last.get("num_tokens") or self._last.get("num_input_tokens_seen")
            if tokens:
                span.set_attribute(semconv.TRAINING_TOKENS, int(tokens))
            if "gpu_memory" in self._last:
                span.set_attribute(semconv.TRAINING_GPU_MEMORY, int(self._last["gpu_memory"]))
            points = [{"step": each.step, **each.metrics} for each in self._curve]
            if points:
                span.set_attribute(semconv.TRAINING_CURVE, orjson.dumps(points).decode())
            for each in self._evaluations:
                event = {"step": each.step, **each.metrics}
                span.add_event(semconv.TRAINING_EVALUATION, event, timestamp=each.time_ns)
            if isinstance(error, Exception):
                record_failure(span, error)
        end_safely(span)


_newest: Final[list[Any]] = [lambda: None]


def _numbers(logs: Mapping[str, object]) -> dict[str, float]:
    found = {name: number(each) for name, each in logs.items()}
    return {name: each for name, each in found.items() if each is not None and each - each == 0.0}


def _gpu_memory_bytes() -> int | None:
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return int(torch.cuda.max_memory_allocated())
