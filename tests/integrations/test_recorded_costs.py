"""What real providers billed by: the cost that follows from a span is the one that genai-prices reads from the body."""

import contextlib
from pathlib import Path
from typing import Any

import openai
import pytest
from genai_prices import extract_usage

from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.pricing.call import PricedCall
from tracelm.pricing.prices import PriceTable
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)

_PROVIDERS = {"azure_openai": ("azure.ai.openai", "azure"), "mistral": ("mistral_ai", "mistral")}
"""A recording's provider as the conventions and as genai-prices call it, where these differ from the recording."""
_RECORDINGS = load(Path(__file__).parents[3] / "shared" / "recordings")


def _body(recorded: Recorded) -> dict[str, Any] | None:
    """Return what holds the usage: the whole answer, or the last chunk that has one."""
    if recorded.recording["endpoint"] != "chat.completions" or recorded.recording["response"]["status"] != 200:
        return None
    whole = recorded.chunks if recorded.is_streamed else [recorded.completion]
    return next((each for each in reversed(whole) if each.get("usage")), None)


def _theirs(recorded: Recorded) -> float | None:
    """Return what genai-prices makes of the answer; `None` where it cannot read it, or has no such model."""
    body, provider = _body(recorded), recorded.recording["provider"]
    if body is None:
        return None
    read = body["usage"].get("num_cached_tokens")
    if read is not None:  # Mistral's name for it, which genai-prices does not know
        body = {**body, "usage": {**body["usage"], "prompt_tokens_details": {"cached_tokens": read}}}
    for flavor in ("chat", "default"):
        with contextlib.suppress(ValueError, LookupError):
            known_as = _PROVIDERS.get(provider, (provider, provider))[1]
            return float(extract_usage(body, provider_id=known_as, api_flavor=flavor).calc_price().total_price)
    return None


_PRICED = sorted(name for name, recording in _RECORDINGS.items() if _theirs(Recorded(recording, "")) is not None)


@pytest.mark.parametrize("name", _PRICED)
def test_a_recorded_answer_costs_what_genai_prices_says(name: str, foreign_url: str, spans: Spans) -> None:
    recorded = Recorded(_RECORDINGS[name], foreign_url)
    with recorded.client() as client:
        reply = client.chat.completions.create(**recorded.arguments())
        if recorded.is_streamed:
            list(reply)
    span = spans.one()
    provider = recorded.recording["provider"]
    # The address is that of the replay, so the span cannot know whose answer it is.
    named = {**span.attributes, "gen_ai.provider.name": _PROVIDERS.get(provider, (provider, provider))[0]}
    cost = PriceTable().cost(PricedCall.from_span(named, span.start_ns))
    assert cost is not None
    assert cost.computed_usd is not None
    assert float(cost.computed_usd) == pytest.approx(_theirs(recorded))
    if provider in {"openai", "azure_openai"}:
        assert span.attributes["gen_ai.usage.cost.amount"] == float(cost.amount_usd)


def _take(reply: Any) -> None:
    if isinstance(reply, openai.Stream):
        list(reply)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def test_the_cost_on_a_span_is_the_one_that_follows_from_it(foreign: Recorded, spans: Spans) -> None:
    with foreign.client() as client:
        if foreign.fails:
            with pytest.raises(openai.APIError):
                _take(foreign.ask(client))
        else:
            _take(foreign.ask(client))
    span = spans.one()
    cost = PriceTable().cost(PricedCall.from_span(span.attributes, span.start_ns))
    assert span.attributes.get("gen_ai.usage.cost.amount") == (None if cost is None else float(cost.amount_usd))
