"""What a call cost stands on its span, and by which price."""

from decimal import Decimal
from typing import Any

import pytest

import tracelm
from tests.integrations.answering import REPLY
from tests.openai_client import ASK, client_of
from tests.recordings.recorded import Recorded
from tracelm.integrations._chat import read_reply
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)


def test_the_users_own_price_is_on_the_span(tmp_path: Any, reply: Recorded) -> None:
    home = tmp_path / "priced"
    price = {"input_usd_per_mtok": 2.0, "output_usd_per_mtok": 4.0}
    tracelm.init("priced", home=home, prices={"smollm2-135m": price})
    with reply.client() as client:
        client.chat.completions.create(**reply.arguments())
    attributes = Spans(home).one().attributes
    usage = reply.completion["usage"]
    expected = (usage["prompt_tokens"] * 2.0 + usage["completion_tokens"] * 4.0) / 1_000_000
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx(expected)
    assert attributes["gen_ai.usage.cost.currency"] == "USD"
    assert attributes["tracelm.cost.rule"] == "user:smollm2-135m"


def test_a_public_price_is_on_the_span(spans: Spans) -> None:
    with client_of("https://api.openai.com/v1", {**REPLY, "model": "gpt-4o-2024-08-06"}) as client:
        client.chat.completions.create(model="gpt-4o", messages=ASK["messages"])
    attributes = spans.one().attributes
    # 10 input tokens at 2.50 USD, 2 output tokens at 10 USD, each per million.
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx(0.000045)
    assert attributes["tracelm.cost.rule"] == "genai-prices:openai/gpt-4o"


@pytest.mark.parametrize(
    ("tier", "usd", "condition"),
    [
        ("default", 0.0000325, ""),
        ("batch", 0.00001625, "; processing=batch"),
        ("flex", 0.00001625, "; service_tier=flex"),
    ],
)
def test_a_call_that_was_served_as_a_batch_or_in_a_tier_has_the_price_of_it(
    tier: str, usd: float, condition: str, spans: Spans
) -> None:
    with client_of("https://api.openai.com/v1", {**REPLY, "model": "gpt-5-2025-08-07", "service_tier": tier}) as client:
        client.chat.completions.create(model="gpt-5", messages=ASK["messages"])
    attributes = spans.one().attributes
    # 10 input tokens at 1.25 USD, 2 output tokens at 10 USD, each per million; half of it where it can wait.
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx(usd)
    assert attributes["tracelm.cost.rule"] == f"genai-prices:openai/gpt-5{condition}"
    assert attributes["openai.response.service_tier"] == tier


def test_what_openrouter_says_that_a_call_cost_is_read() -> None:
    body = {**REPLY, "usage": {**REPLY["usage"], "cost": 0.00012}}
    assert read_reply(body, provider="openrouter").usage.reported_usd == Decimal("0.00012")
    assert read_reply(body, provider="openai").usage.reported_usd is None


def test_an_unknown_model_has_no_cost(reply: Recorded, spans: Spans) -> None:
    with reply.client() as client:
        client.chat.completions.create(**reply.arguments())
    assert [key for key in spans.one().attributes if "cost" in key] == []
