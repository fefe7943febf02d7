"""The examples with a framework run on the real local model, and record what they say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracelm.testing import Spans

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "agents_refunds": [
        "guardrail short questions",
        "chat local",
        "invoke_agent desk",
        "invoke_workflow answer a customer",
    ],
    "dspy_refunds": [*["chat local", "Predict", "Support"] * 2, "Evaluate"],
    "litellm_compare": ["chat local", "ask"],
    "llama_index_orders": [
        "embeddings words",
        "embeddings words",
        "retrieval",
        "CompactAndRefine.synthesize",
        "chat local",
        "invoke_workflow",
    ],
    "pydantic_ai_refunds": ["execute_tool days", "chat local", "invoke_agent desk"],
}


@pytest.mark.real_model
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_answers_and_is_recorded(name: str, tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OPENAI_")}
    kept |= {"TRACELM_HOME": str(tmp_path), "DSPY_CACHEDIR": str(tmp_path / "dspy")}
    command = [sys.executable, f"examples/{name}.py"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=kept)
    assert ran.returncode == 0, ran.stderr
    assert "Look at it: tracelm " in ran.stdout
    assert "tracelm could not" not in ran.stderr
    assert sorted(Spans(tmp_path).names()) == sorted(EXAMPLES[name])
