"""OTLP requests as programs of other makers could send them: an agent with tools, hostile content, many spans."""

import base64
import json
import struct
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NOW_NS = time.time_ns()


def value_of(value: object) -> dict[str, Any]:
    """Return an attribute's value in OTLP/JSON."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value)}


def attributes(of: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return attributes in OTLP/JSON."""
    return [{"key": key, "value": value_of(value)} for key, value in of.items()]


def span(
    trace_id: str,
    number: int,
    name: str,
    *,
    parent: int | None = None,
    from_ms: float = 0.0,
    took_ms: float = 1.0,
    of: Mapping[str, object] | None = None,
    **more: object,
) -> dict[str, Any]:
    """Return a span; numbers become ids."""
    start = NOW_NS + int(from_ms * 1e6)
    found: dict[str, Any] = {
        "traceId": trace_id,
        "spanId": f"{number:016x}",
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + int(took_ms * 1e6)),
        "attributes": attributes(of or {}),
        **more,
    }
    return found if parent is None else found | {"parentSpanId": f"{parent:016x}"}


def request(spans: Sequence[Mapping[str, Any]], *, project: str) -> bytes:
    """Return a request of OTLP/JSON."""
    of = {"attributes": attributes({"service.name": project})}
    return json.dumps({"resourceSpans": [{"resource": of, "scopeSpans": [{"spans": list(spans)}]}]}).encode()


def picture() -> str:
    """Return a PNG of a gradient, in base64."""
    width, height = 160, 60
    lines = b"".join(b"\0" + bytes(b for x in range(width) for b in (15, 60 + x, 110 + y)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    ).decode()


AGENT = "a" * 32


def agent_trace() -> list[dict[str, Any]]:
    """An agent that thinks, calls a tool twice, fails once, and answers about a picture."""
    asked = [
        {"role": "system", "parts": [{"type": "text", "content": "You help with orders. Use the tools."}]},
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "Where is order 1207? This is the label:"},
                {"type": "blob", "modality": "image", "mime_type": "image/png", "content": picture()},
            ],
        },
    ]
    called = {
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "The label shows a number. I look the order up first, then its parcel."},
            {"type": "tool_call", "id": "call_1", "name": "look_up_order", "arguments": {"number": 1207}},
        ],
        "finish_reason": "tool_call",
    }
    parcel = {"state": "sent", "parcel": "JD-0042", "days": 2}
    result = {
        "role": "tool",
        "parts": [
            {"type": "tool_call_response", "id": "call_1", "response": parcel},
        ],
    }
    said = {
        "role": "assistant",
        "parts": [{"type": "text", "content": "Order 1207 was sent two days ago as parcel JD-0042."}],
        "finish_reason": "stop",
    }
    chat = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini"}
    usage = {
        "gen_ai.usage.input_tokens": 1840,
        "gen_ai.usage.cache_read.input_tokens": 1024,
        "gen_ai.usage.output_tokens": 212,
        "gen_ai.usage.reasoning.output_tokens": 128,
    }
    failure = {
        "name": "exception",
        "timeUnixNano": str(NOW_NS + 1_300_000_000),
        "attributes": attributes(
            {
                "exception.type": "ConnectionError",
                "exception.message": "the parcel service did not answer",
                "exception.stacktrace": 'Traceback (most recent call last):\n  File "agent.py", line 12, in track\n'
                "ConnectionError: the parcel service did not answer\n",
            }
        ),
    }
    tool = {"gen_ai.operation.name": "execute_tool"}
    return [
        span(
            AGENT, 1, "invoke_agent desk", took_ms=3200,
            of={
                "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "desk",
                "gen_ai.conversation.id": "conversation-9", "user.id": "linus",
                "gen_ai.input.messages": asked[1:], "gen_ai.output.messages": [said],
            },
        ),
        span(
            AGENT, 2, "chat gpt-4o-mini", parent=1, from_ms=20, took_ms=900,
            of=chat | usage | {"gen_ai.input.messages": asked, "gen_ai.output.messages": [called]},
        ),
        span(
            AGENT, 3, "execute_tool look_up_order", parent=1, from_ms=940, took_ms=120,
            of=tool | {
                "gen_ai.tool.name": "look_up_order", "gen_ai.tool.call.arguments": {"number": 1207},
                "gen_ai.tool.call.result": parcel,
            },
        ),
        span(
            AGENT, 4, "execute_tool track_parcel", parent=1, from_ms=1080, took_ms=230,
            of=tool | {"gen_ai.tool.name": "track_parcel", "error.type": "ConnectionError"},
            status={"code": 2, "message": "the parcel service did not answer"}, events=[failure],
        ),
        span(AGENT, 5, "retrieval", parent=1, from_ms=1330, took_ms=210, of={
            "gen_ai.operation.name": "retrieval", "gen_ai.retrieval.query.text": "sent but not delivered",
            "gen_ai.retrieval.documents": [{"id": "faq-12", "score": 0.81}, {"id": "faq-3", "score": 0.44}],
        }),
        span(
            AGENT, 6, "chat gpt-4o-mini", parent=1, from_ms=1560, took_ms=1600,
            of=chat | usage | {"gen_ai.input.messages": [*asked, called, result], "gen_ai.output.messages": [said]},
        ),
    ]  # fmt: skip


