"""A judge asks through any client that is patched: real ones, before a server that speaks their providers' words."""

import asyncio
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import anthropic
import boto3  # type: ignore[import-untyped]
import google.genai as genai
import litellm
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from google.genai import types
from inline_snapshot import snapshot

import tracelm
from tests.recordings.server import serve
from tests.unit.scorers.judging import FIVE, ROW, said
from tracelm.local_model import MODEL_NAME, LocalModel
from tracelm.scorers import Judge, Preference
from tracelm.testing import Spans

YES: Mapping[str, Any] = {"explanation": "so it is", "verdict": "yes"}
Answer = Mapping[str, Any]
Asked = list[dict[str, Any]]


@contextmanager
def answering(*answers: Answer) -> Generator[tuple[str, Asked]]:
    """Serve answers one after the other; yield the address, and what was asked."""
    headers = {"content-type": "application/json"}
    recordings = {
        str(number): {"response": {"status": each.get("status", 200), "headers": headers, "body": json.dumps(each)}}
        for number, each in enumerate(answers)
    }
    asked: Asked = []

    def choose(_path: str, body: Mapping[str, Any]) -> str:
        asked.append(dict(body))
        return str(min(len(asked), len(answers)) - 1)

    with serve(recordings, choose=choose) as url:
        yield url, asked


def claude(*content: Answer, stop: str = "tool_use") -> Answer:
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 60, "cache_read_input_tokens": 40, "output_tokens": 20},
    }


def tool_use(label: str) -> Answer:
    return {"type": "tool_use", "id": "t1", "name": "verdict", "input": {**YES, "verdict": label}}


def gemini(text: str, *, reason: str = "STOP", **further: Any) -> Answer:
    content = {"role": "model", "parts": [{"text": "Let me see.", "thought": True}, {"text": text}]}
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 15, "thoughtsTokenCount": 5}
    return {"candidates": [{"content": content, "finishReason": reason, **further}], "usageMetadata": usage}


def converse(*content: Answer, stop: str = "tool_use") -> Answer:
    usage = {"inputTokens": 60, "cacheReadInputTokens": 40, "outputTokens": 20, "totalTokens": 120}
    message = {"role": "assistant", "content": list(content)}
    return {"output": {"message": message}, "stopReason": stop, "usage": usage, "metrics": {"latencyMs": 1}}


def anthropic_client(url: str) -> Any:
    return anthropic.Anthropic(base_url=url, api_key="test", max_retries=0)


def google_client(url: str) -> Any:
    return genai.Client(api_key="test", http_options=types.HttpOptions(base_url=url))


