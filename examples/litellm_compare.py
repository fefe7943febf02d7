"""The same question to several models by LiteLLM, traced by one line, each with its tokens and cost.

    pip install tracelm litellm
    python examples/litellm_compare.py openai/gpt-4o-mini anthropic/claude-haiku-4-5

Without names it asks the small model of the demo that runs on this machine (`pip install 'tracelm[demo]'`).
"""

import sys
from contextlib import ExitStack
from typing import Any

import litellm

import tracelm


@tracelm.op
def ask(model: str, question: str, **where: Any) -> str:
    """Ask one model."""
    answer: Any = litellm.completion(model, [{"role": "user", "content": question}], max_tokens=40, **where)
    return str(answer.choices[0].message.content)


def main() -> None:
    """Ask the models that are named, and say how to look at the traces."""
    tracelm.init("litellm-compare")
    question = "How long does a refund take?"
    with ExitStack() as opened:
        if sys.argv[1:]:
            answers = {model: ask(model, question) for model in sys.argv[1:]}
        else:
            from tracelm.local_model import LocalModel

            local = opened.enter_context(LocalModel())
            where = {"api_base": local.base_url, "api_key": "none"}
            answers = {"local": ask("openai/local", question, **where)}
    for model, answer in answers.items():
        print(f"{model}: {answer}")
    tracelm.flush()
    print("\nLook at it: tracelm spans --project litellm-compare")


if __name__ == "__main__":
    main()
