"""Answers of LlamaIndex that come in pieces: of models, and of the steps around them, which last as long."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Hashable, Iterator
from contextlib import contextmanager
from contextvars import Token
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span

from tracelm import semconv
from tracelm.integrations._call import CLOSED_EARLY, Call
from tracelm.integrations._exchange import Reply
from tracelm.integrations._fields import field, text
from tracelm.integrations._llama_index import models, steps
from tracelm.integrations._llama_index.steps import Told
from tracelm.integrations._runs import Run
from tracelm.trace.context import detach
from tracelm.trace.safely import safely
from tracelm.trace.spans import set_content


class Step(Run):
    """A step of LlamaIndex; not each has a span.

    Args:
        told: What is told of it.
        kind: What it is, if it is shown.
        parent_id: The step that it is a part of.
        around: The context in which it began.
        span: Its span, if it has one.
        call: The call of a model, of an embedding.
    """

    __slots__ = ("calls", "kind", "told")

    def __init__(
        self,
        told: Told,
        parent_id: Hashable | None,
        around: Context,
        *,
        kind: steps.Kind | None = None,
        span: Span | None = None,
        call: Call | None = None,
    ) -> None:
        super().__init__(parent_id, around, span=span, call=call)
        self.told = told
        self.kind = kind
        self.calls: list[Run] = []

    def enter(self) -> Token[Context] | None:
        """Make it the current step here; what it does may go on in other threads, inside of its call."""
        token = super().enter()
        if self.call is not None and token is not None:
            self.around = otel_context.get_current()
            otel_context.attach(self.inside())
        return token

    def end(self, error: BaseException | None = None) -> None:
        """End it, and before it the calls of models of which nobody told how they ended."""
        while self.calls:
            self.calls.pop().end(error)
        super().end(error)


class _Waiting:
    """Ends steps with what they wait for."""

    def __init__(self, around: list[Step]) -> None:
        self.around = around
        self._steps: list[Step] = []

    def wait(self, step: Step) -> None:
        """Let a step end with this."""
        self._steps.append(step)

    def _end_all(self, words: str | None, error: BaseException | None, *, is_left: bool) -> None:
        while self._steps:
            _end(self._steps.pop(0), words, error, is_left=is_left)


class ModelStream(_Waiting):
    """The answer of a model that comes in pieces.

    Args:
        call: The call of the model.
        model: LlamaIndex's model.
        around: The steps in which it was made, the innermost first.
    """

    def __init__(self, call: Call, model: Any, around: list[Step]) -> None:
        super().__init__(around)
        self._call = call
        self._model = model
        self._last: object = None
        self._reason: str | None = None
        self.release: Callable[[], None] = _nothing
        """Gives up what finds the call while its generator runs."""

    def got(self, response: object) -> None:
        """Take a piece; each holds all that has come."""
        self._call.got_chunk()
        self._last = response
        self._reason = models.finish_reason_of(response) or self._reason

    def end(self, error: BaseException | None = None, *, is_left: bool = False) -> None:
        """End the span, and those of the steps that waited."""
        self.release()
        is_whole = error is None and (not is_left or self._reason is not None)
        answer: Reply | None = None
        with safely("record a streamed answer of LlamaIndex"):
            answer = models.reply(self._last, model=self._model, is_whole=is_whole, finish_reason=self._reason)
        outcome = CLOSED_EARLY if not is_whole and not isinstance(error, Exception) else None
        self._call.end(answer, error=error, outcome=outcome)
        words = text(field(field(self._last, "message"), "content")) or text(field(self._last, "text"))
        self._end_all(words, error, is_left=outcome is not None)


class AnswerStream(_Waiting):
    """What a step gives in pieces: passes them on, and ends the step with the last one.

    Args:
        step: Not the current one, while the program has a piece.
        around: The steps that it is a part of, the innermost first.
        ended: Called when it has ended.
    """

    def __init__(self, step: Step, around: list[Step], ended: Callable[[], None]) -> None:
        super().__init__(around)
        self._step = step
        self._ended = ended
        self._words: list[str] = []
        self._is_over = False

    def passing(self, stream: Iterator[Any]) -> Generator[Any]:
        """Return a generator of the same pieces."""
        with self._until_its_end():
            while True:
                token = self._step.enter()
                try:
                    piece = next(stream)
                except StopIteration:
                    return
                finally:
                    detach(token)
                self._got(piece)
                yield piece

    async def apassing(self, stream: AsyncIterator[Any]) -> AsyncGenerator[Any]:
        """Return a generator of the same pieces."""
        with self._until_its_end():
            while True:
                token = self._step.enter()
                try:
                    piece = await anext(stream)
                except StopAsyncIteration:
                    return
                finally:
                    detach(token)
                self._got(piece)
                yield piece

    @contextmanager
    def _until_its_end(self) -> Generator[None]:
        error: BaseException | None = None
        try:
            yield
        except BaseException as failure:
            error = failure
            raise
        finally:
            self.end(error)

    def end(self, error: BaseException | None = None, *, is_left: bool = False) -> None:
        """End the step, and those that waited; only the first end counts."""
        if self._is_over:
            return
        self._is_over = True
        with safely("end a step of LlamaIndex"):
            self._ended()
            is_left = is_left or isinstance(error, GeneratorExit)
            words = "".join(self._words) or None
            _end(self._step, words, error, is_left=is_left)
            self._end_all(words, error, is_left=is_left)

    def _got(self, piece: object) -> None:
        words = text(piece)
        if words is not None:
            self._words.append(words)


def _end(step: Step, words: str | None, error: BaseException | None, *, is_left: bool) -> None:
    if step.span is not None:
        if words:
            set_content(step.span, semconv.OUTPUT_VALUE, semconv.OUTPUT_MIME_TYPE, words)
        if is_left:
            step.span.set_attribute(semconv.STREAM_OUTCOME, CLOSED_EARLY)
    step.end(error)


def _nothing() -> None:
    """Nothing is to be done."""
