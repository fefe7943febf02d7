"""`ModelCall`: the span of one call of a model, whose request may be read after it has begun."""

import time
from collections.abc import Callable, Mapping
from contextvars import Token
from dataclasses import replace
from typing import Final

import orjson
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations import _nesting
from tracelm.integrations._alike import answered_alike, asked_alike
from tracelm.integrations._call import Call, error_type, is_same, known_better, together
from tracelm.integrations._details import emit_details, emit_exception
from tracelm.integrations._estimates import estimated, prepare
from tracelm.integrations._exchange import Failure, Reply, Request
from tracelm.integrations._metrics import INFERENCE, CallMeter
from tracelm.otlp.encode import NO_PHRASE, CleanText, Phrase
from tracelm.pricing.call import PricedCall
from tracelm.pricing.cost import Cost, amounts
from tracelm.pricing.rates import Price
from tracelm.trace.journal_span import JournalSpan
from tracelm.trace.quoting import hide
from tracelm.trace.runtime import Runtime
from tracelm.trace.safely import report, safely
from tracelm.trace.spans import end_safely, exception_event, record_failure
from tracelm.trace.values import type_name

_MESSAGES: Final = frozenset(
    {semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES, semconv.SYSTEM_INSTRUCTIONS, semconv.TOOL_DEFINITIONS}
)
_MIME_TYPES: Final = {
    semconv.INPUT_VALUE: semconv.INPUT_MIME_TYPE,
    semconv.OUTPUT_VALUE: semconv.OUTPUT_MIME_TYPE,
}


