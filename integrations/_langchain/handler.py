"""What LangChain tells of its runs, as spans."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks.base import BaseCallbackHandler
from opentelemetry import context as otel_context
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._base import begin
from tracelm.integrations._call import CLOSED_EARLY
from tracelm.integrations._exchange import Message, Request
from tracelm.integrations._fields import field, items, number, plain, text
from tracelm.integrations._langchain.messages import chat_request, completion_request, reply
from tracelm.integrations._runs import Run, Runs, open_span, set_value
from tracelm.integrations.langchain import generating
from tracelm.trace.safely import safely
from tracelm.trace.spans import set_content

_HIDDEN: Final = "langsmith:hidden"
"""The tag of LangGraph's own small steps."""
_SCORES: Final = ("score", "relevance_score", "similarity_score")
_UNNAMED: Final = ("Runnable", "LangGraph")
"""What a chain or a graph is called to which the program gave no name."""


class Handler(BaseCallbackHandler):
    """Records the runs of LangChain. One is enough: it is told the id of each run.

    Args:
        runs: Where runs are kept while they are open.
    """

    run_inline = True
    """In the task of the run itself, so that what is current there can be changed, and in order."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    # LangChain gives one handler to many, and copies what holds it.
    def __copy__(self) -> "Handler":
        return self

    def __deepcopy__(self, _memo: object) -> "Handler":
        return self

    def __getattr__(self, name: str) -> Any:
        """Take an event that a later version of LangChain, or LangGraph, may have added."""
        if name.startswith("on_"):
            return _ignore
        raise AttributeError(name)

    # --- chains and graphs --------------------------------------------------------------------------------------

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin a step: a chain, a graph or one of its nodes."""
        with safely("record a step of LangChain"):
            around = self._runs.context_for(parent_run_id)
            if _HIDDEN in (tags or ()):
                self._runs.add(run_id, Run(parent_run_id, around))
                return
            name = text(kwargs.get("name")) or _class_of(serialized) or "step"
            parent = self._runs.find(parent_run_id)
            title, attributes = _step(name, metadata or {}, is_outermost=parent is None)
            span = open_span(title, around, attributes)
            if span is not None:
                set_content(span, semconv.INPUT_VALUE, semconv.INPUT_MIME_TYPE, inputs)
                self._runs.add(run_id, Run(parent_run_id, around, span=span))

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_kwargs: Any) -> None:
        """End a step."""
        self._end(run_id, lambda span: set_content(span, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, outputs))

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_kwargs: Any) -> None:
        """End a step that failed. A graph that waits for somebody, or goes on elsewhere, did not."""
        is_signal = any(each.__name__ == "GraphBubbleUp" for each in type(error).__mro__)
        self._end(run_id, error=None if is_signal else error)

    # --- tools and retrievers -----------------------------------------------------------------------------------

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin a tool."""
        with safely("record a tool of LangChain"):
            name = text(kwargs.get("name")) or text(field(serialized, "name")) or "tool"
            attributes: dict[str, AttributeValue] = {
                semconv.OPERATION_NAME: "execute_tool",
                semconv.TOOL_NAME: name,
                semconv.TOOL_TYPE: "function",
            }
            call_id, about = text(kwargs.get("tool_call_id")), text(field(serialized, "description"))
            if call_id:
                attributes[semconv.TOOL_CALL_ID] = call_id
            if about:
                attributes[semconv.TOOL_DESCRIPTION] = about
            around = self._runs.context_for(parent_run_id)
            span = open_span(f"execute_tool {name}", around, attributes)
            if span is not None:
                set_value(span, semconv.TOOL_ARGUMENTS, input_str if inputs is None else inputs)
                self._runs.add(run_id, Run(parent_run_id, around, span=span))

    def on_tool_end(self, output: Any, *, run_id: UUID, **_kwargs: Any) -> None:
        """End a tool. One that says that it failed, to the model rather than to the program, failed."""
        said = output if field(output, "status") is None else field(output, "content")

        def record(span: Span) -> None:
            set_value(span, semconv.TOOL_RESULT, said)
            call_id = text(field(output, "tool_call_id"))
            if call_id:  # before 1.0 it is not told at the start
                span.set_attribute(semconv.TOOL_CALL_ID, call_id)
            if field(output, "status") == "error":
                span.set_attribute(semconv.ERROR_TYPE, "tool_error")

        self._end(run_id, record)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_kwargs: Any) -> None:
        """End a tool that failed."""
        self.on_chain_error(error, run_id=run_id)

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **_kwargs: Any,
    ) -> None:
        """Begin a retrieval."""
        with safely("record a retriever of LangChain"):
            around = self._runs.context_for(parent_run_id)
            span = open_span("retrieval", around, {semconv.OPERATION_NAME: "retrieval"}, kind=SpanKind.CLIENT)
            if span is not None:
                set_value(span, semconv.RETRIEVAL_QUERY, query, is_text=True)
                run = Run(parent_run_id, around, span=span)
                self._runs.add(run_id, run)
                run.attach()

    def on_retriever_end(self, documents: Sequence[Any], *, run_id: UUID, **_kwargs: Any) -> None:
        """End a retrieval."""
        found = [_document(each) for each in documents]

        def record(span: Span) -> None:
            # The conventions want the score of each; most retrievers of LangChain tell none.
            if all("score" in each for each in found):
                set_value(span, semconv.RETRIEVAL_DOCUMENTS, found)
            else:
                set_content(span, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, found)

        self._end(run_id, record)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **_kwargs: Any) -> None:
        """End a retrieval that failed."""
        self._end(run_id, error=error)

    # --- models -------------------------------------------------------------------------------------------------

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[Any]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin the call of a chat model."""
        params = _params(kwargs)
        said = messages[0] if messages else []
        self._begin(run_id, parent_run_id, lambda: chat_request(said, params, metadata or {}))

    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin the call of a model that completes a text."""
        params = _params(kwargs)
        prompt = prompts[0] if prompts else ""
        self._begin(run_id, parent_run_id, lambda: completion_request(prompt, params, metadata or {}))

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **_kwargs: Any) -> None:
        """Take a piece of a streamed answer."""
        self._got_piece(run_id)

    def on_stream_event(self, event: Any, *, run_id: UUID, **_kwargs: Any) -> None:
        """Take a piece of an answer that is streamed as events."""
        self._got_piece(run_id)

    def on_llm_end(self, response: Any, *, run_id: UUID, **_kwargs: Any) -> None:
        """End the call of a model."""
        with safely("record an answer of LangChain"):
            run = self._runs.take(run_id)
            if run is not None and run.call is not None:
                run.detach()
                run.call.end(reply(response))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """End the call of a model that failed, or whose answer the program left."""
        with safely("record a failed call of LangChain"):
            run = self._runs.take(run_id)
            if run is None or run.call is None:
                return
            run.detach()
            is_left = isinstance(error, GeneratorExit)
            part = kwargs.get("response")
            came = len(items(field(part, "generations"))) > 1  # what came stands before what the error says
            run.call.end(
                reply(part, is_whole=False) if came else None,
                error=None if is_left else error,
                outcome=CLOSED_EARLY if is_left else None,
            )

    # --- what they share ----------------------------------------------------------------------------------------

    def _begin(self, run_id: UUID, parent_run_id: UUID | None, describe: Callable[[], Request]) -> None:
        with safely("record a call of LangChain"):
            around = self._runs.context_for(parent_run_id)
            token = otel_context.attach(around)
            try:
                call = begin(describe)
            finally:
                otel_context.detach(token)
            if call is None:
                return
            run = Run(parent_run_id, around, call=call)
            self._runs.add(run_id, run)
            # Of a stream nothing else is known to come right before the request; it ends with the first piece.
            if not generating.get():
                run.attach()

    def _got_piece(self, run_id: UUID) -> None:
        run = self._runs.find(run_id)
        if run is not None and run.call is not None:
            run.detach()
            run.call.got_chunk()

    def _end(
        self, run_id: UUID, record: Callable[[Span], None] | None = None, error: BaseException | None = None
    ) -> None:
        with safely("end a step of LangChain"):
            run = self._runs.take(run_id)
            if run is None:
                return
            if run.span is not None and record is not None:
                with safely("record what a step of LangChain gave"):
                    record(run.span)
            self._runs.close(run, error)


def _ignore(*_args: object, **_kwargs: object) -> None:
    """Nothing is recorded of it."""


def _step(name: str, metadata: Mapping[str, Any], *, is_outermost: bool) -> tuple[str, dict[str, AttributeValue]]:
    """Return the title and the attributes of a chain: an agent, a workflow, or a step of one."""
    is_node = metadata.get("langgraph_node") is not None
    if metadata.get("lc_agent_name") == name and (is_outermost or metadata.get("langgraph_node") != name):
        return f"invoke_agent {name}", {semconv.OPERATION_NAME: "invoke_agent", semconv.AGENT_NAME: name}
    if not is_outermost or is_node:
        return name, {}
    found: dict[str, AttributeValue] = {semconv.OPERATION_NAME: "invoke_workflow"}
    if name.startswith(_UNNAMED):
        return "invoke_workflow", found
    return f"invoke_workflow {name}", {**found, semconv.WORKFLOW_NAME: name}


def _class_of(serialized: object) -> str | None:
    path = items(field(serialized, "id"))
    return text(field(serialized, "name")) or (text(path[-1]) if path else None)


def _params(kwargs: Mapping[str, Any]) -> Mapping[str, object]:
    return plain(kwargs.get("invocation_params"))


def _document(document: object) -> Message:
    about = plain(field(document, "metadata"))
    found: Message = {"content": field(document, "page_content"), "metadata": about}
    document_id = text(field(document, "id"))
    score = next((each for key in _SCORES if (each := number(about.get(key))) is not None), None)
    if document_id:
        found["id"] = document_id
    return found if score is None else {**found, "score": score}
