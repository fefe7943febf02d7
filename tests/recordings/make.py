"""Record exchanges with the local model, for clones that have no other recordings.

Run from the repository's root:  python -m tests.recordings.make

Each exchange becomes one file beside this one: what was asked, and the answer byte for byte.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
from openai.types.chat import ChatCompletion

from tests.recordings.judged import JUDGED
from tracelm.local_model import MODEL_NAME, LocalModel
from tracelm.scorers.asking import ModelScorer

FOLDER = Path(__file__).parent

_PLAIN = {
    "messages": [
        {"role": "system", "content": "Answer in one short sentence."},
        {"role": "user", "content": "What is a card payment?"},
    ],
    "max_tokens": 40,
}
_COUNT = {"messages": [{"role": "user", "content": "Count from one to five."}], "max_tokens": 30}
_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "country": {"type": "string", "maxLength": 20}},
    "required": ["city", "country"],
    "additionalProperties": False,
}
_ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": MODEL_NAME,
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}],
}
EXCHANGES: dict[str, dict[str, Any]] = {
    "sync-basic": _PLAIN,
    "sync-truncated": {**_PLAIN, "max_tokens": 4},
    "sync-structured-output": {
        "messages": [{"role": "user", "content": "Name the capital of France and its country."}],
        "max_tokens": 60,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "place", "strict": True, "schema": _SCHEMA},
        },
    },
    "sync-error-400": {"messages": [{"role": "user", "content": "Hello"}], "n": 9},
    "stream-basic": {**_COUNT, "stream": True},
    "stream-usage": {**_COUNT, "stream": True, "stream_options": {"include_usage": True}},
}


def calls_of(judge: ModelScorer, row: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """Yield what a judge sends for a row."""
    steps = judge.asking(row)
    reply = ChatCompletion.model_validate(_ANSWER)
    call = next(steps)
    while True:
        yield call
        try:
            call = steps.send(reply)
        except StopIteration:
            return


def main() -> None:
    """Ask the model everything, and write down what it says."""
    with LocalModel() as model, httpx2.Client(timeout=120) as client:
        exchanges = dict(EXCHANGES)
        for name, (judge, row) in JUDGED.items():
            exchanges |= {f"judge-{name}-{number}": call for number, call in enumerate(calls_of(judge, row), 1)}
        for name, asked in exchanges.items():
            body = {"model": MODEL_NAME, "temperature": 0, "seed": 7, **asked}
            answer = client.post(f"{model.base_url}/chat/completions", json=body)
            kind = answer.headers["content-type"]
            recording = {
                "id": f"local-chat-completions-{name}",
                "provider": "local",
                "endpoint": "chat.completions",
                "model": MODEL_NAME,
                "licence": "Apache-2.0",
                "request": {"method": "POST", "path": "/v1/chat/completions", "headers": {}, "body": body},
                "response": {
                    "status": answer.status_code,
                    "headers": {"content-type": kind},
                    "sse" if kind.startswith("text/event-stream") else "body": answer.text,
                },
            }
            path = FOLDER / f"{recording['id']}.json"
            path.write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            sys.stdout.write(f"{answer.status_code} {path.name}\n")


if __name__ == "__main__":
    main()