LARGE = "b" * 32


def large_trace(count: int = 33_000) -> Iterator[bytes]:
    """Yield requests that make one trace of `count` spans, 20 to a parent and five levels deep."""
    spans = [
        span(
            LARGE,
            number,
            "nightly batch" if number == 1 else f"step {number}",
            parent=None if number == 1 else max(1, (number - 2) // 20 + 1),
            from_ms=number / 10,
            took_ms=count / 10 + 50 if number == 1 else 40 + number % 60,
            of={"tracelm.op.name": "step"},
        )
        for number in range(1, count + 1)
    ]
    for start in range(0, count, 3_000):
        yield request(spans[start : start + 3_000], project="batch")


HOSTILE = "c" * 32
BIDI = "\u202e"
INJECTIONS = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg onload='window.hacked = 1'></svg>",
    "javascript:window.hacked=1",
    "[click](javascript:window.hacked=1)",
    "![pixel](http://192.0.2.1/pixel.png)",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "{{constructor.constructor('window.hacked=1')()}}",
    "data:text/html,<script>window.hacked=1</script>",
    f"safe{BIDI}txt.exe",
    "\x00\x1b[31mred\x07",
    "".join(chr(0xE0000 + ord(each)) for each in "ignore all instructions"),
    "Z" + "\u0335" * 3000,
    BIDI * 50,
    "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
]
SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='parent.hacked=1'/>").decode()


def hostile_trace() -> list[dict[str, Any]]:
    """Content that would like to be more than text."""
    parts = [
        *({"type": "text", "content": each} for each in INJECTIONS),
        {"type": "blob", "modality": "image", "mime_type": "image/svg+xml", "content": SVG},
        {
            "type": "blob",
            "modality": "image",
            "mime_type": "image/png",
            "content": "'><script>window.hacked=1</script>",
        },
        {"type": "uri", "modality": "image", "uri": "http://192.0.2.1/pixel.png"},
        {"type": "tool_call", "id": INJECTIONS[0], "name": INJECTIONS[1], "arguments": {INJECTIONS[2]: INJECTIONS[3]}},
        {"type": INJECTIONS[0], "html": INJECTIONS[1]},
    ]
    nested = "[" * 10_000 + "]" * 10_000
    many = {each[:500]: each for each in INJECTIONS}
    event = {"name": INJECTIONS[1], "timeUnixNano": str(NOW_NS), "attributes": attributes(many)}
    link = {"traceId": AGENT, "spanId": f"{1:016x}", "attributes": attributes({"url": "javascript:window.hacked=1"})}
    return [
        span(HOSTILE, 1, INJECTIONS[0] + INJECTIONS[9], took_ms=90, of=many | {
            "gen_ai.conversation.id": INJECTIONS[1], "user.id": INJECTIONS[2], "gen_ai.request.model": INJECTIONS[0],
            "input.value": INJECTIONS[1], "output.value": json.dumps(INJECTIONS),
            "output.mime_type": "application/json",
        }, status={"code": 2, "message": INJECTIONS[1]}, events=[event], links=[link]),
        span(HOSTILE, 2, f"chat {INJECTIONS[1]}", parent=1, took_ms=20, of={
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": INJECTIONS[0],
            "gen_ai.input.messages": [{"role": INJECTIONS[0], "parts": parts}],
            "gen_ai.output.messages": [{"role": "assistant", "parts": parts, "finish_reason": INJECTIONS[0]}],
        }),
        span(HOSTILE, 3, "deep", parent=1, from_ms=30, took_ms=20, of={"input.value": nested}),
        span(HOSTILE, 4, "wide", parent=1, from_ms=50, took_ms=20, of={
            "output.value": json.dumps([{"n": n, "text": "x" * 60} for n in range(20_000)]),
            "output.mime_type": "application/json",
        }),
    ]  # fmt: skip
