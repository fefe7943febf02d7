"""How many rows a second an evaluation makes, beside a bare asyncio loop that does the same work.

    python benchmarks/eval_throughput.py [--rows 5000] [--rounds 3] [--concurrency 64] [--scorers sync|async]

Each row awaits a task of 1 ms and is judged by three scorers. `tracelm` has every trace and score on disk before a row
counts as done; `tracelm, nothing recorded` is the same without `init`; `bare loop` calls the functions and keeps
nothing. Each block runs in a process of its own; the variants take turns, so that a machine that slows down slows all
of them. `peak` is the most memory that the process had, `grew` how much of it came after the rows were made.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any

VARIANTS = ("bare loop", "tracelm", "tracelm, nothing recorded")
UNITS_A_MB = 1024 if sys.platform == "linux" else 1024**2


async def answer(question: str) -> str:
    """Stand for a call of a model."""
    await asyncio.sleep(0.001)
    return "answer " + question.split()[1]


def exact(output: str, expected: str) -> bool:
    """Compare."""
    return output == expected


def is_short(output: str) -> bool:
    """Measure."""
    return len(output) < 20


def share(output: str, expected: str) -> float:
    """Give a number."""
    return len(output) / max(len(output), len(expected))


async def exact_async(output: str, expected: str) -> bool:
    """Compare, as a coroutine."""
    return exact(output, expected)


async def is_short_async(output: str) -> bool:
    """Measure, as a coroutine."""
    return is_short(output)


async def share_async(output: str, expected: str) -> float:
    """Give a number, as a coroutine."""
    return share(output, expected)


def peak_mb() -> float:
    """Return the most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNITS_A_MB


def data(rows: int, width: int) -> list[dict[str, str]]:
    """Make rows whose questions have about `width` characters."""
    filler = "lorem ipsum " * (width // 12)
    return [{"id": str(n), "question": f"question {n} {filler}", "expected": f"answer {n}"} for n in range(rows)]


async def bare(rows: list[dict[str, str]], concurrency: int) -> int:
    """Do the same work, and keep nothing."""
    done = 0
    todo = iter(rows)

    async def work() -> None:
        nonlocal done
        for row in todo:
            output = await answer(row["question"])
            exact(output, row["expected"])
            is_short(output)
            share(output, row["expected"])
            done += 1

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return done


def block(variant: str, given: argparse.Namespace) -> dict[str, float]:
    """Run one variant in this process."""
    rows = data(given.rows, given.width)
    run: Callable[[], Awaitable[int]]
    if variant == "bare loop":
        before_mb = peak_mb()

        async def run() -> int:
            return await bare(rows, given.concurrency)
    else:
        import tracelm

        scorers: list[Any] = [exact, is_short, share]
        if given.scorers == "async":
            scorers = [exact_async, is_short_async, share_async]
        if variant == "tracelm":
            tracelm.init("bench", home=tempfile.mkdtemp(), patch=False)
        dataset = tracelm.Dataset(name="bench", rows=rows)
        del rows
        evaluation = tracelm.Evaluation(dataset=dataset, scorers=scorers, max_concurrency=given.concurrency)
        before_mb = peak_mb()

        async def run() -> int:
            done = await evaluation.evaluate(answer, progress=False)
            assert all(each.outcome == "scored" for each in done.results)
            return len(done.results)

    start_s = time.perf_counter()
    cpu_s = time.process_time()
    done = asyncio.run(run())  # type: ignore[arg-type]
    took_s, used_s = time.perf_counter() - start_s, time.process_time() - cpu_s
    assert done == given.rows
    if variant == "tracelm":
        import tracelm

        assert tracelm.shutdown().lost == 0
    return {
        "rows_s": done / took_s,
        "cpu_us": used_s / done * 1e6,
        "peak_mb": peak_mb(),
        "grew_mb": peak_mb() - before_mb,
    }


def main() -> None:
    """Run all variants in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--width", type=int, default=60, help="characters of a question")
    parser.add_argument("--scorers", choices=("sync", "async"), default="sync")
    parser.add_argument("--only", choices=VARIANTS)
    parser.add_argument("--block", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.block:
        print(json.dumps(block(given.block, given)))
        return
    variants = [given.only] if given.only else list(VARIANTS)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    arguments = [f"--{name}={getattr(given, name)}" for name in ("rows", "concurrency", "width", "scorers")]
    for _ in range(given.rounds):
        for name in variants:
            done = subprocess.run(
                [sys.executable, __file__, f"--block={name}", *arguments], capture_output=True, text=True, check=True
            )
            found[name].append(json.loads(done.stdout))
    print(f"{given.rows} rows, 1 ms task, 3 {given.scorers} scorers, concurrency {given.concurrency}")
    print(f"{'':28}{'rows/s':>9}{'best':>9}{'cpu µs/row':>12}{'peak MB':>9}{'grew MB':>9}")
    for name, rounds in found.items():
        middle = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        best = max(each["rows_s"] for each in rounds)
        print(
            f"{name:28}{middle['rows_s']:>9,.0f}{best:>9,.0f}{middle['cpu_us']:>12.0f}"
            f"{middle['peak_mb']:>9.0f}{middle['grew_mb']:>9.0f}"
        )


if __name__ == "__main__":
    main()
