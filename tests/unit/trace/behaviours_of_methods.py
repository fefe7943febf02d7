"""What a program can ask of methods, and what classes do with them."""

# What is asked here has no types: the same lines run over a function and over an op.
# mypy: ignore-errors
# pyright: basic, reportRedeclaration=false, reportAttributeAccessIssue=false, reportUnnecessaryIsInstance=false
# ruff: noqa: PLW1641, RUF009

import abc
import dataclasses
import enum
import functools
import inspect
import operator
import typing
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

import pydantic

from tests.unit.trace.behaviours import Decorator, annotated, behaviour, outcome


@behaviour
def a_cached_method(op: Decorator) -> object:
    class A:
        @op
        @functools.lru_cache  # noqa: B019
        def above(self, n: int) -> tuple[str, int]:
            return type(self).__name__, n

    return [A().above(1), A.above(A(), 2)]


@behaviour
def single_dispatch_methods(op: Decorator) -> object:
    class A:
        @op
        @functools.singledispatchmethod
        def show(self, value: object) -> str:
            return f"{type(self).__name__} other"

        @show.register
        def _(self, value: int) -> str:
            return f"{type(self).__name__} int"

    class B(A): ...

    return [A().show("a"), A().show(1), B().show(2), A.__dict__["show"].dispatcher.dispatch(int).__name__]


@behaviour
def partial_methods(op: Decorator) -> object:
    class A:
        def add(self, a: int, b: int) -> tuple[int, int]:
            return a, b

        one = op(functools.partialmethod(add, 1))
        two = functools.partialmethod(op(add), 2)

    return [A().one(9), A().two(9), str(inspect.signature(A().one))]


@behaviour
def cached_properties(op: Decorator) -> object:
    class A:
        runs = 0

        @op
        @functools.cached_property
        def above(self) -> int:
            """Doc."""
            self.runs += 1
            return self.runs

        @functools.cached_property
        @op
        def below(self) -> int:
            return 5

    a = A()
    return [a.above, a.above, a.below, a.runs, A.above.__doc__, sorted(vars(a))]


@behaviour
def what_is_no_function_does_not_bind(op: Decorator) -> object:
    class Count:
        def __call__(self, *args: object) -> int:
            return len(args)

    class A:
        of_partial = op(functools.partial(lambda *args: len(args), 1))
        of_builtin = op(len)
        of_object = op(Count())
        of_method = op("abc".upper)
        of_bound = op(Count().__call__)

    a = A()
    return [a.of_partial(2), a.of_builtin([1]), a.of_object(1), a.of_method(), a.of_bound(1)]


@behaviour
def static_and_class_methods(op: Decorator) -> object:
    class A:
        a = op(classmethod(lambda cls: cls.__name__))
        b = classmethod(op(lambda cls: cls.__name__))
        c = op(staticmethod(lambda: "static"))
        d = staticmethod(op(lambda: "static"))

    class B(A): ...

    kinds = [type(vars(A)[name]).__name__ for name in "abcd"]
    return [A.a(), B.b(), A().c(), B.d(), B().a(), kinds]


@behaviour
def properties(op: Decorator) -> object:
    class A:
        @op
        @property
        def above(self) -> int:
            """Doc."""
            return self.value

        @above.setter
        def above(self, value: int) -> None:
            self.value = value

        @property
        @op
        def below(self) -> int:
            return 2

    a = A()
    a.above = 4
    return [a.above, a.below, A.above.__doc__, isinstance(A.above, property), outcome(lambda: setattr(a, "below", 1))]


@behaviour
def methods_that_classes_treat_specially(op: Decorator) -> object:
    class A:
        made: typing.ClassVar[list[str]] = []

        @op
        def __new__(cls, *_: object) -> Any:
            return super().__new__(cls)

        @op
        def __init__(self, x: int) -> None:
            self.x = x

        @op
        def __init_subclass__(cls, **more: object) -> None:
            cls.made.append(f"{cls.__name__} {more}")

        @op
        def __class_getitem__(cls, item: object) -> object:
            return cls.__name__, item

        @op
        def __len__(self) -> int:
            return self.x

        @op
        def __eq__(self, other: object) -> bool:
            return True

        @op
        def __enter__(self) -> str:
            return "in"

        @op
        def __exit__(self, *_: object) -> bool:
            return True

        @op
        def __getitem__(self, at: int) -> int:
            return [5, 6][at]

    class B(A, size=1): ...

    with A(1) as entered:
        raise ValueError
    return [A.made, A[3], B["x"], len(A(4)), A(1) == 3, entered, list(A(1)), A(1).__new__(A).__class__.__name__]


