"""What Pydantic AI does, as spans: the real library over the real clients of OpenAI and Anthropic."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

import openai
import pydantic_ai
import pytest
from inline_snapshot import snapshot
from opentelemetry import trace
from opentelemetry.metrics import _internal as metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, Embedder, ModelRetry, UnexpectedModelBehavior
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

import tracelm
from tests.integrations.answering import PNG, RESPONSE, Server
from tests.integrations.answering_claude import EVENTS, REPLY, Provider
from tests.integrations.chains import outline
from tests.recordings.recorded import readable
from tracelm.testing import Spans
from tracelm.testing.conformance import check
from tracelm.trace import patching
from tracelm.trace.provider import JournalSpanProcessor

pytestmark = pytest.mark.anyio
pytest_plugins = ("tests.recordings.fixtures",)


@pytest.fixture
def anyio_backend() -> str:
    """Pydantic AI knows asyncio only."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _nothing_stays_current() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    yield
    assert trace.get_current_span() is trace.INVALID_SPAN


def _said(content: str | None = None, *calls: tuple[str, str]) -> dict[str, Any]:
    """Return an answer of a model: words, or calls of tools with their arguments."""
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [
            {"id": f"call-{name}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for name, arguments in calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return {
        "id": f"chatcmpl-{len(calls)}",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": [choice],
        "usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25},
    }


VERSION = tuple(int(part) for part in pydantic_ai.__version__.split(".")[:2])


def _recorded(url: str, name: str) -> Any:
    """Return the client of OpenAI, pointed at a recording."""
    headers = {"x-recording-id": name}
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="test", max_retries=0, default_headers=headers)


_REFUND = _said(None, ("refund", '{"order": "o-1"}'))
_TREE = ["invoke_agent desk", "  chat gpt-4o", "  execute_tool refund", "    lookup", "  chat gpt-4o"]


def _model(*answers: object, name: str = "gpt-4o") -> OpenAIChatModel:
    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=Server(*answers).async_client()))


def _desk(model: Any, *, instrument: Any = None, **more: Any) -> Agent[None, Any]:
    agent: Agent[None, Any] = Agent(model, name="desk", instructions="Help.", **more)
    agent.instrument = instrument

    @agent.tool_plain
    def refund(order: str) -> str:  # pyright: ignore[reportUnusedFunction]
        """Give money back."""
        with tracelm.span("lookup"):
            return f"refunded {order}"

    return agent


def test_a_run_is_an_agent_with_models_and_tools(spans: Spans) -> None:
    assert _desk(_model(_REFUND, _said("Yes."))).run_sync("Money back!").output == "Yes."
    assert outline(spans) == _TREE
    assert [finding for span in spans.all() for finding in check(span)] == []
    left_out = ("gen_ai.conversation.id", "session.id")
    agent = spans.one("invoke_agent desk")
    assert readable([(agent.name, {k: v for k, v in agent.attributes.items() if k not in left_out})]) == snapshot(
        [
            (
                "invoke_agent desk",
                {
                    "gen_ai.operation.name": "invoke_agent",
                    "gen_ai.agent.name": "desk",
                    "gen_ai.usage.input_tokens": 40,
                    "gen_ai.usage.output_tokens": 10,
                    "gen_ai.response.finish_reasons": ["stop"],
                    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Money back!"}]}],
                    "gen_ai.output.messages": [
                        {"role": "assistant", "parts": [{"type": "text", "content": "Yes."}], "finish_reason": "stop"}
                    ],
                    "output.value": "Yes.",
                    "output.mime_type": "application/json",
                },
            )
        ]
    )
    tool = spans.one("execute_tool refund")
    assert {k: v for k, v in tool.attributes.items() if k not in left_out} == snapshot(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "refund",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": "call-refund",
            "gen_ai.agent.name": "desk",
            "gen_ai.tool.call.arguments": '{"order":"o-1"}',
            "gen_ai.tool.call.result": '"refunded o-1"',
        }
    )


async def test_an_async_run_is_the_same_tree(spans: Spans) -> None:
    await _desk(_model(_REFUND, _said("Yes."))).run("Money back!")
    assert outline(spans) == _TREE


async def test_a_run_step_by_step_is_the_same_tree(spans: Spans) -> None:
    async with _desk(_model(_REFUND, _said("Yes."))).iter("Money back!") as run:
        assert len([node async for node in run]) > 3
    assert outline(spans) == _TREE


