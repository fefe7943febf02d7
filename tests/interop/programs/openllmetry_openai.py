"""OpenLLMetry's (Traceloop's) instrumentation of OpenAI's client."""

import openai
from calls import calls
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from otel import provider

tracing = provider()
OpenAIInstrumentor().instrument(tracer_provider=tracing)
calls(openai.OpenAI())
tracing.shutdown()
