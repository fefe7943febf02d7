"""What DSPy does, as spans: the real library, over its own requests, over LiteLLM and OpenAI's client."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from inline_snapshot import snapshot
from opentelemetry import trace

import tracelm
from tests.integrations.chains import outline
from tests.integrations.dspy_programs import VERSION, Support, answering, dspy, refund, said, streamed, words
from tests.recordings.recorded import readable
from tracelm.testing import Spans
from tracelm.testing.conformance import check
from tracelm.trace import patching

pytestmark = pytest.mark.anyio
_TREE = ["invoke_workflow Support", "  Predict", "    chat gpt-4o"]
_ENGINES = ["auto", "litellm"] if VERSION >= (3, 4) else [""]
"""By which way DSPy asks: by its own requests, or by LiteLLM."""


@pytest.fixture
def anyio_backend() -> str:
    """DSPy knows asyncio only."""
    return "asyncio"


@pytest.fixture(params=_ENGINES)
def by(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each way that DSPy can go."""
    return {"engine": request.param} if request.param else {}


@pytest.fixture(autouse=True)
def _nothing_stays_current() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    yield
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_program_is_a_workflow_with_steps_and_models(by: dict[str, Any], spans: Spans) -> None:
    with answering(said(answer="Yes."), **by):
        assert Support()(question="Really?").answer == "Yes."
    assert outline(spans) == _TREE
    assert readable(
        [(span.name, dict(span.attributes)) for span in spans.all() if "chat" not in span.name]
    ) == snapshot(
        [
            (
                "Predict",
                {
                    "input.value": {"question": "Really?"},
                    "input.mime_type": "application/json",
                    "output.value": {"answer": "Yes."},
                    "output.mime_type": "application/json",
                },
            ),
            (
                "invoke_workflow Support",
                {
                    "gen_ai.operation.name": "invoke_workflow",
                    "gen_ai.workflow.name": "Support",
                    "input.value": {"question": "Really?"},
                    "input.mime_type": "application/json",
                    "output.value": {"answer": "Yes."},
                    "output.mime_type": "application/json",
                },
            ),
        ]
    )
    assert not [each for span in spans.all() for each in check(span) if each.level == "violation"]


async def test_an_async_program_is_the_same_tree(by: dict[str, Any], spans: Spans) -> None:
    with answering(said(answer="Yes."), **by):
        assert (await Support().acall(question="Really?")).answer == "Yes."
    assert outline(spans) == _TREE


def test_a_call_of_a_model_is_one_span_and_charged_once(by: dict[str, Any], spans: Spans) -> None:
    with answering(said(answer="Yes."), temperature=0.5, max_tokens=90, **by):
        Support()(question="Really?")
    call = spans.one("chat gpt-4o")
    assert (call.kind, call.status, call.attributes["server.address"]) == ("client", "unset", "127.0.0.1")
    attributes = call.attributes
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (26, 40)
    assert (attributes["gen_ai.response.model"], attributes["gen_ai.response.finish_reasons"]) == (
        "gpt-4o-2024-08-06",
        ["stop"],
    )
    assert (attributes["gen_ai.request.temperature"], attributes["gen_ai.request.max_tokens"]) == (0.5, 90)
    [message] = json.loads(str(attributes["gen_ai.output.messages"]))
    assert message["parts"][0]["content"].startswith("[[ ## answer ## ]]\nYes.")
    assert "Really?" in str(attributes["gen_ai.input.messages"])
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx(26 * 2.5e-6 + 40 * 1e-5)
    assert [span.name for span in spans.all() if any("cost" in key for key in span.attributes)] == ["chat gpt-4o"]
    with tracelm.open_store() as store:
        [found] = store.traces()
    assert (found.input_tokens, found.output_tokens) == (26, 40)


def test_what_comes_out_of_the_cache_says_so_and_costs_nothing(by: dict[str, Any], spans: Spans) -> None:
    question = f"Really, {uuid.uuid4()}?"
    with answering(said(answer="Yes."), cache=True, **by):
        for _ in range(2):
            assert Support()(question=question).answer == "Yes."
    first, second = (span.attributes for span in spans.all() if span.name == "chat gpt-4o")
    assert "tracelm.response.cached" not in first
    assert second["tracelm.response.cached"] is True
    assert not [key for key in second if "usage" in key or "cost" in key]
    assert second["gen_ai.output.messages"] == first["gen_ai.output.messages"]


