"""The items that the Responses API speaks in, put into messages and their parts.

A call of a tool is an item of its own there, and so is what came of it: those that the program runs become
`tool_call` and `tool_call_response`, those that run at the provider `server_tool_call` and its response.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tracelm.integrations._exchange import Message
from tracelm.integrations._fields import field, items, plain, text
from tracelm.integrations._parts import (
    blob_part,
    content_parts,
    parsed,
    tool_call_part,
    tool_response_part,
)

_AT_THE_PROVIDER: Final[Mapping[str, tuple[str, ...]]] = {
    "web_search_call": (),
    "file_search_call": ("results",),
    "code_interpreter_call": ("outputs",),
    "image_generation_call": (),
    "mcp_call": ("output", "error"),
    "mcp_list_tools": ("tools", "error"),
    "tool_search_call": (),
    "program": (),
    "shell_call": (),
}
"""Tools that run there, and which of their fields say what came of it."""
_BY_THE_PROGRAM: Final = {
    "computer_call": ("actions", "action"),
    "local_shell_call": ("action",),
    "shell_call": ("action",),
    "apply_patch_call": ("operation",),
    "tool_search_call": ("arguments",),
}
"""Tools that the program runs, besides its functions, and which of their fields hold what to do."""
_ANSWERS_OF_THE_PROVIDER: Final = frozenset({"program_output"})
_HIDDEN: Final = frozenset({"id", "type", "status", "result", "encrypted_content", "fingerprint"})


def messages_of(given: Sequence[object]) -> list[Message]:
    """Return the messages that items make: what the model says and calls in one go is one message."""
    found: list[Message] = []
    for item in given:
        role = role_of(item)
        parts = list(item_parts(item))
        last = found[-1] if found else None
        if last is not None and role == last["role"] == "assistant":
            last["parts"] = [*items(last["parts"]), *parts]
        elif parts or is_message(item):
            found.append({"role": role, "parts": parts})
    return found


def answer_of(output: Sequence[object]) -> Message | None:
    """Return the message that a response is: one, whatever its items are."""
    parts = [part for item in output for part in _answer_parts(item)]
    return {"role": "assistant", "parts": parts} if parts else None


def _answer_parts(item: object) -> Iterator[Message]:
    kind = text(field(item, "type")) or "message"
    role = role_of(item)
    if kind == "message" and role != "assistant":  # a conversation made shorter keeps what others said
        yield {"type": "message", "role": role, "parts": list(item_parts(item))}
    elif kind == "shell_call_output":  # in an answer: of a shell at the provider
        yield _server_response("shell", item, ("output",))
    else:
        yield from item_parts(item)


def is_message(item: object) -> bool:
    """Whether an item is a message; in a request those need not say so."""
    return (text(field(item, "type")) or "message") == "message"


def role_of(item: object) -> str:
    """Return whose item it is."""
    kind = text(field(item, "type")) or "message"
    if kind == "message":
        return text(field(item, "role")) or "user"
    if kind in _ANSWERS_OF_THE_PROVIDER:
        return "assistant"
    if kind.endswith("_output"):
        return "assistant" if text(field(item, "execution")) == "server" else "tool"
    return "user" if kind in {"item_reference", "mcp_approval_response", "compaction_trigger"} else "assistant"


def calls_the_program(item: object) -> bool:
    """Whether the model waits for the program to run a tool."""
    kind = text(field(item, "type")) or ""
    return kind in {"function_call", "custom_tool_call", "mcp_approval_request"} or (
        kind in _BY_THE_PROGRAM and not runs_at_the_provider(kind, item)
    )


def item_parts(item: object) -> Iterator[Message]:
    """Return the parts that one item makes."""
    kind = text(field(item, "type")) or "message"
    if kind == "message":
        yield from content_parts(field(item, "content"))
    elif kind == "reasoning":
        yield from _reasoning(item)
    elif kind in {"function_call", "custom_tool_call"}:
        given = field(item, "input") if kind == "custom_tool_call" else parsed(field(item, "arguments"))
        yield tool_call_part(text(field(item, "name")) or "", call_id=text(field(item, "call_id")), arguments=given)
    elif runs_at_the_provider(kind, item):
        yield from _call_at_the_provider(kind, item)
    elif kind in _BY_THE_PROGRAM:
        asked = next((each for name in _BY_THE_PROGRAM[kind] if (each := field(item, name)) is not None), None)
        yield tool_call_part(kind.removesuffix("_call"), call_id=text(field(item, "call_id")), arguments=asked)
    elif kind in _ANSWERS_OF_THE_PROVIDER or (kind.endswith("_output") and text(field(item, "execution")) == "server"):
        yield _server_response(kind.removesuffix("_output"), item, ("result", "tools"))
    elif kind.endswith("_output"):
        output = field(item, "tools") if kind == "tool_search_output" else field(item, "output")
        response = output if isinstance(output, str) else _response(output)
        yield tool_response_part(response, call_id=_call_id(item))
    elif kind == "compaction":
        yield {"type": "compaction", "id": text(field(item, "id")) or ""}
    else:
        yield {**_shown(item), "type": kind}


def _response(output: object) -> object:
    content = [output] if text(field(output, "type")) == "computer_screenshot" else items(output)
    return list(content_parts(content)) if content else output


def _reasoning(item: object) -> Iterator[Message]:
    thoughts = [*items(field(item, "summary")), *items(field(item, "content"))]
    said = "\n\n".join(each for thought in thoughts if (each := text(field(thought, "text"))))
    if said:  # often there is nothing but what only the provider can read
        yield {"type": "reasoning", "content": said}


def runs_at_the_provider(kind: str, item: object) -> bool:
    """Whether the tool that an item of this kind calls runs there, and not in the program."""
    if kind == "tool_search_call":
        return text(field(item, "execution")) != "client"
    if kind == "shell_call":
        return text(field(field(item, "environment"), "type")) == "container_reference"
    return kind in _AT_THE_PROVIDER


def _call_at_the_provider(kind: str, item: object) -> Iterator[Message]:
    answers = _AT_THE_PROVIDER[kind]
    tool = kind.removesuffix("_call")
    asked = {name: each for name, each in _shown(item).items() if name not in answers}
    if "arguments" in asked:
        asked["arguments"] = parsed(asked["arguments"])
    call: Message = {"type": "server_tool_call", "name": text(field(item, "name")) or tool}
    call_id = _call_id(item)
    if call_id:
        call["id"] = call_id
    yield call | {"server_tool_call": {**asked, "type": tool}}
    if any(field(item, name) is not None for name in answers):
        yield _server_response(tool, item, answers)
    drawn = text(field(item, "result")) if kind == "image_generation_call" else None
    if drawn:
        yield blob_part("image", f"image/{text(field(item, 'output_format')) or 'png'}", drawn)


def _server_response(tool: str, item: object, names: Sequence[str]) -> Message:
    answered = {name: each for name in names if (each := field(item, name)) is not None}
    found: Message = {"type": "server_tool_call_response", "server_tool_call_response": {**answered, "type": tool}}
    call_id = _call_id(item)
    return found | {"id": call_id} if call_id else found


def _call_id(item: object) -> str | None:
    return text(field(item, "call_id")) or text(field(item, "id"))


def _shown(item: object) -> dict[str, object]:
    return {name: each for name, each in plain(item).items() if name not in _HIDDEN}
