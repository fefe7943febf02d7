"""How long the store takes to answer, with many spans in it.

    python -m benchmarks.query [--spans 1000000] [--days 7] [--rounds 7] [--folder FOLDER] [--store URL]

Fills a store with traces of ten spans over some days, one of 1,000 and one of 33,000 spans, with scores on every tenth
trace, by what ingest itself uses; a folder that is filled already is used again, and so is the database that `--store`
names. `--store new` starts a PostgreSQL server for the time of the benchmark. Then it asks what a list of traces and of
spans offers, within the last 24 hours. Times are medians in ms, from the call to the records, in one process, by the
clock and of the processor (of this process: not of a database server); the journal is empty.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

import tracelm
from tracelm.otlp.decode import decode_logs, decode_spans
from tracelm.store.ingest import write_logs, write_spans
from tracelm.store.store import Store

PROJECT = "shop"
DAY_NS = 86_400_000_000_000
LARGE = {"of 1,000 spans": 1_000, "of 33,000 spans": 33_000}
MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "claude-sonnet-4-5", "llama-3.3-70b")
_ENGLISH = (
    "card",
    "charge",
    "merchant",
    "refund",
    "parcel",
    "invoice",
    "window",
    "garden",
    "planet",
    "silver",
    "mirror",
    "kitchen",
)
_CHINESE = ("订单", "退款", "地址", "发票", "快递", "客服", "商品", "价格", "优惠", "支付", "账户", "密码")
_ARABIC = ("طلب", "استرداد", "عنوان", "فاتورة", "شحن", "خدمة", "منتج", "سعر", "خصم", "دفع", "حساب", "كلمة")
SCRIPTS = (*(_ENGLISH,) * 6, _CHINESE, _ARABIC)
BATCH = 5_000  # spans of one transaction

TRACE_FILTERS = (
    "status:error",
    "errors>0",
    "op:answer",
    "op:rare_op",
    "model:gpt-4o*",
    "model:never-used",
    "latency>2s",
    "latency>1h",
    "cost>0.01",
    "tokens>5k",
    "session:s-17",
    "user:u-3",
    "score.pii:failed",
    "score.correctness<0.5",
    "has:score",
    "error:RateLimitError",
    "-model:gpt-4o",
    "span(op:rare_op latency>1s)",
    '"chat gpt-4.1"',
    '"never written"',
    "op:answer status:error latency>2s",
    "attr.customer.tier:gold",
    "attr.customer.tier:platinum",
    "has:attr.nothing",
)
SPAN_FILTERS = (
    *("op:answer", "op:rare_op", "model:gpt-4o*", "model:never-used", "status:error", "latency>2s", "latency>1h"),
    *("cost>0.01", "tokens>5k", "operation:execute_tool", "score.pii:failed", "has:score", "error:RateLimitError"),
    *("session:s-17", "kind:client model:gpt-4o latency:1s..2s", "is:root", "errors>0", '"never written"'),
    *("attr.customer.tier:gold", "attr.customer.tier:platinum", "has:attr.nothing"),
)
ORDERS = ("-start", "start", "-latency", "latency", "-cost", "cost", "-tokens", "tokens")


def main() -> None:
    """Fill a store, ask it, print a line a question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--store")
    given = parser.parse_args()
    url = given.store
    if url == "new":
        from tests.postgres import new_database

        url = new_database()
    with store_of(given.spans, days=given.days, folder=given.folder, url=url) as store:
        ask(store, rounds=given.rounds)


@contextmanager
def store_of(spans: int, *, days: float, folder: Path | None, url: str | None = None) -> Generator[Store]:
    """Open a store with so many spans: that in `folder` or at `url`, if it was filled once, else a new one."""
    with tempfile.TemporaryDirectory() as scratch, tracelm.open_store(url, home=folder or Path(scratch)) as store:
        if not store.projects():
            fill(store, spans=spans, days=days)
            begun = time.perf_counter()
            texts = store.index_texts()
            print(f"{texts:,} texts taken into the index in {time.perf_counter() - begun:,.0f} s", flush=True)
        yield store


