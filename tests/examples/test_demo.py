"""The demo shows what it promises: on the real model, from the source tree and from an installed package."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tracelm

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "make demo": [sys.executable, "examples/fraud_explainer.py"],
    "tracelm demo": [str(Path(sys.executable).parent / "tracelm"), "demo"],
}


@pytest.mark.real_model
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_demo_traces_evaluates_and_guards_a_real_model(command: list[str], tmp_path: Path) -> None:
    environment = os.environ | {"COLUMNS": "120", "TRACELM_HOME": str(tmp_path)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    # The trace as a tree, with duration, tokens and cost of the model's call.
    assert re.search(r"└── chat smollm2-135m  [\d.]+ m?s, \d+ in, \d+ out tokens, \$0\.0000\d+", ran.stdout)
    # The guardrail's decision.
    assert "guardrail pii block (enforced" in ran.stdout
    assert "GuardrailTripped: guardrail 'pii' refused the output of write_to_customer" in ran.stdout
    # The stream: what the model said a piece at a time was masked, and went on before it had ended.
    assert "The reader got: The |card |[CARD] was |stopped. |Write |to |[EMAIL] |with |any |question." in ran.stdout
    assert "guardrail pii replace (enforced" in ran.stdout
    assert re.search(r"score pii false \(guardrail\)  found 1 CARD, 1 EMAIL", ran.stdout)
    # The evaluation with its intervals.
    assert re.search(r"relevance_scorer\.mentions_amount +[\d.]+ +[\d.]+ to [\d.]+ +6 +0 +6", ran.stdout)
    assert "4111 1111" not in ran.stdout
    # Where the data lies, and what to type next: each of these commands works.
    assert f"Journal and store: {tmp_path}" in ran.stdout
    commands = re.findall(r"tracelm ((?:traces|show|eval|doctor).*)", ran.stdout)
    assert len(commands) == 4
    assert re.search(
        r"tracelm serve\nThe last one shows all of it in a browser, at http://127\.0\.0\.1:4318", ran.stdout
    )
    for each in commands:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "tracelm"), *each.split()],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), each
    with tracelm.open_store(home=tmp_path) as store:
        blocked = [each for each in store.decisions() if each.taken == "block"]
        assert len(blocked) == 1
        assert len(store.spans(name="chat smollm2-135m")) == 9
        (dictated,) = store.spans(op="dictate")
        assert "[CARD]" in str(dictated.output)
        assert "4111" not in str(dictated.output)


def test_openai_without_a_key_is_refused_with_the_remedy(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    for command in COMMANDS.values():
        ran = subprocess.run(
            [*command, "--openai"], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
        )
        assert ran.returncode == 1
        assert "set OPENAI_API_KEY" in ran.stderr
