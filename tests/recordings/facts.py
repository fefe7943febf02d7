"""What a recorded answer says, read in the plainest way there is: what a span has to agree with."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.recordings.recorded import Recorded

TOKENS = {
    "gen_ai.usage.input_tokens": ("prompt_tokens", "input_tokens"),
    "gen_ai.usage.output_tokens": ("completion_tokens", "output_tokens"),
    "gen_ai.usage.cache_read.input_tokens": (
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "cached_tokens",  # the place that Together has for it, as the next are those of Mistral and Databricks
        "num_cached_tokens",
        "cache_read_input_tokens",
    ),
    "gen_ai.usage.cache_write.input_tokens": (
        "prompt_tokens_details.cache_write_tokens",
        "input_tokens_details.cache_write_tokens",
    ),
    "gen_ai.usage.reasoning.output_tokens": (
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
    ),
    "gen_ai.usage.audio.input_tokens": ("prompt_tokens_details.audio_tokens", "input_token_details.audio_tokens"),
}
_OPERATIONS = {
    "chat.completions": "chat",
    "responses": "chat",
    "responses.compact": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
    "images": "generate_content",
    "audio.speech": "generate_content",
    "audio.transcriptions": "generate_content",
    "moderations": "moderations",
}


@dataclass(kw_only=True)
class Said:
    """One message of an answer."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    server_calls: list[str] = field(default_factory=list[str])


@dataclass(kw_only=True)
class Facts:
    """One answer."""

    id: str | None = None
    model: str | None = None
    reasons: list[str] = field(default_factory=list[str])
    tokens: dict[str, int] = field(default_factory=dict[str, int])
    said: list[Said] = field(default_factory=list[Said])


def span_name(recorded: Recorded) -> str:
    """Return what the span of this exchange is called."""
    operation = _OPERATIONS[recorded.endpoint]
    model = recorded.request.get("model")
    return f"{operation} {model}" if model else operation


def facts_of(recorded: Recorded) -> Facts:
    """Return what the recorded answer says."""
    if recorded.endpoint == "audio.speech":
        return Facts(reasons=["stop"], said=[Said()])
    body = _whole(recorded) if recorded.is_streamed else recorded.completion
    facts = Facts(id=body.get("id"), model=body.get("model"), tokens=_tokens(body.get("usage") or {}))
    if recorded.endpoint.startswith("responses"):
        facts.reasons, facts.said = _reasons(body), [_spoken(body["output"])]
    elif recorded.endpoint == "images":
        facts.reasons, facts.said = ["stop"] * len(body["data"]), [Said() for _ in body["data"]]
    elif recorded.endpoint == "audio.transcriptions":
        facts.reasons, facts.said = ["stop"], [Said(text=body["text"])]
    elif recorded.endpoint == "embeddings":
        facts.tokens.pop("gen_ai.usage.output_tokens", None)  # there is no output that has tokens
    else:
        facts.reasons = [each["finish_reason"] or "error" for each in body.get("choices", [])]
        facts.said = [_choice(each) for each in body.get("choices", [])]
    return facts


def facts_on(attributes: Any) -> Facts:
    """Return what a span says of an answer."""
    messages: list[dict[str, Any]] = json.loads(str(attributes.get("gen_ai.output.messages", "[]")))
    spoken = [message for message in messages if message["role"] == "assistant"]
    # What was counted here the body does not say; and it is counted as soon as any test has made the tokenizer ready.
    reported = () if attributes.get("tracelm.usage.estimated") else TOKENS
    return Facts(
        id=attributes.get("gen_ai.response.id"),
        model=attributes.get("gen_ai.response.model"),
        reasons=list(attributes.get("gen_ai.response.finish_reasons", [])),
        tokens={key: attributes[key] for key in reported if key in attributes},
        said=[_parts(message["parts"]) for message in spoken],
    )


