"""Costs are checked against sums done by hand, and against genai-prices' own arithmetic for every model it lists."""

import math
import socket
import subprocess
import sys
from typing import Any

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

import tracelm
from tracelm.pricing.cost import Cost, Usage
from tracelm.pricing.prices import PriceTable


def _cost(table: PriceTable, usage: Usage, *models: str | None, provider: str = "openai", **given: Any) -> Cost | None:
    return table.cost(provider=provider, models=models, usage=usage, **given)


# --- the user's own prices ----------------------------------------------------------------------------------

OWN = PriceTable.from_user(
    {
        "tiny": {"input_usd_per_mtok": 0.02, "output_usd_per_mtok": 0.04},
        "cached": {
            "input_usd_per_mtok": 3,
            "output_usd_per_mtok": 15,
            "cache_read_usd_per_mtok": 0.3,
            "cache_write_usd_per_mtok": 3.75,
        },
        "embedder": {"input_usd_per_mtok": 0.1},
        "gratis": {"input_usd_per_mtok": 0, "output_usd_per_mtok": 0},
    }
)


def test_input_and_output_are_priced_by_the_million() -> None:
    cost = _cost(OWN, Usage(input_tokens=1_000, output_tokens=500), "tiny")
    assert cost == Cost(
        amount_usd=0.00004,  # 1,000 * 0.02 / 1e6 + 500 * 0.04 / 1e6
        input_usd=0.00002,
        cache_read_usd=0.0,
        cache_write_usd=0.0,
        output_usd=0.00002,
        request_usd=0.0,
        rule="user:tiny",
        price_version="user",
    )


def test_cached_tokens_are_part_of_the_input_and_priced_once() -> None:
    usage = Usage(input_tokens=10_000, output_tokens=100, cache_read_tokens=6_000, cache_write_tokens=3_000)
    cost = _cost(OWN, usage, "cached")
    assert cost is not None
    assert cost.input_usd == 0.003  # the 1,000 that are left, at 3
    assert cost.cache_read_usd == 0.0018  # 6,000 at 0.3
    assert cost.cache_write_usd == 0.01125  # 3,000 at 3.75
    assert cost.output_usd == 0.0015  # 100 at 15
    assert cost.amount_usd == 0.01755


def test_cached_tokens_without_a_price_of_their_own_cost_what_input_costs() -> None:
    cost = _cost(OWN, Usage(input_tokens=1_000, output_tokens=0, cache_read_tokens=400), "tiny")
    assert cost is not None
    assert cost.amount_usd == 0.00002
    assert (cost.input_usd, cost.cache_read_usd) == (0.000012, 0.000008)


def test_reasoning_is_part_of_the_output_and_priced_once() -> None:
    with_reasoning = Usage(input_tokens=10, output_tokens=100, reasoning_tokens=90)
    assert _cost(OWN, with_reasoning, "tiny") == _cost(OWN, Usage(input_tokens=10, output_tokens=100), "tiny")


def test_a_price_of_zero_is_a_cost_of_zero() -> None:
    cost = _cost(OWN, Usage(input_tokens=10, output_tokens=10), "gratis")
    assert cost is not None
    assert cost.amount_usd == 0


@pytest.mark.parametrize(
    ("usage", "model"),
    [
        (Usage(), "tiny"),
        (Usage(input_tokens=10, output_tokens=10), "nobody-knows-this-model"),
        (Usage(input_tokens=10, output_tokens=10), "embedder"),  # its output has no price
        (Usage(input_tokens=10, output_tokens=1, cache_read_tokens=11), "cached"),  # more cached than sent
    ],
)
def test_what_cannot_be_known_has_no_cost(usage: Usage, model: str) -> None:
    assert _cost(OWN, usage, model) is None


def test_a_model_with_an_input_price_alone_prices_input() -> None:
    cost = _cost(OWN, Usage(input_tokens=1_000_000), "embedder")
    assert cost is not None
    assert cost.amount_usd == 0.1


