"""An op is the function, seen from outside; each call of it is one span."""

import asyncio
import functools
import gc
import inspect
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import anyio
import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

import tracelm
from tracelm import semconv
from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans
from tracelm.testing.conformance import check
from tracelm.trace.recorder import OPERATIONS


@tracelm.op
def double(number: int, *, times: int = 1) -> int:
    """Double a number."""
    return number * 2 * times


@tracelm.op
async def double_later(number: int) -> int:
    await anyio.lowlevel.checkpoint()
    return number * 2


@tracelm.op
def count_up(stop: int) -> Generator[int, str | None, str]:
    for number in range(stop):
        heard = yield number
        if heard:
            return heard
    return "done"


@tracelm.op
async def count_up_later(stop: int) -> AsyncGenerator[int, None]:
    for number in range(stop):
        yield number


class Calculator:
    @tracelm.op
    def method(self, number: int) -> int:
        return number

    @tracelm.op
    @classmethod
    def above_classmethod(cls, number: int) -> int:
        return number

    @classmethod
    @tracelm.op
    def below_classmethod(cls, number: int) -> int:
        return number

    @tracelm.op
    @staticmethod
    def above_staticmethod(number: int) -> int:
        return number

    @staticmethod
    @tracelm.op
    def below_staticmethod(number: int) -> int:
        return number

    @tracelm.op  # type: ignore[prop-decorator]  # mypy's own limit
    @property
    def above_property(self) -> int:
        return 7

    @property
    @tracelm.op
    def below_property(self) -> int:
        return 7


def parent_of(spans: Spans, child: str) -> str:
    ids = {each.span_id: each.name for each in spans.all()}
    return ids.get(spans.one(child).parent_span_id or "", "")


def test_before_init_an_op_is_the_plain_function_and_records_nothing() -> None:
    assert double(2) == 4
    assert asyncio.run(double_later(2)) == 4
    assert inspect.isgenerator(count_up(1))
    assert tracelm.flush().recorded == 0


def test_a_call_is_one_span_with_arguments_by_name_and_result(spans: Spans) -> None:
    assert double(2, times=3) == 12
    span = spans.one("double")
    assert span.attributes[semconv.INPUT_VALUE] == '{"number":2,"times":3}'
    assert span.attributes[semconv.OUTPUT_VALUE] == "12"
    assert span.attributes[semconv.INPUT_MIME_TYPE] == "application/json"
    assert span.attributes[semconv.OP_NAME] == "double"
    assert span.attributes[semconv.CODE_FILE_PATH] == __file__
    assert str(span.attributes[semconv.CODE_FUNCTION_NAME]).endswith("test_op.double")
    assert (span.kind, span.status, span.parent_span_id) == ("internal", "unset", None)
    assert span.end_ns >= span.start_ns


def test_defaults_count_as_arguments(spans: Spans) -> None:
    double(2)
    assert spans.one("double").attributes[semconv.INPUT_VALUE] == '{"number":2,"times":1}'


def test_the_very_same_object_comes_back(spans: Spans) -> None:
    thing = object()

    @tracelm.op
    def give() -> object:
        return thing

    @tracelm.op
    async def give_later() -> object:
        return thing

    assert give() is thing
    assert asyncio.run(give_later()) is thing


@pytest.mark.parametrize("init", [False, True])
def test_wrong_arguments_raise_pythons_own_type_error_at_the_call(init: bool, request: pytest.FixtureRequest) -> None:
    if init:
        request.getfixturevalue("spans")
    operations: list[Any] = [double, double_later, count_up, count_up_later]
    for operation in operations:
        with pytest.raises(TypeError, match=rf"{operation.__name__}\(\) got an unexpected keyword argument 'nonsense'"):
            operation(nonsense=1)
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            operation()


def test_a_call_that_does_not_fit_leaves_no_span(spans: Spans) -> None:
    with pytest.raises(TypeError):
        double("a", "b", "c")  # type: ignore[call-arg, arg-type]  # pyright: ignore
    assert spans.names() == []


def test_an_exception_passes_untouched_and_is_recorded_once(spans: Spans) -> None:
    error = ValueError("no such order")

    @tracelm.op
    def fail() -> None:
        raise error

    with pytest.raises(ValueError, match="no such order") as raised:
        fail()
    assert raised.value is error
    span = spans.one()
    assert (span.status, span.status_message) == ("error", "ValueError: no such order")
    assert span.attributes[semconv.ERROR_TYPE] == "ValueError"
    (event,) = span.events
    assert event.attributes["exception.message"] == "no such order"
    assert "in fail" in str(event.attributes["exception.stacktrace"])


def test_a_nested_op_is_a_child_in_the_same_trace(spans: Spans) -> None:
    @tracelm.op
    def outer() -> int:
        return double(1)

    outer()
    assert parent_of(spans, "double") == "outer"
    assert len({each.trace_id for each in spans.all()}) == 1


