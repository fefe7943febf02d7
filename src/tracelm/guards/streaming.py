"""Streams behind guardrails: they are read as without, and what comes out has passed.

What is sent, thrown in or closed reaches the stream inside. A stream that fails first gives what it had held back, then
its error; one that is left early gives nothing more.
"""

import inspect
import io
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from typing import TYPE_CHECKING, Any, Final, cast

from tracelm.guards.chunks import Chunks
from tracelm.guards.decision import Decision
from tracelm.guards.events import Events
from tracelm.guards.opaque import is_stream
from tracelm.guards.pieces import Pieces, Texts, UnseenError, Work
from tracelm.guards.rails import Verdict
from tracelm.guards.tally import Stopped, Tally
from tracelm.scoring.call import ScoreContext
from tracelm.trace.spans import current_span
from tracelm.trace.streams import first_step

if TYPE_CHECKING:
    from tracelm.guards.gate import Gate

_NO_STREAMS: Final = frozenset({type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset})


def guarded_result(
    output: Any, gate: "Gate", args: Sequence[Any], kwargs: Mapping[str, Any], inputs: Mapping[str, Any]
) -> Any:
    """Return what stands for a stream that a function returned; `None` where the output is none.

    A stream of OpenAI's client and a streaming response stay the objects that they are, and read from a guarded
    stream inside. Another iterator is replaced by a generator.
    """
    if type(output) in _NO_STREAMS or not (is_stream(output) or hasattr(output, "body_iterator")):
        return None
    made = Streamed(gate, args, kwargs, inputs)
    for name in ("_iterator", "body_iterator"):
        inner = getattr(output, "__dict__", {}).get(name)
        if isinstance(inner, AsyncIterable):
            setattr(output, name, drive_later(made, cast("AsyncIterable[Any]", inner), owner=output))
            return output
        if isinstance(inner, Iterator):
            setattr(output, name, drive(made, cast("Iterator[Any]", inner), owner=output))
            return output
    if isinstance(output, AsyncIterable):
        return drive_later(made, cast("AsyncIterable[Any]", output))
    if isinstance(output, Iterator) and not isinstance(output, io.IOBase):
        return drive(made, cast("Iterator[Any]", output))
    return None


