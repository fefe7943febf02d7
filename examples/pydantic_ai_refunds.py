"""An agent of Pydantic AI with a tool, traced by one line.

    pip install tracelm 'pydantic-ai-slim[openai]'
    python examples/pydantic_ai_refunds.py

With `OPENAI_API_KEY` it asks OpenAI; without, the small model of the demo that runs on this machine
(`pip install 'tracelm[demo]'`), which cannot call tools: then the program calls it beside the agent.
"""

import os
from contextlib import ExitStack

import openai
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

import tracelm


@tracelm.op(kind="tool", name="days")
def days(kind: str) -> int:
    """Say how many days a refund takes."""
    return 3 if kind == "card" else 10


def main() -> None:
    """Let an agent answer a question, and say how to look at the trace."""
    tracelm.init("pydantic-ai-refunds")
    with ExitStack() as opened, tracelm.session("customer-7"):
        if os.environ.get("OPENAI_API_KEY"):
            model, client, tools, fact = "gpt-4o-mini", openai.AsyncOpenAI(), [days], ""
        else:
            from tracelm.local_model import LocalModel

            local = opened.enter_context(LocalModel())
            model, client, tools = "local", openai.AsyncOpenAI(base_url=local.base_url, api_key="none"), []
            fact = f" Refunds to a card take {days('card')} days."
        desk = Agent(
            OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client)),
            name="desk",
            instructions=f"Answer in one short sentence.{fact}",
            model_settings=ModelSettings(max_tokens=40),
            tools=tools,
        )
        print(desk.run_sync("How long does a refund to a card take?").output)
    tracelm.flush()
    print("\nLook at it: tracelm traces --project pydantic-ai-refunds")


if __name__ == "__main__":
    main()
