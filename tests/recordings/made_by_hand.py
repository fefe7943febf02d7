"""Streams that nobody recorded yet, written down as the provider's reference describes them."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

_WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(28)
_WORDS = ("Count", "from", "one", "to", "five", "and", "then", "stop", "counting", "please")


def _draft(number: int) -> str:
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes([number] * 30)).decode()


def _recording(
    name: str, endpoint: str, body: Mapping[str, Any], events: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    sse = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return {
        "id": name,
        "provider": "made by hand",
        "endpoint": endpoint.split("/", maxsplit=1)[0] if endpoint.startswith("images") else endpoint.replace("/", "."),
        "request": {"method": "POST", "path": f"/v1/{endpoint}", "headers": {}, "body": body},
        "response": {"status": 200, "headers": {"content-type": "text/event-stream"}, "sse": sse},
    }


_IMAGE_USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 20},
    "output_tokens": 300,
    "total_tokens": 320,
}
_AUDIO_USAGE = {
    "type": "tokens",
    "input_tokens": 14,
    "input_token_details": {"audio_tokens": 10, "text_tokens": 4},
    "output_tokens": 12,
    "total_tokens": 26,
}
STREAMS: dict[str, dict[str, Any]] = {
    "made-images-stream": _recording(
        "made-images-stream",
        "images/generations",
        {"model": "gpt-image-1", "prompt": "A sunset", "stream": True, "partial_images": 3},
        [
            *(
                {
                    "type": "image_generation.partial_image",
                    "b64_json": _draft(number),
                    "partial_image_index": number,
                    "output_format": "png",
                }
                for number in range(8)
            ),
            {
                "type": "image_generation.completed",
                "b64_json": _draft(100),
                "output_format": "png",
                "usage": _IMAGE_USAGE,
            },
        ],
    ),
    "made-transcriptions-stream": _recording(
        "made-transcriptions-stream",
        "audio/transcriptions",
        {"model": "gpt-4o-transcribe", "file": ("talk.wav", _WAV), "stream": True},
        [
            *({"type": "transcript.text.delta", "delta": f"{word} "} for word in _WORDS),
            {"type": "transcript.text.done", "text": " ".join(_WORDS), "usage": _AUDIO_USAGE},
        ],
    ),
}
