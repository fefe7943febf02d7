"""Traceloop's SDK: a workflow and a task around the calls, with association properties."""

import os

import openai
from calls import calls
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import task, workflow

Traceloop.init(
    app_name="shop",
    api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    disable_batch=False,
    telemetry_enabled=False,
)


@task(name="ask")
def ask(question):
    """Do the calls inside of a task."""
    calls(openai.OpenAI())
    return "done: " + question


@workflow(name="answer")
def answer(question):
    """Do the task inside of a workflow."""
    Traceloop.set_association_properties({"session_id": "s-1", "user_id": "u-1", "plan": "pro"})
    return ask(question)


answer("What is 2 + 2?")
from opentelemetry import trace  # noqa: E402

trace.get_tracer_provider().shutdown()
