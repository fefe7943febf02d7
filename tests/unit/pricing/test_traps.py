"""The ways in which the cost of a call is known to go wrong elsewhere, each from the reply to the span or the trace."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from genai_prices import extract_usage

import tracelm
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.otlp.records import Attributes
from tracelm.pricing.cost import Usage, inclusive
from tracelm.testing import Spans

MESSAGES: Any = [{"role": "user", "content": "Why?"}]


def client(
    content: bytes, kind: str = "application/json", base_url: str = "https://api.openai.com/v1"
) -> openai.OpenAI:
    transport = httpx2.MockTransport(
        lambda _request: httpx2.Response(200, content=content, headers={"content-type": kind})
    )
    http_client = httpx2.Client(transport=transport)
    return openai.OpenAI(api_key="test", base_url=base_url, max_retries=0, http_client=http_client)


def asked(
    usage: Mapping[str, Any],
    spans: Spans,
    model: str = "gpt-4o-2024-08-06",
    base_url: str = "https://api.openai.com/v1",
) -> Attributes:
    """Return the span's attributes of a chat completion with this usage."""
    body = {
        "id": "r1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "So."}}],
        "usage": usage,
    }
    with client(json.dumps(body).encode(), base_url=base_url) as openai_client:
        openai_client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    return spans.one().attributes


def shares(attributes: Attributes) -> dict[str, object]:
    prefix = "tracelm.cost."
    return {
        key.removeprefix(prefix): value
        for key, value in attributes.items()
        if key.startswith(prefix) and key.endswith("_usd")
    }


CACHED = {"prompt_tokens": 2_006, "completion_tokens": 300, "prompt_tokens_details": {"cached_tokens": 1_920}}


def test_cached_tokens_are_not_counted_twice(spans: Spans) -> None:
    attributes = asked(CACHED, spans)
    # OpenAI's 2,006 contain the 1,920 already.
    assert attributes["gen_ai.usage.input_tokens"] == 2_006
    assert shares(attributes) == {
        "input_usd": 86 * 2.5 / 1e6,
        "cache_read_usd": 1_920 * 1.25 / 1e6,
        "output_usd": 300 * 10 / 1e6,
    }
    assert attributes["gen_ai.usage.cost.amount"] == 0.005615


def test_a_cache_hit_is_not_charged_in_full(spans: Spans) -> None:
    amount = asked(CACHED, spans)["gen_ai.usage.cost.amount"]
    assert isinstance(amount, float)
    assert amount < (2_006 * 2.5 + 300 * 10) / 1e6


def test_cached_tokens_that_a_provider_counts_apart_are_not_lost() -> None:
    reported = {
        "input_tokens": 504,
        "cache_creation_input_tokens": 123,
        "cache_read_input_tokens": 10_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 23},
        "output_tokens": 97,
    }
    ours = inclusive(
        Usage(
            input_tokens=504,
            cache_write_tokens=123,
            cache_write_1h_tokens=23,
            cache_read_tokens=10_000,
            output_tokens=97,
        ),
        cache_is_apart=True,
    )
    theirs = extract_usage({"model": "claude-sonnet-4-5", "usage": reported}, provider_id="anthropic").usage
    assert (ours.input_tokens, ours.cache_read_tokens, ours.cache_write_tokens, ours.output_tokens) == (
        theirs.input_tokens,
        theirs.cache_read_tokens,
        theirs.cache_write_tokens,
        theirs.output_tokens,
    )


