"""A chain and a tool of LangChain, traced by one line.

    pip install tracelm langchain-openai
    python examples/langchain_refunds.py

With `OPENAI_API_KEY` it asks OpenAI; without, the small model of the demo that runs on this machine
(`pip install 'tracelm[demo]'`).
"""

import os
from contextlib import ExitStack

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

import tracelm


@tool
def find_order(order: str) -> str:
    """Say what is known of an order."""
    return f"Order {order}: sent on Monday, not yet paid back."


def main() -> None:
    """Answer a question about an order, and say how to look at the trace."""
    tracelm.init("langchain-refunds")
    with ExitStack() as opened:
        if key := os.environ.get("OPENAI_API_KEY"):
            model = ChatOpenAI(model="gpt-4o-mini", api_key=SecretStr(key))
        else:
            from tracelm.local_model import LocalModel

            local = opened.enter_context(LocalModel())
            model = ChatOpenAI(
                model="local", base_url=local.base_url, api_key=SecretStr("none"), max_completion_tokens=40
            )
        prompt = ChatPromptTemplate.from_messages(
            [("system", "Answer in one short sentence."), ("user", "{facts}\n{question}")]
        )
        chain = prompt | model | StrOutputParser()
        facts = find_order.invoke({"order": "o-1"})
        asked = {"facts": facts, "question": "When was my order sent?"}
        print(chain.invoke(asked, {"run_name": "answer"}))
    tracelm.flush()
    print("\nLook at it: tracelm traces --project langchain-refunds")


if __name__ == "__main__":
    main()
