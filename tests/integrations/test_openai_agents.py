"""What OpenAI's Agents SDK does, as spans: with the real SDK and the real client below it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import agents as sdk
import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailTripwireTriggered,
    ModelBehaviorError,
    RunConfig,
    Runner,
    custom_span,
    function_tool,
)
from inline_snapshot import snapshot
from opentelemetry import trace

import tracelm
from tests.integrations.agents_sdk import agents, asks_for, model, streamed
from tests.integrations.answering import RESPONSE, Server
from tests.integrations.chains import outline
from tracelm.testing import Spans

pytestmark = pytest.mark.anyio
_REFUND = asks_for("refund", '{"order":"o-1"}')
_OVER_TO_CLERK = asks_for("transfer_to_clerk")
_TREE = [
    "invoke_workflow Agent workflow",
    "  invoke_agent desk",
    "    chat gpt-4o",
    "    handoff",
    "  invoke_agent clerk",
    "    chat gpt-4o",
    "    execute_tool refund",
    "      lookup",
    "    chat gpt-4o",
]


@pytest.fixture
def anyio_backend() -> str:
    """The SDK knows asyncio only."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _nothing_is_sent_to_openai() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Take the SDK's own exporter out, as a program may; it stays out for all tests of this process."""
    sdk.set_trace_processors([])
    yield
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_run_is_a_workflow_with_agents_tools_and_models(spans: Spans) -> None:
    done = Runner.run_sync(agents(_OVER_TO_CLERK, _REFUND, RESPONSE), "Money back for o-1!")
    assert done.final_output == "Yes."
    assert outline(spans) == _TREE
    whole = spans.one("invoke_workflow Agent workflow").attributes
    assert (whole["gen_ai.workflow.name"], whole["output.value"]) == ("Agent workflow", '"Yes."')
    assert json.loads(str(whole["input.value"])) == [{"content": "Money back for o-1!", "role": "user"}]
    assert spans.one("invoke_agent clerk").attributes["output.value"] == '"Yes."'
    handoff = spans.one("handoff").attributes
    assert (handoff["tracelm.handoff.from_agent"], handoff["tracelm.handoff.to_agent"]) == ("desk", "clerk")
    assert spans.one("execute_tool refund").attributes == snapshot(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "refund",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.arguments": '{"order":"o-1"}',
            "gen_ai.tool.call.result": '"refunded o-1"',
        }
    )


async def test_an_async_run_is_the_same_tree(spans: Spans) -> None:
    await Runner.run(agents(_OVER_TO_CLERK, _REFUND, RESPONSE), "Money back for o-1!")
    assert outline(spans) == _TREE


async def test_a_streamed_run_is_the_same_tree_and_leaves_nothing_in_the_context(spans: Spans) -> None:
    answers = [streamed(each) for each in (_OVER_TO_CLERK, _REFUND, RESPONSE)]
    run = Runner.run_streamed(agents(*answers, content_type="text/event-stream"), "Money back for o-1!")
    assert {trace.get_current_span() async for _ in run.stream_events()} == {trace.INVALID_SPAN}
    assert run.final_output == "Yes."
    assert outline(spans) == _TREE


def test_the_answer_of_a_model_is_one_span_with_the_clients_tokens(spans: Spans) -> None:
    Runner.run_sync(agents(RESPONSE), "Hello")
    attributes = spans.one("chat gpt-4o").attributes
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.response.id"]) == (20, "resp_1")


def test_an_agent_has_the_tokens_of_its_calls_and_no_cost(spans: Spans) -> None:
    Runner.run_sync(agents(_REFUND, RESPONSE), "Hello")
    attributes = spans.one("invoke_agent desk").attributes
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (40, 10)
    assert not [key for key in attributes if "cost" in key]


def test_chat_completions_are_one_span_too(spans: Spans) -> None:
    said = {"role": "assistant", "content": "Yes."}
    answer = {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o",
        "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
    }
    asked = sdk.OpenAIChatCompletionsModel("gpt-4o", Server(answer).async_client())
    Runner.run_sync(Agent(name="desk", model=asked), "Hello")
    assert outline(spans) == ["invoke_workflow Agent workflow", "  invoke_agent desk", "    chat gpt-4o"]
    attributes = spans.one("invoke_agent desk").attributes
    assert json.loads(str(attributes["input.value"])) == [{"content": "Hello", "role": "user"}]
    assert attributes["output.value"] == '"Yes."'


def test_the_group_is_the_conversation_of_all_that_is_below(spans: Spans) -> None:
    config = RunConfig(workflow_name="support", group_id="c-7")
    Runner.run_sync(agents(_REFUND, RESPONSE), "Money back!", run_config=config)
    assert spans.names()[-1] == "invoke_workflow support"
    assert {str(span.attributes["gen_ai.conversation.id"]) for span in spans.all()} == {"c-7"}


