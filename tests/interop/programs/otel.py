"""The plain way: OpenTelemetry's SDK with its exporter for OTLP/HTTP."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def provider(**resource):
    """Return a provider that exports to `OTEL_EXPORTER_OTLP_ENDPOINT` when it is shut down."""
    found = TracerProvider(resource=Resource({"service.name": "shop", **resource}))
    found.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(found)
    return found
