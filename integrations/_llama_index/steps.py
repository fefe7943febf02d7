"""Which of the things that LlamaIndex does are spans, how they are called, and what went in and came out."""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.chat_engine.types import BaseChatEngine
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.response_synthesizers.base import BaseSynthesizer
from llama_index.core.tools.types import BaseTool
from llama_index.core.workflow import Event, StopEvent, Workflow
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.frozen import frozen
from tracelm.integrations._exchange import Message
from tracelm.integrations._fields import count, field, fields, items, number, plain, text

Kind: TypeAlias = Literal["embeddings", "retrieval", "run", "step", "tool"]
"""What a step is: a run is a workflow or an agent."""

_METHODS: Final[tuple[tuple[type[Any], frozenset[str], Kind], ...]] = (
    (BaseRetriever, frozenset({"retrieve", "aretrieve"}), "retrieval"),
    (BaseTool, frozenset({"__call__", "call", "acall"}), "tool"),
    (BaseSynthesizer, frozenset({"synthesize", "asynthesize"}), "step"),
    (BaseNodePostprocessor, frozenset({"_postprocess_nodes", "_apostprocess_nodes"}), "step"),
    (BaseQueryEngine, frozenset({"query", "aquery"}), "step"),
    (BaseChatEngine, frozenset({"chat", "achat", "stream_chat", "astream_chat"}), "step"),
    (IngestionPipeline, frozenset({"run", "arun"}), "step"),
    (
        BaseEmbedding,
        frozenset(f"{way}{name}" for way in ("get_", "aget_") for name in ("query_embedding", "text_embedding"))
        | {"get_text_embedding_batch", "aget_text_embedding_batch"},
        "embeddings",
    ),
)
"""The methods by which LlamaIndex's parts are used; the others are how they do it."""
_WAITED_FOR: Final = {
    f"a{name}": name for name in ("chat", "postprocess_nodes", "query", "run", "stream_chat", "synthesize")
}
_GIVEN: Final = ("str_or_query_bundle", "query", "query_bundle", "message", "start_event", "ev")
_STREAMS: Final = frozenset({"StreamingResponse", "AsyncStreamingResponse", "StreamingAgentChatResponse"})


@frozen
class Told:
    """What LlamaIndex tells when a step begins.

    Attributes:
        name: The class, or function, and the method.
        method: The method, or function.
        instance: Whose method it is.
        arguments: By their names.
    """

    name: str
    method: str
    instance: object
    arguments: Mapping[str, Any]


@frozen
class Shown:
    """A step that is a span.

    Attributes:
        kind: What it is.
        title: The span's name.
        attributes: With which it begins.
    """

    kind: Kind
    title: str
    attributes: Mapping[str, AttributeValue]


def told(run_id: str, instance: object, arguments: Mapping[str, Any]) -> Told:
    """Read what a step is from the id that LlamaIndex gives it: its name, and a UUID."""
    name = run_id[:-37] if len(run_id) > 37 else run_id
    return Told(name=name, method=name.rpartition(".")[2], instance=instance, arguments=arguments)


def is_run(step: Told) -> bool:
    """Say whether it is the run of a workflow, which may go on after the method has returned."""
    return isinstance(step.instance, Workflow) and step.method == "run"


def shown(step: Told, *, is_outermost: bool, within: object) -> Shown | None:
    """Say how a step is shown, if it is.

    Args:
        step: What is told of it.
        is_outermost: Whether it is a part of nothing else.
        within: The workflow of whose run it is a part, with nothing in between.
    """
    if is_run(step):
        return _run(step.instance)
    for base, methods, kind in _METHODS:
        if isinstance(step.instance, base) and step.method in methods:
            return _method(step, kind, is_outermost=is_outermost)
    if within is not None and (step.instance is None or isinstance(step.instance, Workflow)):
        agent = text(field(step.arguments.get("ev"), "current_agent_name"))
        if step.method == "run_agent_step" and agent and not _is_agent(within):
            return Shown(kind="run", title=f"invoke_agent {agent}", attributes=_agent(agent))
        return Shown(kind="step", title=step.method, attributes={})
    return None