@pytest.mark.anyio
async def test_tasks_that_run_at_once_keep_their_own_parents(spans: Spans) -> None:
    @tracelm.op
    async def outer(number: int) -> None:
        await double_later(number)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(outer, number)
    by_id = {each.span_id: each for each in spans.all()}
    for inner in spans.named("double_later"):
        parent = by_id[inner.parent_span_id or ""]
        assert parent.attributes[semconv.INPUT_VALUE] == inner.attributes[semconv.INPUT_VALUE]


def test_a_partial_and_a_callable_object_can_be_ops(spans: Spans) -> None:
    class Tripler:
        def __call__(self, number: int) -> int:
            return number * 3

    assert tracelm.op(functools.partial(double, times=2))(2) == 8
    assert tracelm.op(Tripler())(2) == 6
    assert spans.names()[-1] == "Tripler"


def test_every_kind_of_method_is_recorded_without_self(spans: Spans) -> None:
    calculator = Calculator()
    assert calculator.method(1) == 1
    assert Calculator.above_classmethod(2) == Calculator.below_classmethod(2) == 2
    assert calculator.above_staticmethod(3) == Calculator.below_staticmethod(3) == 3
    assert calculator.above_property == calculator.below_property == 7
    assert spans.names() == [
        f"Calculator.{name}"
        for name in (
            "method",
            "above_classmethod",
            "below_classmethod",
            "above_staticmethod",
            "below_staticmethod",
            "above_property",
            "below_property",
        )
    ]
    assert spans.one("Calculator.method").attributes[semconv.INPUT_VALUE] == '{"number":1}'


def test_a_generator_is_one_span_from_the_first_step_to_the_last(spans: Spans) -> None:
    steps = count_up(3)
    assert spans.names() == []
    assert list(steps) == [0, 1, 2]
    assert spans.one().attributes[semconv.OUTPUT_VALUE] == "[0,1,2]"


def test_send_and_the_return_value_pass_through_a_generator(spans: Spans) -> None:
    steps = count_up(3)
    assert next(steps) == 0
    with pytest.raises(StopIteration) as stop:
        steps.send("enough")
    assert stop.value.value == "enough"


def test_a_generator_that_is_dropped_ends_its_span(spans: Spans) -> None:
    steps = count_up(3)
    next(steps)
    del steps
    gc.collect()
    assert spans.names() == ["count_up"]


@pytest.mark.anyio
async def test_an_async_generator_is_one_span(spans: Spans) -> None:
    assert [number async for number in count_up_later(3)] == [0, 1, 2]
    assert spans.one().attributes[semconv.OUTPUT_VALUE] == "[0,1,2]"


def test_arguments_are_recorded_as_they_were_at_the_call(spans: Spans) -> None:
    @tracelm.op
    def spoil(items: list[int]) -> None:
        items.clear()

    spoil([1, 2])
    assert spans.one().attributes[semconv.INPUT_VALUE] == '{"items":[1,2]}'


def test_an_op_that_returns_a_verdict_scores_its_own_span(spans: Spans) -> None:
    @tracelm.op
    def pii_guardrail(output: str) -> dict[str, Any]:
        return {"passed": "@" not in output, "reason": "an e-mail address"}

    assert pii_guardrail("ada@example.org") == {"passed": False, "reason": "an e-mail address"}
    (score,) = spans.scores()
    assert score[semconv.EVALUATION_NAME] == "pii_guardrail"
    assert (score[semconv.SCORE_PASSED], score[semconv.SCORE_VALUE]) == (False, 0.0)
    assert score[semconv.SCORE_EXPLANATION] == "an e-mail address"
    assert spans.logs()[0].span_id == spans.one().span_id


def test_a_dict_that_is_no_verdict_is_just_a_result(spans: Spans) -> None:
    @tracelm.op
    def exam() -> dict[str, Any]:
        return {"passed": True, "students": 31}

    exam()
    assert spans.scores() == []


@pytest.mark.parametrize(
    ("kind", "name", "attribute"),
    [
        ("tool", "execute_tool look_up", "gen_ai.tool.name"),
        ("agent", "invoke_agent look_up", "gen_ai.agent.name"),
        ("workflow", "invoke_workflow look_up", "gen_ai.workflow.name"),
    ],
)
def test_a_kind_gives_the_span_its_name_in_the_genai_conventions(
    spans: Spans, kind: Any, name: str, attribute: str
) -> None:
    @tracelm.op(kind=kind, name="look_up")
    def function() -> None: ...

    function()
    span = spans.one(name)
    assert span.attributes[semconv.OPERATION_NAME] == name.partition(" ")[0]
    assert span.attributes[attribute] == "look_up"


