"""A server that answers as a judge would, for the tests of judges and panels."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import openai

import tracelm
from tracelm.scorers import Judge

ROW: dict[str, object] = {"inputs": {"question": "Why?"}, "output": "Because."}
FIVE = range(1, 6)


def said(
    content: str | None, *, refusal: str | None = None, finish: str = "stop", logprobs: Any = None
) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {
        "id": "r1",
        "object": "chat.completion",
        "created": 1,
        "model": "judge-1",
        "choices": [{"index": 0, "finish_reason": finish, "message": message, "logprobs": logprobs}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def verdict(label: object, why: str = "so it is") -> dict[str, Any]:
    return said(json.dumps({"explanation": why, "verdict": label}))


class Server:
    """Answers with one body after the other, the last one again and again, and keeps what it was asked."""

    def __init__(self, *bodies: Mapping[str, Any]) -> None:
        self.left, self.asked = list(bodies), list[dict[str, Any]]()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(json.loads(request.content))
        body = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        return httpx2.Response(body.get("status", 200), json=body)

    @property
    def client(self) -> openai.OpenAI:
        http = httpx2.Client(transport=httpx2.MockTransport(self))
        return openai.OpenAI(base_url="http://judge.test/v1", api_key="test", max_retries=0, http_client=http)

    @property
    def async_client(self) -> openai.AsyncOpenAI:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self))
        return openai.AsyncOpenAI(base_url="http://judge.test/v1", api_key="test", max_retries=0, http_client=http)

    def judge(self, **settings: Any) -> Judge:
        given: dict[str, Any] = {"rubric": "Is it good?", "model": "judge-1", "client": self.client}
        return Judge(**{**given, **settings})


def judged(*bodies: Mapping[str, Any], **settings: Any) -> tracelm.Score:
    return Server(*bodies).judge(**settings).score(**ROW)
