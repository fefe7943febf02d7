"""What is told of a span at once, because other spans have it in the same way, is in its line like everything else."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import trace

import tracelm
from tracelm.otlp.encode import Phrase
from tracelm.testing import Spans
from tracelm.trace import runtime


def alike(facts: Mapping[str, Any]) -> Phrase:
    """Return attributes as other spans have them in the same way."""
    assert runtime.active is not None
    return runtime.active.lines.phrase(("test", *facts), lambda: facts)


def test_what_is_told_of_a_span_later_stands_below_what_it_carries_and_can_be_set_anew(spans: Spans) -> None:
    ways: list[Callable[[trace.Span], None]] = [
        lambda span: span.set_attribute("told", "anew"),
        lambda span: span.set_attributes({"told": "anew"}),
    ]
    for set_anew in ways:
        with tracelm.attributes({"carried": "by the block"}), tracelm.span("step") as step:
            span: Any = step.otel
            facts = {"carried": "told", "told": "once", "kept": 1}
            span.tell("about", alike(facts), {"api_key": "sk-" + "a" * 24})
            set_anew(span)
    for found in spans.all():
        assert found.name == "about"
        assert found.attributes == {"carried": "by the block", "told": "anew", "kept": 1, "api_key": "[redacted]"}


def test_what_a_span_had_stays_when_it_is_told_what_it_is_about(spans: Spans) -> None:
    with tracelm.span("step", attributes={"mine": 1}) as step:
        span: Any = step.otel
        span.tell("about", alike({"model": "m"}), {"said": "hello"})
        span.tell_more(alike({"answered": "m-2026"}), {"tokens": 7}, {"id": "i"})
    found = spans.one()
    said = {"mine": 1, "model": "m", "said": "hello", "answered": "m-2026", "tokens": 7, "id": "i"}
    assert (found.name, found.attributes) == ("about", said)


def test_what_a_span_shares_with_others_beats_what_is_its_own_and_what_it_had(spans: Spans) -> None:
    with tracelm.span("step", attributes={"had": 1, "kept": "as it is"}) as step:
        span: Any = step.otel
        span.tell_more(alike({"model": "m", "had": 2}), {"tokens": 7}, {"model": "another", "tokens": 8, "id": "i"})
    found = spans.one()
    assert found.attributes == {"had": 2, "kept": "as it is", "model": "m", "tokens": 7, "id": "i"}


def test_what_a_span_shares_with_others_is_in_its_line_whatever_kind_it_is(spans: Spans) -> None:
    secret = "sk-" + "a" * 24
    for facts, numbers in (({"stops": ["a", "b"]}, {"share": math.inf}), ({"said": secret}, {"n": 2**70})):
        with tracelm.span("step") as step:
            span: Any = step.otel
            span.tell_more(alike(facts), numbers, {"id": "i"})
    first, second = spans.all()
    assert first.attributes == {"stops": ["a", "b"], "share": math.inf, "id": "i"}
    assert second.attributes == {"said": "[redacted]", "n": str(2**70), "id": "i"}