def test_a_tool_that_fails_says_so_also_where_the_model_is_told_instead_of_the_program(spans: Spans) -> None:
    Runner.run_sync(agents(asks_for("refund", '{"order":"o-0"}'), RESPONSE), "Money back!")
    tool = spans.one("execute_tool refund")
    assert (tool.status, tool.attributes["error.type"]) == ("error", "tool_error")
    assert spans.one("invoke_agent desk").status == "unset"


def test_a_tool_whose_error_ends_the_run_ends_all_that_is_around_it(spans: Spans) -> None:
    @function_tool(failure_error_function=None)
    def breaks() -> str:
        raise LookupError("no such order")

    asked = model(Server(asks_for("breaks")))
    with pytest.raises(sdk.UserError, match="no such order"):
        Runner.run_sync(Agent(name="desk", model=asked, tools=[breaks]), "Go")
    assert {span.name: (span.status, span.attributes.get("error.type")) for span in spans.all()} == {
        "chat gpt-4o": ("unset", None),
        "execute_tool breaks": ("error", "agents.exceptions.UserError"),
        "invoke_agent desk": ("error", "agents.exceptions.UserError"),
        "invoke_workflow Agent workflow": ("error", "agents.exceptions.UserError"),
    }


def test_a_guardrail_says_whether_it_tripped_and_the_run_fails_with_it(spans: Spans) -> None:
    def refuse(*_given: object) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

    guarded = agents(RESPONSE, input_guardrails=[InputGuardrail(refuse, name="polite", run_in_parallel=False)])
    with pytest.raises(InputGuardrailTripwireTriggered):
        Runner.run_sync(guarded, "Hello")
    assert spans.one("guardrail polite").attributes["tracelm.guardrail.triggered"] is True
    assert spans.one("invoke_workflow Agent workflow").status == "error"


async def test_a_run_that_is_cancelled_is_cancelled_and_not_failed(spans: Spans) -> None:
    begun = asyncio.Event()

    @function_tool
    async def wait() -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    asked = model(Server(asks_for("wait")))
    task = asyncio.create_task(Runner.run(Agent(name="desk", model=asked, tools=[wait]), "Go"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert {span.name: span.status for span in spans.all()} == dict.fromkeys(spans.names(), "unset")
    assert spans.one("invoke_agent desk").attributes["tracelm.outcome"] == "cancelled"
    assert spans.one("execute_tool wait").attributes["tracelm.outcome"] == "cancelled"


def test_an_error_that_the_program_is_handling_is_not_that_of_the_agent(spans: Spans) -> None:
    try:
        raise LookupError("before")
    except LookupError:
        Runner.run_sync(agents(RESPONSE), "Hello")
    assert {span.status for span in spans.all()} == {"unset"}


def test_what_the_program_does_around_and_between_has_its_place(spans: Spans) -> None:
    with tracelm.span("outer"), sdk.trace("two runs"), custom_span("prepare", {"for": "desk"}):
        Runner.run_sync(agents(RESPONSE), "Hello")
        with tracelm.span("by hand"):
            Runner.run_sync(agents(RESPONSE), "Hello again")
    assert outline(spans) == snapshot(
        [
            "outer",
            "  invoke_workflow two runs",
            "    prepare",
            "      invoke_agent desk",
            "        chat gpt-4o",
            "      by hand",
            "        invoke_agent desk",
            "          chat gpt-4o",
        ]
    )
    assert spans.one("prepare").attributes["input.value"] == '{"for":"desk"}'


def test_a_model_that_misbehaves_fails_the_agent_with_the_programs_error(spans: Spans) -> None:
    with pytest.raises(ModelBehaviorError):
        Runner.run_sync(agents(asks_for("unknown")), "Hello")
    assert spans.one("invoke_agent desk").attributes["error.type"] == "agents.exceptions.ModelBehaviorError"


def test_without_content_no_word_is_recorded(tmp_path: Any) -> None:
    home = tmp_path / "silent"
    tracelm.init("silent", home=home, capture_content=False)
    Runner.run_sync(agents(_REFUND, asks_for("refund", '{"order":"o-0"}'), RESPONSE), "Money back for o-1!")
    written = b"".join(path.read_bytes() for path in home.rglob("*.jsonl")).decode()
    assert "execute_tool refund" in written
    for words in ("o-1", "Money back", "Yes.", "no such order"):
        assert words not in written


def test_after_shutdown_runs_are_not_recorded_and_work(spans: Spans) -> None:
    tracelm.shutdown()
    assert Runner.run_sync(agents(RESPONSE), "Hello").final_output == "Yes."
    assert spans.all() == []
