"""Recorded exchanges with Google's APIs, ready to be asked for again with the real client."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import google.genai as genai
from google.genai import types
from google.oauth2.credentials import Credentials
from pydantic import ValidationError

_ENDPOINTS = frozenset({"generateContent", "streamGenerateContent", "batchEmbedContents", "countTokens"})

_NUMBERED = {("finishReason", 1): "STOP", ("modality", 1): "TEXT", ("trafficType", 1): "ON_DEMAND"}


def speaking_google(recordings: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the recordings that the installed client has a method for, and takes the fields of, by their ids."""
    return {
        name: recording
        for name, recording in recordings.items()
        if recording["provider"] in {"google_genai", "google_vertex"}
        and recording["endpoint"] in _ENDPOINTS
        and _can_be_asked(GoogleRecorded(recording, ""))
    }


def _can_be_asked(recorded: "GoogleRecorded") -> bool:
    if "contents" not in recorded.body:
        return True
    try:
        recorded.config()
        for content in recorded.body["contents"]:
            types.Content.model_validate(content)
    except ValidationError:  # an old client forbids what it does not know
        return False
    return True


def as_events(recording: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a stream that was recorded as one JSON array as the events for which the client asks."""
    response = recording["response"]
    if recording["endpoint"] != "streamGenerateContent" or "body" not in response:
        return None
    values = json.loads(response["body"], object_hook=_named)
    events = "".join(f"data: {json.dumps(each)}\n\n" for each in values)
    changed = {"status": 200, "headers": {"content-type": "text/event-stream"}, "sse": events}
    return {**recording, "response": changed}


def _named(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object with the names of what another client asked to be told by number."""
    return {key: _NUMBERED.get((key, each), each) if type(each) is int else each for key, each in value.items()}


@dataclass(frozen=True)
class GoogleRecorded:
    """One recorded exchange and the server that plays it."""

    recording: Mapping[str, Any]
    url: str

    @property
    def body(self) -> dict[str, Any]:
        """What was sent."""
        return dict(self.recording["request"]["body"])

    @property
    def model(self) -> str:
        """The model that was asked."""
        return str(self.recording["request"]["path"]).rpartition("models/")[2].partition(":")[0]

    @property
    def is_streamed(self) -> bool:
        """Whether the answer comes in chunks."""
        return bool(self.recording["endpoint"] == "streamGenerateContent")

    @property
    def is_vertex(self) -> bool:
        """Whether Vertex AI answered."""
        return bool(self.recording["provider"] == "google_vertex")

    @property
    def fails(self) -> bool:
        """Whether the answer is an error."""
        return bool(self.recording["response"]["status"] != 200)

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The answer, or its chunks."""
        response = self.recording["response"]
        if "sse" not in response:
            return [json.loads(response["body"])]
        lines = str(response["sse"]).splitlines()
        return [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]

    def client(self, **options: Any) -> genai.Client:
        """Return the real client, pointed at the recording."""
        headers = {"x-recording-id": str(self.recording["id"])}
        http_options = types.HttpOptions(base_url=self.url, headers=headers, **options)
        if not self.is_vertex:
            return genai.Client(api_key="test", http_options=http_options)
        return genai.Client(
            vertexai=True,
            project="example-project",
            location="europe-west4",
            credentials=Credentials(token="test"),  # type: ignore[no-untyped-call]
            http_options=http_options,
        )

    def config(self) -> types.GenerateContentConfig:
        """Return what the body says besides its contents, as the client takes it."""
        if self.recording["endpoint"] == "countTokens":
            return types.GenerateContentConfig()
        beside = {name: each for name, each in self.body.items() if name not in {"contents", "generationConfig"}}
        return types.GenerateContentConfig(
            **{**self.body.get("generationConfig", {}), **beside},
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )

    def stream(self, client: genai.Client) -> Iterator[types.GenerateContentResponse]:
        """Ask for the stream."""
        return client.models.generate_content_stream(
            model=self.model, contents=self.body["contents"], config=self.config()
        )

    async def astream(self, client: genai.Client) -> AsyncIterator[types.GenerateContentResponse]:
        """Ask for the stream with the asynchronous client."""
        return await client.aio.models.generate_content_stream(
            model=self.model, contents=self.body["contents"], config=self.config()
        )

    def ask(self, client: genai.Client) -> list[Any]:
        """Ask, and return what came as plain data."""
        endpoint = self.recording["endpoint"]
        if self.is_streamed:
            return [plain(each) for each in self.stream(client)]
        if endpoint == "countTokens":
            return [plain(client.models.count_tokens(model=self.model, contents=self.body["contents"]))]
        if endpoint == "batchEmbedContents":
            return [plain(client.models.embed_content(model=self.model, **self._embedded()))]
        return [
            plain(
                client.models.generate_content(model=self.model, contents=self.body["contents"], config=self.config())
            )
        ]

    async def aask(self, client: genai.Client) -> list[Any]:
        """Ask with the asynchronous client, and return what came as plain data."""
        endpoint, models = self.recording["endpoint"], client.aio.models
        if self.is_streamed:
            return [plain(each) async for each in await self.astream(client)]
        if endpoint == "countTokens":
            return [plain(await models.count_tokens(model=self.model, contents=self.body["contents"]))]
        if endpoint == "batchEmbedContents":
            return [plain(await models.embed_content(model=self.model, **self._embedded()))]
        return [
            plain(await models.generate_content(model=self.model, contents=self.body["contents"], config=self.config()))
        ]

    def _embedded(self) -> dict[str, Any]:
        requests = self.body["requests"]
        return {
            "contents": [each["content"] for each in requests],
            "config": types.EmbedContentConfig(output_dimensionality=requests[0].get("outputDimensionality")),
        }


def plain(reply: Any) -> Any:
    """Return an answer of the client as plain data, without the headers, which tell the time."""
    return reply.model_dump(mode="json", exclude_none=True, exclude={"sdk_http_response"})
