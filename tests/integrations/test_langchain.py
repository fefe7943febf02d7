"""What LangChain and LangGraph do, as spans: with the real libraries, and a real client against recorded replies."""

import asyncio
import gc
import json
import threading
from typing import Any

import openai
import pytest
from inline_snapshot import snapshot
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from opentelemetry import trace

import tracelm
from tests.integrations.chains import ANSWER, chain, chat_model, lookup, outline, refund
from tracelm.testing import Spans
from tracelm.testing.conformance import check

pytestmark = pytest.mark.anyio
pytest_plugins = ("tests.recordings.fixtures",)


@pytest.fixture
def anyio_backend() -> str:
    """LangChain knows asyncio only."""
    return "asyncio"


# --- chains -------------------------------------------------------------------------------------------------


def test_a_chain_is_a_workflow_with_its_steps_and_its_model(own_url: str, spans: Spans) -> None:
    assert ANSWER in chain(own_url).invoke({"thing": "a card payment"}, {"run_name": "explain"})
    assert outline(spans) == snapshot(
        ["invoke_workflow explain", "  ChatPromptTemplate", "  chat smollm2-135m", "  StrOutputParser"]
    )
    whole = spans.one("invoke_workflow explain")
    assert (whole.kind, whole.status) == ("internal", "unset")
    assert whole.attributes["input.value"] == '{"thing":"a card payment"}'
    assert ANSWER in str(whole.attributes["output.value"])


def test_the_model_is_a_client_span_with_what_langchain_and_the_client_know(own_url: str, spans: Spans) -> None:
    chat_model(own_url, temperature=0.5).invoke([("system", "Answer shortly."), ("user", "What is a card payment?")])
    span = spans.one()
    assert (span.name, span.kind) == ("chat smollm2-135m", "client")
    left_out = ("server.port", "gen_ai.input.messages", "gen_ai.output.messages")
    assert {key: value for key, value in span.attributes.items() if key not in left_out} == snapshot(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "smollm2-135m",
            "gen_ai.request.temperature": 0.5,
            "openai.api.type": "chat_completions",
            "server.address": "127.0.0.1",
            "openai.response.system_fingerprint": "b0-unknown",
            "gen_ai.usage.input_tokens": 26,
            "gen_ai.usage.output_tokens": 40,
            "gen_ai.usage.cache_read.input_tokens": 0,
            "gen_ai.response.id": "chatcmpl-2nYrCbQnXUrRhqQNejGmQ2vyWdzDSrA3",
            "gen_ai.response.model": "smollm2-135m",
            "gen_ai.response.finish_reasons": ["length"],
        }
    )
    assert json.loads(str(span.attributes["gen_ai.input.messages"])) == [
        {"role": "system", "parts": [{"type": "text", "content": "Answer shortly."}]},
        {"role": "user", "parts": [{"type": "text", "content": "What is a card payment?"}]},
    ]
    (answer,) = json.loads(str(span.attributes["gen_ai.output.messages"]))
    assert answer["parts"][0]["content"].startswith(ANSWER)
    assert check(span) == []


def test_the_provider_is_that_of_the_server_and_not_of_the_class(own_url: str, spans: Spans) -> None:
    with pytest.raises(openai.APIConnectionError):
        chat_model("http://localhost:11434").invoke("hi")
    assert spans.one().attributes["gen_ai.provider.name"] == "ollama"


def test_a_streamed_chain_is_the_same_tree_and_leaves_nothing_in_the_context(own_url: str, spans: Spans) -> None:
    prompt = ChatPromptTemplate.from_messages([("user", "Count from one to {most}.")])
    model = chat_model(own_url, "local-chat-completions-stream-usage", stream_usage=True)
    seen = {trace.get_current_span() for _ in (prompt | model | StrOutputParser()).stream({"most": "five"})}
    assert seen == {trace.INVALID_SPAN}
    assert outline(spans) == snapshot(
        ["invoke_workflow", "  ChatPromptTemplate", "  chat smollm2-135m", "  StrOutputParser"]
    )
    model_span = spans.one("chat smollm2-135m").attributes
    assert model_span["gen_ai.usage.output_tokens"] == 25
    assert model_span["gen_ai.response.time_to_first_chunk"]


async def test_an_async_chain_is_the_same_tree(own_url: str, spans: Spans) -> None:
    async with openai.DefaultAsyncHttpxClient() as http:
        model = chat_model(own_url, http_async_client=http)
        await (ChatPromptTemplate.from_messages([("user", "{q}")]) | model | StrOutputParser()).ainvoke({"q": "hi"})
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert outline(spans) == snapshot(
        ["invoke_workflow", "  ChatPromptTemplate", "  chat smollm2-135m", "  StrOutputParser"]
    )