async def test_a_streamed_run_is_the_same_tree_with_the_clients_figures(own_url: str, spans: Spans) -> None:
    client = _recorded(own_url, "local-chat-completions-stream-usage")
    model = OpenAIChatModel("smollm2-135m", provider=OpenAIProvider(openai_client=client))
    async with client, Agent(model, name="desk").run_stream("Count!") as run:
        words = [each async for each in run.stream_text(delta=True, debounce_by=None)]
    assert outline(spans) == ["invoke_agent desk", "  chat smollm2-135m"]
    call = spans.one("chat smollm2-135m").attributes
    assert json.loads(str(call["gen_ai.output.messages"]))[0]["parts"][0]["content"] == "".join(words)
    assert (call["gen_ai.request.stream"], call["server.address"]) == (True, "127.0.0.1")
    assert call["gen_ai.response.time_to_first_chunk"]
    assert spans.one("invoke_agent desk").attributes["gen_ai.usage.output_tokens"] == call["gen_ai.usage.output_tokens"]


def test_a_call_is_one_span_and_charged_once(spans: Spans) -> None:
    _desk(_model(_said("Yes."))).run_sync("Really?")
    call = spans.one("chat gpt-4o").attributes
    assert (call["gen_ai.usage.input_tokens"], call["gen_ai.usage.cost.amount"]) == (20, 0.0001)
    assert (call["gen_ai.response.id"], call["gen_ai.response.finish_reasons"]) == ("chatcmpl-0", ["stop"])
    assert (call["openai.api.type"], call["server.address"]) == ("chat_completions", "api.openai.com")
    assert [span.name for span in spans.all() if any("cost" in key for key in span.attributes)] == ["chat gpt-4o"]
    with tracelm.open_store() as store:
        [found] = store.traces()
    assert (found.input_tokens, found.cost_usd) == (20, 0.0001)


def test_a_call_of_the_responses_api_is_one_span(spans: Spans) -> None:
    model = OpenAIResponsesModel("gpt-4o", provider=OpenAIProvider(openai_client=Server(RESPONSE).async_client()))
    Agent(model, name="desk").run_sync("Really?")
    call = spans.one("chat gpt-4o").attributes
    assert (call["gen_ai.usage.input_tokens"], call["gen_ai.usage.reasoning.output_tokens"]) == (20, 3)
    assert call["openai.api.type"] == "responses"


def test_a_call_of_claude_is_one_span(spans: Spans) -> None:
    answer = EVENTS if VERSION >= (2, 50) else REPLY  # newer versions ask for a stream, and read it whole
    provider = AnthropicProvider(anthropic_client=Provider(answer).async_client())
    Agent(AnthropicModel("claude-haiku-4-5", provider=provider), name="desk").run_sync("Really?")
    assert outline(spans) == ["invoke_agent desk", "  chat claude-haiku-4-5"]
    call = spans.one("chat claude-haiku-4-5").attributes
    assert (call["gen_ai.provider.name"], call["gen_ai.usage.input_tokens"]) == ("anthropic", 10)
    assert call["tracelm.cost.rule"] == "genai-prices:anthropic/claude-haiku-4-5"


def test_the_price_is_that_of_what_the_client_knows(spans: Spans) -> None:
    kept = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 5_000}
    used = {"input_tokens": 10, "cache_creation_input_tokens": 5_000, "cache_creation": kept, "output_tokens": 2}
    events = [{**EVENTS[0], "message": {**EVENTS[0]["message"], "usage": used}}, *EVENTS[1:]]
    answer = events if VERSION >= (2, 50) else {**REPLY, "usage": used}
    provider = AnthropicProvider(anthropic_client=Provider(answer).async_client())
    Agent(AnthropicModel("claude-haiku-4-5", provider=provider), name="desk").run_sync("Really?")
    call = spans.one("chat claude-haiku-4-5").attributes
    assert call["gen_ai.response.finish_reasons"] == ["end_turn"]
    assert call["tracelm.usage.cache_write_1h.input_tokens"] == 5_000
    assert call["tracelm.cost.cache_write_1h_usd"]  # not that of five minutes


def test_a_model_without_a_client_that_is_known_has_a_span_as_well(spans: Spans) -> None:
    _desk(TestModel()).run_sync("Money back!")
    assert outline(spans) == ["invoke_agent desk", "  chat test", "  execute_tool refund", "    lookup", "  chat test"]
    call = [span for span in spans.all() if span.name == "chat test"][-1].attributes
    assert call["gen_ai.usage.input_tokens"]
    assert "refunded a" in str(call["gen_ai.input.messages"])


def test_an_agent_that_another_one_asks_stands_below_its_tool(spans: Spans) -> None:
    clerk = Agent(_model(_said("Gone.")), name="clerk")
    desk = Agent(_model(_said(None, ("ask_clerk", "{}")), _said("Yes.")), name="desk")

    @desk.tool_plain
    async def ask_clerk() -> str:  # pyright: ignore[reportUnusedFunction]
        return (await clerk.run("Money back!")).output

    desk.run_sync("Money back!")
    assert outline(spans) == snapshot(
        [
            "invoke_agent desk",
            "  chat gpt-4o",
            "  execute_tool ask_clerk",
            "    invoke_agent clerk",
            "      chat gpt-4o",
            "  chat gpt-4o",
        ]
    )
    assert spans.one("invoke_agent desk").attributes["gen_ai.usage.input_tokens"] == 40
    assert len({str(span.attributes["gen_ai.conversation.id"]) for span in spans.all()}) == 1