def _tokens(usage: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, paths in TOKENS.items():
        for path in paths:
            value: Any = usage
            for name in path.split("."):
                value = value.get(name) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            if isinstance(value, int):
                found[key] = value
                break
    return found


def _parts(parts: list[dict[str, Any]]) -> Said:
    return Said(
        text="".join(part["content"] for part in parts if part["type"] in {"text", "refusal"}),
        reasoning="".join(part["content"] for part in parts if part["type"] == "reasoning"),
        calls=[(part.get("id"), part["name"], part.get("arguments")) for part in parts if part["type"] == "tool_call"],
        server_calls=[part["server_tool_call"]["type"] for part in parts if part["type"] == "server_tool_call"],
    )


def _choice(choice: dict[str, Any]) -> Said:
    if "text" in choice:
        return Said(text=choice["text"])
    message: dict[str, Any] = choice["message"]
    content: Any = message.get("content") or ""
    thoughts = message.get("reasoning_content") or message.get("reasoning") or ""
    if not isinstance(content, str):  # Mistral's reasoning models
        thoughts = "".join(t["text"] for part in content if part["type"] == "thinking" for t in part["thinking"])
        content = "".join(part["text"] for part in content if part["type"] == "text")
    said = Said(text=content + (message.get("refusal") or ""), reasoning=thoughts)
    made: list[dict[str, Any]] = message.get("tool_calls") or []
    for call in made:
        target = call.get("function") or call["custom"]
        arguments = json.loads(target["arguments"]) if "arguments" in target else target["input"]
        said.calls.append((call["id"] or None, target["name"], arguments))
    if message.get("function_call"):
        target = message["function_call"]
        said.calls.append((None, target["name"], json.loads(target["arguments"])))
    return said


def _spoken(output: list[dict[str, Any]]) -> Said:
    said = Said()
    thoughts: list[str] = []
    for item in output:
        kind = item["type"]
        if kind == "message" and item["role"] == "assistant":
            said.text += "".join(part.get("text") or part.get("refusal") or "" for part in item["content"])
        elif kind == "reasoning":
            thoughts += ["\n\n".join(part["text"] for part in item["summary"])]
        elif kind == "function_call":
            said.calls.append((item["call_id"], item["name"], json.loads(item["arguments"])))
        elif kind == "tool_search_call" and item["execution"] == "client":
            said.calls.append((item["call_id"], "tool_search", item["arguments"]))
        elif kind in {"web_search_call", "mcp_call", "mcp_list_tools", "tool_search_call"}:
            said.server_calls.append(kind.removesuffix("_call"))
    said.reasoning = "".join(thoughts)
    return said


def _reasons(response: dict[str, Any]) -> list[str]:
    if response["object"] == "response.compaction":
        return ["compaction"]
    if response["status"] == "incomplete":
        return ["length"]
    assert response["status"] == "completed"
    waits = any(
        item["type"] == "function_call" or (item["type"] == "tool_search_call" and item["execution"] == "client")
        for item in response["output"]
    )
    return ["tool_call" if waits else "stop"]


def _whole(recorded: Recorded) -> dict[str, Any]:
    """Put the recorded chunks together."""
    chunks = recorded.chunks
    if recorded.endpoint == "responses":
        return dict(chunks[-1]["response"])
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for each in chunk["choices"]:
            choice = choices.setdefault(each["index"], {"finish_reason": None})
            choice["finish_reason"] = each.get("finish_reason") or choice["finish_reason"]
            if "text" in each:
                choice["text"] = choice.get("text", "") + each["text"]
            else:
                _add(choice.setdefault("message", {}), each["delta"])
    head = next(chunk for chunk in chunks if chunk.get("id"))
    ordered = [choices[index] for index in sorted(choices)]
    return {"id": chunks[-1].get("id") or head["id"], "model": chunks[-1]["model"], "choices": ordered, "usage": usage}


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("content", "reasoning_content", "reasoning", "refusal"):
        if delta.get(name):
            message[name] = message.get(name, "") + delta[name]
    calls = message.setdefault("tool_calls", [])
    for position, piece in enumerate(delta.get("tool_calls") or []):
        index = piece.get("index", position)
        if index == len(calls):
            calls.append({"id": piece["id"], "function": {"name": "", "arguments": ""}})
        for name in ("name", "arguments"):
            calls[index]["function"][name] += piece["function"].get(name) or ""
