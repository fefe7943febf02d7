"""Exchanges with Amazon Bedrock, ready to be asked for with Amazon's client: recorded ones, and some made by hand."""

import base64
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, unquote

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.validate import ParamValidator  # type: ignore[import-untyped]

from tests.recordings.server import load

_SHARED = Path(__file__).parents[3] / "shared" / "recordings"
_METHODS = {
    "converse": "converse",
    "converse-stream": "converse_stream",
    "invoke": "invoke_model",
    "invoke-with-response-stream": "invoke_model_with_response_stream",
}


def shared_bedrock() -> dict[str, dict[str, Any]]:
    """Return the recordings in the shared folder that the installed client can send; none where there is no folder."""
    found = load(_SHARED) if _SHARED.is_dir() else {}
    return {
        name: recording
        for name, recording in found.items()
        if recording["provider"] == "bedrock" and BedrockRecorded(recording, "http://127.0.0.1").can_be_sent()
    }


@dataclass(frozen=True)
class BedrockRecorded:
    """One exchange and the server that plays it."""

    recording: Mapping[str, Any]
    url: str

    @property
    def operation(self) -> str:
        """What it asked for: `converse-stream`."""
        return str(self.recording["request"]["path"]).rpartition("/")[2]

    @property
    def model(self) -> str:
        """The model that it asked."""
        return unquote(str(self.recording["request"]["path"]).split("/")[2])

    @property
    def request(self) -> dict[str, Any]:
        """The body that was sent."""
        return dict(self.recording["request"]["body"])

    @property
    def is_streamed(self) -> bool:
        """Whether it asked for chunks."""
        return self.operation.endswith("-stream")

    @property
    def fails(self) -> bool:
        """Whether the answer is an error."""
        return bool(self.recording["response"]["status"] != 200)

    def client(self, **options: Any) -> Any:
        """Return the real client, pointed at the recording."""
        client: Any = cast("Any", boto3).client(
            "bedrock-runtime",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0, **options}),
        )

        def named(request: Any, **_more: Any) -> None:
            request.headers["x-recording-id"] = self.recording["id"]

        client.meta.events.register("before-send.bedrock-runtime", named)
        return client

    def can_be_sent(self) -> bool:
        """Whether the client knows all that was asked."""
        if not self.operation.startswith("converse"):
            return True
        model = self.client().meta.service_model.operation_model("Converse")
        validator: Any = ParamValidator()
        return not validator.validate({"modelId": self.model, **self.request}, model.input_shape).has_errors()

    def reply(self, client: Any = None) -> Any:
        """Ask again, and return what the client returns."""
        asks = getattr(client or self.client(), _METHODS[self.operation])
        if self.operation.startswith("converse"):
            return asks(modelId=self.model, **self.request)
        return asks(modelId=self.model, body=json.dumps(self.request))

    def ask(self) -> Any:
        """Ask again, read all of it, and return what came as plain data."""
        reply = self.reply()
        if self.operation == "converse":
            return {key: value for key, value in reply.items() if key != "ResponseMetadata"}
        if self.operation == "invoke":
            return json.loads(reply["body"].read())
        return list(reply["stream" if self.operation == "converse-stream" else "body"])


def frame(kind: str, payload: Mapping[str, Any], *, is_exception: bool = False) -> bytes:
    """Return an event in the binary form of Amazon's event streams."""
    named = {
        ":message-type": "exception" if is_exception else "event",
        ":exception-type" if is_exception else ":event-type": kind,
        ":content-type": "application/json",
    }
    headers = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
        for name, value in named.items()
    )
    content = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(content), len(headers))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + content
    return whole + struct.pack(">I", zlib.crc32(whole))


def made(
    name: str, path: str, body: Mapping[str, Any], answer: Mapping[str, Any] | Sequence[bytes], status: int = 200
) -> dict[str, Any]:
    """Return an exchange with an answer in JSON, or in frames."""
    response: dict[str, Any] = {"status": status}
    if isinstance(answer, Mapping):
        response |= {"headers": {"content-type": "application/json"}, "body": json.dumps(answer)}
    else:
        content = base64.b64encode(b"".join(answer)).decode()
        response |= {"headers": {"content-type": "application/vnd.amazon.eventstream"}, "body_base64": content}
    request = {"method": "POST", "path": path, "headers": {}, "body": dict(body)}
    return {
        "id": name,
        "provider": "made by hand",
        "endpoint": path.rpartition("/")[2],
        "request": request,
        "response": response,
    }


NOVA = f"/model/{quote('amazon.nova-lite-v1:0')}"
ASK = {"messages": [{"role": "user", "content": [{"text": "Count from one to five."}]}]}
USAGE = {"inputTokens": 9, "outputTokens": 7, "totalTokens": 16}
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "1, 2, 3, 4, 5"}]}},
    "stopReason": "end_turn",
    "usage": USAGE,
    "metrics": {"latencyMs": 5},
}
FRAMES = [
    frame("messageStart", {"role": "assistant"}),
    *(
        frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": said}})
        for said in ("1, 2", ", 3", ", 4", ", 5")
    ),
    frame("contentBlockStop", {"contentBlockIndex": 0}),
    frame("messageStop", {"stopReason": "end_turn"}),
    frame("metadata", {"usage": USAGE, "metrics": {"latencyMs": 5}}),
]
THROTTLED = frame("throttlingException", {"message": "Too many requests"}, is_exception=True)
MADE = {
    each["id"]: each
    for each in (
        made("made-converse", f"{NOVA}/converse", ASK, ANSWER),
        made("made-converse-stream", f"{NOVA}/converse-stream", ASK, FRAMES),
        made("made-converse-stream-throttled", f"{NOVA}/converse-stream", ASK, [*FRAMES[:3], THROTTLED]),
        made(
            "made-converse-error-400",
            f"{NOVA}/converse",
            {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]},
            {"message": "The provided model identifier is invalid."},
            400,
        ),
        made(
            "made-titan",
            f"/model/{quote('amazon.titan-text-express-v1')}/invoke",
            {"inputText": "Count.", "textGenerationConfig": {"maxTokenCount": 9}},
            {
                "inputTextTokenCount": 2,
                "results": [{"outputText": "1, 2", "tokenCount": 3}],
            },
        ),
        made(
            "made-titan-embedding",
            f"/model/{quote('amazon.titan-embed-text-v2:0')}/invoke",
            {"inputText": "Count."},
            {"embedding": [0.25, 0.5], "inputTextTokenCount": 2},
        ),
    )
}
