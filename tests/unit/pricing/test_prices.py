"""Which price applies: the user's own, by name or pattern, or the public one."""

import json
import math
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import tracelm
from tests.unit.pricing.calls import NOVEMBER_2026_NS, known, price
from tracelm.pricing.cost import Usage
from tracelm.pricing.prices import PriceTable

MILLION = Usage(input_tokens=1_000_000, output_tokens=0)


def rule(table: PriceTable, *models: str | None, **given: Any) -> str | None:
    cost = price(table, Usage(input_tokens=1, output_tokens=1), *models, **given)
    return None if cost is None else cost.rule


# --- the user's own prices ----------------------------------------------------------------------------------


def test_the_users_price_beats_the_public_one() -> None:
    table = PriceTable.from_user({"gpt-4o": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1}})
    cost = known(price(table, MILLION, "gpt-4o-2024-08-06", "gpt-4o"))
    assert (cost.amount_usd, cost.rule) == (Decimal(1), "user:gpt-4o")


def test_the_price_of_the_model_that_answered_beats_that_of_the_one_asked_for() -> None:
    table = PriceTable.from_user({"asked": {"input_usd_per_mtok": 1}, "answered": {"input_usd_per_mtok": 2}})
    assert rule(table, "answered", "asked") is None  # it has no price for output
    assert known(price(table, Usage(input_tokens=1), "answered", "asked")).rule == "user:answered"


def test_a_pattern_prices_all_models_it_fits_the_longest_first() -> None:
    cheap = {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1}
    table = PriceTable.from_user({"ft:*": cheap, "ft:gpt-4o-*:acme:*": cheap, "ft:gpt-4o-mini:acme::a": cheap})
    assert rule(table, "ft:gpt-4o-2024-08-06:acme::x1") == "user:ft:gpt-4o-*:acme:*"
    assert rule(table, "ft:other") == "user:ft:*"
    assert rule(table, "ft:gpt-4o-mini:acme::a") == "user:ft:gpt-4o-mini:acme::a"  # a name beats every pattern
    assert rule(table, "left:gpt-4o") is None


def test_only_the_star_is_special_in_a_pattern() -> None:
    table = PriceTable.from_user({"a.b[1]*": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1}})
    assert rule(table, "a.b[1]-x") == "user:a.b[1]*"
    assert rule(table, "aXb1-x") is None


