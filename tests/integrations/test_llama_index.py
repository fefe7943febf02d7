"""What LlamaIndex does, as spans: with the real library, and a real client against recorded replies."""

# LlamaIndex is typed in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUntypedFunctionDecorator=false, reportDeprecated=false

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from llama_index.core import Document, VectorStoreIndex, instrumentation
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.chat_engine.types import ChatMode
from llama_index.core.instrumentation.event_handlers import NullEventHandler
from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata, MockLLM
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step
from opentelemetry import trace

import tracelm
from tests.integrations.chains import ANSWER, lookup, outline
from tests.integrations.llama_models import Asking, Digests, aclose, chat_model
from tests.recordings.server import load, serve
from tracelm.testing import Spans
from tracelm.testing.conformance import check
from tracelm.trace import patching

pytestmark = pytest.mark.anyio
pytest_plugins = ("tests.recordings.fixtures",)
_dispatcher: Any = vars(instrumentation)["get_dispatcher"]
_STREAM = "local-chat-completions-stream-usage"
_DOCUMENTS = [Document(text=f"Fact {n}: orders are sent on Monday.", metadata={"page": n}) for n in range(4)]
_QUERY_TREE = [
    "invoke_workflow",
    "  retrieval",
    "    embeddings digests",
    "  SimilarityPostprocessor.postprocess_nodes",
    "  CompactAndRefine.synthesize",
    "    chat smollm2-135m",
]