def test_the_users_price_beats_the_public_one() -> None:
    table = PriceTable.from_user({"gpt-4o": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1}})
    cost = _cost(table, Usage(input_tokens=1_000_000, output_tokens=0), "gpt-4o-2024-08-06", "gpt-4o")
    assert cost is not None
    assert (cost.amount_usd, cost.rule) == (1.0, "user:gpt-4o")


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        ({"m": {"input": 1}}, "prices['m'] has no price called 'input'"),
        ({"m": {}}, "prices['m'] lacks 'input_usd_per_mtok'"),
        ({"m": {"output_usd_per_mtok": 1}}, "prices['m'] lacks 'input_usd_per_mtok'"),
        ({"m": {"input_usd_per_mtok": -1}}, "prices['m']['input_usd_per_mtok'] = -1 is no price"),
        ({"m": {"input_usd_per_mtok": "3"}}, "prices['m']['input_usd_per_mtok'] = '3' is no price"),
        ({"m": {"input_usd_per_mtok": True}}, "prices['m']['input_usd_per_mtok'] = True is no price"),
        ({"m": {"input_usd_per_mtok": math.nan}}, "prices['m']['input_usd_per_mtok'] = nan is no price"),
        ({"m": {"input_usd_per_mtok": math.inf}}, "prices['m']['input_usd_per_mtok'] = inf is no price"),
        ({"m": 3}, "prices['m'] must map"),
        ({"": {"input_usd_per_mtok": 1}}, "prices['']: the key must be the name of a model"),
    ],
)
def test_bad_prices_fail_at_init_and_name_model_and_key(prices: Any, said: str) -> None:
    with pytest.raises(tracelm.ConfigError) as caught:
        tracelm.init("p", prices=prices)
    assert str(caught.value).startswith(said)


# --- public prices ------------------------------------------------------------------------------------------


def test_gpt_4o_with_cached_tokens() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100, cache_read_tokens=400)
    cost = _cost(PriceTable(), usage, "gpt-4o-2024-08-06", "gpt-4o")
    assert cost is not None
    # 600 * 2.50 + 400 * 1.25 + 100 * 10.00, per million
    assert (cost.input_usd, cost.cache_read_usd, cost.output_usd) == (0.0015, 0.0005, 0.001)
    assert cost.amount_usd == 0.003
    assert cost.rule == "genai-prices:openai/gpt-4o"


def test_the_model_asked_for_is_tried_when_the_one_that_answered_is_unknown() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    assert _cost(PriceTable(), usage, "gateway-7b", None, "gpt-4o") == _cost(PriceTable(), usage, "gpt-4o")


def test_the_same_model_of_another_provider_has_that_ones_price() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100)
    cost = _cost(PriceTable(), usage, "gpt-4o", provider="azure.ai.openai")
    assert cost is not None
    assert cost.rule == "genai-prices:azure/gpt-4o"
    assert _cost(PriceTable(), usage, "gpt-4o", provider="deepseek") is None


def test_an_unknown_provider_has_no_cost() -> None:
    assert _cost(PriceTable(), Usage(input_tokens=1, output_tokens=1), "gpt-4o", provider="my-gateway") is None


def test_a_cheaper_service_tier_costs_less() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    standard = _cost(PriceTable(), usage, "gpt-5")
    flex = _cost(PriceTable(), usage, "gpt-5", service_tier="flex")
    assert standard is not None
    assert flex is not None
    assert flex.amount_usd == pytest.approx(standard.amount_usd / 2)


def test_what_a_provider_takes_for_a_request_is_a_bucket_of_its_own() -> None:
    cost = _cost(PriceTable(), Usage(input_tokens=1_000, output_tokens=100), "sonar", provider="perplexity")
    assert cost is not None
    assert cost.request_usd > 0
    assert cost.attributes()["tracelm.cost.request_usd"] == cost.request_usd
    assert cost.amount_usd == pytest.approx(cost.input_usd + cost.output_usd + cost.request_usd)


