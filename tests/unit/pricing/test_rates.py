"""The arithmetic of a cost, checked by hand and against fractions."""

import decimal
import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from tests.unit.pricing.calls import known, price
from tracelm import semconv
from tracelm.pricing.cost import Cost, Usage, inclusive
from tracelm.pricing.prices import PriceTable
from tracelm.pricing.rates import RATE_KEYS, Price, Rates

EVERYTHING = {
    "input_usd_per_mtok": 3,
    "output_usd_per_mtok": 15,
    "cache_read_usd_per_mtok": 0.3,
    "cache_write_usd_per_mtok": 3.75,
    "cache_write_1h_usd_per_mtok": 6,
    "reasoning_usd_per_mtok": 20,
    "input_image_usd_per_mtok": 5,
    "input_audio_usd_per_mtok": 40,
    "cache_read_image_usd_per_mtok": 0.5,
    "cache_read_audio_usd_per_mtok": 2.5,
    "output_image_usd_per_mtok": 60,
    "output_audio_usd_per_mtok": 80,
    "input_audio_usd_per_hour": 0.36,
    "input_usd_per_mchar": 15,
    "image_usd": 0.04,
    "web_search_usd": 0.01,
    "file_search_usd": 0.0025,
    "request_usd": 0.005,
}
OWN = PriceTable.from_user(
    {
        "tiny": {"input_usd_per_mtok": 0.02, "output_usd_per_mtok": 0.04},
        "everything": EVERYTHING,
        "embedder": {"input_usd_per_mtok": 0.1},
        "gratis": {"input_usd_per_mtok": 0, "output_usd_per_mtok": 0},
        "transcriber": {"input_audio_usd_per_hour": 0.36},
        "speaker": {"input_usd_per_mchar": 15},
        "painter": {"image_usd": 0.04},
    }
)


def shares(cost: Cost | None) -> dict[str, float]:
    return {bucket: float(share) for bucket, share in known(cost).buckets_usd.items()}


# --- by hand ------------------------------------------------------------------------------------------------


def test_a_cost_says_what_it_is_the_sum_of_and_at_which_rates() -> None:
    cost = known(price(OWN, Usage(input_tokens=1_000, output_tokens=500), "tiny"))
    assert cost.attributes() == snapshot(
        {
            "gen_ai.usage.cost.amount": 4e-05,
            "gen_ai.usage.cost.currency": "USD",
            "gen_ai.usage.cost.source": "local",
            "tracelm.cost.rule": "user:tiny",
            "tracelm.cost.price_version": "user-2052db0a",
            "tracelm.cost.rates": '{"input_usd_per_mtok": 0.02, "output_usd_per_mtok": 0.04}',
            "tracelm.cost.input_usd": 2e-05,
            "tracelm.cost.output_usd": 2e-05,
        }
    )


def test_every_kind_of_token_is_a_bucket_of_its_own() -> None:
    usage = Usage(
        input_tokens=10_000,
        cache_read_tokens=4_000,
        cache_read_image_tokens=1_000,
        cache_read_audio_tokens=500,
        cache_write_tokens=2_000,
        cache_write_1h_tokens=500,
        input_image_tokens=1_500,
        input_audio_tokens=700,
        output_tokens=1_000,
        reasoning_tokens=300,
        output_image_tokens=100,
        output_audio_tokens=50,
    )
    assert shares(price(OWN, usage, "everything")) == {
        "input": 3_300 * 3 / 1e6,  # 10,000 - 4,000 cached - 2,000 written - (1,500 - 1,000) - (700 - 500)
        "input_image": 500 * 5 / 1e6,
        "input_audio": 200 * 40 / 1e6,
        "cache_read": 2_500 * 0.3 / 1e6,
        "cache_read_image": 1_000 * 0.5 / 1e6,
        "cache_read_audio": 500 * 2.5 / 1e6,
        "cache_write": 1_500 * 3.75 / 1e6,
        "cache_write_1h": 500 * 6 / 1e6,
        "output": 550 * 15 / 1e6,
        "reasoning": 300 * 20 / 1e6,
        "output_image": 100 * 60 / 1e6,
        "output_audio": 50 * 80 / 1e6,
        "request": 0.005,
    }


