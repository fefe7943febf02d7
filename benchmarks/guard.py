"""What guardrails cost: machinery beside the plain op, PII over 2 KB, a streamed chunk, the first released token.

    python benchmarks/guard.py [--quick]

Medians of interleaved rounds, in one process, with records written to a journal in a temporary folder. Compare figures
of one run with each other, not machines.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import tracelm
from tracelm.scorers import PII, Secrets
from tracelm.scoring.scorer import Scorer

PROSE = (
    "The committee met on a rainy afternoon and spoke at length about what the new library should hold, who would "
    "read in it, and whether the old oak by the gate could stay. Nobody was in a hurry to leave. "
)
CONTACTS = (
    "Write to ana@example.com or call +1 212 555 0187; the card 4111 1111 1111 1111 was refused on 2024-03-01, "
    "so please send 42 dollars to GB82 WEST 1234 5698 7654 32, and ask for Bo. "
)


class Free(Scorer):
    """A scorer that costs next to nothing: what remains is machinery."""

    is_cheap = True

    @property
    def window(self) -> int:
        """A window as others have one."""
        return 64

    def score(self, *, output: str) -> bool:
        """Let everything pass."""
        return True


def main(*, quick: bool) -> None:
    """Measure, and print a table."""
    rounds, calls = (5, 200) if quick else (15, 1_000)
    with tempfile.TemporaryDirectory() as home:
        tracelm.init("bench", home=Path(home))
        print("per call, µs (median of interleaved rounds)")
        a_call(rounds, calls)
        print("\nPII over 2 KB, ms")
        two_kilobytes(rounds)
        print("\nper streamed chunk of about 4 characters, µs")
        a_chunk(rounds)
        print("\nfirst released text: how many characters of 4-character chunks had come")
        first_released()
        tracelm.shutdown()


def a_call(rounds: int, calls: int) -> None:
    """Machinery: an op, and the same op with one and with three guardrails whose scorers are free."""

    def function(text: str) -> str:
        return text

    plain = tracelm.op(name="plain")(function)
    names = ("a", "b", "c")
    one = tracelm.guard(tracelm.Guardrail(Free()))(tracelm.op(name="one")(function))
    rails = [tracelm.Guardrail(Free(), name=name) for name in names]
    three = tracelm.guard(*rails)(tracelm.op(name="three")(function))
    deadline = tracelm.guard(tracelm.Guardrail(Free(), timeout_s=5))(tracelm.op(name="deadline")(function))
    found = interleaved(
        {
            "plain op": lambda: plain("text"),
            "1 guardrail": lambda: one("text"),
            "3 guardrails": lambda: three("text"),
            "1 with a deadline": lambda: deadline("text"),
        },
        rounds=rounds,
        calls=calls,
    )
    floor = found["plain op"]
    for name, taken in found.items():
        more = "" if name == "plain op" else f"   +{(taken - floor) * 1e6:6.1f} over the plain op"
        print(f"  {name:20}{taken * 1e6:8.1f}{more}")


def two_kilobytes(rounds: int) -> None:
    """The scorer alone."""
    for name, text in (("prose", PROSE), ("full of contacts", CONTACTS)):
        long = (text * 20)[:2_000]
        found = interleaved({name: lambda long=long: PII().score(output=long)}, rounds=rounds, calls=20)
        print(f"  {name:20}{found[name] * 1e3:8.3f}")


def a_chunk(rounds: int) -> None:
    """A stream of 500 chunks: plain, and under guard."""
    for kind, text in (("prose", PROSE), ("contacts", CONTACTS)):
        chunks = cut((text * 20)[:2_000])

        def stream(chunks: list[str] = chunks) -> Iterator[str]:
            yield from chunks

        guards = {
            "plain": stream,
            "free scorer": tracelm.guard(tracelm.Guardrail(Free()))(stream),
            "PII, masked": tracelm.guard(tracelm.Guardrail(PII(), action="replace"))(stream),
            "Secrets, masked": tracelm.guard(tracelm.Guardrail(Secrets(), action="replace"))(stream),
        }
        reading = {name: (lambda each=each: sum(map(len, each()))) for name, each in guards.items()}
        found = interleaved(reading, rounds=rounds, calls=2)
        for name, taken in found.items():
            print(f"  {kind}, {name:16}{taken * 1e6 / len(chunks):8.2f}")


def first_released() -> None:
    """How much is held back before anything goes on; a model's pace turns that into time."""
    for kind, text in (("prose", PROSE), ("contacts", CONTACTS)):
        for name, scorer in (("PII", PII()), ("Secrets", Secrets())):
            for place, behind in held(scorer, cut((text * 4)[:600])):
                print(f"  {kind}, {name:8}{place}: {behind}")


def held(scorer: Scorer, chunks: list[str]) -> Iterator[tuple[str, int]]:
    """Yield what had come when the first text went on, and how far the released text stays behind at most."""
    came = 0
    first: int | None = None
    most = 0
    out = 0

    def source() -> Iterator[str]:
        nonlocal came
        for chunk in chunks:
            came += len(chunk)
            yield chunk

    for piece in tracelm.guard(tracelm.Guardrail(scorer, mode="enforce", action="replace"))(source)():
        if first is None:
            first = came
        most = max(most, came - out)
        out = came if came == sum(map(len, chunks)) else out + len(piece)
    yield "first", first or 0
    yield "most behind", most


def cut(text: str) -> list[str]:
    """Return a text as a model streams it."""
    return [text[place : place + 4] for place in range(0, len(text), 4)]


def interleaved(each: dict[str, Callable[[], object]], *, rounds: int, calls: int) -> dict[str, float]:
    """Return the median seconds a call of each, measured in turn so that a slow moment hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in each}
    for call in each.values():
        call()
    for _ in range(rounds):
        for name, call in each.items():
            start = time.perf_counter()
            for _ in range(calls):
                call()
            taken[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(values) for name, values in taken.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What guardrails cost.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    main(quick=parser.parse_args().quick)