def test_another_price_is_another_version() -> None:
    def version(usd: float) -> str | None:
        table = PriceTable.from_user({"m": {"input_usd_per_mtok": usd}})
        return known(price(table, MILLION, "m")).price_version

    assert version(1) == version(1.0)
    assert version(1) != version(2)


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        ({"m": {"input": 1}}, "prices['m'] has no price called 'input'"),
        ({"m": {}}, "prices['m'] has no price"),
        ({"m": {"output_usd_per_mtok": 1}}, "prices['m'] lacks 'input_usd_per_mtok'"),
        ({"m": {"input_usd_per_mtok": -1}}, "prices['m']['input_usd_per_mtok'] = -1 is no price"),
        ({"m": {"input_usd_per_mtok": "3"}}, "prices['m']['input_usd_per_mtok'] = '3' is no price"),
        ({"m": {"input_usd_per_mtok": True}}, "prices['m']['input_usd_per_mtok'] = True is no price"),
        ({"m": {"input_usd_per_mtok": math.nan}}, "prices['m']['input_usd_per_mtok'] = nan is no price"),
        ({"m": {"input_usd_per_mtok": math.inf}}, "prices['m']['input_usd_per_mtok'] = inf is no price"),
        ({"m": {"input_usd_per_mtok": 1e7}}, "prices['m']['input_usd_per_mtok'] = 10000000.0 is no price"),
        ({"m": {"input_usd_per_mtok": Decimal("sNaN")}}, "prices['m']['input_usd_per_mtok'] = Decimal('sNaN') is no"),
        ({"m": {"input_usd_per_mtok": 10**400}}, "prices['m']['input_usd_per_mtok'] = 1000"),
        ({"m": 3}, "prices['m'] must map"),
        ({"": {"input_usd_per_mtok": 1}}, "prices['']: the key must be the name of a model"),
    ],
)
def test_bad_prices_fail_at_init_and_name_model_and_key(prices: Any, said: str) -> None:
    with pytest.raises(tracelm.ConfigError) as caught:
        tracelm.init("p", prices=prices)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prices.toml", '["my-model"]\ninput_usd_per_mtok = 0.1\noutput_usd_per_mtok = 0.4\n'),
        ("prices.json", json.dumps({"my-model": {"input_usd_per_mtok": 0.1, "output_usd_per_mtok": 0.4}})),
    ],
)
def test_a_table_can_be_a_file(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    cost = known(price(PriceTable.from_file(tmp_path / name), MILLION, "my-model"))
    assert cost.amount_usd == Decimal("0.1")
    direct = PriceTable.from_user({"my-model": {"input_usd_per_mtok": 0.1, "output_usd_per_mtok": 0.4}})
    assert cost == price(direct, MILLION, "my-model")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("prices.toml", b"nonsense", "prices.toml is no table of prices: "),
        ("prices.json", b"[1]", "prices.json is no table of prices: it must map"),
        ("prices.json", b"\xff", "prices.json is no table of prices: "),
        ("prices.toml", b"[m]\ninput = 1", "prices.toml: prices['m'] has no price called 'input'"),
        (
            "prices.toml",
            b"[gpt-4.1]\ninput_usd_per_mtok = 1",
            "prices['gpt-4'] holds a table, '1': in TOML, put a name",
        ),
        ("missing.toml", None, "missing.toml is no table of prices: "),
    ],
)
def test_a_file_that_is_no_table_is_named(name: str, content: bytes | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(tracelm.ConfigError) as caught:
        PriceTable.from_file(tmp_path / name)
    assert said in str(caught.value)


# --- the provider's own figure ------------------------------------------------------------------------------


def test_what_the_provider_reports_is_the_amount_and_ours_stands_beside_it() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100, reported_usd=Decimal("0.00375"))
    cost = known(price(PriceTable(), usage, "openai/gpt-4o", provider="openrouter"))
    attributes = cost.attributes()
    assert attributes["gen_ai.usage.cost.amount"] == 0.00375
    assert attributes["gen_ai.usage.cost.source"] == "provider"
    assert attributes["tracelm.cost.computed_usd"] == 0.0035
    assert attributes["tracelm.cost.input_usd"] == 0.0025  # the buckets are those of the computed figure
    assert attributes["tracelm.cost.output_usd"] == 0.001
    assert Usage.from_attributes({**usage.attributes(), **attributes}) == usage


def test_a_reported_price_counts_where_no_list_has_the_model() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100, reported_usd=Decimal("0.01"))
    assert known(price(PriceTable(), usage, "nobody-knows", provider="openrouter")).attributes() == {
        "gen_ai.usage.cost.amount": 0.01,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "provider",
    }


@pytest.mark.parametrize("reported", ["-1", "NaN", "Infinity"])
def test_a_reported_price_that_is_none_is_left_out(reported: str) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0, reported_usd=Decimal(reported))
    cost = known(price(PriceTable(), usage, "gpt-4o"))
    assert (cost.source, cost.amount_usd) == ("local", Decimal("2.5"))


# --- names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "model", "found"),
    [
        ("openai", "gpt-4o", "genai-prices:openai/gpt-4o"),
        ("openai", "gpt-4o-2024-08-06", "genai-prices:openai/gpt-4o"),  # dated
        ("openai", "ft:gpt-4o-2024-08-06:acme::abc", "genai-prices:openai/ft:gpt-4o"),  # fine-tuned: a price of its own
        ("openai", "openai/gpt-4o", "genai-prices:openai/gpt-4o"),  # as a gateway writes it
        ("openrouter", "openai/gpt-4o", "genai-prices:openrouter/openai/gpt-4o"),
        ("gcp.gemini", "models/gemini-2.5-flash", "genai-prices:google/gemini-2.5-flash"),
        ("azure.ai.openai", "gpt-4o-2024-08-06", "genai-prices:azure/gpt-4o"),
        ("deepseek", "gpt-4o", None),
        ("openai", "nobody-knows-this-model", None),
        ("my-gateway", "gpt-4o", None),
        ("openai", "", None),
        ("", "gpt-4o", None),
    ],
)
def test_a_model_is_found_under_the_names_it_goes_by(provider: str, model: str, found: str | None) -> None:
    assert rule(PriceTable(), model, provider=provider) == found


