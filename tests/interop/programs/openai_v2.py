"""OpenTelemetry's instrumentation of OpenAI's client before 1.37: messages are log records beside the span."""

import openai
from calls import calls
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk._events import EventLoggerProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from otel import provider

tracing = provider()
logging = LoggerProvider(resource=Resource({"service.name": "shop"}))
logging.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
OpenAIInstrumentor().instrument(tracer_provider=tracing, event_logger_provider=EventLoggerProvider(logging))
calls(openai.OpenAI())
tracing.shutdown()
logging.shutdown()
