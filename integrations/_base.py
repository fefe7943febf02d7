"""One call of a model as one span: what every integration needs, whatever client library it is for.

An integration describes the request, lets the client do its work with the span in the context, and hands over
the reply. It never touches what the caller gets: nothing here raises, and nothing is put in between.
"""

from collections.abc import Callable, Mapping
from contextvars import Token

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations import _nesting
from tracelm.integrations._call import Call, known_better, together
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._metrics import CallMeter, find_meter
from tracelm.integrations._model_call import ModelCall
from tracelm.integrations._nesting import Outer
from tracelm.integrations._running import running
from tracelm.trace import runtime
from tracelm.trace.context import AS_IT_IS, is_suppressed
from tracelm.trace.safely import report, safely


class LeftOut(Call):
    """A call that sampling leaves out: what happens below it is left out, too."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context

    def enter(self) -> Token[Context]:
        """Make the context current in which nothing is recorded."""
        return otel_context.attach(self._context)


class MeasuredCall(Call):
    """A call that sampling leaves out, while the program measures its calls."""

    def __init__(self, context: Context | None, request: Request, meter: CallMeter) -> None:
        super().__init__(meter)
        self._context = context
        self._request = request

    def enter(self) -> Token[Context] | None:
        """Make the context current in which nothing is recorded, if it is not."""
        return None if self._context is None else otel_context.attach(self._context)

    def redescribe(self, request: Request) -> None:
        """Take another description of the request."""
        self._request = request

    def _finish(self, reply: Reply | None, error: BaseException | None, outcome: str | None) -> None:
        self._measure(self._request.known(), reply, error)


class InnerCall(Call):
    """A call that one further out records: what is learned goes there."""

    around: Call | None = None
    """The call further out where that is not the current one: its generator asks."""
    _learned: Reply | None = None

    def __init__(self, outer: Outer, request: Request) -> None:
        super().__init__()
        self._outer = outer
        self._request = request
        self.captures_content = outer.wants_part
        # At once: of a stream that is left, the one further out may hear before the one further in.
        with safely("tell the call further out where this one goes"):
            outer.learn(request.known(), None)

    def enter(self) -> Token[Context]:
        """Make it the call to which those further in belong: what each of them took is counted once."""
        token = None if self.around is None else self.around.enter()
        own = otel_context.attach(_nesting.inside(otel_context.get_current(), self._request.kind, self))
        return own if token is None else token  # giving the first one back undoes both

    def learn(self, attributes: Mapping[str, AttributeValue], reply: Reply | None) -> None:
        """Take what a call further in knows."""
        self._outer.learn(attributes, None)
        self._learned = together(self._learned, reply)

    @property
    def wants_part(self) -> bool:
        """Whether a call further in shall keep content, too."""
        return self.captures_content

    def redescribe(self, request: Request) -> None:
        """Take another description of the request."""
        self._request = request
        with safely("tell the call further out where this one goes"):
            self._outer.learn(request.known(), None)

    def streams(self) -> None:
        """Note that the answer has begun, and is read piece by piece from now on."""
        self._outer.reads(self)

    def _finish(self, reply: Reply | None, error: BaseException | None, outcome: str | None) -> None:
        self._outer.has_read(self)
        with safely("tell the call further out what is known"):
            known = self._request.known() | self._passed(self._request)
            if outcome is not None:
                known[semconv.STREAM_OUTCOME] = outcome
            learned = self._learned
            if reply is None:
                self._outer.learn(known, learned)
            else:
                reply = reply if learned is None else known_better(reply, learned)
                self._outer.learn(known | reply.known(), reply)


def begin(
    describe: Callable[[], Request], *, kind: str = "chat", later: bool = False, asks_itself: bool = False
) -> Call | None:
    """Start recording a call.

    Args:
        describe: Makes the description. Only called where it is needed: not for a call that sampling leaves out.
        kind: The operation, or what stands for it.
        later: Whether the caller will say when there is time for the description, by `Call.describe`; at the latest it
            is made when the call ends.
        asks_itself: As `Call.asks_itself`.

    Returns:
        The call, or `None` when it must pass untouched: nothing is initialised, instrumentation is suppressed
        here, the trace is left out already, or describing it failed.
    """
    around = running()
    if around is None:
        call = _begin(describe, kind, later=later)
    else:
        with around.current():
            call = _begin(describe, kind, later=later)
        if isinstance(call, InnerCall):
            call.around = around
    if asks_itself and call is not None:
        call.asks_itself = True
    return call


def _begin(describe: Callable[[], Request], kind: str, *, later: bool) -> Call | None:
    active = runtime.active
    if active is None:
        return None
    meter = find_meter(active.settings.metric_names)
    left_out = active.tracer.leaves_out(None)
    if left_out is AS_IT_IS and (meter is None or is_suppressed()):
        return None
    outer = None
    around = otel_context.get_current()
    if around:
        if around.get(_nesting.SUPPRESSED_BY_TRACELOOP):
            return None
        outer = _nesting.enclosing(around, kind)
    try:
        if outer is not None:
            return InnerCall(outer, describe())
        if left_out is None:
            return ModelCall(active, describe, meter, kind=kind, later=later)
        if meter is None:
            return LeftOut(left_out)
        return MeasuredCall(None if left_out is AS_IT_IS else left_out, describe(), meter)
    except Exception as error:
        report("record the request to a model", error)
        return None