def test_a_fine_tuned_model_that_is_not_listed_is_not_priced_like_its_base() -> None:
    assert rule(PriceTable(), "gpt-4.1-2025-04-14") == "genai-prices:openai/gpt-4.1"
    assert rule(PriceTable(), "ft:gpt-4.1-2025-04-14:acme::abc") is None


def test_the_model_asked_for_is_tried_when_the_one_that_answered_is_unknown() -> None:
    assert price(PriceTable(), MILLION, "gateway-7b", "gpt-4o") == price(PriceTable(), MILLION, "gpt-4o")


def test_on_azure_the_response_names_the_model_and_the_request_a_deployment() -> None:
    azure = {"provider": "azure.ai.openai"}
    assert rule(PriceTable(), "gpt-4o-mini-2024-07-18", "gpt-4o", **azure) == "genai-prices:azure/gpt-4o-mini"
    assert rule(PriceTable(), "brand-new-model", "gpt-4o", **azure) is None
    own = PriceTable.from_user({"our-deployment": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1}})
    assert rule(own, "gpt-4o-2024-08-06", "our-deployment", **azure) == "user:our-deployment"


# --- when and how it is loaded ------------------------------------------------------------------------------


def test_pricing_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise AssertionError("pricing must not use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert price(PriceTable(), MILLION, "gpt-4o-mini") is not None


def test_the_price_list_is_loaded_when_it_is_first_needed() -> None:
    program = (
        "import sys\n"
        "from tracelm.pricing.prices import PriceTable\n"
        "from tracelm.pricing.call import PricedCall\n"
        "from tracelm.pricing.cost import Usage\n"
        "table = PriceTable.from_user({'m': {'input_usd_per_mtok': 1, 'output_usd_per_mtok': 1}})\n"
        "usage = Usage(input_tokens=1, output_tokens=1)\n"
        "def cost(model):\n"
        "    return table.cost(PricedCall(provider='openai', request_model=model, response_model=None, usage=usage,\n"
        "                           service_tier=None, start_ns=0))\n"
        "assert cost('m')\n"
        "assert 'genai_prices' not in sys.modules\n"
        "assert cost('gpt-4o')\n"
        "assert 'genai_prices' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# --- a price that is the same whatever a call takes ---------------------------------------------------------

USAGES = [Usage(input_tokens=sent, output_tokens=9) for sent in (1, 300_000)]


@pytest.mark.parametrize(
    ("provider", "asked", "answered", "tier"),
    [
        ("openai", "gpt-4o", "gpt-4o-2024-08-06", None),
        ("openai", "gpt-5", None, "flex"),
        ("openai", "own", "gpt-4o", None),
        ("azure.ai.openai", "gpt-4o", "gpt-5", None),
        ("azure.ai.openai", "gpt-4o", "unknown", None),
        ("anthropic", "claude-sonnet-4-5", None, None),
        ("nobody", "unknown", None, None),
    ],
)
@pytest.mark.parametrize("prices", [None, {"own": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 2}}])
def test_a_price_that_is_always_the_same_is_that_of_each_call(
    provider: str, asked: str, answered: str | None, tier: str | None, prices: Any
) -> None:
    table = PriceTable.from_user(prices)
    flat = table.flat_price(provider, asked, answered, tier, NOVEMBER_2026_NS)
    each = [price(table, usage, answered, asked, provider=provider, service_tier=tier) for usage in USAGES]
    if flat is None:
        assert each == [None, None] or known(each[0]).rates != known(each[1]).rates
    else:
        assert [flat.cost(usage) for usage in USAGES] == each
        assert all(known(cost).facts() == flat.facts() for cost in each)


def test_a_price_by_the_length_of_the_prompt_is_not_always_the_same() -> None:
    assert PriceTable().flat_price("anthropic", "claude-sonnet-4-5", None, None, NOVEMBER_2026_NS) is None
    assert PriceTable().flat_price("openai", "gpt-4o", None, None, NOVEMBER_2026_NS) is not None
