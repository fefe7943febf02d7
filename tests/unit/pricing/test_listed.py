"""The public price list: its conditions, and its own arithmetic as the judge of ours."""

import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    TimeOfDateConstraint,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.pricing.calls import NOVEMBER_2026_NS, known, price
from tracelm.pricing.cost import Usage
from tracelm.pricing.prices import PriceTable

MILLION = Usage(input_tokens=1_000_000, output_tokens=0)
LISTED = [
    (provider.id, model.id)
    for provider in get_snapshot().providers
    for model in provider.models
    if provider.find_model(model.id) is not None  # some ids are for people, and no name of a model
]
NOVEMBER_2026 = datetime.fromtimestamp(NOVEMBER_2026_NS // 10**9, UTC)


# --- conditions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "amount", "rule"),
    [
        (None, "1.25", "genai-prices:openai/gpt-5"),
        ("default", "1.25", "genai-prices:openai/gpt-5"),
        ("never-heard-of", "1.25", "genai-prices:openai/gpt-5"),
        ("flex", "0.625", "genai-prices:openai/gpt-5; service_tier=flex"),
        ("priority", "2.5", "genai-prices:openai/gpt-5; service_tier=priority"),
        ("batch", "0.625", "genai-prices:openai/gpt-5; processing=batch"),
    ],
)
def test_a_service_tier_has_its_price_and_the_rule_says_so(tier: str | None, amount: str, rule: str) -> None:
    cost = known(price(PriceTable(), MILLION, "gpt-5", service_tier=tier))
    assert (cost.amount_usd, cost.rule) == (Decimal(amount), rule)


def test_a_model_from_another_provider_has_its_prices_and_not_its_tiers() -> None:
    azure = known(price(PriceTable(), MILLION, "gpt-5", provider="azure.ai.openai", service_tier="flex"))
    assert (azure.amount_usd, azure.rule) == (Decimal("1.25"), "genai-prices:azure/gpt-5")


def test_a_long_prompt_has_its_price_for_all_of_its_tokens() -> None:
    short = Usage(input_tokens=200_000, output_tokens=1_000)
    long = Usage(input_tokens=200_001, output_tokens=1_000)
    model, provider = "claude-sonnet-4-5", "anthropic"
    before = known(price(PriceTable(), short, model, provider=provider))
    after = known(price(PriceTable(), long, model, provider=provider))
    assert before.amount_usd == Decimal("0.615")  # 200,000 * 3 + 1,000 * 15
    assert after.amount_usd == Decimal("1.222506")  # 200,001 * 6 + 1,000 * 22.5
    assert before.rule == "genai-prices:anthropic/claude-sonnet-4-5"
    assert after.rule == "genai-prices:anthropic/claude-sonnet-4-5; input_tokens>200000"


def test_a_call_has_the_price_of_its_day() -> None:
    # o3 cost 10 USD until its price fell in June 2025.
    early = int(datetime(2025, 6, 1, tzinfo=UTC).timestamp()) * 10**9
    assert known(price(PriceTable(), MILLION, "o3", start_ns=early)).amount_usd == 10
    assert known(price(PriceTable(), MILLION, "o3")).amount_usd == 2


@pytest.mark.parametrize("start_ns", [-5, 0, 2**63 - 1, 2**64])
def test_a_time_that_no_calendar_has_is_no_failure(start_ns: int) -> None:
    assert price(PriceTable(), MILLION, "gpt-4o", start_ns=start_ns) is not None


@pytest.fixture
def night_rates() -> Iterator[None]:
    """A list of the program's own, in which a model costs less by night."""
    night = ConditionalPrice(
        constraint=TimeOfDateConstraint(start_time=time(16, 30), end_time=time(0, 30)),
        prices=ModelPrice(input_mtok=Decimal(1)),
    )
    prices = [ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2))), night]
    model = ModelInfo(id="owl", match=ClauseEquals("owl"), prices=prices)
    provider = Provider(id="openai", name="OpenAI", api_pattern="x", models=[model])
    set_custom_snapshot(DataSnapshot(providers=[provider], from_auto_update=False, timestamp=datetime(2026, 11, 1)))
    yield
    set_custom_snapshot(None)