class Streamed:
    """The guardrails over one stream of one call: what they share with no other request.

    Args:
        gate: The guardrails.
        args: What the function was called with.
        kwargs: What the function was called with, by name.
        inputs: The same by name, for scorers.
    """

    def __init__(self, gate: "Gate", args: Sequence[Any], kwargs: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        self._gate = gate
        self._args, self._kwargs, self._inputs = args, kwargs, inputs
        self._tallies = [Tally(each, gate.after.about) for each in gate.after.checks]
        self._base = {**inputs, "inputs": inputs}
        self._with_context = any(each.wants_context for each in gate.after.checks)
        self._pieces: Pieces | None = None
        self._is_unseen = False
        self._ids: tuple[str, str] | None = None
        self._span: Any = None
        self._has_begun = False
        gate.tell_held()

    @property
    def is_over(self) -> bool:
        """Whether the last word was said."""
        return self._pieces is not None and self._pieces.is_over

    def begin(self) -> None:
        """Note the span that the stream belongs to."""
        span = current_span()
        self._has_begun = True
        if span.context.is_valid:
            self._span, self._ids = span.context, (span.trace_id, span.span_id)

    def feed(self, item: Any) -> Work:
        """Take an item, and return what may go on."""
        if self._is_unseen:
            return [item]
        try:
            if self._pieces is None:
                self._pieces = _pieces_of(item, self._tallies)
            return (yield from self._pieces.feed(item))
        except UnseenError as error:
            return [*(yield from self._unseen(error)), item]

    def finish(self) -> Work:
        """Return what was held back."""
        if self._is_unseen or self._pieces is None or self._pieces.is_over:
            return []
        return (yield from self._pieces.finish())

    def end(self) -> None:
        """Record what was decided."""
        if self._has_begun:
            self._has_begun = False
            for each in self._tallies:
                each.record(self._span)

    def answer_now(self, work: Work) -> list[Any]:
        """Do the work, from sync code."""
        try:
            request = next(work)
            while True:
                if isinstance(request, Decision):
                    instead = self._fallback(request)
                    verdict = self._gate.after.run_now(instead, self._inputs, may_fall_back=False)
                    request = work.send(_text_of(request, verdict))
                    continue
                tally, text = request
                request = work.send(tally.check.ask_now(self._values(text)))
        except StopIteration as done:
            return cast("list[Any]", done.value)

    async def answer(self, work: Work) -> list[Any]:
        """Do the work, without holding up the event loop."""
        try:
            request = next(work)
            while True:
                if isinstance(request, Decision):
                    instead = self._fallback(request)
                    if inspect.isawaitable(instead):
                        instead = await instead
                    verdict = await self._gate.after.run(instead, self._inputs, may_fall_back=False)
                    request = work.send(_text_of(request, verdict))
                    continue
                tally, text = request
                request = work.send(await tally.check.ask(self._values(text)))
        except StopIteration as done:
            return cast("list[Any]", done.value)

    def returned(self, value: Any) -> Any:
        """Let what a generator returns at its end pass the guardrails, too."""
        return value if value is None else self._gate.release(value, self._args, self._kwargs, self._inputs)

    def _values(self, text: str) -> Mapping[str, object]:
        values = {**self._base, "output": text}
        if self._with_context:
            trace_id, span_id = self._ids or (None, None)
            values["context"] = ScoreContext(row=self._inputs, output=text, trace_id=trace_id, span_id=span_id)
        return values

    def _fallback(self, decision: Decision) -> Any:
        function = decision.guardrail.fallback
        return None if function is None else function(*self._args, **self._kwargs)

    def _unseen(self, error: UnseenError) -> Work:
        """Let the guardrails fail: each says whether the stream may go on without it."""
        held = (yield from self._pieces.finish()) if self._pieces is not None else []
        self._is_unseen = True
        for each in self._tallies:
            try:
                each.fail(error)
            except Stopped as stopped:
                if stopped.decision.error is None:
                    raise error from None
                raise stopped.decision.error from error
        return held


def drive(made: Streamed, inner: Iterator[Any], *, owner: Any = None) -> Generator[Any, Any, Any]:
    """Read a stream through its guardrails."""
    sent: Any = None
    thrown: BaseException | None = None
    stream: Any = inner
    is_generator = isinstance(inner, Generator)
    made.begin()
    is_read = False
    try:
        while True:
            raised = thrown
            try:
                if raised is not None:
                    thrown = None
                    item = stream.throw(raised) if is_generator else _raise(raised)
                elif is_generator and sent is not None:
                    item, sent = stream.send(sent), None
                else:
                    item = next(stream)
            except StopIteration as stop:
                is_read = True
                for out in made.answer_now(made.finish()):
                    yield out
                return made.returned(stop.value)
            except Exception:
                is_read = True
                if raised is None:
                    for out in made.answer_now(made.finish()):
                        yield out
                raise
            for out in made.answer_now(made.feed(item)):
                try:
                    sent = yield out
                except GeneratorExit:
                    raise
                except BaseException as error:
                    thrown = error
            if made.is_over:
                return None
    finally:
        raised = thrown = None
        made.end()
        if not is_read:
            _close(stream, owner)


async def drive_later(made: Streamed, inner: AsyncIterable[Any], *, owner: Any = None) -> AsyncGenerator[Any, Any]:
    """Read an async stream through its guardrails."""
    stream: Any = inner
    is_generator = isinstance(inner, AsyncGenerator)
    if not is_generator:
        stream = aiter(inner)
    sent: Any = None
    thrown: BaseException | None = None
    is_first = True
    made.begin()
    is_read = False
    try:
        while True:
            raised = thrown
            try:
                if raised is not None:
                    thrown = None
                    item = await stream.athrow(raised) if is_generator else _raise(raised)
                elif is_generator and is_first:
                    item = await first_step(stream)
                elif is_generator and sent is not None:
                    item, sent = await stream.asend(sent), None
                else:
                    item = await anext(stream)
                is_first = False
            except StopAsyncIteration:
                is_read = True
                for out in await made.answer(made.finish()):
                    yield out
                return
            except Exception:
                is_read = True
                if raised is None:
                    for out in await made.answer(made.finish()):
                        yield out
                raise
            for out in await made.answer(made.feed(item)):
                try:
                    sent = yield out
                except GeneratorExit:
                    raise
                except BaseException as error:
                    thrown = error
            if made.is_over:
                return
    finally:
        raised = thrown = None
        made.end()
        if not is_read:
            await _close_later(stream, owner)


def _pieces_of(item: Any, tallies: Sequence[Tally]) -> Pieces:
    """Return what takes a stream apart that begins with `item`.

    Raises:
        UnseenError: It is of no known kind.
    """
    if isinstance(item, str | bytes):
        return Texts(tallies, is_bytes=isinstance(item, bytes))
    if isinstance(getattr(item, "choices", None), list):
        return Chunks(tallies)
    if str(getattr(item, "type", "")).startswith("response."):
        return Events(tallies)
    raise UnseenError(f"the stream yields a {type(item).__name__}, into which no scorer can look: yield text")


def _text_of(decision: Decision, verdict: Verdict) -> str:
    """Return what is left of what a fallback gave."""
    if verdict.stop is not None and verdict.stop.error is not None:
        raise verdict.stop.error
    if not isinstance(verdict.value, str):
        raise TypeError(
            f"the fallback of guardrail {decision.guardrail.name!r} gave a {type(verdict.value).__name__}: "
            "on a stream it must return text"
        )
    return verdict.value


def _raise(error: BaseException) -> Any:
    raise error


def _close(inner: Any, owner: Any) -> None:
    for each in (inner, owner):
        close: Callable[[], object] | None = getattr(each, "close", None)
        if close is not None:
            close()


async def _close_later(inner: Any, owner: Any) -> None:
    for each in (inner, owner):
        close: Callable[[], object] | None = getattr(each, "aclose", None) or getattr(each, "close", None)
        if close is not None:
            closed = close()
            if inspect.isawaitable(closed):
                await closed
