"""Chat messages in the shape of `gen_ai.input.messages`, from the shapes in which others write them.

OpenAI's, Anthropic's and Vercel's messages have a role and a content; they differ in what is in the content. One
reader knows all their parts, since dialects pass on what the client sent.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from tracelm.otlp.dialects.dialect import is_list, is_map, parsed, text_of

Message = dict[str, Any]
Part = dict[str, Any]


def messages_in(value: object, *, role: str = "user") -> list[Message]:
    """Return the messages in a value: a list of them or one, or an object that holds the list, also as JSON.

    Args:
        value: What a dialect recorded.
        role: Whose message a plain text is.

    Returns:
        Messages with `role` and `parts`; none when there are none in it.
    """
    found = parsed(value)
    if is_map(found) and is_list(found.get("messages")):
        found = found["messages"]
    if isinstance(found, str):
        return [{"role": role, "parts": [_text(found)]}] if found else []
    if is_map(found):
        found = [found]
    if not is_list(found) or not all(is_map(each) and ("role" in each or "parts" in each) for each in found):
        return []
    return [message_of(each, role=role) for each in found]


def message_of(raw: Mapping[str, Any], *, role: str = "user") -> Message:
    """Return one message; `raw` may be in the right shape already."""
    found: Message = {"role": raw["role"] if isinstance(raw.get("role"), str) else role}
    if is_list(raw.get("parts")):
        found["parts"] = [part for each in raw["parts"] for part in _parts(each)]
    elif found["role"] in {"tool", "function"}:
        found["parts"] = _tool_results(raw)
    else:
        found["parts"] = list(_all_parts(raw))
    for key in ("name", "finish_reason"):
        if isinstance(raw.get(key), str) and raw[key]:
            found[key] = raw[key]
    return found


def with_opened_content(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Take the parts of a message out of the JSON that an attribute made of them; a tool's answer stays as it was."""
    content = raw.get("content")
    opened = parsed(content)
    return {**raw, "content": opened if is_list(opened) and raw.get("role") != "tool" else content}


def tool_call(name: object, arguments: object, call_id: object = None) -> Part:
    """Return the part of a message that calls a tool."""
    part: Part = {"type": "tool_call", "name": text_of(name), "arguments": parsed(arguments)}
    return part | {"id": call_id} if isinstance(call_id, str) and call_id else part


def tool_result(response: object, call_id: object = None) -> Part:
    """Return the part of a message that holds what a tool returned."""
    part: Part = {"type": "tool_call_response", "response": response}
    return part | {"id": call_id} if isinstance(call_id, str) and call_id else part


def _text(content: object) -> Part:
    return {"type": "text", "content": text_of(content)}


def _all_parts(raw: Mapping[str, Any]) -> Iterable[Part]:
    for key in ("reasoning_content", "reasoning"):
        if isinstance(raw.get(key), str) and raw[key]:
            yield {"type": "reasoning", "content": raw[key]}
            break
    content = raw.get("content")
    if is_list(content):
        for each in content:
            yield from _parts(each)
    elif is_map(content):
        yield from _parts(content)
    elif content not in (None, ""):
        yield _text(content)
    if isinstance(raw.get("refusal"), str) and raw["refusal"]:
        yield _text(raw["refusal"])
    calls = parsed(raw.get("tool_calls"))
    for call in calls if is_list(calls) else ():
        if is_map(call):
            function = call["function"] if is_map(call.get("function")) else call
            yield tool_call(function.get("name"), function.get("arguments"), call.get("id"))
    function = raw.get("function_call")
    if is_map(function):
        yield tool_call(function.get("name"), function.get("arguments"))


def _tool_results(raw: Mapping[str, Any]) -> list[Part]:
    """A message of a tool: one result, or, as Vercel writes it, a list of them."""
    content, call_id = raw.get("content"), raw.get("tool_call_id", raw.get("id"))
    if is_list(content) and any(is_map(each) and each.get("type") == "tool-result" for each in content):
        return [part for each in content for part in _parts(each)]
    if is_list(content) and len(content) == 1 and is_map(content[0]) and isinstance(content[0].get("text"), str):
        content = content[0]["text"]
    return [tool_result(content, call_id)]


def _parts(raw: object) -> Iterable[Part]:
    if not is_map(raw):
        yield _text(raw)
        return
    match raw.get("type"):
        case "text" | "input_text" | "output_text":
            yield _text(raw.get("text", raw.get("content", "")))
        case "thinking" | "reasoning":
            yield {
                "type": "reasoning",
                "content": text_of(raw.get("thinking", raw.get("text", raw.get("content", "")))),
            }
        case "tool_use":
            yield tool_call(raw.get("name"), raw.get("input"), raw.get("id"))
        case "tool-call":
            yield tool_call(raw.get("toolName"), raw.get("input", raw.get("args")), raw.get("toolCallId"))
        case "tool_result":
            yield tool_result(raw.get("content"), raw.get("tool_use_id"))
        case "tool-result":
            yield tool_result(_output(raw.get("output", raw.get("result"))), raw.get("toolCallId"))
        case "image_url" | "image":
            yield _picture(raw)
        case "tool_call":
            yield {**_without_nulls(raw), "arguments": parsed(raw.get("arguments"))}
        case "tool_call_response" if "response" not in raw and "result" in raw:  # as 1.36's successors began
            yield tool_result(raw["result"], raw.get("id"))
        case str():
            yield _without_nulls(raw)
        case _:
            yield _text(raw["text"] if isinstance(raw.get("text"), str) else raw)


def _output(value: object) -> object:
    """Vercel says of a result what kind of value it is."""
    return value["value"] if is_map(value) and "value" in value and "type" in value else value


def _picture(raw: Mapping[str, Any]) -> Part:
    held = raw.get("image_url", raw.get("image", raw.get("source")))
    address = held.get("url") if is_map(held) else held
    if isinstance(address, str) and address.startswith("data:"):
        kind, _, content = address[5:].partition(",")
        return {"type": "blob", "modality": "image", "mime_type": kind.partition(";")[0], "content": content}
    if isinstance(address, str) and "://" in address[:16]:
        return {"type": "uri", "modality": "image", "uri": address}
    if is_map(held) and isinstance(held.get("data"), str):
        return {"type": "blob", "modality": "image", "mime_type": held.get("media_type"), "content": held["data"]}
    return {"type": "blob", "modality": "image", "content": text_of(address)}


def _without_nulls(raw: Mapping[str, Any]) -> Part:
    return {key: value for key, value in raw.items() if value is not None}


def tool_definitions(value: object) -> list[dict[str, Any]]:
    """Return descriptions of tools in the conventions' shape, from OpenAI's, Anthropic's or Vercel's."""
    found = parsed(value)
    listed = [parsed(each) for each in found] if is_list(found) else []
    return [_tool(each) for each in listed if is_map(each)]


def _tool(raw: Mapping[str, Any]) -> dict[str, Any]:
    inner = raw["function"] if is_map(raw.get("function")) else raw
    schema = inner.get("parameters", inner.get("input_schema", inner.get("inputSchema")))
    named = {"type": raw.get("type", "function"), "name": inner.get("name"), "description": inner.get("description")}
    return _without_nulls(named | {"parameters": parsed(schema)})
