"""One recorded exchange, ready to be asked for again with the real client."""

import base64
import email.parser
import email.policy
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import openai

_METHODS = {
    "/chat/completions": "chat.completions.create",
    "/completions": "completions.create",
    "/responses": "responses.create",
    "/responses/compact": "responses.compact",
    "/embeddings": "embeddings.create",
    "/images/generations": "images.generate",
    "/images/variations": "images.create_variation",
    "/images/edits": "images.edit",
    "/audio/speech": "audio.speech.create",
    "/audio/transcriptions": "audio.transcriptions.create",
    "/moderations": "moderations.create",
}
"""What of the client asks, by the end of the path. The longest that fits counts."""


@dataclass(frozen=True)
class Recorded:
    """One recorded exchange and the server that plays it."""

    recording: Mapping[str, Any]
    url: str

    @property
    def endpoint(self) -> str:
        """Whom it asked: `chat.completions`, `responses`."""
        return str(self.recording["endpoint"])

    @property
    def method(self) -> str:
        """What of the client asks: `chat.completions.create`."""
        return _method(self.recording)

    @property
    def request(self) -> dict[str, Any]:
        """What was sent: the fields of the body, in a form with the files."""
        sent = self.recording["request"]
        return _form(sent) if "body_base64" in sent else dict(sent["body"])

    @property
    def is_azure(self) -> bool:
        """Whether it was sent to Azure, which takes another client."""
        return bool(self.recording["provider"] == "azure_openai")

    @property
    def is_streamed(self) -> bool:
        """Whether the answer comes in chunks."""
        return "sse" in self.recording["response"]

    @property
    def fails(self) -> bool:
        """Whether the answer is an error."""
        return bool(self.recording["response"]["status"] != 200) or "error-in-stream" in self.recording["id"]

    @property
    def completion(self) -> dict[str, Any]:
        """The answer, where it came whole."""
        return dict(json.loads(self.recording["response"]["body"]))

    @property
    def content(self) -> bytes:
        """The answer, where it is no JSON."""
        return base64.b64decode(self.recording["response"]["body_base64"])

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The answer, where it came in chunks."""
        lines = str(self.recording["response"]["sse"]).splitlines()
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        return [json.loads(each) for each in data if each != "[DONE]"]

    def arguments(self, *, fault: str | None = None) -> dict[str, Any]:
        """Return what the client's method takes for this exchange."""
        parameters = self.parameters()
        known = {key: value for key, value in self.request.items() if key in parameters}
        other = {key: value for key, value in self.request.items() if key not in parameters}
        headers = {"x-recording-id": self.recording["id"]} | ({"x-replay-fault": fault} if fault else {})
        return {**known, "extra_body": other or None, "extra_headers": headers}

    def parameters(self) -> frozenset[str]:
        """Return what the client's method knows by name."""
        return _parameters(self.method)

    def ask(self, client: Any, **changes: Any) -> Any:
        """Ask again, with the client's own method. `changes` replace arguments; of the async client it is awaitable."""
        return self.asking(client)(**self.arguments() | changes)

    def asking(self, client: Any) -> Any:
        """Return the client's own method for it."""
        for name in self.method.split("."):
            client = getattr(client, name)
        return client

    def client(self) -> Any:
        """Return the real client, an `openai.OpenAI`, pointed at the recording. Untyped, as what was recorded is."""
        if self.is_azure:
            return openai.AzureOpenAI(azure_endpoint=self.url, api_key="test", api_version="2024-10-21", max_retries=0)
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="test", max_retries=0)

    def async_client(self) -> Any:
        """Return the real asynchronous client, pointed at the recording."""
        if self.is_azure:
            return openai.AsyncAzureOpenAI(
                azure_endpoint=self.url, api_key="test", api_version="2024-10-21", max_retries=0
            )
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key="test", max_retries=0)


def readable(brief: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Return what `spans.brief()` gives, with the JSON texts in it as values."""
    return [
        (name, {key: json.loads(value) if _is_json(key) else value for key, value in attributes.items()})
        for name, attributes in brief
    ]


def can_be_asked(recording: Mapping[str, Any]) -> bool:
    """Whether the installed client has a method for an exchange."""
    method = _method(recording)
    sent: dict[str, Any] = recording["request"].get("body") or {}
    return _found(method) is not None and ("stream" not in sent or "stream" in _parameters(method))


def _method(recording: Mapping[str, Any]) -> str:
    path = recording["request"]["path"].partition("?")[0]
    return _METHODS.get(max((end for end in _METHODS if path.endswith(end)), key=len, default=""), "")


def _found(method: str) -> Any:
    found: Any = openai.OpenAI(api_key="test")
    for name in method.split("."):
        found = getattr(found, name, None)
    return found


@cache
def _parameters(method: str) -> frozenset[str]:
    return frozenset(inspect.signature(_found(method)).parameters)


def _form(sent: Mapping[str, Any]) -> dict[str, Any]:
    head = f"content-type: {sent['headers']['content-type']}\r\n\r\n".encode()
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    form = parser.parsebytes(head + base64.b64decode(sent["body_base64"]))
    fields: dict[str, Any] = {}
    for part in form.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = cast("bytes", part.get_payload(decode=True))
        filename = part.get_filename()
        fields[name] = content.decode() if filename is None else (filename, content)
    return fields


def _is_json(key: str) -> bool:
    return key.startswith(("gen_ai.input.", "gen_ai.output.m", "gen_ai.system", "gen_ai.tool")) or key.endswith(
        "put.value"
    )
