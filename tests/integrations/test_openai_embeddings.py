"""Embeddings: their size and form, and never a vector."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integrations.answering import Server, messages
from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)


def test_vectors_are_never_recorded(own_url: str, spans: Spans) -> None:
    for name in ("local-embeddings-sync-basic", "local-embeddings-sync-base64"):
        recorded = Recorded(load()[name], own_url)
        with recorded.client() as client:
            vector: Any = recorded.ask(client).data[0].embedding
        written = b"".join(path.read_bytes() for path in spans.home.rglob("*.jsonl")).decode()
        assert str(vector[:20] if isinstance(vector, str) else vector[0]) not in written


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [({}, None), ({"encoding_format": "base64"}, ["base64"]), ({"encoding_format": "float"}, ["float"])],
)
def test_only_what_the_program_asked_for_is_its_format(
    asked: Mapping[str, Any], recorded: object, spans: Spans
) -> None:
    encoded = base64.b64encode(bytes(4 * 3)).decode()
    vector: object = [0.0, 0.0, 0.0] if asked.get("encoding_format") == "float" else encoded
    body: dict[str, Any] = {
        "object": "list",
        "model": "e",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
    }
    with Server(body).client() as client:
        client.embeddings.create(model="e", input="x", **asked)
    attributes = spans.one().attributes
    assert attributes.get("gen_ai.request.encoding_formats") == recorded
    assert attributes["gen_ai.embeddings.dimension.count"] == 3


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (["a", "b"], [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]),
        ([1, 2], [{"type": "tokens", "content": [1, 2]}]),
        ([[1], [2]], [{"type": "tokens", "content": [1]}, {"type": "tokens", "content": [2]}]),
    ],
)
def test_what_is_embedded(given: Any, parts: object, spans: Spans) -> None:
    body: dict[str, Any] = {
        "object": "list",
        "model": "e",
        "data": [],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }
    with Server(body).client() as client:
        client.embeddings.create(model="e", input=given, dimensions=64, encoding_format="float")
    assert messages(spans, "gen_ai.input.messages") == [{"role": "user", "parts": parts}]
    assert spans.one().attributes["gen_ai.embeddings.dimension.count"] == 64