class Answer(BaseModel):
    """A structured answer."""

    refunded: bool


def test_a_structured_output_is_recorded(spans: Spans) -> None:
    answers = (
        _said(None, ("final_result", '{"refunded": "perhaps"}')),
        _said(None, ("final_result", '{"refunded": true}')),
    )
    assert _desk(_model(*answers), output_type=Answer).run_sync("Money back?").output == Answer(refunded=True)
    assert [name for name in outline(spans) if "chat" in name] == ["  chat gpt-4o"] * 2
    assert spans.one("invoke_agent desk").attributes["output.value"] == '{"refunded":true}'


def test_a_tool_that_wants_another_try_failed_once(spans: Spans) -> None:
    tried: list[str] = []
    agent = Agent(_model(_said(None, ("refund", "{}")), _said(None, ("refund", "{}")), _said("Yes.")), name="desk")

    @agent.tool_plain(retries=2)
    def refund() -> str:  # pyright: ignore[reportUnusedFunction]
        tried.append("")
        if len(tried) == 1:
            raise ModelRetry("which order?")
        return "done"

    agent.run_sync("Money back!")
    tools = [span for span in spans.all() if span.name == "execute_tool refund"]
    assert [span.status for span in tools] == ["error", "unset"]
    assert str(tools[0].attributes["gen_ai.tool.call.result"]).startswith('"which order?')
    assert spans.one("invoke_agent desk").status == "unset"


def test_an_error_ends_all_that_is_around_it(spans: Spans) -> None:
    agent = Agent(_model(_said(None, ("breaks", "{}"))), name="desk")

    @agent.tool_plain
    def breaks() -> str:  # pyright: ignore[reportUnusedFunction]
        raise LookupError("no such order: sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH")

    with pytest.raises(LookupError, match="no such order"):
        agent.run_sync("Go")
    ended = {span.name: (span.status, span.attributes.get("error.type")) for span in spans.all()}
    assert ended == {
        "chat gpt-4o": ("unset", None),
        "execute_tool breaks": ("error", "LookupError"),
        "invoke_agent desk": ("error", "LookupError"),
    }
    assert b"sk-proj-abc" not in b"".join(path.read_bytes() for path in spans.home.rglob("*.jsonl"))


async def test_a_run_that_is_cancelled_did_not_fail(spans: Spans) -> None:
    began = asyncio.Event()
    agent = Agent(_model(_said(None, ("waits", "{}"))), name="desk")

    @agent.tool_plain
    async def waits() -> str:  # pyright: ignore[reportUnusedFunction]
        began.set()
        await asyncio.Event().wait()
        return ""

    task = asyncio.create_task(agent.run("Go"))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    outcomes = {span.name: (span.status, span.attributes.get("tracelm.outcome")) for span in spans.all()}
    assert outcomes["execute_tool waits"] == outcomes["invoke_agent desk"] == ("unset", "cancelled")


def test_a_model_that_others_stand_in_for_is_one_span_of_the_one_that_answered(own_url: str, spans: Spans) -> None:
    client = _recorded(own_url, "local-chat-completions-sync-error-400")
    refusing = OpenAIChatModel("smollm2-135m", provider=OpenAIProvider(openai_client=client))
    Agent(FallbackModel(refusing, _model(_said("Yes."))), name="desk").run_sync("Really?")
    calls = [span for span in spans.all() if span.attributes.get("gen_ai.operation.name") == "chat"]
    assert [span.name for span in calls] == ["chat gpt-4o"]
    assert (calls[0].status, calls[0].attributes["gen_ai.usage.cost.amount"]) == ("unset", 0.0001)


def test_without_content_none_of_it_is_recorded(tmp_path: Any) -> None:
    tracelm.init("silent", home=tmp_path, capture_content=False)
    _desk(_model(_REFUND, _said("Yes, gladly."))).run_sync("Money back!", metadata={"who": "Ada Lovelace"})
    own = Agent(_model(_said("Yes, gladly.")), name="own", capabilities=[Instrumentation()])
    own.run_sync("Money back!")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*.jsonl")).decode()
    assert "execute_tool refund" in written
    for words in ("Money back", "gladly", "o-1", "refunded", "Help.", "Lovelace"):
        assert words not in written