@pytest.mark.usefixtures("night_rates")
@pytest.mark.parametrize(("hour", "minute", "amount"), [(16, 29, 2), (16, 30, 1), (0, 29, 1), (0, 30, 2)])
def test_a_price_by_the_time_of_day_changes_with_the_minute(hour: int, minute: int, amount: int) -> None:
    at = datetime(2026, 11, 18, hour, minute, 59, tzinfo=UTC)
    cost = known(price(PriceTable(), MILLION, "owl", start_ns=int(at.timestamp()) * 10**9))
    assert cost.amount_usd == amount


@pytest.mark.usefixtures("night_rates")
def test_a_price_list_of_the_programs_own_is_used_and_its_version_says_so() -> None:
    cost = known(price(PriceTable(), MILLION, "owl"))
    assert cost.price_version == f"{version('genai-prices')}+2026-11-01T00:00:00"
    assert price(PriceTable(), MILLION, "gpt-4o") is None
    set_custom_snapshot(None)
    assert known(price(PriceTable(), MILLION, "gpt-4o")).price_version == version("genai-prices")


# --- what the prices are for --------------------------------------------------------------------------------


def test_gpt_4o_with_cached_tokens() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100, cache_read_tokens=400)
    cost = known(price(PriceTable(), usage, "gpt-4o-2024-08-06", "gpt-4o"))
    # 600 * 2.50 + 400 * 1.25 + 100 * 10.00, per million
    assert {bucket: float(share) for bucket, share in cost.buckets_usd.items()} == {
        "input": 0.0015,
        "cache_read": 0.0005,
        "output": 0.001,
    }
    assert cost.amount_usd == Decimal("0.003")


def test_what_a_provider_takes_for_a_request_is_a_bucket_of_its_own() -> None:
    cost = known(price(PriceTable(), Usage(input_tokens=1_000, output_tokens=100), "sonar", provider="perplexity"))
    assert cost.buckets_usd["request"] == Decimal("0.012")


def test_searches_are_a_bucket_of_their_own() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100, web_searches=2, file_searches=1)
    cost = known(price(PriceTable(), usage, "gpt-4o"))
    assert (cost.buckets_usd["web_searches"], cost.buckets_usd["file_searches"]) == (Decimal("0.02"), Decimal("0.0025"))


def test_speech_and_transcription_are_billed_by_characters_and_by_length() -> None:
    assert known(price(PriceTable(), Usage(input_characters=1_000), "tts-1")).amount_usd == Decimal("0.015")
    assert known(price(PriceTable(), Usage(input_seconds=60), "whisper-1")).amount_usd == Decimal("0.006")


def test_groq_bills_ten_seconds_of_audio_at_least() -> None:
    short, least = Usage(input_seconds=1.5), Usage(input_seconds=10)
    model, provider = "whisper-large-v3", "groq"
    assert price(PriceTable(), short, model, provider=provider) == price(PriceTable(), least, model, provider=provider)
    assert known(price(PriceTable(), Usage(input_seconds=0, input_tokens=0), model, provider=provider)).amount_usd == 0


# --- genai-prices as the judge ------------------------------------------------------------------------------


def _figures(
    which: tuple[str, str], counts: Sequence[int], seconds: float | None, tier: str | None
) -> tuple[float, float] | None:
    """Return our figure and theirs; `None` where we have none."""
    provider, model = which
    text, image, audio, read_text, read_image, read_audio, written, kept, out, thought, drawn, spoken = counts
    # What is cached of images and sounds is a kind of its own only where the list says so: see the last test.
    parts = get_snapshot().find_provider_model(model, None, provider, None)[1].get_prices(NOVEMBER_2026)
    read_image = read_image if parts.cache_image_read_mtok is not None else 0
    read_audio = read_audio if parts.cache_audio_read_mtok is not None else 0
    usage = Usage(
        input_tokens=text + image + audio + read_text + read_image + read_audio + written + kept,
        cache_read_tokens=read_text + read_image + read_audio,
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
        input_seconds=seconds,
        input_characters=text,
    )
    ours = price(PriceTable(), usage, model, provider=provider, service_tier=tier)
    if ours is None:
        return None
    theirs = calc_price(
        TheirUsage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_image_read_tokens=read_image,
            cache_audio_read_tokens=read_audio,
            cache_write_tokens=usage.cache_write_tokens,
            cache_write_1h_tokens=kept,
            input_image_tokens=usage.input_image_tokens,
            input_audio_tokens=usage.input_audio_tokens,
            output_reasoning_tokens=thought,
            output_image_tokens=drawn,
            output_audio_tokens=spoken,
            audio_seconds=seconds,
            input_audio_seconds=seconds,
            input_characters=text,
        ),
        model,
        provider_id=provider,
        genai_request_timestamp=NOVEMBER_2026,
        price_context=None if tier is None else {_condition(provider, tier): tier},
    )
    return float(ours.amount_usd), float(theirs.total_price)


