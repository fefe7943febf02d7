"""Whatever a program can ask of a function or do with it: under `@op` the answer is the same as without.

Each behaviour runs twice: with a decorator that does nothing, and with `tracelm.op`.
"""

import functools
import inspect
import operator
import pickle
from typing import Any

import pytest

import tracelm
from tests.unit.trace import behaviours_of_methods
from tests.unit.trace.behaviours import BEHAVIOURS, annotated
from tracelm.testing import Spans

assert behaviours_of_methods  # it adds its own


def plain(function: Any) -> Any:
    return function


@tracelm.op
def at_module_level(value: int) -> int:
    return value + 1


class AtModuleLevel:
    @tracelm.op
    def method(self) -> str:
        return "method"

    @tracelm.op
    @classmethod
    def maker(cls) -> str:
        return cls.__name__


@pytest.mark.parametrize("name", sorted(BEHAVIOURS))
@pytest.mark.parametrize("is_recording", [True, False], ids=["recording", "before_init"])
def test_an_op_behaves_as_the_function_without_op(
    name: str, is_recording: bool, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    if is_recording:
        request.getfixturevalue("spans")
    failures = tracelm.flush().failures
    assert BEHAVIOURS[name](tracelm.op) == BEHAVIOURS[name](plain)
    assert tracelm.flush().failures == failures
    assert caplog.records == []


def test_wrapped_is_the_function(spans: Spans) -> None:
    f: Any = tracelm.op(annotated)
    assert f.__wrapped__ is annotated
    assert inspect.unwrap(f) is annotated
    assert "__wrapped__" not in vars(f)
    assert spans.names() == []


def test_an_op_of_a_module_pickles_by_name_as_its_methods_do() -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(at_module_level, protocol)) is at_module_level
    assert pickle.loads(pickle.dumps(AtModuleLevel().method))() == "method"
    assert pickle.loads(pickle.dumps(AtModuleLevel.maker))() == "AtModuleLevel"
    assert pickle.loads(pickle.dumps(AtModuleLevel.method)) is AtModuleLevel.method
    assert pickle.loads(pickle.dumps(functools.partial(at_module_level, 1)))() == 2


def test_an_op_without_a_name_pickles_with_what_is_inside(spans: Spans) -> None:
    again = pickle.loads(pickle.dumps(tracelm.op(functools.partial(operator.add, 1))))
    assert again(2) == 3
    assert len(spans.all()) == 1


def test_an_op_of_an_op_is_the_same_op() -> None:
    assert tracelm.op(at_module_level) is at_module_level
    bound = AtModuleLevel().method
    assert tracelm.op(bound) is bound


def test_each_descriptor_under_op_records_its_calls(spans: Spans) -> None:
    class A:
        @tracelm.op  # type: ignore[prop-decorator]  # mypy's own limit
        @functools.cached_property
        def cached(self) -> int:
            return 1

        @tracelm.op
        @functools.singledispatchmethod
        def shown(self, value: object) -> str:
            return "other"

        @shown.register
        def _(self, value: int) -> str:
            return "int"

        def add(self, a: int, b: int) -> int:
            return a + b

        increment = tracelm.op(functools.partialmethod(add, 1))

    a = A()
    assert (a.cached, a.cached, a.shown(3), a.shown("x"), a.increment(4)) == (1, 1, "int", "other", 5)
    found = [(each.name, each.attributes["input.value"], each.attributes["output.value"]) for each in spans.all()]
    assert found == [
        ("A.cached", "{}", "1"),
        ("A.shown", '{"value":3}', '"int"'),
        ("A.shown", '{"value":"x"}', '"other"'),
        ("A.add", '{"a":1,"b":4}', "5"),
    ]
