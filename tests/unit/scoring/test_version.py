"""Versions of code: equal for equal code, in any process."""

import functools
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tracelm
from tracelm.scoring.version import code_version

SOURCE = """
from dataclasses import dataclass
import tracelm
from tracelm.scoring.version import code_version

@dataclass(frozen=True)
class Mentions(tracelm.Scorer):
    words: frozenset[str]
    def score(self, *, output):
        return output in {"a", "b", "c", "d"} or any(word in output for word in self.words)

def judge(output):
    inner = lambda text: text in {"x", "y", "z", "w"}
    return inner(output)

print(code_version(judge), Mentions(frozenset({"one", "two", "three"})).version)
"""


def defined(source: str) -> Callable[..., Any]:
    """Return the function `f` of a source text."""
    namespace: dict[str, Callable[..., Any]] = {}
    exec(compile(textwrap.dedent(source), "anywhere", "exec"), namespace)
    return namespace["f"]


def printed(seed: str) -> str:
    env = {"PYTHONHASHSEED": seed, "PATH": ""}
    return subprocess.run([sys.executable, "-c", SOURCE], env=env, capture_output=True, text=True, check=True).stdout


def test_a_version_is_the_same_in_every_process_and_for_every_hash_seed() -> None:
    outputs = {printed(seed) for seed in ("0", "1", "4242")}
    assert len(outputs) == 1
    assert re.fullmatch(r"[0-9a-f]{12} [0-9a-f]{12}\n", outputs.pop())


def test_layout_and_place_do_not_count() -> None:
    assert code_version(defined("def f(x): return x + 1")) == code_version(
        defined("\n\n\n# moved\ndef f(x):\n    # explained\n    return (\n        x + 1\n    )")
    )


def test_every_change_of_what_a_function_does_counts() -> None:
    variants = [
        "def f(x): return x + 1",
        "def f(x): return x + 2",
        "def f(x): return x + 1.0",
        "def f(x): return x + True",
        "def f(x): return x - 1",
        "def f(x): return y + 1",
        "def f(x, *, y=1): return x + 1",
        "def f(x, *, y=2): return x + 1",
        "def f(x=1): return x + 1",
        "def f(x): return (lambda z: z + 1)(x)",
        "def f(x): return (lambda z: z + 2)(x)",
        "def f(x): return x in {1, 2}",
        "def f(x): return x in {1, 3}",
        "async def f(x): return x + 1",
    ]
    assert len({code_version(defined(source)) for source in variants}) == len(variants)


def test_functions_of_one_factory_differ_by_what_they_close_over() -> None:
    def longer_than(limit: int) -> Callable[[str], bool]:
        def judge(output: str) -> bool:
            return len(output) > limit

        return judge

    assert code_version(longer_than(3)) == code_version(longer_than(3))
    assert code_version(longer_than(3)) != code_version(longer_than(4))


def test_an_op_has_the_version_of_its_function() -> None:
    def plain(x: int) -> int:
        return x

    assert code_version(tracelm.op(plain)) == code_version(plain)


def test_partials_builtins_and_callable_objects_have_versions() -> None:
    class Judge:
        def __init__(self, limit: int) -> None:
            self.limit = limit

        def __call__(self, output: str) -> bool:
            return len(output) < self.limit

    given: list[Callable[..., Any]] = [
        len,
        sum,
        functools.partial(max, 1),
        functools.partial(max, 2),
        Judge(1),
        Judge(2),
    ]
    assert len({code_version(each) for each in given}) == len(given)
    assert code_version(Judge(1)) == code_version(Judge(1))


def test_a_scorers_fields_and_methods_are_its_version() -> None:
    @dataclass(frozen=True)
    class Matches(tracelm.Scorer):
        pattern: re.Pattern[str]

        def score(self, *, output: str) -> bool:
            return self._found(output)

        def _found(self, output: str) -> bool:
            return self.pattern.search(output) is not None

    class Stricter(Matches):
        def _found(self, output: str) -> bool:
            return self.pattern.fullmatch(output) is not None

    long = "a" * 300  # the repr of a pattern stops at 200 characters
    assert Matches(re.compile(long + "b")).version == Matches(re.compile(long + "b")).version
    assert Matches(re.compile(long + "b")).version != Matches(re.compile(long + "c")).version
    assert Matches(re.compile("a")).version != Matches(re.compile("a", re.IGNORECASE)).version
    assert Matches(re.compile("a")).version != Stricter(re.compile("a")).version