def _condition(provider: str, tier: str) -> str:
    """Return what genai-prices calls a tier."""
    if (provider, tier) == ("anthropic", "fast"):
        return "speed"
    return "processing" if tier == "batch" else "service_tier"


_TIERS = (None, "default", "flex", "priority", "fast", "batch")


@settings(deadline=None, max_examples=200)  # the machine may be busy
@given(
    which=st.sampled_from(LISTED),
    counts=st.lists(st.integers(0, 150_000), min_size=12, max_size=12),
    seconds=st.none() | st.floats(0, 10_000),
    tier=st.sampled_from(_TIERS),
)
def test_any_call_costs_what_genai_prices_says(
    which: tuple[str, str], counts: list[int], seconds: float | None, tier: str | None
) -> None:
    figures = _figures(which, counts, seconds, tier)
    assume(figures is not None)  # a call that has no price of ours is none of the 200
    assert figures is not None
    assert figures[0] == pytest.approx(figures[1], rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("tier", _TIERS)
@pytest.mark.parametrize("counts", [[1_000] * 12, [40_000] * 12, [100] + [0] * 7 + [9] + [0] * 3])
def test_every_listed_model_costs_what_genai_prices_says(counts: list[int], tier: str | None) -> None:
    known = {which: figures for which in LISTED if (figures := _figures(which, counts, None, tier)) is not None}
    assert len(known) > 0.85 * len(LISTED)
    for which, (ours, theirs) in known.items():
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-14), which


def test_where_we_give_no_price_for_plain_tokens_the_list_has_none_for_tokens() -> None:
    why: Counter[str] = Counter()
    for provider, model in LISTED:
        if price(PriceTable(), Usage(input_tokens=1_000, output_tokens=100), model, provider=provider) is None:
            prices = get_snapshot().find_provider_model(model, None, provider, None)[1].get_prices(NOVEMBER_2026)
            assert prices.input_mtok is None or prices.output_mtok is None, (provider, model)
            why["no price for tokens" if prices.input_mtok is None else "no price for output"] += 1
    assert set(why) == {"no price for tokens", "no price for output"}


def test_cached_sounds_without_a_price_of_their_own_are_counted_once() -> None:
    usage = Usage(
        input_tokens=1_000,
        input_audio_tokens=600,
        cache_read_tokens=500,
        cache_read_audio_tokens=500,
        output_tokens=0,
    )
    # 400 of text at 2.50, 600 of sound at 32, of which 500 came from the cache, which has no price here.
    assert known(price(PriceTable(), usage, "gpt-audio")).amount_usd == Decimal("0.0202")
    # genai-prices refuses a list like this one.
    set_apart = {"input_usd_per_mtok": 2.5, "input_audio_usd_per_mtok": 32, "cache_read_usd_per_mtok": 1}
    own = known(price(PriceTable.from_user({"m": set_apart}), usage, "m"))
    assert own.amount_usd == Decimal("0.0047")  # 400 at 2.50, 100 at 32, 500 at 1


# --- loading it ---------------------------------------------------------------------------------------------


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


def test_the_list_is_loaded_before_the_first_call(tmp_path: Path) -> None:
    program = f"""
        import sys, threading
        import openai, tracelm
        tracelm.init("p", home={str(tmp_path)!r})
        for thread in threading.enumerate():
            if thread.name == "tracelm-prices":
                thread.join()
        from tracelm.pricing import listed
        print("genai_prices.data" in sys.modules, listed._public is not None)
    """
    assert run(program) == "True True"


def test_a_child_that_is_forked_while_the_list_is_loaded_can_price() -> None:
    program = """
        import os, signal, sys, threading
        from tracelm.pricing import listed

        is_loading = threading.Event()

        class Watching:
            def find_spec(self, name, path=None, target=None):
                if name == "genai_prices.data":
                    is_loading.set()

        sys.meta_path.insert(0, Watching())
        listed.load_in_background()
        is_loading.wait()
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            os._exit(0 if listed.public_prices().version else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run(program) == "0"