@pytest.fixture
def anyio_backend() -> str:
    """LlamaIndex knows asyncio only."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    yield
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.fixture
def weather_url(shared: Path) -> Iterator[str]:
    """A provider that asks for the weather, then tells of it."""
    recorded = load(shared / "recordings")
    names = {
        name.rpartition("-")[0].removeprefix("openai-chat-completions-stream-"): each
        for name, each in recorded.items()
        if name.startswith(("openai-chat-completions-stream-tool-calls", "openai-chat-completions-stream-tool-results"))
    }

    def choose(_path: str, asked: Mapping[str, Any]) -> str:
        has_asked = any(each["role"] == "tool" for each in asked["messages"])
        return "tool-results" if has_asked else "tool-calls"

    with serve(names, choose=choose) as url:
        yield url


@tracelm.op
def thermometer(place: str) -> str:
    return f"22 degrees in {place}"


def get_current_weather(location: str) -> str:
    """Tell the weather of a place."""
    return thermometer(location)


def _index() -> VectorStoreIndex:
    return VectorStoreIndex.from_documents(_DOCUMENTS, embed_model=Digests())


def _engine(model: Any, **more: Any) -> Any:
    kept = [SimilarityPostprocessor(similarity_cutoff=0.0)]
    return _index().as_query_engine(llm=model, similarity_top_k=2, node_postprocessors=kept, **more)


# --- query engines ------------------------------------------------------------------------------------------


def test_a_query_is_a_workflow_with_retrieval_embedding_synthesis_and_model(own_url: str, spans: Spans) -> None:
    engine = _engine(chat_model(own_url))
    before = len(spans.all())
    assert str(engine.query("When are orders sent?")).startswith(ANSWER)
    assert outline(spans)[before:] == _QUERY_TREE
    whole = spans.one("invoke_workflow").attributes
    assert whole["input.value"] == '"When are orders sent?"'
    assert ANSWER in str(whole["output.value"])
    assert all(check(each) == [] for each in spans.all() if each.name.startswith(("chat", "invoke_workflow")))


async def test_an_async_query_is_the_same_tree(own_url: str, spans: Spans) -> None:
    model = chat_model(own_url)
    engine = _engine(model, use_async=True)
    before = len(spans.all())
    await engine.aquery("When are orders sent?")
    await aclose(model)
    assert outline(spans)[before:] == _QUERY_TREE


def test_a_retrieval_has_query_documents_and_scores(spans: Spans) -> None:
    found = _index().as_retriever(similarity_top_k=2).retrieve("When are orders sent?")
    span = spans.one("retrieval")
    assert (span.kind, span.status) == ("client", "unset")
    assert span.attributes["gen_ai.retrieval.query.text"] == "When are orders sent?"
    assert span.attributes["gen_ai.retrieval.top_k"] == 2
    documents = json.loads(str(span.attributes["gen_ai.retrieval.documents"]))
    assert [each["id"] for each in documents] == [each.node.node_id for each in found]
    assert [each["score"] for each in documents] == [each.score for each in found]
    assert {each["content"] for each in documents} <= {each.text for each in _DOCUMENTS}


def test_the_model_is_a_client_span_with_what_llama_index_and_the_client_know(own_url: str, spans: Spans) -> None:
    chat_model(own_url, temperature=0.5, max_tokens=40).complete("What is a card payment?")
    span = spans.one()
    assert (span.name, span.kind) == ("chat smollm2-135m", "client")
    attributes = span.attributes
    assert {key: attributes[key] for key in sorted(attributes) if key.startswith("gen_ai.")} == snapshot(
        {
            "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"What is a card payment?"}]}]',
            "gen_ai.operation.name": "chat",
            "gen_ai.output.messages": attributes["gen_ai.output.messages"],
            "gen_ai.provider.name": "openai",
            "gen_ai.request.max_tokens": 40,
            "gen_ai.request.model": "smollm2-135m",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.response.finish_reasons": ["length"],
            "gen_ai.response.id": "chatcmpl-2nYrCbQnXUrRhqQNejGmQ2vyWdzDSrA3",
            "gen_ai.response.model": "smollm2-135m",
            "gen_ai.usage.cache_read.input_tokens": 0,
            "gen_ai.usage.input_tokens": 26,
            "gen_ai.usage.output_tokens": 40,
        }
    )
    assert attributes["server.address"] == "127.0.0.1"


# --- streams ------------------------------------------------------------------------------------------------


def test_a_streamed_query_lasts_as_long_as_its_answer(own_url: str, spans: Spans) -> None:
    response = _engine(chat_model(own_url, _STREAM), streaming=True).query("Count!")
    done = spans.names()
    assert "retrieval" in done
    assert not {"invoke_workflow", "CompactAndRefine.synthesize", "chat smollm2-135m"} & set(done)
    seen = {trace.get_current_span() for _ in response.response_gen}
    assert seen == {trace.INVALID_SPAN}
    assert outline(spans)[-6:] == _QUERY_TREE
    whole = spans.one("invoke_workflow")
    assert "1. 1" in str(whole.attributes["output.value"])
    model = spans.one("chat smollm2-135m")
    assert model.end_ns <= whole.end_ns
    assert model.attributes["gen_ai.usage.output_tokens"] == 25
    assert model.attributes["gen_ai.response.time_to_first_chunk"]


async def test_a_query_that_is_streamed_to_a_task_is_the_same_tree(own_url: str, spans: Spans) -> None:
    model = chat_model(own_url, _STREAM)
    response = await _engine(model, streaming=True, use_async=True).aquery("Count!")
    words: AsyncIterator[str] = response.response_gen
    assert "1. 1" in "".join([each async for each in words])
    await aclose(model)
    assert outline(spans)[-6:] == _QUERY_TREE


def test_a_stream_that_is_dropped_ends_its_span_and_those_around(own_url: str, spans: Spans) -> None:
    response = _engine(chat_model(own_url, _STREAM), streaming=True).query("Count!")
    next(response.response_gen)
    del response
    gc.collect()
    assert outline(spans)[-6:] == _QUERY_TREE
    assert spans.one("chat smollm2-135m").attributes["tracelm.stream.outcome"] == "closed_early"


def test_a_stream_that_nobody_reads_asks_nobody_and_ends(own_url: str, spans: Spans) -> None:
    chat_model(own_url, _STREAM).stream_complete("Count!")
    gc.collect()
    attributes = spans.one("chat smollm2-135m").attributes
    assert attributes["tracelm.stream.outcome"] == "closed_early"
    assert "gen_ai.usage.input_tokens" not in attributes


def test_two_streams_at_once_are_two_spans_with_what_is_theirs(own_url: str, spans: Spans) -> None:
    first = chat_model(own_url, _STREAM, temperature=0.1).stream_complete("Count!")
    second = chat_model(own_url, _STREAM, temperature=0.9).stream_complete("Count!")
    next(second)
    next(first)
    assert [len(list(each)) > 0 for each in (first, second)] == [True, True]
    found = spans.all()
    assert [each.attributes["gen_ai.request.temperature"] for each in found] == [0.1, 0.9]
    assert [each.attributes["gen_ai.usage.output_tokens"] for each in found] == [25, 25]


def test_a_chat_that_is_streamed_in_a_thread_is_one_trace(own_url: str, spans: Spans) -> None:
    engine = _index().as_chat_engine(chat_mode=ChatMode.CONTEXT, llm=chat_model(own_url, _STREAM))
    assert "1. 1" in "".join(engine.stream_chat("Count!").response_gen)
    names = ("invoke_workflow", "retrieval", "CompactAndRefine.synthesize", "chat smollm2-135m")
    assert len({spans.one(name).trace_id for name in names}) == 1


# --- embeddings ---------------------------------------------------------------------------------------------


def test_an_embedding_without_a_client_is_a_span_with_the_size_of_its_vectors(spans: Spans) -> None:
    Digests().get_text_embedding_batch(["one", "two", "three"])
    span = spans.one()
    assert (span.name, span.attributes["gen_ai.embeddings.dimension.count"]) == ("embeddings digests", 8)


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_several_requests_of_one_embedding_are_billed_together(way: str, own_url: str, spans: Spans) -> None:
    model = Asking(url=own_url, embed_batch_size=2)
    model.get_text_embedding("one")
    alone = spans.one().attributes["gen_ai.usage.input_tokens"]
    texts = ["one", "two", "three"]
    if way == "sync":
        model.get_text_embedding_batch(texts)
    else:
        await model.aget_text_embedding_batch(texts)
    assert isinstance(alone, int)
    attributes = spans.all()[1].attributes
    assert len(spans.all()) == 2
    assert attributes["gen_ai.usage.input_tokens"] == 3 * alone


# --- agents, tools, workflows -------------------------------------------------------------------------------


def _agent(url: str) -> Any:
    tools: Any = [get_current_weather]
    model = chat_model(url, "")
    return FunctionAgent(name="forecaster", description="Tells the weather.", tools=tools, llm=model)


async def test_an_agent_is_a_span_with_its_steps_tools_and_models(weather_url: str, spans: Spans) -> None:
    forecaster = _agent(weather_url)
    answer = await forecaster.run(user_msg="What is the weather like in Boston today?")
    await aclose(forecaster.llm)
    assert "22°F" in str(answer)
    steps = ("_run", "_agent", "_tool", "run_agent_step", "parse_agent_output", "aggregate_tool_results")
    assert [each for each in outline(spans) if not each.endswith(steps)] == [
        "invoke_agent forecaster",
        "    chat smollm2-135m",
        "    execute_tool get_current_weather",
        "      thermometer",
        "    chat smollm2-135m",
    ]
    assert {"init_run", "setup_agent", "run_agent_step", "call_tool"} <= set(spans.names())
    tool = spans.one("execute_tool get_current_weather").attributes
    assert tool["gen_ai.tool.call.arguments"] == '{"location":"Boston, MA"}'
    assert tool["gen_ai.tool.call.result"] == '"22 degrees in Boston, MA"'
    assert str(tool["gen_ai.tool.call.id"]).startswith("call_")
    agent = spans.one("invoke_agent forecaster").attributes
    assert agent["input.value"] == '"What is the weather like in Boston today?"'
    assert "22°F" in str(agent["output.value"])


async def test_agents_in_a_workflow_are_called_by_their_names(weather_url: str, spans: Spans) -> None:
    forecaster = _agent(weather_url)
    flow = AgentWorkflow(agents=[forecaster], root_agent="forecaster")
    await flow.run(user_msg="What is the weather like in Boston today?")
    await aclose(forecaster.llm)
    tree = outline(spans)
    assert tree[0] == "invoke_workflow"
    assert tree.count("  invoke_agent forecaster") == 2
    assert tree.count("    chat smollm2-135m") == 2


class Refund(Workflow):
    """Two steps, of which one may fail or wait for ever."""

    @step
    async def check(self, ctx: Context, ev: StartEvent) -> StopEvent:
        with tracelm.span("by hand"):
            found = lookup(ev.order)
        if found == "o-0":
            raise LookupError("no such order")
        if found == "o-9":
            await asyncio.Event().wait()
        return StopEvent(result=f"refunded {found}")


async def test_a_workflow_of_the_program_is_called_by_its_class(spans: Spans) -> None:
    assert await Refund().run(order="o-1") == "refunded o-1"
    assert outline(spans) == snapshot(["invoke_workflow Refund", "  check", "    by hand", "      lookup"])
    whole = spans.one("invoke_workflow Refund").attributes
    assert (whole["gen_ai.workflow.name"], whole["output.value"]) == ("Refund", '"refunded o-1"')


async def test_two_runs_at_once_are_two_traces(spans: Spans) -> None:
    await asyncio.gather(Refund().run(order="o-1"), Refund().run(order="o-2"))
    assert len({each.trace_id for each in spans.all()}) == 2
    assert outline(spans).count("invoke_workflow Refund") == 2


async def test_a_step_that_fails_says_so_and_the_program_gets_its_error(spans: Spans) -> None:
    with pytest.raises(LookupError):
        await Refund().run(order="o-0")
    assert spans.one("check").status == "error"
    assert spans.one("check").attributes["error.type"] == "LookupError"
    assert spans.one("invoke_workflow Refund").status == "error"


def test_a_tool_that_fails_says_so(spans: Spans) -> None:
    def refund(order: str) -> str:
        """Give money back."""
        raise LookupError(order)

    with pytest.raises(LookupError):
        FunctionTool.from_defaults(refund).call(order="o-0")
    tool = spans.one("execute_tool refund")
    assert (tool.status, tool.attributes["error.type"]) == ("error", "LookupError")


# --- models of the program's own ----------------------------------------------------------------------------


class Own(CustomLLM):
    """A model without any client."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="own")

    model_name: str = "own"

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=lookup(prompt), additional_kwargs={"prompt_tokens": 3, "completion_tokens": 1})

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        yield CompletionResponse(text="a", delta="a")
        if prompt == "break":
            raise ConnectionError("gone")
        yield CompletionResponse(text="ab", delta="b")