def test_an_agent_is_one_with_its_tools(spans: Spans) -> None:
    calls = said(next_thought="Give it.", next_tool_name="refund", next_tool_args='{"order": "o-1"}')
    ends = said(next_thought="Done.", next_tool_name="finish", next_tool_args="{}")
    with answering(calls, ends, said(reasoning="It went.", answer="Yes.")):
        assert dspy.ReAct("question -> answer", tools=[refund])(question="Money back!").answer == "Yes."
    tree = outline(spans)
    assert tree[0] == "invoke_agent ReAct"
    assert [line for line in tree if "tool" in line or "lookup" in line][:2] == ["  execute_tool refund", "    lookup"]
    assert tree.count("    chat gpt-4o") + tree.count("      chat gpt-4o") == 3
    tool = spans.one("execute_tool refund").attributes
    assert dict(tool) == snapshot(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "refund",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.description": "Give money back.",
            "gen_ai.tool.call.arguments": '{"order":"o-1"}',
            "gen_ai.tool.call.result": '"refunded o-1"',
        }
    )


def test_a_tool_that_fails_says_so(spans: Spans) -> None:
    with pytest.raises(LookupError):
        dspy.Tool(refund)(order="o-0")
    tool = spans.one("execute_tool refund")
    assert (tool.status, tool.attributes["error.type"]) == ("error", "LookupError")


async def test_an_async_tool_is_recorded(spans: Spans) -> None:
    async def arefund(order: str) -> str:
        await asyncio.sleep(0)
        return refund(order)

    assert await dspy.Tool(arefund).acall(order="o-1") == "refunded o-1"
    assert outline(spans) == ["execute_tool arefund", "  lookup"]


def test_a_retriever_is_a_retrieval(spans: Spans) -> None:
    found = [dspy.Example(long_text="Refunds take three days."), dspy.Example(long_text="They do.")]

    def search(_query: str, k: int) -> list[Any]:
        return found[:k]

    with dspy.context(rm=search):
        dspy.Retrieve(k=2)("refunds")
    span = spans.one("retrieval")
    assert (span.kind, span.attributes["gen_ai.retrieval.query.text"]) == ("client", "refunds")
    assert json.loads(str(span.attributes["output.value"])) == ["Refunds take three days.", "They do."]


def test_an_answer_that_cannot_be_read_is_told(spans: Spans) -> None:
    with answering(words("I will not."), said(answer="Yes.")), pytest.raises(Exception, match="parse"):
        dspy.Predict("question -> answer")(question="Really?")
    failed = [span for span in spans.all() if span.name.endswith(".parse")]
    assert failed
    assert {span.status for span in failed} == {"error"}
    assert "I will not." in str(failed[0].attributes["input.value"])


def test_a_failure_is_one_span_with_the_providers_status(by: dict[str, Any], spans: Spans) -> None:
    refused = {
        **words(""),
        "response": {**words("")["response"], "status": 400, "body": '{"error": {"message": "no"}}'},
    }
    with answering(refused, **by), pytest.raises(Exception, match="no"):
        Support()(question="Really?")
    assert {str(span.attributes["error.type"]) for span in spans.all() if span.name == "chat gpt-4o"} == {"400"}
    assert spans.one("invoke_workflow Support").status == "error"


@pytest.mark.parametrize("threads", [1, 3])
def test_an_evaluation_has_its_rows_below_it_in_threads_too(threads: int, spans: Spans) -> None:
    rows = [dspy.Example(question=f"Really, {each}?", answer="Yes.").with_inputs("question") for each in range(3)]
    with answering(said(answer="Yes.")):
        evaluate = dspy.Evaluate(devset=rows, metric=same_answer, num_threads=threads, display_progress=False)
        evaluate(Support())
    whole = spans.one("Evaluate")
    workflows = [span for span in spans.all() if span.name == "Support"]
    assert [span.parent_span_id for span in workflows] == [whole.span_id] * 3
    assert outline(spans)[:4] == ["Evaluate", "  Support", "    Predict", "      chat gpt-4o"]
    assert json.loads(str(whole.attributes["input.value"])) == {
        "program": "Support",
        "metric": "same_answer",
        "rows": 3,
    }
    assert json.loads(str(whole.attributes["output.value"])) == {"score": 100.0}


