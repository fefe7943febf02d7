"""The spans of GenAI that a store gives one by one: which they are, and in which order."""

from collections.abc import Mapping
from pathlib import Path

import pytest

import tracelm
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.store import genai


def written(home: Path, spans: Mapping[str, tuple[int, Mapping[str, object]]]) -> None:
    """Write spans, each named and with its start and its attributes."""
    lines = [
        span_line(name, span=f"{number:016x}", start=start, attributes=attributes)
        for number, (name, (start, attributes)) in enumerate(spans.items(), 1)
    ]
    write_segment(home, spans=lines)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_a_span_is_of_genai_by_an_operation_a_provider_a_model_or_a_method(home: Path) -> None:
    spans: dict[str, tuple[int, Mapping[str, object]]] = {
        "operation": (5, {"gen_ai.operation.name": "plan"}),
        "provider": (4, {"gen_ai.provider.name": "groq"}),
        "model": (3, {"gen_ai.response.model": "m"}),
        "method": (2, {"mcp.method.name": "tools/list"}),
        "OpenInference": (1, {"openinference.span.kind": "TOOL"}),
        "op": (1, {"tracelm.op.name": "f", "gen_ai.conversation.id": "c"}),
    }
    written(home, spans)
    with tracelm.open_store(home=home) as store:
        assert [each.name for each in store.genai_spans()] == [
            "OpenInference",
            "method",
            "model",
            "provider",
            "operation",
        ]
        assert [each.name for each in store.genai_spans(since_ns=4)] == ["provider", "operation"]


def test_each_span_is_given_once_however_many_pages_there_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genai, "_PAGE", 3)
    written(home, {f"plan {number}": (1 + number % 2, {"gen_ai.operation.name": "plan"}) for number in range(10)})
    with tracelm.open_store(home=home) as store:
        found = [each.span_id for each in store.genai_spans()]
    assert sorted(found) == [f"{number:016x}" for number in range(1, 11)]


def test_a_project_that_nobody_knows_is_an_error(home: Path) -> None:
    written(home, {"plan": (1, {"gen_ai.operation.name": "plan"})})
    with tracelm.open_store(home=home) as store, pytest.raises(tracelm.StoreError, match="no project 'nope'"):
        list(store.genai_spans(project="nope"))