@pytest.mark.parametrize("kind", [None, *OPERATIONS])
def test_an_op_of_any_kind_conforms_to_the_genai_conventions(spans: Spans, kind: Any) -> None:
    @tracelm.op(kind=kind)
    def find(query: str) -> list[str]:
        return [query]

    find("a")
    span = spans.one()
    assert [each for each in check(span) if each.level == "violation"] == []
    assert str(span.attributes[semconv.OP_NAME]).endswith("find")  # whatever the conventions call the span


def test_capture_can_be_switched_off_for_an_op(spans: Spans) -> None:
    @tracelm.op(capture_input=False, capture_output=False)
    def whisper(secret_word: str) -> str:
        return secret_word

    assert whisper("swordfish") == "swordfish"
    assert "swordfish" not in repr(spans.all())


def test_without_content_only_names_times_and_kinds_of_errors_are_recorded(tmp_path: Path) -> None:
    tracelm.init("test", home=tmp_path, capture_content=False)

    @tracelm.op
    def whisper(word: str) -> str:
        if word == "swordfish":
            raise ValueError(f"not {word}")
        return word

    whisper("mackerel")
    with pytest.raises(ValueError, match="swordfish"):
        whisper("swordfish")
    with tracelm.span("step", inputs={"word": "swordfish"}) as step:
        step.set_output("mackerel")
    found = Spans(tmp_path).all()
    assert "swordfish" not in repr(found)
    assert "mackerel" not in repr(found)
    assert [span.status_message for span in found] == ["", "ValueError", ""]


def test_suppressed_instrumentation_records_nothing(spans: Spans) -> None:
    with suppress_instrumentation():
        assert double(1) == 2
    assert spans.names() == []


def test_an_argument_that_cannot_be_shown_breaks_nothing(spans: Spans) -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("no")

        __slots__ = ()

    @tracelm.op
    def take(thing: Hostile) -> str:
        return "ok"

    assert take(Hostile()) == "ok"
    assert spans.one().attributes[semconv.OUTPUT_VALUE] == '"ok"'


def test_the_version_of_an_op_follows_its_code(spans: Spans) -> None:
    def define(factor: int) -> SpanRecord:
        namespace: dict[str, Any] = {}
        exec(f"def scale(number): return number * {factor}", namespace)
        tracelm.op(namespace["scale"])(1)
        return spans.all()[-1]

    one, two, again = define(1), define(2), define(1)
    assert one.attributes[semconv.OP_VERSION] == again.attributes[semconv.OP_VERSION]
    assert one.attributes[semconv.OP_VERSION] != two.attributes[semconv.OP_VERSION]


def test_a_class_cannot_be_an_op() -> None:
    with pytest.raises(tracelm.ConfigError, match="decorate the methods of Calculator"):
        tracelm.op(Calculator)


def test_an_unknown_kind_is_refused_at_the_decoration() -> None:
    with pytest.raises(tracelm.ConfigError, match="use one of tool, agent, workflow, retrieval"):
        tracelm.op(kind="gadget")  # type: ignore[call-overload]  # pyright: ignore


def test_sessions_and_attributes_reach_every_span_below(spans: Spans) -> None:
    session, extra = tracelm.session("conversation-7", user_id="ada"), tracelm.attributes({"app.release": "7"})
    with session, extra, tracelm.span("step"):
        double(1)
    double(2)
    inside, outside = spans.all()[:2], spans.all()[2]
    for span in inside:
        assert span.attributes[semconv.CONVERSATION_ID] == "conversation-7"
        assert span.attributes[semconv.SESSION_ID] == "conversation-7"
        assert span.attributes[semconv.USER_ID] == "ada"
        assert span.attributes["app.release"] == "7"
    assert semconv.SESSION_ID not in outside.attributes


def test_a_span_block_records_inputs_output_and_error(spans: Spans) -> None:
    with tracelm.span("load", inputs={"query": "refunds"}) as step:
        step.set_attribute("hits", 2)
        step.set_output(["a", "b"])
        assert tracelm.current_span().span_id == step.span_id
    with pytest.raises(LookupError), tracelm.span("fail"):
        raise LookupError("gone")
    load, fail = spans.one("load"), spans.one("fail")
    assert load.attributes[semconv.INPUT_VALUE] == '{"query":"refunds"}'
    assert load.attributes[semconv.OUTPUT_VALUE] == '["a","b"]'
    assert load.attributes["hits"] == 2
    assert (fail.status, fail.attributes[semconv.ERROR_TYPE]) == ("error", "LookupError")


def test_a_span_can_start_a_trace_of_its_own_and_link_back(spans: Spans) -> None:
    with tracelm.span("run") as run, tracelm.span("row", root=True, links=[run.context]):
        pass
    row = spans.one("row")
    assert row.parent_span_id is None
    assert row.trace_id != spans.one("run").trace_id
    assert [link.span_id for link in row.links] == [spans.one("run").span_id]


def test_before_init_a_span_block_is_inert() -> None:
    with tracelm.span("step") as step:
        step.set_output(1)
        step.set_attribute("a", 1)
    assert step.trace_id == "0" * 32
