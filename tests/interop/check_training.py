"""Real trainings, on CPU and of a tiny model, are recorded and lead from an evaluation back (`make interop`)."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Final

import pytest

import tracelm
from tests.interop.senders import ENVIRONMENTS, PROGRAMS, ROOT
from tracelm.store.stored import StoredSpan

_PACKAGES: Final = ("torch==2.13.0", "transformers==5.24.0", "trl==1.16.0", "accelerate==1.15.0", "datasets==5.2.0")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Train, and return the home with its records and what the program said."""
    folder, home = ENVIRONMENTS / "training", tmp_path_factory.mktemp("home")
    python, marker = folder / "bin" / "python", folder / "packages.txt"
    if not marker.exists() or marker.read_text() != "\n".join(_PACKAGES):
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *_PACKAGES, "--editable", str(ROOT)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        marker.write_text("\n".join(_PACKAGES))
    done = subprocess.run(
        [str(python), str(PROGRAMS / "train.py"), str(home), str(tmp_path_factory.mktemp("models"))],
        env={**os.environ, "TRACELM_HOME": str(home), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return home, json.loads(done.stdout.splitlines()[-1])


def _spans(home: Path) -> dict[str, StoredSpan]:
    with tracelm.open_store(home=home) as store:
        return {each.name: each for each in store.spans(limit=None) if each.name.startswith("train ")}


@pytest.mark.parametrize("name", ["orders-model", "sft"])
def test_a_training_has_its_steps_losses_tokens_and_evaluations(name: str, trained: tuple[Path, Any]) -> None:
    span = _spans(trained[0])[f"train {name}"]
    told: Any = span.attributes
    assert (told["tracelm.training.outcome"], told["tracelm.training.steps"]) == ("completed", 20)
    curve = json.loads(told["tracelm.training.curve"])
    assert [each["step"] for each in curve] == list(range(1, 21))
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert {"learning_rate", "grad_norm"} <= set(curve[0])
    assert told["tracelm.training.tokens"] > 0
    assert told["tracelm.dataset.version"] == "v0"
    assert [event.attributes["step"] for event in span.otlp.events] == [10, 20]
    assert span.otlp.events[-1].attributes["eval_loss"] == told["tracelm.training.eval_loss"]


def test_a_training_that_fails_and_the_one_that_goes_on_are_told_as_such(trained: tuple[Path, Any]) -> None:
    spans = _spans(trained[0])
    broken, resumed = spans["train broken"], spans["train resumed"]
    assert (broken.status, broken.error_type) == ("error", "RuntimeError")
    assert broken.attributes["tracelm.training.outcome"] == "failed"
    assert resumed.attributes["tracelm.training.resumed_from"] == broken.attributes["tracelm.training.id"]
    assert resumed.attributes["tracelm.training.resumed_from_step"] == 10
    assert [link.span_id for link in resumed.otlp.links] == [broken.span_id]
    assert resumed.attributes["tracelm.training.outcome"] == "completed"


def test_an_evaluation_of_the_model_leads_back_to_its_training(trained: tuple[Path, Any]) -> None:
    home, said = trained
    assert said["mean"] == 1.0
    with tracelm.open_store(home=home) as store:
        model = store.run(said["run_id"]).provenance["model"]
    training = _spans(home)["train orders-model"]
    assert (model["name"], model["version"]) == ("orders-model", "v0")
    assert (model["training"]["trace_id"], model["training"]["span_id"]) == (training.trace_id, training.span_id)
    assert model["dataset"]["digest"] == training.attributes["tracelm.dataset.digest"]
