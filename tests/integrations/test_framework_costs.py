"""What a call costs whose framework leaves out what its client was told: a tier, the cache, the provider's figure."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.integrations.answering import REPLY, RESPONSE
from tests.openai_client import http
from tests.recordings.recorded import Recorded
from tests.recordings.server import serve
from tracelm.integrations._call import known_better
from tracelm.integrations._exchange import Reply
from tracelm.integrations._langchain.messages import reply
from tracelm.otlp.records import SpanRecord
from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Usage
from tracelm.pricing.prices import PriceTable
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
OPENAI, OPENROUTER = "https://api.openai.com/v1", "https://openrouter.ai/api/v1"


def asked(body: Mapping[str, Any], spans: Spans, base_url: str = OPENAI, **more: Any) -> SpanRecord:
    """Return the span of LangChain's model over OpenAI's client."""
    client = http.Client(transport=http.MockTransport(lambda _request: http.Response(200, json=body)))
    model = ChatOpenAI(model="m", base_url=base_url, api_key=SecretStr("t"), max_retries=0, http_client=client, **more)
    model.invoke("Why?")
    return spans.one()


def follows(span: SpanRecord) -> bool:
    """Whether the cost on a span is the one that follows from what else stands there."""
    cost = PriceTable().cost(PricedCall.from_span(span.attributes, span.start_ns))
    return span.attributes.get("gen_ai.usage.cost.amount") == (None if cost is None else float(cost.amount_usd))


CACHED = {
    "prompt_tokens": 1_000,
    "completion_tokens": 100,
    "total_tokens": 1_100,
    "prompt_tokens_details": {"cached_tokens": 400},
    "completion_tokens_details": {"reasoning_tokens": 60},
}


@pytest.mark.parametrize(("tier", "factor"), [("flex", 0.5), ("priority", 2), ("default", 1)])
def test_a_cache_hit_in_a_tier_is_not_charged_in_full(tier: str, factor: float, spans: Spans) -> None:
    span = asked({**REPLY, "model": "gpt-5-2025-08-07", "service_tier": tier, "usage": CACHED}, spans)
    assert span.attributes["gen_ai.usage.cost.amount"] == pytest.approx(
        (600 * 1.25 + 400 * 0.125 + 100 * 10) / 1e6 * factor
    )
    assert follows(span)


@pytest.mark.parametrize("tier", ["", "flex_", "priority_"])
def test_the_kinds_of_tokens_of_a_tier_are_read_where_no_client_tells_them(tier: str) -> None:
    said: Any = {
        "input_tokens": 1_000,
        "output_tokens": 100,
        "total_tokens": 1_100,
        "input_token_details": {f"{tier}cache_read": 400, f"{tier}cache_creation": 5, "flex": 600},
        "output_token_details": {f"{tier}reasoning": 60},
    }
    message = AIMessage("So.", usage_metadata=said)
    assert reply(LLMResult(generations=[[ChatGeneration(message=message)]])).usage == Usage(
        input_tokens=1_000, output_tokens=100, cache_read_tokens=400, cache_write_tokens=5, reasoning_tokens=60
    )


def test_what_the_provider_says_that_it_cost_is_the_amount_below_langchain(spans: Spans) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100, "cost": 0.0123}
    span = asked({**REPLY, "model": "openai/gpt-5", "usage": usage}, spans, OPENROUTER)
    assert span.attributes["gen_ai.usage.cost.amount"] == 0.0123
    assert span.attributes["gen_ai.usage.cost.source"] == "provider"
    assert span.attributes["tracelm.cost.computed_usd"] == pytest.approx(0.00225)
    assert follows(span)


def test_reasoning_that_the_framework_leaves_out_is_as_the_client_knows_it(spans: Spans) -> None:
    usage = {"prompt_tokens": 66, "completion_tokens": 6, "total_tokens": 100}
    google = "https://generativelanguage.googleapis.com/v1beta/openai"
    span = asked({**REPLY, "model": "gemini-2.5-flash", "usage": usage}, spans, google)
    assert span.attributes["gen_ai.usage.output_tokens"] == 34
    assert follows(span)


@pytest.mark.openai(3, 0)
def test_searches_of_a_response_are_part_of_the_cost_below_langchain(spans: Spans) -> None:
    search = {"id": "ws", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
    body = {**RESPONSE, "model": "gpt-5-2025-08-07", "output": [search, *RESPONSE["output"]]}
    span = asked(body, spans, use_responses_api=True)
    assert span.attributes["tracelm.cost.web_searches_usd"] == 0.01
    assert follows(span)


@pytest.mark.openai(3, 0)
def test_what_is_not_counted_leaves_no_cost_below_langchain(spans: Spans) -> None:
    drawn = {"id": "ig", "type": "image_generation_call", "status": "completed", "result": "aGk="}
    body = {**RESPONSE, "model": "gpt-5-2025-08-07", "output": [drawn, *RESPONSE["output"]]}
    span = asked(body, spans, use_responses_api=True)
    assert span.attributes["tracelm.usage.not_counted"] == "image_generation"
    assert [key for key in span.attributes if "cost" in key] == []


def test_what_the_provider_says_that_it_cost_is_the_amount_below_llama_index(spans: Spans) -> None:
    llama = pytest.importorskip("llama_index.llms.litellm")
    from llama_index.core.llms import ChatMessage

    usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100, "cost": 0.0123}
    body = json.dumps({**REPLY, "model": "openai/gpt-5", "usage": usage})
    answer = {"status": 200, "headers": {"content-type": "application/json"}, "body": body}
    with serve({"one": {"response": answer}}, choose=lambda _path, _body: "one") as url:
        model = llama.LiteLLM(model="openrouter/openai/gpt-5", api_base=url, api_key="t", max_retries=1)
        model.chat([ChatMessage(role="user", content="Why?")])
    span = spans.one()
    assert span.attributes["gen_ai.usage.cost.amount"] == 0.0123
    assert span.attributes["gen_ai.usage.cost.source"] == "provider"


def test_what_a_client_has_from_its_cache_took_nothing_though_the_framework_repeats_its_tokens() -> None:
    repeated = Reply(model="m", usage=Usage(input_tokens=10, output_tokens=5))
    cached = Reply(attributes={"tracelm.response.cached": True})
    assert known_better(repeated, cached) == Reply(model="m")


def test_what_a_framework_leaves_out_of_an_answer_is_that_of_its_client() -> None:
    client = Reply(model="m-1", service_tier="flex", usage=Usage(input_tokens=10))
    assert known_better(Reply(usage=Usage(output_tokens=5)), client) == Reply(
        model="m-1", service_tier="flex", usage=Usage(input_tokens=10, output_tokens=5)
    )
    named = known_better(Reply(model="m", service_tier="priority"), client)
    assert (named.model, named.service_tier) == ("m", "priority")


def test_the_cost_of_every_recorded_answer_follows_from_its_span_below_langchain(
    foreign_chat: Recorded, spans: Spans
) -> None:
    foreign = foreign_chat
    more: dict[str, Any] = {"use_responses_api": True} if foreign.endpoint == "responses" else {}
    if "n" in foreign.request:
        more["n"] = foreign.request["n"]
    model = ChatOpenAI(
        model=foreign.request.get("model", "m"),
        base_url=f"{foreign.url}/v1",
        api_key=SecretStr("t"),
        max_retries=0,
        default_headers={"x-recording-id": foreign.recording["id"]},
        **more,
    )
    with contextlib.suppress(AttributeError, TypeError):  # LangChain cannot read every tool, an old one nor every usage
        if foreign.is_streamed:
            for _piece in model.stream("Why?"):
                pass
        else:
            model.invoke("Why?")
    assert follows(spans.one())
