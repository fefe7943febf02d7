"""Recorded exchanges that speak Claude's Messages API, ready to be asked for again with Anthropic's client."""

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anthropic

from tests.recordings.facts import Facts, Said
from tests.recordings.recorded import Recorded
from tests.recordings.server import load

_SHARED = Path(__file__).parents[3] / "shared" / "recordings"


def speaking_claude(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the recordings of `/v1/messages` and of counted tokens, by their ids.

    Args:
        folder: Where they lie; by default the project's own.
    """
    recordings = load() if folder is None else load(folder)
    return {name: each for name, each in recordings.items() if each["endpoint"] in _OPERATIONS and _is_claude(each)}


def shared_claude() -> dict[str, dict[str, Any]]:
    """Return the recordings in the shared folder; none where there is no such folder."""
    return speaking_claude(_SHARED) if _SHARED.is_dir() else {}


def askable(recordings: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return those for which the installed client has a method."""
    return {name: each for name, each in recordings.items() if ClaudeRecorded(each, "http://127.0.0.1").has_method()}


_OPERATIONS = {"messages": "chat", "messages.count_tokens": "count_tokens"}


def _is_claude(recording: Mapping[str, Any]) -> bool:
    return recording["provider"] in {"anthropic", "local", "made by hand"}


class ClaudeRecorded(Recorded):
    """One such exchange and the server that plays it."""

    @property
    def method(self) -> str:
        """What of the client asks: `messages.create`, `beta.messages.create`."""
        beta = "beta." if self.recording["request"]["path"].endswith("?beta=true") else ""
        return f"{beta}messages.{'count_tokens' if self.endpoint.endswith('count_tokens') else 'create'}"

    @property
    def span_name(self) -> str:
        """What the span of this exchange is called."""
        return f"{_OPERATIONS[self.endpoint]} {self.request['model']}"

    def has_method(self) -> bool:
        """Whether the installed client has a method for it."""
        found: Any = self.client()
        for name in self.method.split("."):
            found = getattr(found, name, None)
        return found is not None

    def parameters(self) -> frozenset[str]:
        """Return what the client's method knows by name."""
        return frozenset(inspect.signature(self.asking(self.client())).parameters)

    def client(self) -> Any:
        """Return the real client, an `anthropic.Anthropic`, pointed at the recording."""
        return anthropic.Anthropic(base_url=self.url, api_key="test", max_retries=0)

    def async_client(self) -> Any:
        """Return the real asynchronous client, pointed at the recording."""
        return anthropic.AsyncAnthropic(base_url=self.url, api_key="test", max_retries=0)

    def message(self) -> dict[str, Any]:
        """Return the recorded answer, put together where it came in chunks."""
        return _whole(self.chunks) if self.is_streamed else self.completion

    def facts(self) -> Facts:
        """Return what the recorded answer says, read in the plainest way there is."""
        if self.endpoint == "messages.count_tokens":
            return Facts()
        message = self.message()
        return Facts(
            id=message["id"],
            model=message["model"],
            reasons=[message["stop_reason"]],
            tokens=_tokens(message["usage"]),
            said=[_said(message["content"])],
        )


def _whole(events: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = dict(events[0]["message"])
    blocks: list[dict[str, Any]] = []
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            for name, piece in event["delta"].items():
                known = {"text": "text", "thinking": "thinking", "partial_json": "json"}.get(name)
                if known:
                    blocks[-1][known] += piece
        elif event["type"] == "message_delta":
            message["stop_reason"] = event["delta"]["stop_reason"]
            message["usage"] = message["usage"] | event["usage"]
    for block in blocks:
        if block["json"]:
            block["input"] = json.loads(block["json"])
    return message | {"content": blocks}


def _tokens(usage: dict[str, Any]) -> dict[str, int]:
    read, written = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    details: dict[str, Any] = usage.get("output_tokens_details") or {}
    found: dict[str, int | None] = {
        "gen_ai.usage.input_tokens": usage["input_tokens"] + (read or 0) + (written or 0),
        "gen_ai.usage.output_tokens": usage["output_tokens"],
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_write.input_tokens": written,
        "gen_ai.usage.reasoning.output_tokens": details.get("thinking_tokens"),
    }
    return {key: value for key, value in found.items() if value is not None}


def _said(content: list[dict[str, Any]]) -> Said:
    said = Said()
    for block in content:
        if block["type"] == "text":
            said.text += block["text"]
        elif block["type"] == "thinking":
            said.reasoning += block["thinking"]
        elif block["type"] == "tool_use":
            said.calls.append((block["id"], block["name"], block["input"]))
        elif block["type"] == "server_tool_use":
            said.server_calls.append(block["name"])
    return said
