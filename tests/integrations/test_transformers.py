"""Trainings as spans: Transformers' own handler tells the callback what a trainer does. Real ones: `make interop`."""

import itertools
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from transformers.trainer_callback import CallbackHandler, DefaultFlowCallback, TrainerControl, TrainerState
from typer.testing import CliRunner

import tracelm
from tracelm.cli.main import app
from tracelm.errors import ConfigError
from tracelm.integrations._training.curve import MOST, Curve, Point
from tracelm.integrations.transformers import TrainingRun
from tracelm.testing import Spans

_ARGS = SimpleNamespace(learning_rate=0.01, num_train_epochs=2, optim="adamw", seed=7)
_MODEL = SimpleNamespace(config=SimpleNamespace(_name_or_path="base-model"))


class _Training:
    """What a trainer tells its callbacks, without a model."""

    def __init__(self, run: TrainingRun, *, steps: int, state: TrainerState | None = None) -> None:
        handler: Any = CallbackHandler
        self.told: Any = handler([DefaultFlowCallback(), run], _MODEL, None, None, None)
        self.state: Any = state or TrainerState(max_steps=steps)
        self.control: Any = TrainerControl()
        self.args = SimpleNamespace(
            **vars(_ARGS), logging_strategy="no", eval_strategy="no", save_strategy="no", logging_first_step=False
        )

    def begin(self) -> None:
        self.told.on_train_begin(self.args, self.state, self.control)

    def log(self, **metrics: float) -> None:
        self.state.global_step += 1
        self.told.on_log(self.args, self.state, self.control, metrics)

    def evaluate(self, **metrics: float) -> None:
        self.told.on_log(self.args, self.state, self.control, metrics)
        self.told.on_evaluate(self.args, self.state, self.control, metrics)

    def end(self) -> None:
        self.state.epoch = 2.0
        self.told.on_train_end(self.args, self.state, self.control)


@contextmanager
def _trained(run: TrainingRun, *, steps: int = 4) -> Generator[_Training]:
    training = _Training(run, steps=steps)
    with run:
        training.begin()
        yield training
        training.end()


def _dataset() -> tracelm.Dataset:
    return tracelm.Dataset(name="orders", rows=[{"text": "sent on monday"}, {"text": "paid back"}])


def test_a_training_is_one_span_with_its_curve_and_its_last_values(spans: Spans) -> None:
    data = _dataset().publish()
    run = TrainingRun(model="writer", dataset=data, name="tone")
    with _trained(run) as training:
        for step in range(4):
            training.log(loss=1.0 / (step + 1), learning_rate=0.01, grad_norm=0.5, num_tokens=10.0 * (step + 1))
        training.evaluate(eval_loss=0.3)
    span = spans.one()
    attributes = dict(span.attributes)
    curve = json.loads(str(attributes.pop("tracelm.training.curve")))
    assert [(each["step"], each["loss"]) for each in curve] == [(1, 1.0), (2, 0.5), (3, 1 / 3), (4, 0.25)]
    assert json.loads(str(attributes.pop("tracelm.training.settings")))["learning_rate"] == 0.01
    assert (span.name, span.kind, span.status) == ("train tone", "internal", "unset")
    assert attributes == {
        "tracelm.training.id": run.id,
        "tracelm.training.name": "tone",
        "tracelm.model.name": "writer",
        "tracelm.model.base": "base-model",
        "tracelm.dataset.name": "orders",
        "tracelm.dataset.digest": data.digest,
        "tracelm.dataset.version": "v0",
        "tracelm.training.steps_planned": 4,
        "tracelm.training.steps": 4,
        "tracelm.training.epochs": 2.0,
        "tracelm.training.tokens": 40,
        "tracelm.training.loss": 0.25,
        "tracelm.training.eval_loss": 0.3,
        "tracelm.training.learning_rate": 0.01,
        "tracelm.training.grad_norm": 0.5,
        "tracelm.training.outcome": "completed",
    }
    assert [(event.name, event.attributes["eval_loss"]) for event in span.events] == [
        ("tracelm.training.evaluation", 0.3)
    ]


def test_a_long_training_stays_small(spans: Spans) -> None:
    with _trained(TrainingRun(model="writer"), steps=20_000) as training:
        for step in range(20_000):
            training.log(loss=float(step))
            if step % 100 == 0:
                training.evaluate(eval_loss=float(step))
    span = spans.one()
    curve = json.loads(str(span.attributes["tracelm.training.curve"]))
    assert len(curve) <= MOST + 1
    assert (curve[0]["loss"], curve[-1]["loss"]) == (0.0, 19_999.0)
    assert len(span.events) <= 61
    assert span.events[-1].attributes["eval_loss"] == 19_900.0


@given(st.integers(0, 3_000), st.sampled_from([2, 4, 10]))
def test_a_curve_keeps_the_first_and_the_last_and_even_steps_between(n: int, most: int) -> None:
    curve = Curve(most=most)
    for step in range(n):
        curve.add(Point(step=step, time_ns=step, metrics={}))
    kept = [each.step for each in curve]
    assert len(kept) <= most + 1
    assert kept[:1] == ([0] if n else [])
    assert kept[-1:] == ([n - 1] if n else [])
    assert len({after - before for before, after in itertools.pairwise(kept[:-1])}) <= 1