def test_long_content_is_bounded_and_images_are_kept_apart(tmp_path: Any) -> None:
    tracelm.init("bounded", home=tmp_path, max_attribute_bytes=2_000)
    asked: Sequence[Any] = ["Money back! " * 5_000, BinaryContent(PNG, media_type="image/png")]
    Agent(_model(_said("Yes.")), name="desk").run_sync(asked)
    call = Spans(tmp_path).one("chat gpt-4o").attributes
    assert len(str(call["gen_ai.input.messages"])) < 2_500
    assert list((tmp_path / "media").glob("*/*.png"))


def test_a_session_of_the_program_is_the_conversation(spans: Spans) -> None:
    with tracelm.session("c-7", user_id="ada"):
        _desk(_model(_REFUND, _said("Yes."))).run_sync("Money back!", conversation_id="other")
    assert {str(span.attributes["gen_ai.conversation.id"]) for span in spans.all()} == {"c-7"}
    assert {str(span.attributes["user.id"]) for span in spans.all()} == {"ada"}


def test_else_the_conversation_is_that_of_pydantic_ai(spans: Spans) -> None:
    desk = _desk(_model(_said("Yes.")))
    first = desk.run_sync("Money back!", conversation_id="c-8")
    desk.run_sync("Really?", message_history=first.all_messages())
    assert {str(span.attributes["session.id"]) for span in spans.all()} == {"c-8"}


def test_an_agent_that_is_not_to_be_recorded_leaves_its_model_to_the_client(spans: Spans) -> None:
    _desk(_model(_said("Yes.")), instrument=False).run_sync("Really?")
    assert outline(spans) == ["chat gpt-4o"]


def test_settings_of_the_program_that_lead_here_are_ours_too_and_keep_what_they_leave_out(spans: Spans) -> None:
    provider = TracerProvider()
    provider.add_span_processor(JournalSpanProcessor())
    mine = InstrumentationSettings(tracer_provider=provider, include_content=False)
    _desk(_model(_REFUND, _said("Yes.")), instrument=mine).run_sync("Money back!")
    assert outline(spans) == _TREE
    assert "gen_ai.tool.call.arguments" not in spans.one("execute_tool refund").attributes


def test_settings_of_the_program_that_lead_elsewhere_stay_its_own(spans: Spans) -> None:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    mine = InstrumentationSettings(tracer_provider=provider)
    _desk(_model(_said("Yes.")), instrument=mine).run_sync("Really?")
    assert [span.name for span in kept.get_finished_spans()] == ["chat gpt-4o", "invoke_agent desk"]
    assert spans.names() == ["chat gpt-4o"]  # the client's own
    assert spans.one().scope.name == "tracelm"


def test_what_the_program_turned_on_before_stays_on(spans: Spans) -> None:
    patching.unpatch()
    mine = InstrumentationSettings(tracer_provider=TracerProvider())
    Agent.instrument_all(mine)
    try:
        patching.patch()
        assert vars(Agent)["_instrument_default"] is mine
        tracelm.shutdown()
        assert vars(Agent)["_instrument_default"] is mine
    finally:
        Agent.instrument_all(False)


def test_after_shutdown_nothing_is_recorded(spans: Spans) -> None:
    desk = _desk(_model(_said("Yes.")))
    desk.run_sync("Really?")
    before = len(spans.all())
    tracelm.shutdown()
    assert vars(Agent)["_instrument_default"] is False
    assert desk.run_sync("Really?").output == "Yes."
    assert len(spans.all()) == before


def test_doctor_tells_that_it_is_on(spans: Spans) -> None:
    [found] = [each for each in patching.status() if each.name == "pydantic_ai"]
    assert found.state == "active"


def test_a_run_that_the_model_cannot_end_fails(spans: Spans) -> None:
    with pytest.raises(UnexpectedModelBehavior):
        _desk(_model(_said(None, ("no_such_tool", "{}")))).run_sync("Go")
    assert spans.one("invoke_agent desk").status == "error"


def test_embeddings_are_one_span(own_url: str, spans: Spans) -> None:
    from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel

    client = _recorded(own_url, "local-embeddings-sync-basic")
    Embedder(OpenAIEmbeddingModel("smollm2-135m", provider=OpenAIProvider(openai_client=client))).embed_query_sync("Hi")
    call = spans.one("embeddings smollm2-135m")
    assert (call.kind, call.attributes["gen_ai.embeddings.dimension.count"]) == ("client", 576)
    assert call.attributes["gen_ai.usage.input_tokens"]


def test_tokens_are_measured_once(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "_METER_PROVIDER", MeterProvider([reader]))
    _desk(_model(_said("Yes."))).run_sync("Really?")
    data: Any = reader.get_metrics_data()
    names = [metric.name for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics]
    assert "gen_ai.client.token.usage" not in names
    assert names.count("gen_ai.client.inference.usage.input_tokens") == 1