def given(step: Told, kind: Kind) -> object:
    """Return what went into a step."""
    if kind == "tool":
        more = {name: each for name, each in step.arguments.items() if name not in {"args", "kwargs"}}
        found: dict[str, object] = {**more, **fields(step.arguments.get("kwargs"))}
        args = step.arguments.get("args")
        return {**found, "args": list(args)} if args else found
    if isinstance(step.instance, BaseNodePostprocessor):
        query = query_of(step.arguments.get("query_bundle"))
        return {"query": query, "documents": [document(each) for each in items(step.arguments.get("nodes"))]}
    for name in _GIVEN:
        if step.arguments.get(name) is not None:
            return _event(step.arguments[name]) if name in {"ev", "start_event"} else query_of(step.arguments[name])
    if is_run(step):  # before workflows told of their first event
        return step.arguments.get("kwargs")
    return None


def came(step: Told, result: object) -> object:
    """Return what came out of a step; `None` where there is nothing to say."""
    if isinstance(step.instance, BaseNodePostprocessor):
        return [document(each) for each in items(result)]
    if isinstance(step.instance, IngestionPipeline) or is_streamed(result):
        return None
    if hasattr(result, "source_nodes") and hasattr(result, "response"):
        return field(result, "response")
    return _event(result)


def is_streamed(result: object) -> bool:
    """Say whether an answer comes in pieces, after the step that gives it."""
    return type(result).__name__ in _STREAMS


def query_of(given: object) -> object:
    """Return the words of a query."""
    words = text(field(given, "query_str"))
    return given if words is None else words


def document(found: object) -> Message:
    """Return a node that was found."""
    node = field(found, "node") or found
    said: Message = {"content": field(node, "text"), "metadata": plain(field(node, "metadata"))}
    node_id, score = text(field(node, "node_id")), number(field(found, "score"))
    if node_id:
        said["id"] = node_id
    return said if score is None else {**said, "score": score}


def _run(workflow: object) -> Shown:
    name = text(field(workflow, "name"))
    if name and _is_agent(workflow):
        return Shown(kind="run", title=f"invoke_agent {name}", attributes=_agent(name))
    title = "invoke_workflow"
    found: dict[str, AttributeValue] = {semconv.OPERATION_NAME: title}
    name = text(field(workflow, "_workflow_name"))
    if name is None and not type(workflow).__module__.startswith(("llama_index.", "workflows.")):
        name = type(workflow).__name__
    if name is None:
        return Shown(kind="run", title=title, attributes=found)
    return Shown(kind="run", title=f"{title} {name}", attributes={**found, semconv.WORKFLOW_NAME: name})


def _is_agent(workflow: object) -> bool:
    """Say whether it is one agent, by what agents have: the module of their class is loaded when one is used."""
    return hasattr(workflow, "llm") and hasattr(workflow, "name")


def _agent(name: str) -> dict[str, AttributeValue]:
    return {semconv.OPERATION_NAME: "invoke_agent", semconv.AGENT_NAME: name}


def _method(step: Told, kind: Kind, *, is_outermost: bool) -> Shown:
    instance: Any = step.instance
    found: dict[str, AttributeValue] = {}
    match kind:
        case "retrieval":
            found[semconv.OPERATION_NAME] = "retrieval"
            most = count(field(instance, "similarity_top_k") or field(instance, "_similarity_top_k"))
            if most is not None:
                found[semconv.RETRIEVAL_TOP_K] = most
            return Shown(kind=kind, title="retrieval", attributes=found)
        case "tool":
            name = text(instance.metadata.name) or "tool"
            found |= {semconv.OPERATION_NAME: "execute_tool", semconv.TOOL_NAME: name, semconv.TOOL_TYPE: "function"}
            about = text(instance.metadata.description)
            if about:
                found[semconv.TOOL_DESCRIPTION] = about
            return Shown(kind=kind, title=f"execute_tool {name}", attributes=found)
        case _ if kind == "step" and is_outermost and isinstance(instance, BaseQueryEngine | BaseChatEngine):
            return Shown(kind="run", title="invoke_workflow", attributes={semconv.OPERATION_NAME: "invoke_workflow"})
        case _:
            owner, method = step.name.rpartition(".")[0], step.method.removeprefix("_")
            # Whether it was awaited does not change what it is.
            return Shown(kind=kind, title=f"{owner}.{_WAITED_FOR.get(method, method)}", attributes=found)


def _event(event: object) -> object:
    """Return what an event of a workflow holds, without the name of its class."""
    if isinstance(event, StopEvent) and hasattr(event, "_result"):
        return event.result
    if not isinstance(event, Event):
        return event
    found: dict[str, Any] = {**plain(event), **dict(event.items())}
    # Beside the first stand the agent's memory and its settings.
    return found["user_msg"] if found.get("user_msg") is not None else found
