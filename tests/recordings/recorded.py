"""One recorded exchange, ready to be asked for again with the real client."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import openai
from openai.resources.chat import Completions

_PARAMETERS = frozenset(inspect.signature(cast("Any", Completions).create).parameters)


@dataclass(frozen=True)
class Recorded:
    """One recorded exchange and the server that plays it."""

    recording: Mapping[str, Any]
    url: str

    @property
    def request(self) -> dict[str, Any]:
        """What was sent."""
        return dict(self.recording["request"]["body"])

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
    def chunks(self) -> list[dict[str, Any]]:
        """The answer, where it came in chunks."""
        lines = str(self.recording["response"]["sse"]).splitlines()
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        return [json.loads(each) for each in data if each != "[DONE]"]

    def arguments(self, *, fault: str | None = None) -> dict[str, Any]:
        """Return what the client's `create` takes for this exchange."""
        known = {key: value for key, value in self.request.items() if key in _PARAMETERS}
        other = {key: value for key, value in self.request.items() if key not in _PARAMETERS}
        headers = {"x-recording-id": self.recording["id"]} | ({"x-replay-fault": fault} if fault else {})
        return {**known, "extra_body": other or None, "extra_headers": headers}

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
        (name, {key: json.loads(value) if "messages" in key else value for key, value in attributes.items()})
        for name, attributes in brief
    ]
