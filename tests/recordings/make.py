"""Record exchanges with the local model, for clones that have no other recordings.

Run from the repository's root:  python -m tests.recordings.make

Each exchange becomes one file beside this one: what was asked, and the answer byte for byte. What is there already
stays as it is: delete a file to have it recorded anew.
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
_TEXT = {"prompt": "The colours of the rainbow are", "max_tokens": 12}
_RESPONSE = {
    "instructions": "Answer in one short sentence.",
    "input": [{"role": "user", "content": "What is a card payment?"}],
    "max_output_tokens": 40,
}
_MESSAGE = {
    "system": "Answer in one short sentence.",
    "messages": [{"role": "user", "content": "What is a card payment?"}],
    "max_tokens": 40,
}
EXCHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "chat/completions": {
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
    },
    "completions": {
        "sync-basic": _TEXT,
        "sync-error-400": {"prompt": "Hello", "n": 9},
        "stream-basic": {**_TEXT, "stream": True},
    },
    "responses": {
        "sync-basic": _RESPONSE,
        "sync-truncated": {**_RESPONSE, "max_output_tokens": 4},
        "sync-error-400": {"input": "Hello", "previous_response_id": "resp_1"},
        "stream-basic": {**_RESPONSE, "input": "Count from one to five.", "stream": True},
    },
    "messages": {
        "sync-basic": _MESSAGE,
        "sync-error-400": {
            "messages": [{"role": "user", "content": "Hello"}, *[{"role": "assistant", "content": "Hello"}] * 2],
            "max_tokens": 30,
        },
        "stream-basic": {**_COUNT, "stream": True},
    },
    "messages/count_tokens": {"sync-basic": {name: _MESSAGE[name] for name in ("system", "messages")}},
    "embeddings": {
        "sync-basic": {"input": ["A card payment."], "encoding_format": "float"},
        "sync-base64": {"input": "A card payment.", "encoding_format": "base64"},
    },
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
    """Ask the model everything that is missing, and write down what it says."""
    with LocalModel() as model, httpx2.Client(timeout=120, headers={"connection": "close"}) as client:
        judged = {
            f"judge-{name}-{number}": call
            for name, (judge, row) in JUDGED.items()
            for number, call in enumerate(calls_of(judge, row), 1)
        }
        wanted = EXCHANGES | {"chat/completions": EXCHANGES["chat/completions"] | judged}
        for endpoint, exchanges in wanted.items():
            for name, asked in exchanges.items():
                path = FOLDER / f"local-{endpoint.replace('/', '-').replace('_', '-')}-{name}.json"
                if not path.exists():
                    status = _record(client, model.base_url, endpoint, asked, path)
                    sys.stdout.write(f"{status} {path.name}\n")


def _record(client: httpx2.Client, base_url: str, endpoint: str, asked: dict[str, Any], path: Path) -> int:
    sampling = {} if endpoint in {"embeddings", "messages/count_tokens"} else {"temperature": 0}
    body = {"model": MODEL_NAME, **sampling, **({"seed": 7} if "completions" in endpoint else {}), **asked}
    answer = client.post(f"{base_url}/{endpoint}", json=body)
    kind = answer.headers["content-type"]
    recording = {
        "id": path.stem,
        "provider": "local",
        "endpoint": endpoint.replace("/", "."),
        "model": MODEL_NAME,
        "licence": "Apache-2.0",
        "request": {"method": "POST", "path": f"/v1/{endpoint}", "headers": {}, "body": body},
        "response": {
            "status": answer.status_code,
            "headers": {"content-type": kind},
            "sse" if kind.startswith("text/event-stream") else "body": answer.text,
        },
    }
    path.write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return answer.status_code


if __name__ == "__main__":
    main()