def test_what_is_not_billed_by_tokens_is_a_bucket_too() -> None:
    usage = Usage(input_tokens=0, input_seconds=90.5, input_characters=2_000, images=3, web_searches=2, file_searches=4)
    assert shares(price(OWN, usage, "everything")) == {
        "input_seconds": 0.00905,  # 90.5 s at 0.36 an hour
        "input_characters": 0.03,
        "images": 0.12,
        "web_searches": 0.02,
        "file_searches": 0.01,
        "request": 0.005,
    }


@pytest.mark.parametrize(
    ("usage", "model", "amount"),
    [
        (Usage(input_seconds=3_600), "transcriber", 0.36),
        (Usage(input_characters=1_000), "speaker", 0.015),
        (Usage(images=2), "painter", 0.08),
        (Usage(input_tokens=1_000_000), "embedder", 0.1),
    ],
)
def test_a_model_without_tokens_has_a_cost(usage: Usage, model: str, amount: float) -> None:
    assert float(known(price(OWN, usage, model)).amount_usd) == amount


def test_what_has_no_price_of_its_own_costs_what_the_wider_kind_costs() -> None:
    usage = Usage(
        input_tokens=1_000, cache_read_tokens=400, input_audio_tokens=100, output_tokens=100, output_image_tokens=40
    )
    assert shares(price(OWN, usage, "tiny")) == {
        "input": 0.00001,
        "input_audio": 0.000002,
        "cache_read": 0.000008,
        "output": 0.0000024,
        "output_image": 0.0000016,
    }


def test_cached_audio_without_a_price_for_caching_costs_what_audio_costs() -> None:
    table = PriceTable.from_user({"m": {"input_usd_per_mtok": 1, "input_audio_usd_per_mtok": 10}})
    usage = Usage(input_tokens=1_000, input_audio_tokens=600, cache_read_tokens=500, cache_read_audio_tokens=500)
    assert shares(price(table, usage, "m")) == {"input": 0.0004, "input_audio": 0.001, "cache_read_audio": 0.005}


@pytest.mark.parametrize(
    ("usage", "model"),
    [
        (Usage(), "tiny"),
        (Usage(), "everything"),  # the fee for a request alone is not what it cost
        (Usage(input_tokens=10, output_tokens=10), "embedder"),  # its output has no price
        (Usage(images=1), "tiny"),
        (Usage(input_tokens=0, output_tokens=0, images=1), "tiny"),
        (Usage(input_tokens=10, output_tokens=10, web_searches=1), "tiny"),  # what the search cost is not known
        (Usage(input_tokens=10), "painter"),
        (Usage(output_tokens=10), "tiny"),  # what went in is not known
        (Usage(web_searches=1, file_searches=1), "everything"),  # nor what it took beside
        (Usage(input_tokens=10, output_tokens=10, not_counted="image_generation"), "everything"),
    ],
)
def test_what_cannot_be_known_has_no_cost(usage: Usage, model: str) -> None:
    assert price(OWN, usage, model) is None


def test_cached_tokens_of_an_unknown_kind_have_no_cost_where_the_kinds_differ_in_price() -> None:
    heard = Usage(input_tokens=1_000, input_audio_tokens=600, cache_read_tokens=300, output_tokens=1)
    assert price(OWN, heard, "everything") is None
    told = Usage(
        input_tokens=1_000,
        input_audio_tokens=600,
        cache_read_tokens=300,
        cache_read_text_tokens=300,
        output_tokens=1,
    )
    assert shares(price(OWN, told, "everything"))["cache_read"] == 0.00009


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=-1, output_tokens=10),
        Usage(input_tokens=10, output_tokens=-1),
        Usage(input_tokens=10, output_tokens=1, cache_read_tokens=11),
        Usage(input_tokens=10, output_tokens=1, cache_read_tokens=6, cache_write_tokens=6),
        Usage(input_tokens=10, output_tokens=1, cache_read_tokens=-5),
        Usage(input_tokens=10, output_tokens=1, cache_write_tokens=2, cache_write_1h_tokens=3),
        Usage(input_tokens=10, output_tokens=1, reasoning_tokens=2),
        Usage(input_tokens=10, output_tokens=10, reasoning_tokens=-2),
        Usage(input_tokens=10, output_tokens=1, input_audio_tokens=11),
        Usage(input_tokens=10, output_tokens=1, input_text_tokens=8, input_image_tokens=8),
        Usage(input_tokens=10, output_tokens=1, output_text_tokens=1, output_audio_tokens=1),
        Usage(input_tokens=10**9 + 1, output_tokens=1),
        Usage(input_tokens=1, output_tokens=2**63),
        Usage(input_tokens=1_500_000_000, cache_read_tokens=800_000_000),  # each part is less than 10⁹
        Usage(input_tokens=1, output_tokens=1_500_000_000, reasoning_tokens=800_000_000),
        Usage(input_tokens=1, output_tokens=1, images=-1),
        Usage(input_seconds=math.nan),
        Usage(input_seconds=math.inf),
        Usage(input_seconds=-1.0),
    ],
)
def test_negative_absurd_or_contradictory_counts_have_no_cost(usage: Usage) -> None:
    assert price(OWN, usage, "everything") is None


