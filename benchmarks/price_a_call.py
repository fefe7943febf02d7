"""What pricing one call costs on the thread of the caller, beside genai-prices' own sum.

    python benchmarks/price_a_call.py [--rounds 7]

Times are the best of the rounds, in µs, with the attributes of the span where a line is ours. The first line is what a
program pays once: reading the list.
"""

import argparse
import time
import timeit
from collections.abc import Callable

from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Usage
from tracelm.pricing.prices import PriceTable

_NUMBER = 5_000


def call(usage: Usage, model: str = "gpt-4o-2024-08-06") -> PricedCall:
    """Return a call of today."""
    return PricedCall(
        provider="openai",
        request_model=None,
        response_model=model,
        usage=usage,
        service_tier="default",
        start_ns=time.time_ns(),
    )


def best_us(work: Callable[[], object], rounds: int) -> float:
    """Time `work`, warm."""
    work()
    return min(timeit.repeat(work, number=_NUMBER, repeat=rounds)) / _NUMBER * 1e6


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    plain = Usage(input_tokens=1_000, output_tokens=100, cache_read_tokens=400, reasoning_tokens=0)
    many = Usage(
        input_tokens=1_000,
        output_tokens=100,
        cache_read_tokens=400,
        cache_write_tokens=100,
        reasoning_tokens=30,
        input_audio_tokens=50,
        input_image_tokens=20,
        output_audio_tokens=5,
    )
    public, own = PriceTable(), PriceTable.from_user({"mine": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 2}})

    def attributes(table: PriceTable, priced: PricedCall) -> Callable[[], object]:
        def work() -> object:
            cost = table.cost(priced)
            return None if cost is None else cost.attributes()

        return work

    start = time.perf_counter()
    public.cost(call(plain))
    print(f"{'the first call: the list is read':<44}{(time.perf_counter() - start) * 1e6:>12,.0f}")

    import genai_prices

    theirs = genai_prices.Usage(input_tokens=1_000, output_tokens=100, cache_read_tokens=400)
    cases: list[tuple[str, Callable[[], object]]] = [
        ("listed model, three buckets", attributes(public, call(plain))),
        ("listed model, seven buckets", attributes(public, call(many))),
        ("model of one's own", attributes(own, call(plain, "mine"))),
        ("model that nobody knows", attributes(public, call(plain, "nobody-knows"))),
        (
            "genai-prices' calc_price",
            lambda: genai_prices.calc_price(theirs, "gpt-4o-2024-08-06", provider_id="openai"),
        ),
    ]
    for name, work in cases:
        print(f"{name:<44}{best_us(work, rounds):>12.1f}")


if __name__ == "__main__":
    main()
