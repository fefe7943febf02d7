"""What a program can ask of a function, and do with it.

Each behaviour takes a decorator, does something, and returns what can be compared.
"""

# What is asked here has no types: the same lines run over a function and over an op.
# mypy: ignore-errors
# pyright: basic, reportRedeclaration=false, reportAttributeAccessIssue=false, reportUnnecessaryIsInstance=false
# ruff: noqa: PLW0108, SIM115, PTH123

import asyncio
import contextlib
import copy
import dataclasses
import doctest
import functools
import inspect
import pydoc
import sys
import types
import typing
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import Any
from unittest import mock

import pytest

Decorator = Callable[[Any], Any]
Behaviour = Callable[[Decorator], object]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    BEHAVIOURS[function.__name__] = function
    return function


def outcome(call: Callable[[], object]) -> object:
    """Return what a call gives, or the text of what it raises."""
    try:
        return call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def annotated(a: int, b: "str" = "x", *rest: float, c: bool = True, **more: bytes) -> list[int]:
    """Say something.

    >>> 1 + 1
    2
    """
    return [a, len(b)]


@behaviour
def names_and_documentation(op: Decorator) -> object:
    f = op(annotated)
    return [f.__name__, f.__qualname__, f.__module__, f.__doc__, repr(f), str(f), pydoc.render_doc(f), dir(f)]


@behaviour
def what_inspect_says(op: Decorator) -> object:
    f = op(annotated)
    asks = (inspect.isfunction, inspect.isroutine, inspect.ismethod, inspect.isbuiltin, inspect.isgeneratorfunction)
    spec, bound = inspect.getfullargspec(f), inspect.signature(f).bind(1, c=False)
    source = (inspect.getsource(f), inspect.getfile(f), inspect.getmodule(f), inspect.getdoc(f))
    return [[ask(f) for ask in asks], inspect.signature(f), spec, bound, source, inspect.getclosurevars(f).unbound]


@behaviour
def type_hints(op: Decorator) -> object:
    f = op(annotated)
    return [typing.get_type_hints(f), inspect.get_annotations(f), f.__annotations__]


@behaviour
def parts_of_a_function(op: Decorator) -> object:
    f = op(annotated)
    return [f.__code__, f.__defaults__, f.__kwdefaults__, f.__closure__, f.__globals__ is globals(), f.__get__ is None]


@behaviour
def isinstance_and_callable(op: Decorator) -> object:
    f = op(annotated)
    return [isinstance(f, types.FunctionType), isinstance(f, Callable), callable(f), f.__class__]  # type: ignore[arg-type]


@behaviour
def attributes_set_and_deleted(op: Decorator) -> object:
    @op
    def f() -> None: ...

    f.mark = [1]
    seen = [f.mark, vars(f), f.__dict__ == {"mark": [1]}, hasattr(f, "start"), hasattr(f, "options")]
    del f.mark
    return [*seen, vars(f), outcome(lambda: f.mark)]


@behaviour
def defaults_changed_afterwards(op: Decorator) -> object:
    @op
    def f(a: int = 1, *, b: int = 2) -> tuple[int, int]:
        return a, b

    f.__defaults__, f.__kwdefaults__ = (7,), {"b": 8}
    return [f(), str(inspect.signature(f))]


@behaviour
def equality_hash_and_weak_references(op: Decorator) -> object:
    def given() -> None: ...

    f, other = op(given), op(lambda: None)
    reference = weakref.ref(f)
    return [f == f, f != other, len({f, f, other}), reference() is f, {f: 1}[f], bool(f)]


@behaviour
def copies_are_the_function_itself(op: Decorator) -> object:
    f = op(annotated)
    return [copy.copy(f) is f, copy.deepcopy(f) is f, copy.deepcopy({"f": f})["f"] is f]


@behaviour
def wrong_arguments(op: Decorator) -> object:
    @op
    def f(a: int, /, b: int, *, c: int) -> None: ...

    class A:
        method = op(lambda self: self)

    calls: list[Callable[[], object]] = [
        lambda: f(),
        lambda: f(1),
        lambda: f(1, 2, 3, c=4),
        lambda: f(a=1, b=2, c=3),
        lambda: f(1, 2, b=2, c=3),
        lambda: f(1, 2),
        lambda: f(1, 2, c=3, d=4),
        lambda: A.method(),
        lambda: A().method(1),
    ]
    return [outcome(call) for call in calls]


@behaviour
def parameters_that_are_called_as_ours_might_be(op: Decorator) -> object:
    f = op(lambda **all_: all_)
    return f(self=1, args=2, kwargs=3, function=4, current=5, name=6, span=7)


@behaviour
def partial_wraps_and_update_wrapper(op: Decorator) -> object:
    f = op(annotated)
    part = functools.partial(f, 1, b="abc")

    @functools.wraps(f)
    def around(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs)

    return [part(), around(2), around.__name__, vars(around).keys(), around.__wrapped__ is f, inspect.signature(part)]


