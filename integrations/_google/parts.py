"""The parts that Gemini's messages consist of, in the words of OpenTelemetry's GenAI conventions."""

from collections.abc import Iterator
from typing import Final

from tracelm.integrations._exchange import Message
from tracelm.integrations._fields import field, items, plain, text
from tracelm.integrations._google.fields import base64_of, read
from tracelm.integrations._parts import (
    blob_part,
    from_url,
    text_part,
    tool_call_part,
    tool_response_part,
)

_MODALITIES: Final = frozenset({"image", "video", "audio"})
_BESIDE_THE_CONTENT: Final = frozenset({"thought", "thoughtSignature", "thought_signature"})
_ROLES: Final = {"model": "assistant", "function": "tool"}


def message_of(content: object) -> Message:
    """Return one content of a conversation as a message."""
    parts = list(parts_of(content))
    role = text(field(content, "role")) or "user"
    # What a function answered is sent in the name of the user.
    answers = bool(parts) and all(each["type"] == "tool_call_response" for each in parts)
    return {"role": "tool" if answers else _ROLES.get(role, role), "parts": parts}


def parts_of(content: object) -> Iterator[Message]:
    """Return the parts of a content."""
    for part in items(field(content, "parts")):
        found = _part(part)
        if found is not None:
            yield found


def _part(part: object) -> Message | None:
    said = field(part, "text")
    if isinstance(said, str):
        if not said:  # the end of a stream may consist of a signature alone
            return None
        return {"type": "reasoning", "content": said} if field(part, "thought") is True else text_part(said)
    for name, make in _MAKERS.items():
        held = read(part, name)
        if held is not None:
            return make(held)
    rest = {name: each for name, each in plain(part).items() if name not in _BESIDE_THE_CONTENT}
    kind = next(iter(rest), None)
    return None if kind is None else {**rest, "type": kind}


def _inline(data: object) -> Message:
    mime_type = text(read(data, "mimeType"))
    return blob_part(_modality(mime_type), mime_type, base64_of(field(data, "data")))


def _file(data: object) -> Message:
    mime_type = text(read(data, "mimeType"))
    found = from_url(text(read(data, "fileUri")) or "", modality=_modality(mime_type))
    return found | {"mime_type": mime_type} if mime_type else found


def _modality(mime_type: str | None) -> str:
    kind = (mime_type or "").partition("/")[0]
    return kind if kind in _MODALITIES else "document"


def _call(call: object) -> Message:
    return tool_call_part(
        text(field(call, "name")) or "", call_id=text(field(call, "id")), arguments=field(call, "args")
    )


def _response(response: object) -> Message:
    found = tool_response_part(field(response, "response"), call_id=text(field(response, "id")))
    name = text(field(response, "name"))
    return found | {"name": name} if name else found


def _code(code: object) -> Message:
    return server_call("code_execution", plain(code))


def _code_result(result: object) -> Message:
    return server_response("code_execution", plain(result))


def _server_call(call: object) -> Message:
    return server_call((text(read(call, "toolType")) or "tool").lower(), plain(call))


def _server_response(response: object) -> Message:
    return server_response((text(read(response, "toolType")) or "tool").lower(), plain(response))


def server_call(tool: str, asked: dict[str, object]) -> Message:
    """Return a call of a tool that runs at the provider."""
    call_id = asked.pop("id", None)
    found: Message = {"type": "server_tool_call", "name": tool, "server_tool_call": {**asked, "type": tool}}
    return found | {"id": call_id} if call_id else found


def server_response(tool: str, answered: dict[str, object]) -> Message:
    """Return what a tool that runs at the provider answered."""
    call_id = answered.pop("id", None)
    found: Message = {"type": "server_tool_call_response", "server_tool_call_response": {**answered, "type": tool}}
    return found | {"id": call_id} if call_id else found


_MAKERS: Final = {
    "inlineData": _inline,
    "fileData": _file,
    "functionCall": _call,
    "functionResponse": _response,
    "executableCode": _code,
    "codeExecutionResult": _code_result,
    "toolCall": _server_call,
    "toolResponse": _server_response,
}
"""What a part holds, and what makes a part of ours of it."""
