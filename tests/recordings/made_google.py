"""Exchanges with Google's API that nobody recorded, written down as its reference describes them."""

import json
from collections.abc import Mapping
from typing import Any

_MODEL = "gemini-2.5-flash"
_ASKED: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Count from one to five, please."}]}]}
_PIECES = ("One, ", "two, ", "three, ", "four, ", "five", ".")


def _answer(text: str, *, reason: str | None, tokens: int) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {
        "candidates": [candidate if reason is None else candidate | {"finishReason": reason}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": tokens, "totalTokenCount": 9 + tokens},
        "modelVersion": _MODEL,
        "responseId": "made-1",
    }


def _recording(name: str, verb: str, response: Mapping[str, Any], *, status: int = 200) -> dict[str, Any]:
    return {
        "id": name,
        "provider": "google_genai",
        "endpoint": verb,
        "request": {"method": "POST", "path": f"/v1beta/models/{_MODEL}:{verb}", "headers": {}, "body": _ASKED},
        "response": {"status": status, **response},
    }


def _json(value: object) -> dict[str, Any]:
    return {"headers": {"content-type": "application/json"}, "body": json.dumps(value)}


def _events(*values: object) -> dict[str, Any]:
    sse = "".join(f"data: {json.dumps(each)}\n\n" for each in values)
    return {"headers": {"content-type": "text/event-stream"}, "sse": sse}


_REFUSED = {"error": {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID_ARGUMENT"}}
_OVERLOADED = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}

GOOGLE: dict[str, dict[str, Any]] = {
    "made-google-answer": _recording(
        "made-google-answer", "generateContent", _json(_answer("".join(_PIECES), reason="STOP", tokens=12))
    ),
    "made-google-stream": _recording(
        "made-google-stream",
        "streamGenerateContent",
        _events(
            *(_answer(piece, reason=None, tokens=2 * number) for number, piece in enumerate(_PIECES, start=1)),
            _answer("", reason="STOP", tokens=12),
        ),
    ),
    "made-google-refused": _recording("made-google-refused", "generateContent", _json(_REFUSED), status=400),
    "made-google-blocked": _recording(
        "made-google-blocked",
        "generateContent",
        _json(
            {
                "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
                "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
                "modelVersion": _MODEL,
                "responseId": "made-2",
            }
        ),
    ),
    "made-google-error-in-stream": _recording(
        "made-google-error-in-stream",
        "streamGenerateContent",
        _events(_answer("One, ", reason=None, tokens=2), _answer("two, ", reason=None, tokens=4), _OVERLOADED),
    ),
}
