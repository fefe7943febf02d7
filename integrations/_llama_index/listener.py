"""What LlamaIndex tells of its steps and of the calls of models, as spans."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from tracelm import semconv
from tracelm.integrations._base import begin
from tracelm.integrations._exchange import Request
from tracelm.integrations._fields import field, items, text
from tracelm.integrations._llama_index import models, steps
from tracelm.integrations._llama_index.steps import Shown, Told
from tracelm.integrations._llama_index.streams import AnswerStream, ModelStream, Step
from tracelm.integrations._running import hold, is_generator
from tracelm.integrations._runs import Run, Runs, open_span, set_value
from tracelm.integrations._watching import watch_held
from tracelm.trace.safely import safely
from tracelm.trace.spans import set_content

_SIGNALS: Final = frozenset({"WaitingForEvent"})
"""What a workflow raises inside of a step to wait, which is no error."""


class Listener:
    """Records what LlamaIndex does. Its methods are called where the thing happens, and may raise.

    Args:
        runs: Where steps are kept while they are open.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._streams: dict[str, ModelStream | AnswerStream] = {}

    def entered(self, run_id: str, instance: object, arguments: Mapping[str, Any], parent_id: Hashable | None) -> None:
        """Begin a step."""
        told = steps.told(run_id, instance, arguments)
        # While an answer is read that comes in pieces, LlamaIndex does not know any more of what it is a part.
        parent_id = self._runs.here() if self._runs.find(parent_id) is None else parent_id
        around = self._runs.context_for(parent_id)
        above = self._above(parent_id)
        inner = next((each for each in above if each.kind is not None), None)
        what: Shown | None = None
        if inner is None or inner.told.instance is not instance or instance is None:
            within = inner.told.instance if inner is not None and steps.is_run(inner.told) else None
            what = steps.shown(told, is_outermost=not above, within=within)
        step = self._opened(told, what, parent_id, around)
        if step is None:
            return
        self._runs.add(run_id, step)
        if what is not None and what.kind == "tool" and step.span is not None:
            call_id = next((found for each in above if (found := _call_id(each))), None)
            if call_id:
                step.span.set_attribute(semconv.TOOL_CALL_ID, call_id)
        # The run of a workflow may end in another task; its steps find it by its id.
        if not steps.is_run(told):
            step.attach()

    def left(self, run_id: str, result: Any) -> None:
        """End a step that gave something."""
        step = self._runs.take(run_id)
        if not isinstance(step, Step):
            return
        if step.calls and is_generator(result):
            self._follow(run_id, step, result)
        if step.call is not None:
            step.detach()
            step.call.end(models.embeddings_reply(result))
        elif step.span is not None:
            with safely("record what a step of LlamaIndex gave"):
                _record(step.span, step, result)
        if step.span is not None and steps.is_streamed(result) and self._waits(run_id, step, result):
            step.detach()
            return
        self._runs.close(step)

    def dropped(self, run_id: str, error: BaseException | None) -> None:
        """End a step that failed."""
        step = self._runs.take(run_id)
        if step is not None:
            self._runs.close(step, None if type(error).__name__ in _SIGNALS else error)

    def told(self, event: Any) -> None:
        """Take an event."""
        run_id = event.span_id
        match event.class_name():
            case "LLMChatStartEvent":
                self._asked(run_id, models.chat_request, event, event.messages)
            case "LLMCompletionStartEvent":
                self._asked(run_id, models.completion_request, event, event.prompt)
            case "LLMChatInProgressEvent" | "LLMCompletionInProgressEvent":
                stream = self._streams.get(run_id)
                if isinstance(stream, ModelStream):
                    stream.got(event.response)
            case "LLMChatEndEvent" | "LLMCompletionEndEvent":
                self._answered(run_id, event.response)
            case "ExceptionEvent":
                stream = self._streams.pop(run_id, None)
                if stream is not None:
                    is_left = isinstance(event.exception, GeneratorExit)
                    stream.end(None if is_left else event.exception, is_left=is_left)
            case "SpanCancelledEvent":
                step = self._runs.find(run_id)
                if step is not None and step.span is not None:
                    step.span.set_attribute(semconv.OUTCOME, "cancelled")
            case _:
                pass

    def close_all(self) -> None:
        """End all that is open."""
        for run_id in list(self._streams):
            self._streams.pop(run_id).end(is_left=True)
        self._runs.close_all()

    def _opened(self, told: Told, what: Shown | None, parent_id: Hashable | None, around: Context) -> Step | None:
        if what is None:
            return Step(told, parent_id, around)
        if what.kind == "embeddings":
            token = otel_context.attach(around)
            try:
                call = begin(lambda: models.embeddings_request(told.instance, _texts(told)), kind="embeddings")
            finally:
                otel_context.detach(token)
            return Step(told, parent_id, around, kind=what.kind, call=call)
        kind = SpanKind.CLIENT if what.kind == "retrieval" else SpanKind.INTERNAL
        span = open_span(what.title, around, what.attributes, kind=kind)
        if span is None:
            return None
        with safely("record what a step of LlamaIndex got"):
            said = steps.given(told, what.kind)
            if what.kind == "tool":
                set_value(span, semconv.TOOL_ARGUMENTS, said)
            elif what.kind == "retrieval":
                set_value(span, semconv.RETRIEVAL_QUERY, str(said), is_text=True)
            elif said is not None:
                set_content(span, semconv.INPUT_VALUE, semconv.INPUT_MIME_TYPE, said)
        return Step(told, parent_id, around, kind=what.kind, span=span)

    def _above(self, run_id: Hashable | None) -> list[Step]:
        """Return the open steps that a step is a part of, the innermost first."""
        found: list[Step] = []
        step = self._runs.find(run_id)
        while isinstance(step, Step):
            found.append(step)
            step = self._runs.find(step.parent_id)
        return found

    def _asked(self, run_id: str, describe: Callable[..., Request], event: Any, said: object) -> None:
        step = self._runs.find(run_id)
        if not isinstance(step, Step):
            return
        model, streams = step.told.instance, "stream" in step.told.method
        call = begin(lambda: describe(model, said, event.additional_kwargs, streams=streams))
        if call is not None:
            run = Run(run_id, otel_context.get_current(), call=call)
            step.calls.append(run)
            run.attach()

    def _answered(self, run_id: str, response: object) -> None:
        stream = self._streams.pop(run_id, None)
        if stream is not None:
            stream.end()
            return
        step = self._runs.find(run_id)
        if isinstance(step, Step) and step.calls:
            run = step.calls.pop()
            run.detach()
            answer = models.reply(response, model=step.told.instance)
            if run.call is not None:
                run.call.end(answer)

    def _follow(self, run_id: str, step: Step, generator: Any) -> None:
        """Let the call of a model last as long as its answer is read."""
        run = step.calls.pop()
        run.detach()
        if run.call is None:
            return
        stream = ModelStream(run.call, step.told.instance, self._above(step.parent_id))
        self._streams[run_id] = stream
        leave = hold(generator, run.call)
        unwatch = watch_held(generator, self._forgotten(run_id, stream))

        def release() -> None:
            leave()
            unwatch()

        stream.release = release

    def _waits(self, run_id: str, step: Step, result: Any) -> bool:
        """Let a step last as long as what it gave is read; tells whether it does."""
        stream = next((each for each in self._streams.values() if step in each.around), None)
        if stream is not None:
            stream.wait(step)
            return True
        given: Any = getattr(result, "__dict__", {}).get("response_gen")
        if not is_generator(given):
            return False
        answer = AnswerStream(step, self._above(step.parent_id), lambda: self._end_of(run_id))
        self._streams[run_id] = answer
        passing = answer.apassing(given) if hasattr(given, "__anext__") else answer.passing(given)
        watch_held(passing, self._forgotten(run_id, answer))
        # The generator is the response's own; in its place stands one that tells when it is read to its end.
        result.response_gen = passing
        return True

    def _forgotten(self, run_id: str, stream: ModelStream | AnswerStream) -> Callable[[], None]:
        def forgotten() -> None:
            if self._streams.pop(run_id, None) is not None:
                stream.end(is_left=True)

        return forgotten

    def _end_of(self, run_id: str) -> None:
        self._streams.pop(run_id, None)


def _texts(told: Told) -> list[object]:
    given = told.arguments
    one = given.get("query", given.get("text"))
    return list(items(given.get("texts"))) if one is None else [one]


def _call_id(step: Step) -> str | None:
    return text(field(step.told.arguments.get("ev"), "tool_id"))


def _record(span: Span, step: Step, result: object) -> None:
    """Set what is known at the end."""
    if step.kind == "retrieval":
        found = [steps.document(each) for each in items(result)]
        # The conventions want the score of each; not every retriever tells one.
        if all("score" in each for each in found):
            set_value(span, semconv.RETRIEVAL_DOCUMENTS, found)
        else:
            set_content(span, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, found)
        return
    if step.kind == "tool":
        set_value(span, semconv.TOOL_RESULT, field(result, "raw_output"))
        if field(result, "is_error") is True:
            span.set_attribute(semconv.ERROR_TYPE, "tool_error")
            span.set_status(Status(StatusCode.ERROR, "tool_error"))
        return
    output = steps.came(step.told, result)
    if output is not None:
        set_content(span, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, output)
