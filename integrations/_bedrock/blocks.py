"""The blocks that messages of Amazon's Converse API consist of, put into the parts of the GenAI conventions.

A block is a mapping with one name that says what it is. Nova's own form of a request has the same blocks.
"""

import base64
from collections.abc import Iterator
from typing import Final

from tracelm.integrations._exchange import Message
from tracelm.integrations._fields import field, fields, items, plain, text
from tracelm.integrations._parts import (
    blob_part,
    from_url,
    text_part,
    tool_call_part,
    tool_response_part,
)

_MEDIA: Final = {"image": "image", "video": "video", "audio": "audio", "document": "document"}
_TYPES: Final = {"document": "application"}
"""The first half of a media type, where it is not the kind itself."""


def converse_parts(content: object) -> Iterator[Message]:
    """Return the parts of a content: a list of blocks. What only says where a cache ends is left out."""
    if isinstance(content, str):
        if content:
            yield text_part(content)
        return
    for block in items(content):
        for kind, held in fields(block).items():
            if held is not None and kind != "cachePoint":
                yield _part(kind, held)


def _part(kind: str, held: object) -> Message:
    if kind == "text":
        return text_part(text(held) or "")
    if kind == "toolUse":
        name = text(field(held, "name")) or ""
        return tool_call_part(name, call_id=text(field(held, "toolUseId")), arguments=field(held, "input"))
    if kind == "toolResult":
        return _tool_result(held)
    if kind == "reasoningContent":
        said = text(field(field(held, "reasoningText"), "text"))
        return {"type": "redacted_thinking"} if said is None else {"type": "reasoning", "content": said}
    if kind == "guardContent":
        inner = field(held, "text")
        return text_part(text(field(inner, "text")) or "") if inner is not None else _media("image", held)
    if kind == "citationsContent":
        said = "".join(text(field(each, "text")) or "" for each in items(field(held, "content")))
        return text_part(said) | {"annotations": [plain(each) for each in items(field(held, "citations"))]}
    if kind in _MEDIA:
        return _media(kind, held)
    return {**plain(held), "type": kind}


def _tool_result(held: object) -> Message:
    answered = [
        {"type": "json", "content": field(each, "json")} if field(each, "json") is not None else part
        for each in items(field(held, "content"))
        for part in [next(converse_parts([each]), text_part(""))]
    ]
    # Nearly always it is one text, or one value.
    response = answered[0]["content"] if len(answered) == 1 and answered[0]["type"] in {"text", "json"} else answered
    found = tool_response_part(response, call_id=text(field(held, "toolUseId")))
    return found | {"is_error": True} if text(field(held, "status")) == "error" else found


def _media(kind: str, held: object) -> Message:
    held = field(held, "image") if kind == "image" and field(held, "source") is None else held
    source, form = field(held, "source"), text(field(held, "format"))
    found = _source(kind, form, source)
    name = text(field(held, "name"))
    return found | {"name": name} if name else found


def _source(kind: str, form: str | None, source: object) -> Message:
    content = field(source, "bytes")
    if content is not None:
        written = content if isinstance(content, str) else base64.b64encode(_bytes(content)).decode()
        return blob_part(kind, f"{_TYPES.get(kind, kind)}/{form}" if form else None, written)
    uri = text(field(field(source, "s3Location"), "uri"))
    if uri:
        return from_url(uri, modality=kind)
    said = text(field(source, "text"))
    return text_part(said) if said else {"type": kind, "content": list(converse_parts(field(source, "content")))}


def _bytes(content: object) -> bytes:
    return bytes(content) if isinstance(content, bytes | bytearray) else b""
