"""What reading an OTLP request costs, a span, beside protobuf's parser alone.

    python benchmarks/decode.py [--rounds 9]

Spans have 12 attributes and about 600 bytes; ids, tokens and messages differ in each, and 20 requests of 512 spans
take turns, so that nothing is found in memory that a server would not find there too. Times are the best of the
rounds, in µs of the processor a span. The source of a record is its own OTLP/JSON, and the whole source the request
that it makes with its resource and scope.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from tracelm.otlp.dialects import canonical
from tracelm.otlp.request import decode_trace_request

_SPANS = 512
_REQUESTS = 20
_START_NS = 1_790_000_000_000_000_000


def request(number: int) -> ExportTraceServiceRequest:
    """Return one request of calls of a model."""
    chance = random.Random(number)
    resource = Resource(attributes=[_pair("service.name", "shop"), _pair("telemetry.sdk.language", "python")])
    spans = [_span(chance) for _ in range(_SPANS)]
    scope = InstrumentationScope(name="opentelemetry.instrumentation.openai", version="1.3b0")
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=spans)])]
    )


def _span(chance: random.Random) -> Span:
    asked = chance.randrange(10**9)
    attributes: dict[str, object] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": f"chatcmpl-{chance.getrandbits(96):024x}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": chance.randrange(20_000),
        "gen_ai.usage.output_tokens": chance.randrange(2_000),
        "gen_ai.input.messages": f'[{{"role":"user","parts":[{{"type":"text","content":"What is {asked}?"}}]}}]',
        "server.address": "api.openai.com",
        "session.id": f"s-{chance.randrange(1_000)}",
    }
    start = _START_NS + chance.randrange(10**12)
    return Span(
        trace_id=chance.randbytes(16),
        span_id=chance.randbytes(8),
        parent_span_id=chance.randbytes(8),
        name="chat gpt-4o",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=start,
        end_time_unix_nano=start + chance.randrange(10**10),
        attributes=[_pair(key, value) for key, value in attributes.items()],
        status=Status(),
    )


def _pair(key: str, value: object) -> KeyValue:
    match value:
        case str():
            held = AnyValue(string_value=value)
        case int():
            held = AnyValue(int_value=value)
        case float():
            held = AnyValue(double_value=value)
        case _:
            held = AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="stop")]))
    return KeyValue(key=key, value=held)


def best_us(work: Callable[[bytes], object], bodies: Sequence[bytes], rounds: int) -> float:
    """Time `work` on all bodies."""
    times: list[float] = []
    for _ in range(rounds):
        start = time.process_time()
        for body in bodies:
            work(body)
        times.append(time.process_time() - start)
    return min(times) / (len(bodies) * _SPANS) * 1e6


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    bodies = [request(number).SerializeToString() for number in range(_REQUESTS)]
    as_json = [
        b'{"resourceSpans":[%b]}'
        % b",".join(
            span.source.removeprefix(b'{"resourceSpans":[').removesuffix(b"]}")
            for span in decode_trace_request(body, encoding="protobuf").records
        )
        for body in bodies
    ]

    def whole_sources(body: bytes) -> None:
        for span in decode_trace_request(body, encoding="protobuf").records:
            _ = span.source

    def columns(body: bytes) -> None:
        for span in decode_trace_request(body, encoding="protobuf").records:
            canonical(span)

    print(f"{'bytes a span, protobuf':<44}{sum(map(len, bodies)) / _REQUESTS / _SPANS:>12.0f}")
    print(f"{'protobuf parsed, nothing read':<44}{best_us(_parse, bodies, rounds):>12.1f}")
    print(f"{'protobuf parsed, attributes walked':<44}{best_us(_walk, bodies, rounds):>12.1f}")
    print(f"{'protobuf to records with own source':<44}{best_us(_from_protobuf, bodies, rounds):>12.1f}")
    print(f"{'… and the whole source of each':<44}{best_us(whole_sources, bodies, rounds):>12.1f}")
    print(f"{'… and the attributes for the columns':<44}{best_us(columns, bodies, rounds):>12.1f}")
    print(f"{'JSON to records, a resource for each span':<44}{best_us(_from_json, as_json, rounds):>12.1f}")


def _parse(body: bytes) -> None:
    ExportTraceServiceRequest.FromString(body)


def _walk(body: bytes) -> None:
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "") for pair in span.attributes}


def _from_protobuf(body: bytes) -> None:
    decode_trace_request(body, encoding="protobuf")


def _from_json(body: bytes) -> None:
    decode_trace_request(body, encoding="json")


if __name__ == "__main__":
    main()