def test_the_version_of_the_price_list_is_recorded() -> None:
    from importlib.metadata import version

    cost = _cost(PriceTable(), Usage(input_tokens=1, output_tokens=1), "gpt-4o")
    assert cost is not None
    assert cost.attributes() == {
        "gen_ai.usage.cost.amount": cost.amount_usd,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",
        "tracelm.cost.rule": "genai-prices:openai/gpt-4o",
        "tracelm.cost.price_version": version("genai-prices"),
        "tracelm.cost.input_usd": cost.input_usd,
        "tracelm.cost.cache_read_usd": 0.0,
        "tracelm.cost.cache_write_usd": 0.0,
        "tracelm.cost.output_usd": cost.output_usd,
    }


_LISTED = [(provider.id, model.id) for provider in get_snapshot().providers for model in provider.models]


@settings(deadline=None)  # the machine may be busy
@given(
    which=st.sampled_from(_LISTED),
    fresh=st.integers(0, 2_000_000),
    read=st.integers(0, 500_000),
    written=st.integers(0, 100_000),
    output=st.integers(0, 200_000),
)
def test_every_listed_model_costs_what_genai_prices_says(
    which: tuple[str, str], fresh: int, read: int, written: int, output: int
) -> None:
    provider, model = which
    sent = fresh + read + written
    usage = Usage(input_tokens=sent, output_tokens=output, cache_read_tokens=read, cache_write_tokens=written)
    cost = _cost(PriceTable(), usage, model, provider=provider)
    if cost is None:
        return
    theirs = calc_price(
        TheirUsage(input_tokens=sent, output_tokens=output, cache_read_tokens=read, cache_write_tokens=written),
        model,
        provider_id=provider,
    )
    assert cost.amount_usd == pytest.approx(float(theirs.total_price), rel=1e-9, abs=1e-15)
    buckets = cost.input_usd + cost.cache_read_usd + cost.cache_write_usd + cost.output_usd + cost.request_usd
    assert buckets == pytest.approx(cost.amount_usd, rel=1e-9, abs=1e-15)


def test_most_listed_models_of_openai_have_a_cost() -> None:
    usage = Usage(input_tokens=100, output_tokens=10)
    chat = [model for provider, model in _LISTED if provider == "openai" and model.startswith("gpt-")]
    priced = [model for model in chat if _cost(PriceTable(), usage, model) is not None]
    assert len(priced) > 0.8 * len(chat)


def test_audio_tokens_cost_what_audio_costs() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100, input_audio_tokens=400, output_audio_tokens=60)
    model = "gpt-4o-audio-preview"
    cost = _cost(PriceTable(), usage, model)
    theirs = calc_price(
        TheirUsage(input_tokens=1_000, output_tokens=100, input_audio_tokens=400, output_audio_tokens=60),
        model,
        provider_id="openai",
    )
    assert cost is not None
    assert cost.amount_usd == pytest.approx(float(theirs.total_price))
    assert (
        cost.amount_usd > (_cost(PriceTable(), Usage(input_tokens=1_000, output_tokens=100), model) or cost).input_usd
    )


def test_pricing_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise AssertionError("pricing must not use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert _cost(PriceTable(), Usage(input_tokens=1, output_tokens=1), "gpt-4o-mini") is not None


def test_the_price_list_is_loaded_when_it_is_first_needed() -> None:
    program = (
        "import sys\n"
        "from tracelm.pricing.prices import PriceTable\n"
        "from tracelm.pricing.cost import Usage\n"
        "table = PriceTable.from_user({'m': {'input_usd_per_mtok': 1, 'output_usd_per_mtok': 1}})\n"
        "usage = Usage(input_tokens=1, output_tokens=1)\n"
        "assert table.cost(provider='openai', models=('m',), usage=usage)\n"
        "assert 'genai_prices' not in sys.modules\n"
        "assert table.cost(provider='openai', models=('gpt-4o',), usage=usage)\n"
        "assert 'genai_prices' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