def test_what_the_program_does_in_a_step_stands_below_it(own_url: str, spans: Spans) -> None:
    def step(order: str, config: RunnableConfig) -> str:
        with tracelm.span("by hand"):
            chat_model(own_url).invoke(order, config)
        return lookup(order)

    with tracelm.span("outer"):
        RunnableLambda(step).invoke("o-1")
    assert outline(spans) == snapshot(
        ["outer", "  invoke_workflow step", "    by hand", "      chat smollm2-135m", "    lookup"]
    )


def test_branches_in_other_threads_stand_below_their_step(spans: Spans) -> None:
    both = threading.Barrier(2)

    def meet(order: str) -> str:
        both.wait(30)
        return lookup(order)

    RunnableParallel(left=RunnableLambda(meet), right=RunnableLambda(meet)).invoke("o-1")
    found = outline(spans)
    assert found.count("  meet") == 2
    assert found.count("    lookup") == 2


def test_a_step_that_fails_says_so_and_the_program_gets_its_error(spans: Spans) -> None:
    def fail(_order: str) -> str:
        raise LookupError("no such order")

    with pytest.raises(LookupError):
        (RunnableLambda(str.upper) | RunnableLambda(fail)).invoke("o-1")
    assert spans.one("fail").attributes["error.type"] == "LookupError"
    assert spans.one("invoke_workflow").status == "error"


# --- tools and retrievers -----------------------------------------------------------------------------------


def test_a_tool_is_a_tool_span_with_its_arguments_and_result(spans: Spans) -> None:
    call = {"name": "refund", "args": {"order": "o-1"}, "id": "call-1", "type": "tool_call"}
    assert refund.invoke(call) == ToolMessage("refunded o-1", name="refund", tool_call_id="call-1")
    span = spans.one("execute_tool refund")
    assert span.attributes == snapshot(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "refund",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": "call-1",
            "gen_ai.tool.description": "Give money back.",
            "gen_ai.tool.call.arguments": '{"order":"o-1"}',
            "gen_ai.tool.call.result": '"refunded o-1"',
        }
    )
    assert check(span) == []
    assert outline(spans) == ["execute_tool refund", "  lookup"]


def test_a_tool_that_fails_is_an_error(spans: Spans) -> None:
    @tool
    def broken() -> str:
        """Fail."""
        raise RuntimeError("no connection")

    with pytest.raises(RuntimeError):
        broken.invoke({})
    assert spans.one().status == "error"