def test_the_completion_is_not_taken_for_total_minus_prompt(spans: Spans) -> None:
    attributes = asked({"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 5_000}, spans)
    assert attributes["gen_ai.usage.output_tokens"] == 100
    assert attributes["gen_ai.usage.cost.amount"] == 0.0035


GOOGLE, XAI = "https://generativelanguage.googleapis.com/v1beta/openai", "https://api.x.ai/v1"


def test_thinking_that_only_googles_total_has_is_output(spans: Spans) -> None:
    usage = {"prompt_tokens": 66, "completion_tokens": 6, "total_tokens": 100}
    attributes = asked(usage, spans, "gemini-2.5-flash", GOOGLE)
    assert attributes["gen_ai.usage.output_tokens"] == 34
    assert shares(attributes) == {
        "input_usd": 66 * 0.3 / 1e6,
        "output_usd": 6 * 2.5 / 1e6,
        "reasoning_usd": 28 * 2.5 / 1e6,
    }


@pytest.mark.parametrize("completion", [9, 103], ids=["as the provider counts", "added by something in between"])
def test_reasoning_that_a_provider_counts_apart_is_added_once(completion: int, spans: Spans) -> None:
    usage = {
        "prompt_tokens": 32,
        "completion_tokens": completion,
        "total_tokens": 135,
        "prompt_tokens_details": {"cached_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 94},
    }
    attributes = asked(usage, spans, "grok-4", XAI)
    assert attributes["gen_ai.usage.output_tokens"] == 103
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx((26 * 3 + 6 * 0.75 + 103 * 15) / 1e6)


@pytest.mark.parametrize(
    ("base_url", "model", "name"),
    [
        ("https://x.cloud.databricks.com/serving-endpoints", "databricks-kimi-k3", "cache_read_input_tokens"),
        ("https://api.mistral.ai/v1", "codestral-2508", "num_cached_tokens"),
        ("https://api.deepseek.com/v1", "deepseek-chat", "prompt_cache_hit_tokens"),
        ("https://api.moonshot.ai/v1", "kimi-k2-0905-preview", "cached_tokens"),
    ],
)
def test_a_cache_hit_is_found_by_the_name_that_a_provider_has_for_it(
    base_url: str, model: str, name: str, spans: Spans
) -> None:
    attributes = asked({"prompt_tokens": 1_000, "completion_tokens": 10, name: 900}, spans, model, base_url)
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 900
    assert set(shares(attributes)) == {"input_usd", "cache_read_usd", "output_usd"}


def test_reasoning_where_databricks_says_it_is_part_of_the_completion(spans: Spans) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 10, "total_tokens": 1_010, "reasoning_tokens": 4}
    attributes = asked(usage, spans, "databricks-kimi-k3", "https://x.cloud.databricks.com/serving-endpoints")
    assert (attributes["gen_ai.usage.output_tokens"], attributes["gen_ai.usage.reasoning.output_tokens"]) == (10, 4)


def test_reasoning_is_not_priced_twice(spans: Spans) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "completion_tokens_details": {"reasoning_tokens": 90}}
    attributes = asked(usage, spans, "gpt-5-2025-08-07")
    assert shares(attributes) == {
        "input_usd": 1_000 * 1.25 / 1e6,
        "output_usd": 10 * 10 / 1e6,
        "reasoning_usd": 90 * 10 / 1e6,
    }
    assert attributes["gen_ai.usage.cost.amount"] == 0.00225


def _streamed(*usages: Mapping[str, int] | None) -> bytes:
    def chunk(choices: Sequence[object], usage: Mapping[str, int] | None) -> str:
        whole = {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
        return f"data: {json.dumps({**whole, 'choices': choices, 'usage': usage})}\n\n"

    said = [{"index": 0, "delta": {"role": "assistant", "content": "So"}, "finish_reason": None}]
    over = [{"index": 0, "delta": dict[str, str](), "finish_reason": "stop"}]
    chunks = [chunk(said, usage) for usage in usages[:-1]] + [chunk(over, usages[-1])]
    return ("".join(chunks) + "data: [DONE]\n\n").encode()


def test_usage_that_grows_from_chunk_to_chunk_is_not_summed(spans: Spans) -> None:
    # As Perplexity and some servers stream it: each chunk says what was used so far.
    content = _streamed(
        *({"prompt_tokens": 1_000, "completion_tokens": n, "total_tokens": 1_000 + n} for n in (1, 2, 3))
    )
    with client(content, "text/event-stream") as openai_client:
        for _chunk in openai_client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True):
            pass
    attributes = spans.one().attributes
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (1_000, 3)
    assert attributes["gen_ai.usage.cost.amount"] == 0.00253


def test_a_price_of_zero_is_a_cost_and_not_an_unknown_one(tmp_path: Path) -> None:
    tracelm.init("p", home=tmp_path, prices={"gpt-4o": {"input_usd_per_mtok": 0, "output_usd_per_mtok": 0}})
    spans = Spans(tmp_path)
    attributes = asked({"prompt_tokens": 10, "completion_tokens": 10}, spans)
    assert attributes["gen_ai.usage.cost.amount"] == 0.0
    assert shares(attributes) == {"input_usd": 0.0, "output_usd": 0.0}
    with tracelm.open_store(home=tmp_path) as store:
        assert [span.cost_usd for span in store.spans()] == [0.0]
        assert [trace.cost_usd for trace in store.traces()] == [0.0]


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -5, "completion_tokens": 10},
        {"prompt_tokens": 10, "completion_tokens": 10**15},
        {"prompt_tokens": 10, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 11}},
        {"prompt_tokens": 10, "completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 11}},
    ],
)
def test_counts_that_cannot_be_have_no_cost_and_are_recorded(usage: dict[str, Any], spans: Spans) -> None:
    attributes = asked(usage, spans)
    assert [key for key in attributes if "cost" in key] == []
    assert attributes["gen_ai.usage.input_tokens"] == usage["prompt_tokens"]


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10.5, "completion_tokens": 10},
        {"prompt_tokens": None, "completion_tokens": 10},
        {"prompt_tokens": 10, "completion_tokens": 10.5},
        {"prompt_tokens": 2**63, "completion_tokens": 10},
        {"prompt_tokens": 10, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": "many"}},
    ],
)
def test_a_count_that_is_none_makes_no_cheap_call_now_or_later(usage: dict[str, Any], tmp_path: Path) -> None:
    tracelm.init("p", home=tmp_path)
    attributes = asked(usage, Spans(tmp_path))
    assert [key for key in attributes if "cost" in key] == []
    with tracelm.open_store(home=tmp_path) as store:
        assert [each.changed for each in store.reprice(since_ns=0)] == [0]


def test_an_agent_and_the_calls_below_it_are_not_both_counted_in_the_total(tmp_path: Path) -> None:
    usage = {
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cost.amount": 0.5,
    }
    agent = span_line("invoke_agent a", attributes={**usage, "gen_ai.operation.name": "invoke_agent"})
    called = {**usage, "gen_ai.operation.name": "chat"}
    call = span_line("chat m", span="00000000000000b1", parent="00000000000000a1", attributes=called)
    write_segment(tmp_path, spans=[agent, call])
    with tracelm.open_store(home=tmp_path) as store:
        (trace,) = store.traces()
    assert (trace.cost_usd, trace.input_tokens, trace.output_tokens) == (0.5, 100, 10)