def test_the_programs_meter_has_what_was_logged(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", provider)
    with _trained(TrainingRun(model="writer")) as training:
        training.log(loss=0.5, learning_rate=0.01, grad_norm=2.0)
        training.evaluate(eval_loss=0.25)
    data: Any = reader.get_metrics_data()
    found = {
        metric.name: [(point.value, dict(point.attributes)) for point in metric.data.data_points]
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    name = {"tracelm.training.name": "writer"}
    assert found["tracelm.training.loss"] == [(0.5, name)]
    assert found["tracelm.training.eval_loss"] == [(0.25, name)]
    assert found["tracelm.training.grad_norm"] == [(2.0, name)]
    provider.shutdown()


def test_what_happens_while_it_trains_stands_below_it(spans: Spans) -> None:
    with _trained(TrainingRun(model="writer")), tracelm.span("reward"):
        pass
    assert spans.one("reward").parent_span_id == spans.one("train writer").span_id
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_training_that_fails_says_so_and_the_program_gets_its_error(spans: Spans) -> None:
    def train() -> None:
        with _trained(TrainingRun(model="writer")) as training:
            training.log(loss=1.0, epoch=0.5)
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        train()
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "RuntimeError")
    assert span.attributes["tracelm.training.outcome"] == "failed"
    assert (span.attributes["tracelm.training.steps"], span.attributes["tracelm.training.epochs"]) == (1, 0.5)


def test_a_training_that_somebody_interrupts_did_not_fail(spans: Spans) -> None:
    with pytest.raises(KeyboardInterrupt), _trained(TrainingRun(model="writer")):
        raise KeyboardInterrupt
    span = spans.one()
    assert (span.status, span.attributes["tracelm.training.outcome"]) == ("unset", "interrupted")


def test_a_training_that_ends_early_was_stopped(spans: Spans) -> None:
    with _trained(TrainingRun(model="writer"), steps=9) as training:
        training.log(loss=1.0)
    assert spans.one().attributes["tracelm.training.outcome"] == "stopped"


def test_a_training_that_goes_on_from_a_checkpoint_leads_to_the_one_before(spans: Spans, tmp_path: Path) -> None:
    first = TrainingRun(model="writer")
    with _trained(first) as training:
        training.log(loss=1.0)
        kept = TrainerState(max_steps=4, global_step=1, stateful_callbacks=[first])
        kept.save_to_json(str(tmp_path / "state.json"))
    again = TrainingRun(model="writer", name="again")
    training = _Training(again, steps=4, state=TrainerState.load_from_json(str(tmp_path / "state.json")))
    with again:
        training.begin()
        training.end()
    span = spans.one("train again")
    assert span.attributes["tracelm.training.resumed_from"] == first.id
    assert span.attributes["tracelm.training.resumed_from_step"] == 1
    assert [link.span_id for link in span.links] == [spans.one("train writer").span_id]
    assert TrainingRun.from_state({"args": {}, "attributes": {}}) is again


def test_only_the_main_process_records(spans: Spans) -> None:
    run = TrainingRun(model="writer")
    training = _Training(run, steps=1, state=TrainerState(max_steps=1, is_world_process_zero=False))
    with run:
        training.begin()
        training.log(loss=1.0)
        training.end()
    assert spans.all() == []


def test_an_evaluation_of_the_model_leads_back_to_its_training(spans: Spans, tmp_path: Path) -> None:
    data = _dataset().publish()
    run = TrainingRun(model="writer", dataset=data)
    with _trained(run) as training:
        training.log(loss=0.5)
    folder = tmp_path / "saved"
    folder.mkdir()
    with pytest.raises(ConfigError, match="save it before"):
        run.publish(folder)
    (folder / "model.safetensors").write_bytes(b"weights")
    version = run.publish(folder, aliases=["candidate"])
    assert run.publish(folder).version == "v0"
    assert list(version.about["files"]) == ["model.safetensors"]
    found = tracelm.ModelVersion.load("writer", version="candidate")
    assert (found.version, found.digest, found.about) == ("v0", version.digest, version.about)

    def right(output: str) -> bool:
        return output == "yes"

    def answer(text: str) -> str:
        return "yes" if text else "no"

    held_out = tracelm.Dataset(name="held-out", rows=[{"text": "?"}])
    done = tracelm.Evaluation(dataset=held_out, scorers=[right]).run(answer, model=found, progress=False)
    tracelm.flush()
    trained = spans.one("train writer")
    with tracelm.open_store() as store:
        stored = store.run(done.run_id)
        training_of = stored.provenance["model"]["training"]
        assert (training_of["id"], training_of["trace_id"], training_of["span_id"]) == (
            run.id,
            trained.trace_id,
            trained.span_id,
        )
        assert stored.provenance["model"]["dataset"]["digest"] == data.digest
        assert store.trace(training_of["trace_id"]).spans[0].name == "train writer"
    told = CliRunner().invoke(app, ["lineage", done.run_id]).output
    assert f"{run.id} in project" in told
    assert trained.trace_id in told
    assert "orders v0" in told
    asked = spans.one("evaluate held-out").attributes
    assert (asked["tracelm.model.name"], asked["tracelm.model.version"]) == ("writer", "v0")


def test_without_init_a_training_goes_on_unrecorded() -> None:
    run = TrainingRun(model="writer")
    with _trained(run) as training:
        training.log(loss=1.0)
    with pytest.raises(ConfigError, match="no training was recorded"):
        run.publish()


def test_tracelm_imports_neither_transformers_nor_torch() -> None:
    code = "import sys, tracelm; tracelm.ModelVersion; print({'transformers', 'torch'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
