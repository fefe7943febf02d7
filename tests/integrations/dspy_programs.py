"""Programs of DSPy that several tests run, and the language model that answers them. DSPy has no types."""

import copy
import importlib
import json
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import tracelm
from tests.recordings.server import load, serve

_CACHE = tempfile.TemporaryDirectory(prefix="tracelm-dspy-")
os.environ.setdefault("DSPY_CACHEDIR", _CACHE.name)  # else it is in the home folder
dspy: Any = importlib.import_module("dspy")
VERSION = tuple(int(part) for part in str(dspy.__version__).split(".")[:2])


def language_model(url: str, name: str = "", *, by_litellm: bool = False, **more: Any) -> Any:
    """Return the real language model of DSPy, pointed at a recording.

    Args:
        url: Of the server that plays it.
        name: The recording.
        by_litellm: Whether it goes on to LiteLLM; before 3.4 it always does.
        more: Its settings.
    """
    settings: dict[str, Any] = {"cache": False, "num_retries": 0, "api_key": "test", **more}
    if by_litellm and VERSION >= (3, 4):
        settings["engine"] = "litellm"
    if name:
        settings["headers"] = {"x-recording-id": name}
    return dspy.LM("openai/smollm2-135m", api_base=f"{url}/v1", **settings)


def refund(order: str) -> str:
    """Give money back."""
    if order == "o-0":
        raise LookupError("no such order")
    with tracelm.span("lookup"):
        return f"refunded {order}"


class Support(dspy.Module):  # type: ignore[misc]
    """A program of the tests' own."""

    def __init__(self) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self.answer = dspy.Predict("question -> answer")

    def forward(self, question: str) -> Any:
        return self.answer(question=question)

    async def aforward(self, question: str) -> Any:
        return await self.answer.acall(question=question)


def said(**fields: str) -> dict[str, Any]:
    """Return a recording in which a model says what DSPy wants to hear: each field under its mark."""
    text = "".join(f"[[ ## {name} ## ]]\n{value}\n\n" for name, value in fields.items()) + "[[ ## completed ## ]]"
    return words(text)


def words(text: str) -> dict[str, Any]:
    """Return a recording in which a model says anything."""
    recording = copy.deepcopy(load()["local-chat-completions-sync-basic"])
    body = json.loads(recording["response"]["body"])
    body["model"] = "gpt-4o-2024-08-06"
    body["choices"][0] = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    recording["response"]["body"] = json.dumps(body)
    return recording


@contextmanager
def answering(*recordings: dict[str, Any], model: str = "openai/gpt-4o", **more: Any) -> Generator[Any]:
    """Serve recordings one after the other, the last for good; gives the language model that asks, which DSPy uses."""
    named = {str(number): each for number, each in enumerate(recordings)}
    left = sorted(named)
    with serve(named, choose=lambda _path, _asked: left.pop(0) if len(left) > 1 else left[0]) as url:
        settings = {"cache": False, "num_retries": 0, "api_key": "test", **more}
        lm = dspy.LM(model, api_base=f"{url}/v1", **settings)
        with dspy.context(lm=lm):
            yield lm


def streamed(text: str) -> dict[str, Any]:
    """Return a recording in which a model says something in pieces, and then what it took."""
    recording = copy.deepcopy(load()["local-chat-completions-stream-usage"])
    head = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}]}
        for piece in text.split("|")
    ]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    chunks.append({**head, "choices": [], "usage": usage})
    said = [f"data: {json.dumps(each)}" for each in chunks]
    recording["response"]["sse"] = "\n\n".join([*said, "data: [DONE]"]) + "\n\n"
    return recording