@behaviour
def caches_above_and_below(op: Decorator) -> object:
    runs: list[int] = []

    def count(n: int) -> int:
        runs.append(n)
        return n

    above, below, unbounded = (
        op(functools.lru_cache(maxsize=2)(count)),
        functools.cache(op(count)),
        op(functools.cache(count)),
    )
    done = [above(1), above(1), below(2), below(2), unbounded(3), unbounded(3)]
    above.cache_clear()
    return [done, runs, above.cache_info(), below.cache_info(), above.cache_parameters()]


@behaviour
def single_dispatch_above_and_below(op: Decorator) -> object:
    above, below = op(functools.singledispatch(lambda _: "other")), functools.singledispatch(op(lambda _: "other"))
    for each in (above, below):
        each.register(int, op(lambda _: "int"))
    return [above(1), above("a"), below(1), below("a"), above.dispatch(bool)(True)]


@behaviour
def callable_objects(op: Decorator) -> object:
    class Now:
        """Now."""

        limit = 3

        def __call__(self, n: int) -> int:
            return n * self.limit

    class Later:
        async def __call__(self) -> str:
            return "later"

    class Many:
        def __call__(self) -> Iterator[int]:
            yield 1

    now, later, many = op(Now()), op(Later()), op(Many())
    now.limit = 4
    asks = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isroutine, inspect.isfunction)
    said = [[ask(each), ask(each.__call__)] for each in (now, later, many) for ask in asks]
    return [
        now(2),
        asyncio.run(later()),
        list(many()),
        said,
        str(inspect.signature(now)),
        now.__doc__,
        hasattr(now, "__name__"),
    ]


@behaviour
def kinds_of_functions(op: Decorator) -> object:
    @op
    async def later() -> int:
        return 1

    @op
    def steps() -> Generator[int]:
        yield 1

    @op
    async def steps_later() -> AsyncGenerator[int]:
        yield 1

    asks: list[Callable[[Any], object]] = [
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
        lambda f: inspect.iscoroutinefunction(functools.partial(f)),
        lambda f: type(f()).__name__ if f is not later else inspect.iscoroutine(running := f()) and running.close(),
    ]
    return [[ask(f) for ask in asks] for f in (later, steps, steps_later)]


@behaviour
def coroutines_that_generators_make(op: Decorator) -> object:
    @op
    @types.coroutine
    def pause() -> Generator[None, None, str]:
        yield
        return "rested"

    async def rest() -> str:
        return await pause()

    return asyncio.run(rest())


@behaviour
def context_managers(op: Decorator) -> object:
    @contextlib.contextmanager
    @op
    def below() -> Generator[int]:
        with contextlib.suppress(KeyError):
            yield 1

    @op
    @contextlib.contextmanager
    def above() -> Generator[int]:
        yield 2

    @contextlib.asynccontextmanager
    @op
    async def later() -> AsyncGenerator[int]:
        with contextlib.suppress(KeyError):
            yield 3

    async def use() -> int:
        async with later() as got:
            raise KeyError
        return got

    with below() as one:
        raise KeyError
    with above() as two:
        pass
    decorated = below()(lambda: 4)
    return [one, two, asyncio.run(use()), decorated()]


@behaviour
def doctests_are_found(op: Decorator) -> object:
    module = types.ModuleType("some")
    f = op(types.FunctionType(annotated.__code__, {"__name__": "some"}, "annotated"))
    f.__doc__, f.__module__ = annotated.__doc__, "some"
    module.f = f  # type: ignore[attr-defined]
    return [each.name for each in doctest.DocTestFinder().find(module, "some", module=module) if each.examples]


@behaviour
def overloads(op: Decorator) -> object:
    @typing.overload
    def f(a: int) -> int: ...
    @typing.overload
    def f(a: str) -> str: ...
    @op
    def f(a: Any) -> Any:
        return a

    return [len(typing.get_overloads(f)), f(1)]


@behaviour
def the_same_objects_come_back(op: Decorator) -> object:
    results: list[Any] = [object(), 10**30, {}, iter([1]), map(str, [1]), open(__file__, "rb"), mock.MagicMock()]
    results += [
        asyncio.Event(),
        dataclasses.make_dataclass("D", ["a"])(1),
        (x := [1]),
        x,
        type,
        ValueError("v"),
        range(3),
    ]
    same = [op(lambda each=each: each)() is each for each in results]
    results[5].close()
    return same


@behaviour
def tracebacks(op: Decorator) -> object:
    import traceback

    @op
    def fail() -> None:
        raise ValueError("no")

    @op
    def outer() -> None:
        try:
            fail()
        except ValueError as error:
            raise KeyError("k") from error

    with pytest.raises(KeyError) as raised:
        outer()
    error = raised.value
    frames = [each.name for each in traceback.extract_tb(error.__traceback__) if each.filename == __file__]
    assert error.__cause__ is not None
    inner = [each.name for each in traceback.extract_tb(error.__cause__.__traceback__) if each.filename == __file__]
    return [frames[1:], inner, error.__context__ is error.__cause__, error.__suppress_context__, sys.exc_info()[0]]
