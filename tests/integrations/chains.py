"""Chains and tools of LangChain that several tests run, over a real client and recorded replies."""

from collections.abc import Iterator
from typing import Any

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

import tracelm
from tracelm.testing import Spans

ANSWER = "A card payment is a type of payment"


@tool
def refund(order: str) -> str:
    """Give money back."""
    lookup(order)
    return f"refunded {order}"


@tracelm.op
def lookup(order: str) -> str:
    return order


def chat_model(url: str, name: str = "local-chat-completions-sync-basic", **more: Any) -> ChatOpenAI:
    return ChatOpenAI(
        model="smollm2-135m",
        base_url=f"{url}/v1",
        api_key=SecretStr("test"),
        max_retries=0,
        default_headers={"x-recording-id": name},
        **more,
    )


def chain(url: str) -> Runnable[Any, Any]:
    prompt = ChatPromptTemplate.from_messages([("system", "Answer shortly."), ("user", "What is {thing}?")])
    return prompt | chat_model(url) | StrOutputParser()


def outline(spans: Spans) -> list[str]:
    """Return the names of all spans in the order of their tree, indented."""
    found = sorted(spans.all(), key=lambda each: each.start_ns)

    def below(parent: str | None, depth: int) -> Iterator[str]:
        for each in found:
            if each.parent_span_id == parent:
                yield "  " * depth + each.name
                yield from below(each.span_id, depth + 1)

    return list(below(None, 0))
