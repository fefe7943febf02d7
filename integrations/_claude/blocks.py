"""The blocks that messages of Claude consist of, put into the parts of OpenTelemetry's GenAI conventions.

A call of a tool is a block, and so is what came of it: those that the program runs become `tool_call` and
`tool_call_response`, those that run at the provider `server_tool_call` and its response.
"""

from collections.abc import Iterator
from typing import Final

from tracelm.integrations._exchange import Message
from tracelm.integrations._fields import field, fields, items, plain, text
from tracelm.integrations._parts import (
    blob_part,
    file_part,
    from_url,
    text_part,
    tool_call_part,
    tool_response_part,
)

_AT_THE_PROVIDER: Final = frozenset({"server_tool_use", "mcp_tool_use"})
_HIDDEN: Final = frozenset({"cache_control", "encrypted_content", "encrypted_index", "encrypted_stdout", "signature"})
"""What only the provider can read, and what it is to keep."""


def block_parts(content: object) -> Iterator[Message]:
    """Return the parts of a content: a text, or a list of blocks."""
    if isinstance(content, str):
        if content:
            yield text_part(content)
        return
    for block in items(content):
        yield block_part(block)


def block_part(block: object) -> Message:
    """Return the part that one block is. One of an unknown kind is kept, without what only the provider can read."""
    if isinstance(block, str):
        return text_part(block)
    kind = text(field(block, "type")) or "text"
    if kind == "text":
        return _text(block)
    if kind == "thinking":
        return {"type": "reasoning", "content": text(field(block, "thinking")) or ""}
    if kind == "redacted_thinking":  # that the model thought can be told, what it thought cannot
        return {"type": kind}
    if kind == "tool_use":
        name = text(field(block, "name")) or ""
        return tool_call_part(name, call_id=text(field(block, "id")), arguments=field(block, "input"))
    if kind == "tool_result":
        return _tool_result(block)
    if kind in _AT_THE_PROVIDER:
        return _call_at_the_provider(kind, block)
    if kind.endswith("_tool_result"):
        return _server_response(kind, block)
    if kind in {"image", "document"}:
        return _media(kind, block)
    if kind == "container_upload":
        return file_part(text(field(block, "file_id")) or "", modality="document")
    if kind == "compaction":
        return {"type": kind, "content": text(field(block, "content")) or ""}
    return {name: shown(each) for name, each in plain(block).items() if name not in _HIDDEN} | {"type": kind}


def shown(value: object) -> object:
    """Return a value as plain data, without what only the provider can read; media in it become parts."""
    listed = items(value)
    if listed:
        return [shown(each) for each in listed]
    if text(field(value, "type")) in {"image", "document"} and field(value, "source") is not None:
        return block_part(value)
    found = fields(value)
    if not found:
        return value
    return {name: shown(each) for name, each in found.items() if each is not None and name not in _HIDDEN}


def _text(block: object) -> Message:
    found = text_part(text(field(block, "text")) or "")
    cited = items(field(block, "citations"))
    return found | {"annotations": shown(cited)} if cited else found


def _tool_result(block: object) -> Message:
    content = field(block, "content")
    response = content if content is None or isinstance(content, str) else list(block_parts(content))
    found = tool_response_part(response, call_id=text(field(block, "tool_use_id")))
    return found | {"is_error": True} if field(block, "is_error") is True else found


def _call_at_the_provider(kind: str, block: object) -> Message:
    name = text(field(block, "name")) or ""
    asked = plain(field(block, "input"))
    found: Message = {"type": "server_tool_call", "name": name}
    call_id = text(field(block, "id"))
    if call_id:
        found["id"] = call_id
    if kind == "mcp_tool_use":
        server = text(field(block, "server_name"))
        asked = {"arguments": asked} | ({"server_name": server} if server else {})
        name = "mcp"
    return found | {"server_tool_call": {**asked, "type": name}}


def _server_response(kind: str, block: object) -> Message:
    answered = {"type": kind.removesuffix("_tool_result"), "content": shown(field(block, "content"))}
    if field(block, "is_error") is True:
        answered["is_error"] = True
    found: Message = {"type": "server_tool_call_response", "server_tool_call_response": answered}
    call_id = text(field(block, "tool_use_id"))
    return found | {"id": call_id} if call_id else found


def _media(kind: str, block: object) -> Message:
    found = _source(kind, field(block, "source"))
    for name, key in (("title", "name"), ("context", "context")):
        said = text(field(block, name))
        if said:
            found = found | {key: said}
    return found


def _source(kind: str, source: object) -> Message:
    held = text(field(source, "type"))
    if held == "base64":
        return blob_part(kind, text(field(source, "media_type")), text(field(source, "data")) or "")
    if held == "url":
        return from_url(text(field(source, "url")) or "", modality=kind)
    if held == "file":
        return file_part(text(field(source, "file_id")) or "", modality=kind)
    if held == "text":
        return text_part(text(field(source, "data")) or "")
    content = field(source, "content")
    return {"type": kind, "content": list(block_parts(content))}
