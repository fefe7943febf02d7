"""What OpenAI and Anthropic were recorded to answer, asked for by DSPy: one span, with the recorded tokens."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.integrations.dspy_programs import VERSION, dspy
from tests.recordings.claude import ClaudeRecorded, shared_claude
from tests.recordings.facts import TOKENS, facts_of
from tests.recordings.recorded import Recorded
from tests.recordings.server import load, serve
from tracelm.testing import Spans

_SHARED = Path(__file__).parents[3] / "shared" / "recordings"
_ENGINES = ["auto", "litellm"] if VERSION >= (3, 4) else [""]


def _is_answer(recording: Mapping[str, Any]) -> bool:
    asked: Mapping[str, Any] = recording["request"].get("body") or {}
    if "sse" in recording["response"] or recording["response"]["status"] != 200 or "n" in asked or "model" not in asked:
        return False
    return recording["endpoint"] in {"chat.completions", "messages"} | ({"responses"} if VERSION >= (3, 1) else set())


_OPENAI = {name: each for name, each in load(_SHARED).items() if each["provider"] == "openai" and _is_answer(each)}
_CLAUDE = {name: each for name, each in shared_claude().items() if _is_answer(each)}


@pytest.fixture(params=sorted(_OPENAI | _CLAUDE))
def recorded(request: pytest.FixtureRequest, shared: Path) -> Recorded:
    """Each whole answer in the shared folder."""
    name = request.param
    return ClaudeRecorded(_CLAUDE[name], "") if name in _CLAUDE else Recorded(_OPENAI[name], "")


@pytest.mark.parametrize("engine", _ENGINES)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_recording_is_one_span_with_its_tokens(engine: str, is_async: bool, recorded: Recorded, spans: Spans) -> None:
    name = recorded.recording["id"]
    with serve({name: dict(recorded.recording)}, choose=lambda _path, _asked: name) as url:
        lm = _model(recorded, url, engine)
        # What the library makes of an answer to another request is its own affair: it was received, and billed.
        with contextlib.suppress(Exception):
            if is_async:
                anyio.run(lm.acall, "Hello")
            else:
                lm("Hello")
    span = spans.one()
    facts = recorded.facts() if isinstance(recorded, ClaudeRecorded) else facts_of(recorded)
    assert span.name == f"chat {recorded.request['model']}"
    # LiteLLM says of Claude that it did not reason, where Claude says nothing of it.
    assert facts.tokens.items() <= {key: span.attributes[key] for key in TOKENS if key in span.attributes}.items()


def _model(recorded: Recorded, url: str, engine: str) -> Any:
    is_claude = isinstance(recorded, ClaudeRecorded)
    more: dict[str, Any] = {"engine": engine} if engine else {}
    if recorded.endpoint == "responses":
        more["model_type"] = "responses"
    return dspy.LM(
        f"{'anthropic' if is_claude else 'openai'}/{recorded.request['model']}",
        api_base=url if is_claude else f"{url}/v1",
        api_key="test",
        cache=False,
        num_retries=0,
        temperature=1.0,  # DSPy wants both of a model that reasons
        max_tokens=20_000,
        **more,
    )
