"""Agents of OpenAI's Agents SDK that several tests run, and answers of a model that asks them to act."""

from collections.abc import Mapping
from typing import Any

from agents import Agent, OpenAIResponsesModel, function_tool

import tracelm
from tests.integrations.answering import RESPONSE, Server, sse


@tracelm.op
def lookup(order: str) -> str:
    return order


@function_tool
def refund(order: str) -> str:
    """Give money back."""
    if order == "o-0":
        raise LookupError("no such order")
    return f"refunded {lookup(order)}"


def asks_for(name: str, arguments: str = "{}") -> Mapping[str, Any]:
    """Return an answer that asks for a function."""
    number = f"{name}-{arguments}"
    call = {"type": "function_call", "id": f"fc-{number}", "call_id": f"call-{number}", "status": "completed"}
    return {**RESPONSE, "output": [{**call, "name": name, "arguments": arguments}]}


def streamed(response: Mapping[str, Any]) -> bytes:
    """Return an answer as it is streamed."""
    return sse(
        {"type": "response.created", "sequence_number": 0, "response": {**response, "output": [], "usage": None}},
        {"type": "response.completed", "sequence_number": 1, "response": dict(response)},
    )


def model(server: Server) -> OpenAIResponsesModel:
    return OpenAIResponsesModel("gpt-4o", server.async_client())


def agents(*answers: object, content_type: str = "application/json", **more: Any) -> Agent[Any]:
    """Return an agent with a tool, that can hand over to another one with the same tool."""
    asked = model(Server(*answers, content_type=content_type))
    clerk = Agent[Any](name="clerk", instructions="Give money back.", model=asked, tools=[refund])
    return Agent[Any](name="desk", instructions="Help.", model=asked, tools=[refund], handoffs=[clerk], **more)