def test_a_model_without_a_client_is_a_span_too(spans: Spans) -> None:
    assert Own().complete("hi").text == "hi"
    span = spans.one("text_completion own")
    assert (span.attributes["gen_ai.usage.input_tokens"], span.attributes["gen_ai.usage.output_tokens"]) == (3, 1)
    assert outline(spans) == ["text_completion own", "  lookup"]


def test_a_stream_that_breaks_off_is_an_error_and_keeps_its_part(spans: Spans) -> None:
    with pytest.raises(ConnectionError):
        list(Own().stream_complete("break"))
    span = spans.one()
    assert (span.status, span.attributes["error.type"]) == ("error", "ConnectionError")
    assert '"content":"a"' in str(span.attributes["gen_ai.output.messages"])


# --- it comes and goes --------------------------------------------------------------------------------------


def test_handlers_of_the_program_stay_and_ours_go(own_url: str, spans: Spans) -> None:
    root = _dispatcher()
    theirs = NullEventHandler()
    root.add_event_handler(theirs)
    assert any(each.name == "llama_index.core" and each.state == "active" for each in patching.status())
    MockLLM(max_tokens=2).complete("hi")
    assert len(spans.all()) == 1
    tracelm.shutdown()
    assert any(each is theirs for each in root.event_handlers)
    assert not [each for each in (*root.event_handlers, *root.span_handlers) if "tracelm" in type(each).__module__]
    MockLLM(max_tokens=2).complete("hi")
    assert len(spans.all()) == 1
    root.event_handlers[:] = [each for each in root.event_handlers if each is not theirs]


def test_without_content_no_word_is_recorded(own_url: str, tmp_path: Path) -> None:
    home = tmp_path / "silent"
    tracelm.init("silent", home=home, capture_content=False)
    engine = _engine(chat_model(own_url))
    engine.query("When are orders sent?")
    FunctionTool.from_defaults(get_current_weather).call(location="Boston")
    written = b"".join(path.read_bytes() for path in home.rglob("*.jsonl")).decode()
    assert "execute_tool get_current_weather" in written
    for words in ("When are", "Monday", ANSWER, "Boston"):
        assert words not in written
