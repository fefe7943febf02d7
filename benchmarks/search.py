"""How long a search for a text takes, with many spans in the store, and what the index costs those who write.

    python -m benchmarks.search [--spans 1000000] [--rounds 7] [--folder FOLDER]

The store is that of `benchmarks.query`, and may be the same folder. Texts are looked for within the last 24 hours, from
one character up, in Latin, Chinese and Arabic letters. Then the server's own parts write 512 spans a request, four
requests at a time, with and without the thread that takes texts into the index, while many wait to be taken.
"""

import argparse
import statistics
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from benchmarks import ingest
from benchmarks.query import DAY_NS, PROJECT, head, store_of, tell
from tracelm.server.counters import Counters
from tracelm.server.delivery import Delivery
from tracelm.server.intake import Intake, Outcome
from tracelm.server.options import ServerOptions
from tracelm.server.texts import TextIndexing
from tracelm.store.open import open_local
from tracelm.store.store import Store

LONG = (
    "chargeparcel",
    "order 77",
    "dolor sit amet",
    "gardensilver mirror",
    "never written",
    "订单退款",
    "طلبعنوان",
    "快递客服 商品",
)
SHORT = ("q", "zz", "er", "a", "订", "订单", "ط", "طل")
AT_ONCE = 4


def main() -> None:
    """Print a line a text, then what the index costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with store_of(given.spans, days=7.0, folder=given.folder) as store:
        begun, used = time.perf_counter(), time.process_time()
        count = store.index_texts()
        seconds, computed = time.perf_counter() - begun, time.process_time() - used
        print(f"{count:,} texts taken into the index in {seconds:,.0f} s, {computed:,.0f} s of processor")
        ask(store, rounds=given.rounds)
    cost(rounds=given.rounds)


def ask(store: Store, *, rounds: int) -> None:
    """Print how long each search takes."""
    since = max(each.last_start_ns or 0 for each in store.projects()) - DAY_NS

    def spans(where: str) -> int:
        return len(store.spans(where, project=PROJECT, since_ns=since, limit=50))

    def traces(where: str) -> int:
        return len(store.traces(where, project=PROJECT, since_ns=since))

    head()
    for text in (*LONG, *SHORT):
        for what, search in (("spans", spans), ("traces", traces)):
            tell(f'{what} "{text}"', partial(search, f'"{text}"'), rounds=rounds)


def cost(*, rounds: int) -> None:
    """Print how many spans a second are written, without and with the thread that indexes texts."""
    rates: dict[str, list[float]] = {"without the index of texts": [], "with it": []}
    for number in range(2 * rounds):
        name = list(rates)[number % 2]
        with tempfile.TemporaryDirectory() as home, open_local(home=Path(home)) as store, store.kept_open():
            counters = Counters()
            intake = Intake(store, options=ServerOptions(), counters=counters, on_commit=lambda: None)
            intake.start()
            with ExitStack() as stack:
                stack.callback(intake.close)
                _write(intake, 8)  # there is something to index from the beginning
                if name == "with it":
                    texts = TextIndexing(store, intake, counters)
                    texts.start()
                    stack.enter_context(closing(texts))
                rates[name].append(_write(intake, 40))
    for name, found in rates.items():
        print(f"{name:<50}{statistics.median(found):>10,.0f} spans/s")


def _write(intake: Intake, requests: int) -> float:
    bodies = [ingest.batch() for _ in range(requests)]
    begun = time.perf_counter()
    waiting: set[Future[Outcome]] = set()
    while bodies or waiting:
        while bodies and len(waiting) < AT_ONCE:
            waiting.add(intake.submit(Delivery(signal="spans", encoding="protobuf", body=bodies.pop())))
        waiting -= wait(waiting, return_when=FIRST_COMPLETED).done
    return requests * ingest.BATCH / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
