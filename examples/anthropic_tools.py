"""A loop of tools with Claude, traced: each answer of the model and each call of a tool is a span of one trace.

    python examples/anthropic_tools.py

Without `ANTHROPIC_API_KEY` it asks the small model on this machine instead (`tracelm[demo]`), which speaks Anthropic's
interface too, but rarely thinks of tools.
"""

import contextlib
import os
import sys
from collections.abc import Generator
from typing import Any

import anthropic

import tracelm

TOOLS: list[Any] = [
    {
        "name": "exchange_rate",
        "description": "How many euros a unit of a currency costs.",
        "input_schema": {"type": "object", "properties": {"currency": {"type": "string"}}, "required": ["currency"]},
    }
]
RATES = {"USD": 0.92, "GBP": 1.17}
MOST_TURNS = 5


@tracelm.op(kind="tool")
def exchange_rate(currency: str) -> str:
    """Return how many euros a unit of a currency costs."""
    return str(RATES.get(currency.upper(), "unknown"))


@tracelm.op(kind="agent")
def answer(client: anthropic.Anthropic, model: str, question: str) -> str:
    """Ask, run the tools that are asked for, and ask again, until there is an answer."""
    messages: list[Any] = [{"role": "user", "content": question}]
    reply = None
    for _ in range(MOST_TURNS):
        reply = client.messages.create(model=model, max_tokens=200, tools=TOOLS, messages=messages)
        if reply.stop_reason != "tool_use":
            break
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": exchange_rate(str(block.input.get("currency")))}
            for block in reply.content
            if block.type == "tool_use"
        ]
        messages += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": results}]
    return "".join(block.text for block in reply.content if block.type == "text") if reply else ""


@contextlib.contextmanager
def connected() -> Generator[tuple[anthropic.Anthropic, str]]:
    """Yield a client and a model: Anthropic's where there is a key or an address, else the one on this machine."""
    if os.environ.get("ANTHROPIC_API_KEY"):
        with anthropic.Anthropic() as client:
            yield client, "claude-haiku-4-5"
        return
    from tracelm.local_model import MODEL_NAME, LocalModel

    with LocalModel() as local:
        address = local.base_url.removesuffix("/v1")
        with anthropic.Anthropic(base_url=address, api_key="local") as client:
            yield client, MODEL_NAME


def main() -> None:
    """Ask one question, and show what was recorded."""
    tracelm.init("exchange")
    with connected() as (client, model):
        sys.stdout.write(f"{answer(client, model, 'What are 20 USD in euros?')}\n\n")
    with tracelm.open_store() as store:
        for span in store.spans():
            sys.stdout.write(f"{span.name}  {span.input_tokens or 0} tokens in, {span.output_tokens or 0} out\n")


if __name__ == "__main__":
    main()
