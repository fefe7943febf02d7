"""The parts that messages consist of: text, media, files and calls of tools, whichever endpoint they pass."""

from collections.abc import Iterator
from typing import Final, cast

import orjson

from tracelm.integrations._exchange import Message
from tracelm.integrations._fields import field, items, plain, text

_TEXTS: Final = frozenset({"text", "input_text", "output_text", "summary_text", "reasoning_text"})
"""What the endpoints call text."""


def content_parts(content: object) -> Iterator[Message]:
    """Return the parts of a message's content: a text, or a list of parts in the provider's form."""
    if isinstance(content, str):
        if content:
            yield text_part(content)
        return
    for part in items(content):
        yield content_part(part)


def content_part(part: object) -> Message:
    """Return one part. One of an unknown kind is kept as it is."""
    if isinstance(part, str):
        return text_part(part)
    kind = text(field(part, "type")) or "unknown"
    if kind in _TEXTS:
        found = text_part(text(field(part, "text")) or "")
        cited = items(field(part, "annotations"))
        return found | {"annotations": [plain(each) for each in cited]} if cited else found
    if kind == "refusal":
        return {"type": "refusal", "content": text(field(part, "refusal")) or ""}
    if kind == "thinking":  # Mistral's reasoning: parts inside a part
        thoughts = [text(field(each, "text")) or "" for each in items(field(part, "thinking"))]
        return {"type": "reasoning", "content": "".join(thoughts)}
    if kind in {"image_url", "video_url", "input_image", "computer_screenshot"}:
        target = field(part, "video_url" if kind == "video_url" else "image_url")
        url = text(target) or text(field(target, "url")) or ""
        modality = "video" if kind == "video_url" else "image"
        file_id = text(field(part, "file_id"))
        return file_part(file_id, modality=modality) if file_id and not url else from_url(url, modality=modality)
    if kind == "input_audio":
        audio = field(part, kind)
        mime_type = f"audio/{text(field(audio, 'format')) or 'wav'}"
        return blob_part("audio", mime_type, text(field(audio, "data")) or "")
    if kind in {"file", "input_file"}:
        return _file(field(part, "file") if kind == "file" else part)
    return {**plain(part), "type": kind}


def text_part(content: str) -> Message:
    """Return a text."""
    return {"type": "text", "content": content}


def text_message(role: str, content: str) -> Message:
    """Return a message that is one text."""
    return {"role": role, "parts": [text_part(content)]}


def blob_part(modality: str, mime_type: str | None, content: str) -> Message:
    """Return an image or a sound that is there inline, in base64."""
    found: Message = {"type": "blob", "modality": modality, "content": content}
    return found | {"mime_type": mime_type} if mime_type else found


def file_part(file_id: str, *, modality: str) -> Message:
    """Return a file that the provider keeps."""
    return {"type": "file", "modality": modality, "file_id": file_id}


def from_url(url: str, *, modality: str) -> Message:
    """Return what a URL leads to; a data URL is there inline."""
    head, comma, data = url.partition(",")
    if head.startswith("data:") and comma:
        mime_type = head.removeprefix("data:").partition(";")[0]
        return blob_part(modality, mime_type or None, data)
    return {"type": "uri", "modality": modality, "uri": url}


def tool_call(call: object) -> Message:
    """Return a call of a tool, in the form of the chat format."""
    target = field(call, "function") or field(call, "custom")
    arguments = field(target, "arguments")
    arguments = field(target, "input") if arguments is None else parsed(arguments)
    return tool_call_part(text(field(target, "name")) or "", call_id=text(field(call, "id")), arguments=arguments)


def tool_call_part(name: str, *, call_id: str | None, arguments: object) -> Message:
    """Return a call of a tool that the program runs."""
    found: Message = {"type": "tool_call", "name": name}
    if call_id:
        found["id"] = call_id
    return found | {"arguments": arguments} if arguments is not None else found


def tool_response_part(response: object, *, call_id: str | None) -> Message:
    """Return what a tool of the program answered."""
    found: Message = {"type": "tool_call_response", "response": response}
    return found | {"id": call_id} if call_id else found


def parsed(said: object) -> object:
    """Return what came as JSON, as the arguments of a tool, as a value; as text where it is none, or was cut short."""
    if not isinstance(said, str):
        return said
    try:
        return cast("object", orjson.loads(said))
    except orjson.JSONDecodeError:
        return said


def function_definition(function: object) -> Message:
    """Return the definition of a function; nothing for one without a name."""
    name = text(field(function, "name"))
    if not name:
        return {}
    found: Message = {"type": "function", "name": name}
    for key in ("description", "parameters"):
        value = field(function, key)
        if value is not None:
            found[key] = value
    return found


def _file(file: object) -> Message:
    file_id = text(field(file, "file_id"))
    if file_id:
        return file_part(file_id, modality="document")
    url = text(field(file, "file_url"))
    found = from_url(url or text(field(file, "file_data")) or "", modality="document")
    if found["type"] == "uri" and not url:  # bare base64, without the head that tells its type
        found = blob_part("document", None, str(found["uri"]))
    name = text(field(file, "filename"))
    return found | {"name": name} if name else found