# --- the data -----------------------------------------------------------------------------------------------
def fill(store: Store, *, spans: int, days: float) -> None:
    """Write `spans` spans, the last of them a moment ago."""
    chance = random.Random(1)
    until = time.time_ns()
    count = max(1, (spans - sum(LARGE.values())) // 10)
    step = int(days * DAY_NS / count)
    begun = time.perf_counter()
    waiting: list[bytes] = []
    logs: list[bytes] = []
    written = 0
    for number in range(count):
        start = until - (count - number) * step
        waiting += trace_of_ten(chance, number, start)
        if number % 10 == 0:
            logs += scores_of(chance, number, start)
        if len(waiting) >= BATCH or number == count - 1:
            written += _write(store, waiting, logs)
            waiting, logs = [], []
    for name, size in LARGE.items():
        lines = list(large_trace(chance, name, size, until - DAY_NS // 2))
        for first in range(0, len(lines), BATCH):
            written += _write(store, lines[first : first + BATCH], [])
    took = time.perf_counter() - begun
    megabytes = store.maintenance.stats().size_bytes / 1e6
    print(f"{written:,} spans written in {took:,.0f} s, {written / took:,.0f}/s; {megabytes:,.0f} MB")


def _write(store: Store, spans: list[bytes], logs: list[bytes]) -> int:
    line = b'{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[%b]}]}]}' % b",".join(spans)
    log_line = b'{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[%b]}]}]}' % b",".join(logs)
    with store.writing() as connection:
        write_spans(connection, [(span, PROJECT) for span in decode_spans(line).records])
        write_logs(connection, [(log, PROJECT) for log in decode_logs(log_line).records])
    return len(spans)


def trace_of_ten(chance: random.Random, number: int, start: int) -> Iterator[bytes]:
    """Yield a root, an agent below it, four model calls, three tools and a retrieval."""
    trace = trace_id(number)
    took = int(chance.lognormvariate(0, 1) * 1e9)
    failed = chance.random() < 0.03
    op = "rare_op" if number % 5_000 == 7 else chance.choice(("answer", "explain", "plan", "search"))
    attributes: dict[str, object] = {
        "tracelm.op.name": op,
        "input.value": f"What about order {number}? {asked(chance)} " + "lorem ipsum " * 20,
        "output.value": "It is on its way. " + "dolor sit amet " * 20,
        "session.id": f"s-{number % 5_000}",
        "user.id": f"u-{number % 500}",
        "customer.tier": "gold" if number % 20 == 0 else "bronze",
    }
    yield span(trace, 1, None, op, start, took, attributes, failed=failed)
    yield span(trace, 2, 1, "invoke_agent", start, took, {"gen_ai.operation.name": "invoke_agent"})
    for at in range(3, 7):
        yield model_call(chance, trace, at, 2, start + at * took // 10, took // 10)
    for at in range(7, 10):
        tool: dict[str, object] = {"gen_ai.operation.name": "execute_tool", "tracelm.op.name": f"tool_{at}"}
        broken = chance.random() < 0.02
        yield span(trace, at, 2, f"execute_tool tool_{at}", start + at * took // 10, took // 20, tool, failed=broken)
    yield span(trace, 10, 2, "retrieve", start + took // 2, took // 10, {"tracelm.op.name": "retrieve"})


def asked(chance: random.Random) -> str:
    """Return a question: mostly in English, every fourth in Chinese or Arabic; each has some words that are rare."""
    words = chance.choice(SCRIPTS)
    return " ".join(chance.choice(words) + chance.choice(words) for _ in range(4))


def model_call(chance: random.Random, trace: str, at: int, parent: int, start: int, took: int) -> bytes:
    """Return a call of a model with tokens and cost."""
    model = chance.choice(MODELS)
    given, made = chance.randint(100, 4_000), chance.randint(10, 800)
    attributes: dict[str, object] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": given,
        "gen_ai.usage.output_tokens": made,
        "gen_ai.usage.cost.amount": given * 2.5e-6 + made * 1e-5,
        "gen_ai.input.messages": orjson.dumps([{"role": "user", "content": "lorem ipsum " * 20}]).decode(),
        "gen_ai.output.messages": orjson.dumps([{"role": "assistant", "content": "dolor sit " * 20}]).decode(),
    }
    return span(trace, at, parent, f"chat {model}", start, took, attributes, kind=3)


def large_trace(chance: random.Random, name: str, size: int, start: int) -> Iterator[bytes]:
    """Yield a trace of many spans, each below one of the ten before it or the root."""
    trace = trace_id(-size)
    yield span(trace, 1, None, name, start, size * 1_000_000, {"tracelm.op.name": "large"})
    for at in range(2, size + 1):
        parent = 1 if at % 50 == 0 else max(1, at - chance.randint(1, 10))
        yield span(trace, at, parent, "step", start + at * 1_000_000, 900_000, {"tracelm.op.name": "step"})


def scores_of(chance: random.Random, number: int, start: int) -> Iterator[bytes]:
    """Yield two scores of a trace's root."""
    verdicts: dict[str, dict[str, object]] = {
        "pii": {"tracelm.score.passed": chance.random() > 0.02},
        "correctness": {"gen_ai.evaluation.score.value": chance.random()},
    }
    for name, verdict in verdicts.items():
        attributes = {"log.record.uid": f"{number}-{name}", "gen_ai.evaluation.name": name, **verdict}
        yield orjson.dumps(
            {
                "traceId": trace_id(number),
                "spanId": f"{1:016x}",
                "eventName": "gen_ai.evaluation.result",
                "timeUnixNano": str(start + 5_000_000_000),
                "attributes": _pairs(attributes),
            }
        )


def trace_id(number: int) -> str:
    """Return the id of a trace: random in its order, the same every time."""
    return f"{random.Random(number).getrandbits(128):032x}"


def span(
    trace: str,
    at: int,
    parent: int | None,
    name: str,
    start: int,
    took: int,
    attributes: dict[str, object],
    *,
    failed: bool = False,
    kind: int = 1,
) -> bytes:
    """Return one span as OTLP/JSON."""
    more = {"error.type": "openai.RateLimitError"} if failed else {}
    return orjson.dumps(
        {
            "traceId": trace,
            "spanId": f"{at:016x}",
            "parentSpanId": f"{parent:016x}" if parent else "",
            "name": name,
            "kind": kind,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + took),
            "attributes": _pairs({**attributes, **more}),
            "status": {"code": 2, "message": "too many requests"} if failed else {},
        }
    )


def _pairs(attributes: dict[str, object]) -> list[dict[str, object]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: object) -> dict[str, object]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": value}


# --- the questions ------------------------------------------------------------------------------------------
def ask(store: Store, *, rounds: int) -> None:
    """Print how long each question takes, and how many records it gives."""
    since = time.time_ns() - DAY_NS
    large = {name: trace_id(-size) for name, size in LARGE.items()}

    def timed(what: str, work: Callable[[], int]) -> None:
        tell(what, work, rounds=rounds)

    head()
    timed("last 50 traces", lambda: len(store.traces(project=PROJECT)))
    timed("a trace of 1,000 spans", lambda: len(store.trace(large["of 1,000 spans"], project=PROJECT).spans))
    whole = large["of 33,000 spans"]
    timed("first page of a trace of 33,000 spans", lambda: len(store.trace_page(whole, project=PROJECT).spans))
    second = store.trace_page(whole, project=PROJECT).next
    timed("its second page", lambda: len(store.trace_page(whole, project=PROJECT, after=second).spans))

    def traces(where: str = "", order_by: str = "-start") -> Callable[[], int]:
        return lambda: len(store.traces(where, project=PROJECT, since_ns=since, order_by=order_by))

    def spans(where: str = "", order_by: str = "-start") -> Callable[[], int]:
        return lambda: len(store.spans(where, project=PROJECT, since_ns=since, order_by=order_by, limit=50))

    for order in ORDERS:
        timed(f"traces by {order}", traces(order_by=order))
    for order in ORDERS:
        timed(f"spans by {order}", spans(order_by=order))
    for where in TRACE_FILTERS:
        timed(f"traces {where}", traces(where))
    for where in TRACE_FILTERS:
        took = {order: measured(traces(where, order), rounds=rounds) for order in ORDERS}
        slowest = max(took, key=took.__getitem__)
        show(f"traces {where} by {slowest}, the slowest order", *took[slowest])
    for where in SPAN_FILTERS:
        timed(f"spans {where}", spans(where))
    following = store.traces(project=PROJECT, since_ns=since, order_by="-cost").next
    timed(
        "second page of traces by -cost",
        lambda: len(store.traces(project=PROJECT, since_ns=since, order_by="-cost", after=following)),
    )


def head() -> None:
    """Print what the columns of `tell` are."""
    print(f"{'':<65}{'ms':>10}{'ms of CPU':>10}{'found':>8}")


def tell(what: str, work: Callable[[], int], *, rounds: int) -> None:
    """Print how long `work` takes, and how many records it finds."""
    show(what, *measured(work, rounds=rounds))


def measured(work: Callable[[], int], *, rounds: int) -> tuple[float, float, int]:
    """Return how long `work` takes, ms by the clock and of the processor, and how many records it finds."""
    found = work()
    took: list[float] = []
    computed: list[float] = []
    for _ in range(rounds):
        begun, used = time.perf_counter(), time.process_time()
        found = work()
        took.append((time.perf_counter() - begun) * 1e3)
        computed.append((time.process_time() - used) * 1e3)
    return statistics.median(took), statistics.median(computed), found


def show(what: str, took_ms: float, computed_ms: float, found: int) -> None:
    """Print one line."""
    print(f"{what:<65}{took_ms:>10,.1f}{computed_ms:>10,.1f}{found:>8,}", flush=True)


if __name__ == "__main__":
    main()