def bedrock_client(url: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
    return cast("Any", boto3).client(
        "bedrock-runtime", endpoint_url=url, config=Config(retries={"max_attempts": 0}), **keys
    )


def litellm_router(url: str) -> Any:
    to = {"model": "openai/judge-1", "api_base": url, "api_key": "test"}
    return cast("Any", litellm).Router(model_list=[{"model_name": "judge-1", "litellm_params": to}], num_retries=0)


CLIENTS: Mapping[str, tuple[Callable[[str], Any], Answer]] = {
    "anthropic": (anthropic_client, claude(tool_use("yes"))),
    "google": (google_client, gemini(json.dumps(YES))),
    "bedrock": (
        bedrock_client,
        converse({"toolUse": {"toolUseId": "t1", "name": "verdict", "input": dict(YES)}}),
    ),
    "litellm": (litellm_router, said(json.dumps(YES))),
}


def judge(client: Any, **settings: Any) -> Judge:
    return Judge(rubric="Is it good?", model="judge-1", client=client, **settings)


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_judge_asks_through_any_client_that_is_patched(kind: str) -> None:
    make, answer = CLIENTS[kind]
    with answering(answer) as (url, asked):
        one = judge(make(url))
        score = one.score(**ROW)
        assert asyncio.run(one.ascore(**ROW)) == score
    assert len(asked) == 2
    assert "Because." in json.dumps(asked[0])
    assert score == snapshot(
        tracelm.Score(
            value=True,
            passed=True,
            explanation="so it is",
            details={"model": "judge-1", "input_tokens": 100, "output_tokens": 20, "label": "yes"},
        )
    )


def test_the_scorer_is_the_same_version_through_whatever_client() -> None:
    with answering(claude(tool_use("yes"))) as (url, _):
        assert judge(anthropic_client(url)).version == judge(google_client(url)).version == judge(None).version


def test_claude_is_made_to_call_a_tool_that_takes_the_verdict() -> None:
    with answering(claude(tool_use("yes"))) as (url, (asked)):
        judge(anthropic_client(url)).score(**ROW)
    (sent,) = asked
    assert "# Rubric\nIs it good?" in sent.pop("system")
    assert "Because." in sent.pop("messages")[0]["content"]
    assert sent == snapshot(
        {
            "max_tokens": 1024,
            "model": "judge-1",
            "tool_choice": {"type": "tool", "name": "verdict"},
            "tools": [
                {
                    "name": "verdict",
                    "description": "Takes the verdict, and what decides it.",
                    "input_schema": {
                        "type": "object",
                        "properties": {
                            "explanation": {"type": "string"},
                            "verdict": {"type": "string", "enum": ["yes", "no"]},
                        },
                        "required": ["explanation", "verdict"],
                        "additionalProperties": False,
                    },
                }
            ],
        }
    )


def test_gemini_is_held_to_a_schema_and_options_lie_over_its_config() -> None:
    with answering(gemini(json.dumps(YES))) as (url, asked):
        judge(google_client(url), options={"seed": 7, "temperature": 0.5}).score(**ROW)
    assert "# Rubric\nIs it good?" in asked[0]["systemInstruction"]["parts"][0]["text"]
    assert asked[0]["generationConfig"] == snapshot(
        {
            "temperature": 0.5,
            "maxOutputTokens": 1024,
            "seed": 7,
            "responseMimeType": "application/json",
            "responseSchema": {
                "properties": {"explanation": {"type": "STRING"}, "verdict": {"enum": ["yes", "no"], "type": "STRING"}},
                "property_ordering": ["explanation", "verdict"],
                "required": ["explanation", "verdict"],
                "type": "OBJECT",
            },
        }
    )


def test_bedrock_is_made_to_call_a_tool_that_takes_the_verdict() -> None:
    make, answer = CLIENTS["bedrock"]
    with answering(answer) as (url, asked):
        judge(make(url)).score(**ROW)
    assert asked[0]["inferenceConfig"] == {"maxTokens": 1024, "temperature": 0.0}
    assert asked[0]["toolConfig"]["toolChoice"] == {"tool": {"name": "verdict"}}
    (tool,) = asked[0]["toolConfig"]["tools"]
    assert list(tool["toolSpec"]["inputSchema"]["json"]["properties"]) == ["explanation", "verdict"]


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        (
            "anthropic",
            {"status": 400, "type": "error", "error": {"type": "invalid_request_error", "message": "tools?"}},
        ),
        ("google", {"status": 400, "error": {"code": 400, "message": "schema?", "status": "INVALID_ARGUMENT"}}),
        ("bedrock", {"status": 400, "message": "tools?"}),
    ],
)
def test_a_provider_that_refuses_the_form_is_asked_without_and_remembered(kind: str, refusal: Answer) -> None:
    make, answer = CLIENTS[kind]
    with answering(refusal, answer) as (url, asked):
        one = judge(make(url))
        assert one.score(**ROW).value is True
        assert one.score(**ROW).value is True
    formed = [
        any(name in json.dumps(each) for name in ("tool_choice", "toolChoice", "responseSchema")) for each in asked
    ]
    assert formed == [True, False, False]