def test_the_programs_own_settings_for_decimals_do_not_matter() -> None:
    usage = Usage(input_tokens=123_457, output_tokens=98_765, input_seconds=1.7)
    before = price(OWN, usage, "everything")
    with decimal.localcontext() as context:
        context.prec = 3
        context.traps[decimal.Inexact] = True
        assert price(PriceTable.from_user({"everything": EVERYTHING}), usage, "everything") == before


# --- in general ---------------------------------------------------------------------------------------------

_amounts = st.one_of(
    st.integers(0, 1_000_000), st.floats(0, 1_000_000), st.decimals(0, 1_000, places=6), st.sampled_from([0, 1e-12])
)
_rates = st.fixed_dictionaries(
    {"input_usd_per_mtok": _amounts, "output_usd_per_mtok": _amounts},
    optional={key: _amounts for key in RATE_KEYS if key not in {"input_usd_per_mtok", "output_usd_per_mtok"}},
)


@st.composite
def _usages(draw: st.DrawFn) -> Usage:
    """Draw counts that nest, as a provider would report them."""

    def count(most: int = 20_000_000) -> int:
        return draw(st.integers(0, most))

    text, image, audio, read_text, read_image, read_audio, written, kept = (count() for _ in range(8))
    out, thought, drawn, spoken = (count() for _ in range(4))
    return Usage(
        input_tokens=text + image + audio + read_text + read_image + read_audio + written + kept,
        cache_read_tokens=read_text + read_image + read_audio,
        cache_read_text_tokens=read_text,
        cache_read_image_tokens=read_image,
        cache_read_audio_tokens=read_audio,
        cache_write_tokens=written + kept,
        cache_write_1h_tokens=kept,
        input_image_tokens=image + read_image,
        input_audio_tokens=audio + read_audio,
        output_tokens=out + thought + drawn + spoken,
        reasoning_tokens=thought,
        output_image_tokens=drawn,
        output_audio_tokens=spoken,
        input_seconds=draw(st.none() | st.floats(0, 100_000)),
        input_characters=draw(st.none() | st.integers(0, 100_000)),
        images=draw(st.none() | st.integers(0, 10)),
    )


@given(usage=_usages(), rates=_rates)
def test_the_buckets_sum_to_the_amount_exactly(usage: Usage, rates: dict[str, Any]) -> None:
    cost = known(price(PriceTable.from_user({"m": rates}), usage, "m"))
    assert sum(map(Fraction, cost.buckets_usd.values())) == Fraction(cost.amount_usd)
    assert all(share >= 0 for share in cost.buckets_usd.values())


@given(
    counts=st.lists(
        st.none() | st.integers(-5, 20_000_000) | st.sampled_from([600_000_000, 10**9, 10**9 + 1]),
        min_size=5,
        max_size=5,
    ),
    rates=_rates,
)
def test_a_plain_text_costs_what_the_rule_for_everything_says(counts: list[int | None], rates: dict[str, Any]) -> None:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    usage = Usage(**dict(zip(names, counts, strict=True)))  # type: ignore[arg-type]  # counts
    given_rates = {key: Decimal(str(rate)) for key, rate in rates.items()}
    usual, general = Rates(given_rates), Rates(given_rates)
    object.__setattr__(general, "_of_text", None)
    cost = Price(usual, "", "").cost(usage)
    assert cost == Price(general, "", "").cost(usage)
    if cost is not None:
        assert cost.amounts()[semconv.COST_AMOUNT] == float(cost.amount_usd)
        assert [float(share) for share in cost.buckets_usd.values()] == list(cost.amounts().values())[1:]


