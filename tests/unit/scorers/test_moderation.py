"""`OpenAIModeration` over a recorded answer."""

import json
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

import tracelm
from tests.recordings.server import serve
from tracelm.scorers import OpenAIModeration

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _provider(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    path = shared / "recordings" / "openai-moderations-sync-basic-02d209a0.json"
    recording = json.loads(path.read_text(encoding="utf-8"))
    with serve({path.stem: recording}) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        yield


def test_what_the_model_does_not_flag_passes_with_its_scores() -> None:
    score = OpenAIModeration().score(output="Have a great day!")
    assert (score.passed, score.explanation) == (True, None)
    assert score.details["model"] == "text-moderation-007"
    assert score.details["risk"] == score.details["categories"]["sexual"] == 0.000030256842364906333
    assert len(score.details["categories"]) == 11


def test_a_threshold_of_ones_own_decides_and_names_the_categories() -> None:
    score = OpenAIModeration(threshold=0.00001).score(output="Have a great day!")
    assert (score.passed, score.explanation) == (False, "flagged: sexual, violence")


async def test_async_says_the_same() -> None:
    assert await OpenAIModeration().ascore(output="x") == OpenAIModeration().score(output="x")


def test_an_endpoint_that_does_not_answer_blocks_as_a_broken_guardrail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setattr(openai, "DEFAULT_MAX_RETRIES", 0)

    @tracelm.guard(tracelm.Guardrail(OpenAIModeration(timeout_s=2.0)))
    def reply() -> str:
        return "hello"

    with pytest.raises(tracelm.GuardrailBroken):
        reply()


@pytest.mark.parametrize("threshold", [0, 1.5, True])
def test_a_threshold_that_is_none_is_refused(threshold: float) -> None:
    with pytest.raises(tracelm.ConfigError, match="above 0"):
        OpenAIModeration(threshold=threshold)