async def test_a_tool_that_is_cancelled_ends_with_its_step(spans: Spans) -> None:
    begun = asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait for ever."""
        begun.set()
        await asyncio.Event().wait()
        return ""

    async def step(_order: str, config: RunnableConfig) -> str:
        return str(await wait.ainvoke({}, config))

    task = asyncio.create_task(RunnableLambda(step).ainvoke("o-1"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert outline(spans) == ["invoke_workflow step", "  execute_tool wait"]
    assert [span.attributes["tracelm.outcome"] for span in spans.all()] == ["cancelled", "cancelled"]


class Shelf(BaseRetriever):
    """Finds always the same."""

    def _get_relevant_documents(self, query: str, *, run_manager: object) -> list[Document]:
        lookup(query)
        return [Document("Refunds take five days.", id="d-1", metadata={"page": 3})]


def test_a_retriever_is_a_retrieval_with_its_documents(spans: Spans) -> None:
    Shelf().invoke("refunds")
    span = spans.one("retrieval")
    assert span.attributes == snapshot(
        {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.query.text": "refunds",
            "output.value": '[{"content":"Refunds take five days.","metadata":{"page":3},"id":"d-1"}]',
            "output.mime_type": "application/json",
        }
    )
    assert outline(spans) == ["retrieval", "  lookup"]
    assert trace.get_current_span() is trace.INVALID_SPAN


# --- models -------------------------------------------------------------------------------------------------


def test_models_that_no_client_of_ours_serves_are_recorded_as_well(spans: Spans) -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("Hello there", response_metadata={"model_name": "m-1"})]))
    model.invoke([HumanMessage("Hi")])
    attributes = spans.one().attributes
    assert attributes["gen_ai.response.model"] == "m-1"
    assert attributes["gen_ai.output.messages"] == (
        '[{"role":"assistant","parts":[{"type":"text","content":"Hello there"}],"finish_reason":"stop"}]'
    )


def test_messages_of_every_kind_are_recorded_in_the_words_of_the_conventions(spans: Spans) -> None:
    asked = [
        HumanMessage(
            [
                {"type": "text", "text": "What is on it?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "file", "file_id": "f-1"},
            ]
        ),
        AIMessage(
            [{"type": "thinking", "thinking": "An order."}, {"type": "tool_use", "id": "c-1", "name": "refund"}],
            tool_calls=[{"name": "refund", "args": {"order": "o-1"}, "id": "c-1"}],
        ),
        ToolMessage("refunded o-1", tool_call_id="c-1"),
    ]
    GenericFakeChatModel(messages=iter([AIMessage("Done")])).invoke(asked)
    assert json.loads(str(spans.one().attributes["gen_ai.input.messages"])) == snapshot(
        [
            {
                "role": "user",
                "parts": [
                    {"type": "text", "content": "What is on it?"},
                    {
                        "type": "uri",
                        "uri": "tracelm-media:sha256/4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6",
                        "mime_type": "image/png",
                        "bytes": 8,
                        "modality": "image",
                    },
                    {"type": "file", "modality": "document", "file_id": "f-1"},
                ],
            },
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "An order."},
                    {"type": "tool_call", "name": "refund", "id": "c-1", "arguments": {"order": "o-1"}},
                ],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "response": "refunded o-1", "id": "c-1"}]},
        ]
    )


def test_several_prompts_at_once_are_a_call_each_and_each_has_its_own_reply(own_url: str, spans: Spans) -> None:
    chat_model(own_url).generate([[HumanMessage("What is a card payment?")], [HumanMessage("What is it?")]])
    found = spans.all()
    assert [each.attributes["server.address"] for each in found] == ["127.0.0.1", "127.0.0.1"]
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_a_cancelled_model_ends_its_span(spans: Spans) -> None:
    begun = asyncio.Event()

    class Slow(GenericFakeChatModel):
        async def _agenerate(self, *_args: Any, **_kwargs: Any) -> Any:
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(Slow(messages=iter([])).ainvoke("hi"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "Cancelled" in str(spans.one().attributes["error.type"])


def test_a_stream_that_is_forgotten_ends_its_span(own_url: str, spans: Spans) -> None:
    stream = chat_model(own_url, "local-chat-completions-stream-usage").stream("Count")
    next(stream)
    del stream
    gc.collect()
    assert spans.one().attributes["tracelm.stream.outcome"] == "closed_early"


# --- safety -------------------------------------------------------------------------------------------------


def test_without_content_no_word_of_it_is_recorded(own_url: str, tmp_path: Any) -> None:
    home = tmp_path / "silent"
    tracelm.init("silent", home=home, capture_content=False)
    chain(own_url).invoke({"thing": "a card payment"})
    refund.invoke({"order": "o-1"})
    Shelf().invoke("refunds")
    tracelm.flush()
    written = b"".join(path.read_bytes() for path in home.rglob("*.jsonl")).decode()
    assert "execute_tool refund" in written
    for words in ("card payment", "refunded", "five days", '"order'):
        assert words not in written


def test_a_chain_that_our_failure_hits_runs_on(own_url: str, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracelm.integrations._langchain import handler

    def broken(*_args: object, **_kwargs: object) -> Any:
        raise RuntimeError("a bug of ours")

    for name in ("_step", "chat_request", "set_content"):
        monkeypatch.setattr(handler, name, broken)
    before = tracelm.flush().failures
    assert ANSWER in chain(own_url).invoke({"thing": "it"})
    assert tracelm.flush().failures > before
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_callbacks_of_the_program_hear_what_they_would_without_us(own_url: str, spans: Spans) -> None:
    from langchain_core.callbacks import BaseCallbackHandler

    def heard() -> list[str]:
        found: list[str] = []

        class Listener(BaseCallbackHandler):
            def on_chain_start(self, *_args: Any, **kwargs: Any) -> None:
                found.append(f"start {kwargs.get('name')}")

            def on_chain_end(self, *_args: Any, **_kwargs: Any) -> None:
                found.append("end")

            def on_llm_end(self, *_args: Any, **_kwargs: Any) -> None:
                found.append("model")

        chain(own_url).invoke({"thing": "it"}, {"callbacks": [Listener()]})
        return found

    traced = heard()
    assert len(spans.all()) == 4
    tracelm.shutdown()
    assert heard() == traced