@given(usage=_usages(), rates=_rates)
def test_on_the_span_they_do_within_the_last_digit(usage: Usage, rates: dict[str, Any]) -> None:
    cost = known(price(PriceTable.from_user({"m": rates}), usage, "m"))
    attributes = cost.attributes()
    amount = attributes[semconv.COST_AMOUNT]
    assert isinstance(amount, float)
    parts = [attributes[key] for key in semconv.COST_BUCKETS.values() if key in attributes]
    assert abs(math.fsum(float(part) for part in parts) - amount) <= math.ulp(amount) * len(parts)


@given(usage=_usages(), rates=_rates)
def test_a_span_holds_all_that_its_price_depends_on(usage: Usage, rates: dict[str, Any]) -> None:
    cost = known(price(PriceTable.from_user({"m": rates}), usage, "m"))
    attributes = {**usage.attributes(), **cost.attributes()}
    again = Rates({key: Decimal(str(value)) for key, value in _json(str(attributes[semconv.COST_RATES])).items()})
    assert Usage.from_attributes(attributes) == usage
    assert known(Price(again, "", "").cost(Usage.from_attributes(attributes))).amount_usd == cost.amount_usd


def _json(text: str) -> dict[str, Decimal]:
    found: dict[str, Decimal] = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return found


def test_counts_from_elsewhere_are_read_as_far_as_they_are_counts() -> None:
    found = Usage.from_attributes(
        {
            "gen_ai.usage.input_tokens": 12.0,
            "gen_ai.usage.output_tokens": "",
            "gen_ai.usage.cache_read.input_tokens": 7,
            "tracelm.usage.input_seconds": 2.5,
        }
    )
    assert found == Usage(input_tokens=12, cache_read_tokens=7, input_seconds=2.5)


@pytest.mark.parametrize("value", ["7", str(2**63), True, 1.5, math.nan, math.inf, [7]])
def test_what_is_there_and_is_no_count_is_not_counted(value: object) -> None:
    assert Usage.counted({"input_tokens": 12, "output_tokens": value}) == Usage(
        input_tokens=12, not_counted="output_tokens"
    )
    attributes = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": value}
    assert price(OWN, Usage.from_attributes(attributes), "tiny") is None


def test_what_is_not_counted_is_read_back() -> None:
    attributes = {"gen_ai.usage.input_tokens": 12, "tracelm.usage.not_counted": "svg"}
    assert Usage.from_attributes(attributes) == Usage(input_tokens=12, not_counted="svg")
    assert (Usage(not_counted="svg") + Usage(images=1)).not_counted == "svg"


# --- counts of the other kind -------------------------------------------------------------------------------


def test_cached_tokens_that_are_counted_apart_are_added_to_the_input() -> None:
    anthropic = Usage(
        input_tokens=21, cache_read_tokens=188_086, cache_write_tokens=1_000, cache_write_1h_tokens=400, output_tokens=9
    )
    assert inclusive(anthropic, cache_is_apart=True) == Usage(
        input_tokens=189_107,
        cache_read_tokens=188_086,
        cache_write_tokens=1_000,
        cache_write_1h_tokens=400,
        output_tokens=9,
    )


def test_reasoning_that_is_counted_apart_is_added_to_the_output() -> None:
    assert inclusive(Usage(output_tokens=5, reasoning_tokens=25), reasoning_is_apart=True).output_tokens == 30


def test_counts_that_nest_already_stay() -> None:
    openai = Usage(input_tokens=1_000, cache_read_tokens=400, output_tokens=30, reasoning_tokens=25)
    assert inclusive(openai) == openai


def test_a_total_that_was_not_reported_is_not_made_up() -> None:
    usage = Usage(cache_read_tokens=10, reasoning_tokens=3)
    assert inclusive(usage, cache_is_apart=True, reasoning_is_apart=True) == usage
