"""Agents of OpenAI's Agents SDK, traced by one line.

    pip install tracelm openai-agents
    python examples/agents_refunds.py

With `OPENAI_API_KEY` it asks OpenAI; without, the small model of the demo that runs on this machine
(`pip install 'tracelm[demo]'`).
"""

import os
from contextlib import ExitStack
from typing import Any

import agents
import openai
from agents import Agent, GuardrailFunctionOutput, InputGuardrail, OpenAIChatCompletionsModel, RunConfig, Runner

import tracelm


def is_short(_context: Any, _agent: Any, question: Any) -> GuardrailFunctionOutput:
    """Let no long questions in."""
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=len(str(question)) > 2_000)


def main() -> None:
    """Let an agent answer a question, and say how to look at the trace."""
    tracelm.init("agents-refunds")
    agents.set_trace_processors([])  # the SDK's own traces stay here, too
    with ExitStack() as opened:
        if os.environ.get("OPENAI_API_KEY"):
            model = OpenAIChatCompletionsModel("gpt-4o-mini", openai.AsyncOpenAI())
        else:
            from tracelm.local_model import LocalModel

            local = opened.enter_context(LocalModel())
            model = OpenAIChatCompletionsModel("local", openai.AsyncOpenAI(base_url=local.base_url, api_key="none"))
        desk = Agent[None](
            name="desk",
            instructions="Answer in one short sentence. Refunds take three days.",
            model=model,
            model_settings=agents.ModelSettings(max_tokens=40),
            input_guardrails=[InputGuardrail(is_short, name="short questions")],
        )
        config = RunConfig(workflow_name="answer a customer", group_id="customer-7")
        print(Runner.run_sync(desk, "How long does a refund take?", run_config=config).final_output)
    tracelm.flush()
    print("\nLook at it: tracelm traces --project agents-refunds")


if __name__ == "__main__":
    main()