class ModelCall(Call):
    """The span of one call."""

    # As they are at first: most calls never change them.
    _content: Mapping[str, str] = {}
    _known: Mapping[str, AttributeValue] = {}
    _learned: Reply | None = None
    _answers = 0
    _written: object = None
    _counts_itself = False

    def __init__(
        self,
        active: Runtime,
        describe: Callable[[], Request],
        meter: CallMeter | None = None,
        *,
        kind: str,
        later: bool,
    ) -> None:
        self._runtime = active
        self._kind = kind
        # What is put off is read from the body as it went out.
        self._encode = active.encode_json if later else active.encode
        # Samplers and processors see what says what is asked of whom. Where there are none it can wait.
        self.is_put_off = later and active.tracer.is_alone
        # It may hold this call in turn: let go when it has been asked, or only the garbage collector could free both.
        self._describe = describe if self.is_put_off else None
        if self.is_put_off:
            self._span = active.tracer.start_span(kind, kind=SpanKind.CLIENT, drawn=True)
        else:
            request = describe()
            self._request = request
            self._kind = request.kind
            self._known = request.known()
            self._span = active.tracer.start_span(
                request.name, kind=SpanKind.CLIENT, attributes=self._known, drawn=True
            )
        wanted = active.settings.capture_content or active.settings.details_event == "content"
        self.captures_content: bool = wanted and self._span.is_recording()
        if not self.is_put_off:
            self._tell(self._request, NO_PHRASE)
        super().__init__(meter)

    def describe(self) -> None:
        """Read what is asked, where that was put off. Never raises."""
        describe = self._describe
        if describe is None:
            return
        self._describe, self.is_put_off = None, False
        try:
            self._request = request = describe()
        except Exception as error:
            report("record the request to a model", error)
            self._request = request = Request(
                operation=None, title=self._kind, provider="_OTHER", model=None, attributes={}
            )
        try:
            facts = asked_alike(request, self._runtime.lines)
            self._known = facts.attributes
            self._tell(request, facts)
        except Exception as error:
            report("record the request to a model", error)

    def _tell(self, request: Request, facts: Phrase) -> None:
        """Put on the span what is known of the request: its content is only made for a span that is kept."""
        content = self._encoded(request.said()) if self.captures_content else {}
        span = self._span
        if facts is NO_PHRASE:  # it has them since its start
            span.set_attributes(content)
        elif isinstance(span, JournalSpan):
            span.tell(request.name, facts, content)
        else:
            span.update_name(request.name)
            span.set_attributes({**facts.attributes, **content})
        # Whether the provider will not say how many tokens the reply took, and they shall be counted here.
        estimates = self._runtime.settings.stream_usage == "estimate" and self.captures_content
        self._counts_itself = estimates and not request.reports_usage
        if self._counts_itself:
            with safely("make the tokenizer ready"):
                prepare(request)

    def enter(self) -> Token[Context]:
        """Make the span current."""
        inside, self._written = _nesting.enter(otel_context.get_current(), self._kind, self, self._span)
        return otel_context.attach(inside)

    def learn(self, attributes: Mapping[str, AttributeValue], reply: Reply | None) -> None:
        """Take what a call further in knows; what is known already stays."""
        if self._is_over:
            return
        self.describe()
        provider = attributes.get(semconv.PROVIDER_NAME)
        if self._request.by_framework and isinstance(provider, str):
            self._request = replace(self._request, provider=provider, by_framework=False)
            self._known = {**self._known, semconv.PROVIDER_NAME: provider}
            self._span.set_attribute(semconv.PROVIDER_NAME, provider)
        if reply is not None:
            is_another = not is_same(self._learned, reply)
            self._learned = whole = together(self._learned, reply)
            if is_another:
                self._answers += 1
                if self._answers > 1 and whole is not None:
                    attributes = {**attributes, **whole.usage.attributes()}
        new = {key: value for key, value in attributes.items() if key not in self._known}
        self._span.set_attributes(new)

    def redescribe(self, request: Request) -> None:
        """Take another description of the request; who answers is known already where a call further in has told."""
        self.describe()
        if not self._request.by_framework:
            request = replace(request, provider=self._request.provider, by_framework=False)
        self._request = request
        self._known = {**self._known, **request.known()}
        self._span.update_name(request.name)
        self._span.set_attributes(self._known)

    @property
    def was_answered_once(self) -> bool:
        """Whether one call further in, and not several, has told what it was answered."""
        return self._answers == 1

    @property
    def wants_part(self) -> bool:
        """Whether a call further in shall keep content, too."""
        self.describe()
        return self.captures_content and self._request.part_is_lost

    def _finish(self, reply: Reply | None, error: BaseException | None, outcome: str | None) -> None:
        self.describe()
        span = self._span
        facts = NO_PHRASE
        numbers: dict[str, float] = {}
        texts: dict[str, AttributeValue] = {}
        try:
            if self._written is not None:
                texts.update(self._read_written())
            if self._learned is not None and reply is not None:
                reply = self._with_learned(reply, self._learned)
            if self._first_chunk_s is not None or self._sent > 1:
                numbers.update(self._passed(self._request))
            if outcome is not None:
                texts[semconv.STREAM_OUTCOME] = outcome
            is_whole = self._counts_itself and error is None and outcome is None
            facts = self._find(self._counted(reply) if is_whole else reply, numbers, texts)
            if isinstance(span, JournalSpan):
                span.tell_more(facts, numbers, texts)
            else:
                span.set_attributes({**texts, **facts.attributes, **numbers})
        except Exception as failure:
            report("record the reply of a model", failure)
        try:
            if error is not None:
                self._fail(error)
            elif reply is not None and reply.failure is not None:
                self._fail_with(reply.failure)
        except Exception as failure:
            report("record the failure of a model call", failure)
        if self._meter is not None:
            context = trace.set_span_in_context(span)
            self._measure(
                {**self._known, **texts, **facts.attributes, **numbers}, reply or self._learned, error, context
            )
        if self._runtime.settings.details_event != "off":
            self._emit_details({**texts, **facts.attributes, **numbers}, reply, error)
        end_safely(span)

    def _counted(self, reply: Reply | None) -> Reply | None:
        """Return a reply that came whole, with estimated tokens where it says nothing of its own."""
        return reply if reply is None or reply.usage.attributes() else estimated(self._request, reply)

    def _with_learned(self, reply: Reply, learned: Reply) -> Reply:
        """Return a reply with what others know of it: a client further in is told what it took."""
        if self._answers:
            return known_better(reply, learned)
        return replace(reply, usage=reply.usage.filled_up(learned.usage), model=reply.model or learned.model)

    def _read_written(self) -> dict[str, AttributeValue]:
        """Return what an instrumentation of OpenTelemetry wrote, but for what is known already."""
        written, learned = _nesting.read_written(self._written)
        self._learned = self._learned or learned
        return {key: value for key, value in written.items() if key not in self._known}

    def _find(self, reply: Reply | None, numbers: dict[str, float], texts: dict[str, AttributeValue]) -> Phrase:
        """Add how much of what a reply says it took, and its content; returns what other calls have in the same way."""
        if reply is not None:
            numbers.update(reply.usage.attributes())
            if reply.usage.not_counted:
                texts[semconv.USAGE_NOT_COUNTED] = reply.usage.not_counted
            if reply.id:
                texts[semconv.RESPONSE_ID] = reply.id
        said = self._learned if reply is None and self.wants_part else reply
        if said is not None and self.captures_content:
            texts.update(self._encoded(said.said()))
        origin: Price | Cost | None = None
        try:
            origin = self._price(reply, numbers)
        except Exception as error:
            report("price a model call", error)
        return answered_alike(reply, origin, self._runtime.lines)

    def _price(self, reply: Reply | None, numbers: dict[str, float]) -> Price | Cost | None:
        """Add what a call cost; returns what says where its price is from."""
        theirs = None if reply is None else reply.framework_usd
        reply = reply or self._learned
        if reply is None:
            return None
        request, usage = self._request, reply.usage
        start_ns = getattr(self._span, "_start_time", None) or time.time_ns()
        if theirs is None and usage.reported_usd is None:  # nobody else says what it cost: most calls
            price = self._runtime.prices.flat_price(
                request.provider, request.model, reply.model, reply.service_tier, start_ns
            )
            shares = None if price is None else price.rates.shares(usage)
            if shares is not None:
                numbers.update(amounts(shares))
                return price
        cost = self._runtime.prices.cost(
            PricedCall(
                provider=request.provider,
                request_model=request.model,
                response_model=reply.model,
                usage=usage,
                service_tier=reply.service_tier,
                start_ns=start_ns,
            )
        )
        if theirs is not None:
            cost = cost or Cost(told_usd=theirs)
            numbers[semconv.COST_FRAMEWORK] = float(theirs)
        if cost is not None:
            numbers.update(cost.amounts())
        return cost

    def _emit_details(
        self, found: Mapping[str, AttributeValue], reply: Reply | None, error: BaseException | None
    ) -> None:
        if self._request.operation not in INFERENCE or not self._span.is_recording():
            return
        with safely("write the details of a model call"):
            kind = error_type(error, reply)
            facts = {key: value for key, value in {**self._known, **found}.items() if key not in self._content}
            if kind is not None:
                facts[semconv.ERROR_TYPE] = kind
            emit_details(facts, self._content, on=self._span.get_span_context())

    def _encoded(self, said: Mapping[str, Callable[[], object]]) -> dict[str, AttributeValue]:
        """Encode content, and keep it for the event if that was asked for; returns what of it the span shall hold."""
        found: dict[str, AttributeValue] = {}
        for key, make in said.items():
            if make is tuple:
                continue
            try:
                content = make()
                if content:
                    found[key] = encoded = self._encode(content)
                    if key not in _MESSAGES:
                        _add_beside(found, key, content, encoded)
            except Exception as error:  # one that cannot be read does not cost the others
                report("record the content of a model call", error)
        settings = self._runtime.settings
        if settings.details_event != "off":
            self._content = {**self._content, **{key: str(text) for key, text in found.items()}}
        return found if settings.capture_content else {}

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, GeneratorExit):
            return
        if not isinstance(error, Exception):
            self._span.set_attribute(semconv.ERROR_TYPE, type_name(error))
            return
        record_failure(self._span, error)
        settings = self._runtime.settings
        if settings.details_event != "off" and self._span.is_recording():
            in_full = settings.capture_content or settings.details_event == "content"
            emit_exception(exception_event(error, in_full=in_full), on=self._span.get_span_context())
        self._span.set_attribute(semconv.ERROR_TYPE, error_type(error, None) or type_name(error))

    def _fail_with(self, failure: Failure) -> None:
        content = self._runtime.settings.capture_content
        said = self._runtime.redactor.string(hide(failure.message, self.secret)[:1_000]) if content else ""
        self._span.set_attribute(semconv.ERROR_TYPE, failure.kind)
        self._span.set_status(Status(StatusCode.ERROR, f"{failure.kind}: {said}" if said else failure.kind))


def _add_beside(found: dict[str, AttributeValue], key: str, content: object, encoded: CleanText) -> None:
    """Add what belongs to content that is no list of messages."""
    if key in _MIME_TYPES:
        found[_MIME_TYPES[key]] = semconv.MIME_JSON
    elif key.startswith(semconv.PROMPT_VARIABLE) and isinstance(content, str):
        # It is a text by itself; encoding it has redacted and bounded it.
        found[key] = str(orjson.loads(encoded.encode()))