@pytest.mark.parametrize(
    ("kind", "answer", "why"),
    [
        ("anthropic", claude(tool_use("maybe")), 'the judge said "maybe", which is not on the scale (yes, no)'),
        ("anthropic", claude(stop="refusal"), "the judge refused: its provider stopped it"),
        (
            "anthropic",
            claude({"type": "text", "text": "Well,"}, stop="max_tokens"),
            "the judge's answer was cut off: raise max_tokens",
        ),
        ("google", gemini("", reason="SAFETY"), "the judge refused: SAFETY"),
        ("google", {"promptFeedback": {"blockReason": "OTHER"}}, "the judge refused: OTHER"),
        ("google", {"usageMetadata": {"promptTokenCount": 3}}, "the judge gave no answer"),
        ("google", gemini('{"expl', reason="MAX_TOKENS"), "the judge's answer was cut off: raise max_tokens"),
        ("bedrock", converse({"text": "No."}, stop="guardrail_intervened"), "the judge refused: guardrail_intervened"),
        ("bedrock", converse({"text": "Well,"}, stop="max_tokens"), "the judge's answer was cut off: raise max_tokens"),
    ],
)
def test_what_is_no_verdict_is_refused_with_its_reason_whoever_was_asked(kind: str, answer: Answer, why: str) -> None:
    with answering(answer) as (url, _):
        score = judge(CLIENTS[kind][0](url)).score(**ROW)
    assert (score.value, score.explanation) == (None, f"refused to score: {why}")


def test_labels_are_weighted_with_the_probabilities_that_gemini_tells() -> None:
    pieces = ['{"explanation": "x", "verdict": "', "4", '"}']
    chosen = [{"token": each, "logProbability": -0.1} for each in pieces]
    others = [
        {"token": "4", "logProbability": -0.6931471805599453},
        {"token": "5", "logProbability": -0.6931471805599453},
    ]
    top = [{"candidates": each} for each in ([chosen[0]], others, [chosen[2]])]
    told = gemini("".join(pieces), logprobsResult={"chosenCandidates": chosen, "topCandidates": top})
    with answering(told) as (url, asked):
        score = judge(google_client(url), scale=FIVE, logprobs=True).score(**ROW)
    assert score.value == pytest.approx(4.5)
    assert score.details["weighted"] is True
    assert asked[0]["generationConfig"]["responseLogprobs"] is True


def test_an_async_client_of_anthropic_is_used_in_one_loop_after_another() -> None:
    with answering(claude(tool_use("yes"))) as (url, asked):
        one = judge(anthropic.AsyncAnthropic(base_url=url, api_key="test", max_retries=0))
        assert [one.score(**ROW).value for _ in range(2)] == [True, True]
        assert [asyncio.run(one.ascore(**ROW)).value for _ in range(2)] == [True, True]
    assert len(asked) == 4


def test_a_preference_asks_claude_in_both_orders() -> None:
    with answering(claude(tool_use("first")), claude(tool_use("second"))) as (url, _):
        better = Preference(rubric="Shorter is better.", model="judge-1", client=anthropic_client(url))
        assert better.score(**ROW, baseline="Since it is so.").value == 1.0


def test_the_calls_of_claude_as_a_judge_are_recorded_and_priced_below_its_span(spans: Spans) -> None:
    with answering(claude(tool_use("yes"))) as (url, _):
        Judge(rubric="Good?", model="claude-haiku-4-5", client=anthropic_client(url)).score(**ROW)
    (call,), (above,) = spans.named("chat claude-haiku-4-5"), spans.named("judge judge")
    assert call.parent_span_id == above.span_id
    assert call.attributes["gen_ai.usage.cost.amount"] == snapshot(0.000164)


@pytest.mark.real_model
def test_the_real_local_model_is_asked_by_anthropics_client_and_says_a_label_or_is_refused() -> None:
    with LocalModel() as model:
        client = anthropic.Anthropic(base_url=model.base_url.removesuffix("/v1"), api_key="local")
        one = Judge(rubric="Is it right?", model=MODEL_NAME, max_tokens=60, structured="never", client=client)
        score = one.score(**ROW)
    assert score.details["input_tokens"] > 0
    assert score.value in {True, False} or str(score.explanation).startswith("refused to score: ")


def test_clients_that_cannot_judge_are_refused_at_the_door_with_what_to_give_instead() -> None:
    with answering(claude(tool_use("yes"))) as (url, _):
        with pytest.raises(tracelm.ConfigError, match="give the client that blocks instead"):
            judge(google_client(url).aio)
        with pytest.raises(tracelm.ConfigError, match="max_tokens=None"):
            judge(anthropic_client(url), max_tokens=None)
    with pytest.raises(tracelm.ConfigError, match="give a client of openai, anthropic or google"):
        judge("gpt")
