"""What the recorded calls said, and which of it each sender tells: of the bodies kept here, and of live senders."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tracelm import semconv
from tracelm.otlp.dialects import canonical
from tracelm.otlp.records import SpanRecord
from tracelm.otlp.request import decode_trace_request
from tracelm.store.rows import span_row

FOLDER: Final = Path(__file__).parent


def text(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def call(call_id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


_QUOTE: Final = (
    "The world as we have created it is a process of our thinking. It cannot be changed without changing our thinking."
)
CALLS: Final[tuple[dict[str, Any], ...]] = (
    {
        "request_model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini-2024-07-18",
        "tokens": (9, 10, 1, 3),
        "asked": [text("user", "Hello!")],
        "answered": [text("assistant", "Hello! How can I assist you today?")],
    },
    {
        "request_model": "gpt-4.1-nano",
        "response_model": "gpt-4.1-nano-2025-04-14",
        "tokens": (235, 24, 0, 0),
        "asked": [
            text(
                "system",
                "You are Website Scraper. You extract text from websites\n"
                "Your personal goal is: Scrape content from URL",
            ),
            text(
                "user",
                "\nCurrent Task: Call the scrape_website tool to fetch text from http://quotes.toscrape.com/ and "
                "return the result.\n\nThis is the expected criteria for your final answer: Text content from the "
                "website.\nyou MUST return the actual complete content as the final answer, not a summary.",
            ),
            {
                "role": "assistant",
                "parts": [
                    call("call_AvYgD7l9kkwlBu6iZfbQjE3c", "scrape_website", {"url": "http://quotes.toscrape.com/"})
                ],
            },
            {
                "role": "tool",
                "parts": [
                    {
                        "type": "tool_call_response",
                        "id": "call_AvYgD7l9kkwlBu6iZfbQjE3c",
                        "response": f'"{_QUOTE}" by Albert Einstein',
                    }
                ],
            },
            text(
                "user",
                "Analyze the tool result. If requirements are met, provide the Final Answer. Otherwise, call the next "
                "tool. Deliver only the answer without meta-commentary.",
            ),
        ],
        "answered": [text("assistant", _QUOTE)],
    },
    {
        "request_model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini-2024-07-18",
        "tokens": (94, 48, 0, 0),
        "asked": [text("user", "What's the weather in New York and the time in Tokyo?")],
        "answered": [
            {
                "role": "assistant",
                "parts": [
                    call("call_j5tVm49DMTNXXysEksJdhjKs", "get_weather", {"location": "New York"}),
                    call("call_ephlZKQtkHBz0WsQikcwXEoa", "get_time", {"timezone": "Asia/Tokyo"}),
                ],
            }
        ],
    },
    {
        "request_model": "gpt-3.5-turbo",
        "response_model": "gpt-3.5-turbo-0125",
        "tokens": (18, 15, 0, 0),
        "asked": [text("user", "Tell me a funny joke, a one-liner.")],
        "answered": [text("assistant", "Why couldn't the bicycle stand up by itself? It was two tired.")],
    },
)
"""The four scenarios, in their order; tokens are input, output, cached input, reasoning."""

WITH_SESSION: Final = frozenset({"openinference", "langfuse", "vercel"})
"""Senders that were told a session, a user and tags."""

DIALECT_OF: Final = {
    "genai": None,
    "js": "opentelemetry-1.36",
    "langfuse": "langfuse",
    "logfire": "logfire",
    "openinference": "openinference",
    "openllmetry": "openllmetry",
    "traceloop": "openllmetry",
    "vercel": "vercel",
}


def kept(sender: str) -> tuple[SpanRecord, ...]:
    """Return the spans of the body that is kept of a sender."""
    (path,) = FOLDER.glob(f"{sender}.*")
    return read(path.read_bytes(), "json" if path.suffix == ".json" else "protobuf")


def read(body: bytes, encoding: Any) -> tuple[SpanRecord, ...]:
    found = decode_trace_request(body, encoding=encoding)
    assert found.errors == ()
    return found.records


def calls_of_a_model(spans: Sequence[SpanRecord]) -> list[SpanRecord]:
    """Return the calls that were answered, oldest first; Logfire tells the end of a stream by a second span."""
    told = [span for span in spans if canonical(span).get(semconv.OPERATION_NAME) == "chat"]
    return sorted((span for span in told if semconv.OUTPUT_MESSAGES in canonical(span)), key=lambda span: span.start_ns)


def told(span: SpanRecord) -> dict[str, Any]:
    """Return what a span tells, as the store and the views see it."""
    row, shown = span_row(span, "shop"), canonical(span)
    return {
        "provider": row["provider"],
        "request_model": shown.get(semconv.REQUEST_MODEL),
        "response_model": shown.get(semconv.RESPONSE_MODEL),
        # Some leave zeros out.
        "tokens": (
            row["input_tokens"],
            row["output_tokens"],
            row["cache_read_tokens"] or 0,
            row["reasoning_tokens"] or 0,
        ),
        "asked": _plain(shown.get(semconv.INPUT_MESSAGES)),
        "answered": _plain(shown.get(semconv.OUTPUT_MESSAGES)),
    }


def expected(sender: str, number: int) -> dict[str, Any]:
    """Return what a sender should tell of a call: what its library leaves out stands here."""
    found: dict[str, Any] = {"provider": "openai", **CALLS[number]}
    if sender == "langfuse":  # neither the provider nor the model that was asked for
        found |= {"provider": None, "request_model": None}
    if sender == "js":  # made by hand, with what 1.36 had a name for
        found["tokens"] = (9, 10, 0, 0)
    return found


def _plain(messages: Any) -> list[dict[str, Any]]:
    """Leave out of messages what only some senders know."""
    return [{"role": each["role"], "parts": each["parts"]} for each in json.loads(messages)]