@behaviour
def classmethods_that_are_implicit_and_explicit(op: Decorator) -> object:
    class A:
        seen: typing.ClassVar[list[str]] = []

        @classmethod
        @op
        def __init_subclass__(cls) -> None:
            cls.seen.append(cls.__name__)

        @op
        @classmethod
        def __class_getitem__(cls, item: object) -> object:
            return item

    class B(A): ...

    return [A.seen, B.__name__, A[1]]


@behaviour
def abstract_methods(op: Decorator) -> object:
    class A(abc.ABC):
        @op
        @abc.abstractmethod
        def above(self) -> None: ...

        @abc.abstractmethod
        @op
        def below(self) -> None: ...

        @op
        @property
        @abc.abstractmethod
        def prop(self) -> int: ...

    return [sorted(A.__abstractmethods__), inspect.isabstract(A), outcome(A)]


@behaviour
def inheritance_and_super(op: Decorator) -> object:
    class A:
        @op
        def f(self) -> str:
            return "A"

    class B(A):
        __slots__ = ("x",)

        @op
        def f(self) -> str:
            return "B" + super().f()

    return [B().f(), A.f(B()), B.f is vars(B)["f"]]


@behaviour
def bound_methods(op: Decorator) -> object:
    class A:
        @op
        def f(self) -> int:
            return 5

    a, b = A(), A()
    return [
        a.f == a.f,
        hash(a.f) == hash(a.f),
        a.f == b.f,
        a.f.__self__ is a,
        a.f.__func__ is A.f,
        inspect.ismethod(a.f),
        str(inspect.signature(a.f)),
        weakref.WeakMethod(a.f)()(),  # type: ignore[misc]
        operator.methodcaller("f")(a),
        [name for name, _ in inspect.getmembers(A, inspect.isfunction)],
    ]


@behaviour
def enums_protocols_and_dataclasses(op: Decorator) -> object:
    class Colour(enum.Enum):
        RED = 1

        @op
        def shown(self) -> str:
            return self.name

    @typing.runtime_checkable
    class Shows(typing.Protocol):
        @op
        def shown(self) -> str: ...

    @dataclasses.dataclass(order=True)
    class Row:
        x: int
        act: Callable[..., Any] = op(annotated)

        @op
        def __post_init__(self) -> None:
            self.x += 1

        @op
        def twice(self) -> int:
            return self.x * 2

    return [
        Colour.RED.shown(),
        [each.name for each in Colour],
        isinstance(Colour.RED, Shows),
        Row(1).twice(),
        dataclasses.fields(Row)[0].name,
    ]


@behaviour
def pydantic_models(op: Decorator) -> object:
    class Model(pydantic.BaseModel):
        x: int

        @op
        def twice(self) -> int:
            return self.x * 2

        @op
        @property
        def shown(self) -> str:
            return str(self.x)

        @pydantic.field_validator("x")
        @classmethod
        @op
        def check(cls, value: int) -> int:
            return value + 1

        @pydantic.model_validator(mode="after")
        @op
        def whole(self) -> typing.Self:
            return self

        @pydantic.computed_field
        @op
        def total(self) -> int:
            return 3

    model = Model(x=1)
    checked = [pydantic.validate_call(op(lambda a: a)), op(pydantic.validate_call(lambda a: a))]
    return [model.twice(), model.shown, model.model_dump(), list(Model.model_fields), [each(1) for each in checked]]


@behaviour
def mocks(op: Decorator) -> object:
    class A:
        @op
        def f(self, a: int) -> int:
            return a

    spec = mock.create_autospec(op(annotated), return_value=3)
    with mock.patch.object(A, "f", autospec=True, return_value=9) as patched:
        inside = A().f(1)
    wrong = outcome(spec).__class__
    return [spec(1), wrong, inside, patched.call_count, A().f(2)]