def same_answer(row: Any, prediction: Any, _trace: object = None) -> bool:
    """Compare an answer with what was expected."""
    return bool(row.answer == prediction.answer)


def test_what_runs_in_parallel_stands_where_it_was_begun(spans: Spans) -> None:
    rows = [dspy.Example(question=f"Really, {each}?").with_inputs("question") for each in range(3)]
    with answering(said(answer="Yes.")), tracelm.span("outer"):
        dspy.Parallel(num_threads=3, disable_progress_bar=True)([(Support(), row) for row in rows])
    outer = spans.one("outer")
    found = [span for span in spans.all() if span.name == "invoke_workflow Support"]
    assert [span.parent_span_id for span in found] == [outer.span_id] * 3


async def test_a_streamed_program_is_the_same_tree(by: dict[str, Any], spans: Spans) -> None:
    listener = dspy.streaming.StreamListener(signature_field_name="answer")
    said_it = streamed("[[ ## answer ## ]]\n|Yes, |it |is |so.|\n\n[[ ## completed ## ]]")
    with answering(said_it, **by), dspy.context(track_usage=True):
        program = dspy.streamify(Support(), stream_listeners=[listener])
        given = [each async for each in program(question="Really?")]
    assert given[-1].answer == "Yes, it is so."
    assert outline(spans) == _TREE
    call = spans.one("chat gpt-4o").attributes
    assert (call["gen_ai.request.stream"], call["gen_ai.usage.output_tokens"]) == (True, 5)
    assert call["gen_ai.response.time_to_first_chunk"]


async def test_a_program_that_is_cancelled_did_not_fail(spans: Spans) -> None:
    began = asyncio.Event()

    async def waits() -> str:
        began.set()
        await asyncio.Event().wait()
        return ""

    task = asyncio.create_task(dspy.Tool(waits).acall())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    tool = spans.one("execute_tool waits")
    assert (tool.status, tool.attributes["tracelm.outcome"]) == ("unset", "cancelled")


def test_callbacks_of_the_program_stay(spans: Spans) -> None:
    heard: list[str] = []

    class Mine(dspy.utils.BaseCallback):  # type: ignore[misc]
        def on_module_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
            heard.append(type(instance).__name__)

    mine = Mine()
    with answering(said(answer="Yes.")), dspy.context(callbacks=[mine]):
        Support()(question="Really?")
        assert dspy.settings.callbacks == [mine]
    assert heard == ["Support", "Predict"]
    assert outline(spans) == _TREE


def test_a_program_that_sets_the_callbacks_it_got_is_recorded_once(spans: Spans) -> None:
    with answering(said(answer="Yes.")), dspy.context(callbacks=dspy.settings.get("callbacks")):
        Support()(question="Really?")
    assert outline(spans) == _TREE


def test_without_content_none_of_it_is_recorded(by: dict[str, Any], tmp_path: Any) -> None:
    tracelm.init("silent", home=tmp_path, capture_content=False)
    with answering(said(answer="Gladly."), **by):
        Support()(question="Money back!")
    dspy.Tool(refund)(order="o-1")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*.jsonl")).decode()
    assert "execute_tool refund" in written
    for found in ("Money back", "Gladly", "o-1", "refunded", "completed"):
        assert found not in written


def test_the_conversation_holds_for_all_that_is_below(spans: Spans) -> None:
    with answering(said(answer="Yes.")), tracelm.session("c-7"):
        Support()(question="Really?")
    assert {str(span.attributes["gen_ai.conversation.id"]) for span in spans.all()} == {"c-7"}


def test_after_shutdown_nothing_is_recorded(spans: Spans) -> None:
    with answering(said(answer="Yes.")):
        Support()(question="Really?")
        before = len(spans.all())
        tracelm.shutdown()
        assert not [each for each in dspy.settings.get("callbacks") if type(each).__module__.startswith("tracelm")]
        assert Support()(question="Really?").answer == "Yes."
    assert len(spans.all()) == before


def test_doctor_tells_that_it_is_on(spans: Spans) -> None:
    [found] = [each for each in patching.status() if each.name == "dspy"]
    assert found.state == "active"
