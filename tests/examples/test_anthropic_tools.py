"""The loop of tools with Claude: one trace, in which every answer and every tool is a span."""

import os
import subprocess
import sys
from pathlib import Path

import anthropic
import pytest

from examples import anthropic_tools
from tests.integrations.answering_claude import REPLY, Provider
from tracelm.testing import Spans

ROOT = Path(__file__).parents[2]


def test_each_answer_and_each_tool_is_a_span_below_the_agent(spans: Spans) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "exchange_rate", "input": {"currency": "USD"}}
    provider = Provider({**REPLY, "content": [call], "stop_reason": "tool_use"}, REPLY)
    client: anthropic.Anthropic = provider.client()
    assert anthropic_tools.answer(client, "claude-haiku-4-5", "What are 20 USD in euros?") == "Yes."
    assert b'"0.92"' in provider.asked[1].content
    agent = next(span for span in spans.all() if span.parent_span_id is None)
    below = [span for span in spans.all() if span.parent_span_id == agent.span_id]
    assert [span.attributes["gen_ai.operation.name"] for span in below] == ["chat", "execute_tool", "chat"]


@pytest.mark.real_model
def test_without_a_key_it_asks_the_model_on_this_machine(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ANTHROPIC_API_KEY"}
    command = [sys.executable, str(ROOT / "examples" / "anthropic_tools.py")]
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    assert "chat smollm2-135m" in ran.stdout
