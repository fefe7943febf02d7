"""OpenInference's instrumentation of OpenAI's client."""

import openai
from calls import calls
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from otel import provider

tracing = provider()
OpenAIInstrumentor().instrument(tracer_provider=tracing)
with using_attributes(
    session_id="s-1", user_id="u-1", metadata={"release": "r-1", "plan": "pro"}, tags=["first", "second"]
):
    calls(openai.OpenAI())
tracing.shutdown()
