"""What LlamaIndex asks of models and what they answer, in the words of OpenTelemetry's GenAI conventions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tracelm import semconv
from tracelm.integrations._chat import request_attributes, served_attributes, tool_definitions
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import field, fields, items, plain, text
from tracelm.integrations._litellm.replies import named
from tracelm.integrations._parts import (
    blob_part,
    from_url,
    parsed,
    text_message,
    text_part,
    tool_call,
    tool_call_part,
    tool_response_part,
)
from tracelm.integrations._providers import provider_called
from tracelm.integrations._usage import chat_usage, token_usage
from tracelm.pricing.cost import Usage

_PACKAGES: Final = ("llama_index.llms.", "llama_index.embeddings.")
"""Where LlamaIndex's models of a provider stand, each in a package with its name."""
_PROVIDERS: Final = {"azure_openai": "azure.ai.openai", "openai_like": "openai"}
"""Names of such packages, where they are not what the provider is called."""
_ROLES: Final = {"chatbot": "assistant", "function": "tool", "model": "assistant"}
_FINISH_REASONS: Final = {"tool_calls": "tool_call", "tool_use": "tool_call", "function_call": "tool_call"}
_MEDIA: Final = {
    "image": ("image", "image_mimetype"),
    "audio": ("audio", "format"),
    "video": ("video", "video_mimetype"),
    "document": ("data", "document_mimetype"),
}
"""Where a block of each kind has its content, and of which type that is."""


def chat_request(model: Any, messages: object, kwargs: Mapping[str, object], *, streams: bool) -> Request:
    """Describe the call of a chat model.

    Args:
        model: LlamaIndex's model.
        messages: Its messages.
        kwargs: What the call has beside them.
        streams: Whether the answer is to be streamed.
    """
    provider, name = _names(model)
    body = _body(model, kwargs, streams=streams)
    return Request(
        operation="chat",
        provider=provider,
        model=name,
        attributes=request_attributes(body),
        by_framework=True,
        messages=lambda: [message(each) for each in items(messages)],
        tools=lambda: tool_definitions(body),
    )


def completion_request(model: Any, prompt: str, kwargs: Mapping[str, object], *, streams: bool) -> Request:
    """Describe a call that has a text go on; a chat model is asked to chat then. The arguments are as above."""
    provider, name = _names(model)
    return Request(
        operation="chat" if _chats(model) else "text_completion",
        provider=provider,
        model=name,
        attributes=request_attributes(_body(model, kwargs, streams=streams)),
        by_framework=True,
        messages=lambda: [text_message("user", prompt)],
    )


def embeddings_request(model: Any, texts: Sequence[object]) -> Request:
    """Describe the embedding of texts."""
    provider, name = _names(model)
    return Request(
        operation="embeddings",
        provider=provider,
        model=name,
        attributes={},
        by_framework=True,
        messages=lambda: [{"role": "user", "parts": [text_part(str(each)) for each in texts]}],
    )


def embeddings_reply(vectors: object) -> Reply:
    """Read what an embedding gave: one vector, or a list of them. Only their size is recorded."""
    first = next(iter(items(vectors)), None)
    vector = items(first) or items(vectors)
    return Reply(attributes={semconv.EMBEDDINGS_DIMENSION_COUNT: len(vector)} if vector else {})


def reply(response: object, *, model: Any, is_whole: bool = True, finish_reason: str | None = None) -> Reply:
    """Read what a model answered.

    Args:
        response: LlamaIndex's response to a chat, or to a text that was to go on.
        model: LlamaIndex's model.
        is_whole: Whether the answer came to its end.
        finish_reason: Why, where an earlier piece of a stream said it.
    """
    served = field(response, "raw")
    reason = finish_reason_of(response) or finish_reason or (None if is_whole else "error")
    return Reply(
        id=text(field(served, "id")),
        model=text(field(served, "model")),
        finish_reasons=[reason] if reason else [],
        usage=_usage(served, field(response, "additional_kwargs"), provider=_names(model)[0]),
        service_tier=text(field(served, "service_tier")),
        attributes=served_attributes(served),
        messages=lambda: [_answer(response, reason)] if response is not None else [],
    )


def finish_reason_of(response: object) -> str | None:
    """Return why an answer, or the stream of which this is a piece, ended; `None` where it does not say."""
    served = field(response, "raw")
    choice = next(iter(items(field(served, "choices"))), None)
    places = ((choice, "finish_reason"), (served, "stop_reason"), (served, "done_reason"))
    return next((found for place, name in places if (found := text(field(place, name)))), None)


def message(said: object) -> Message:
    """Return one of LlamaIndex's messages as the conventions have it."""
    role = text(field(said, "role")) or "user"
    role = _ROLES.get(role, role)
    more = field(said, "additional_kwargs")
    blocks = items(field(said, "blocks"))
    if not blocks and text(field(said, "content")):  # before there were blocks
        parts = [text_part(str(field(said, "content")))]
    else:
        parts = [part for each in blocks for part in _parts(each)]
    if role == "tool":
        words = [part["content"] for part in parts if part["type"] == "text"]
        response = "\n".join(map(str, words)) if len(words) == len(parts) else parts
        parts = [tool_response_part(response, call_id=text(field(more, "tool_call_id")))]
    elif not any(part["type"] == "tool_call" for part in parts):
        parts += [tool_call(each) for each in items(field(more, "tool_calls"))]
    return {"role": role, "parts": parts}


def _answer(response: object, reason: str | None) -> Message:
    said = field(response, "message")
    found = message(said) if said is not None else text_message("assistant", text(field(response, "text")) or "")
    return {**found, "finish_reason": _FINISH_REASONS.get(reason, reason)} if reason else found


def _names(model: Any) -> tuple[str, str | None]:
    """Return the provider, as far as the class tells it, and the name of the model."""
    name = text(getattr(model, "model", None)) or text(getattr(model, "model_name", None))
    package = next(
        (each.__module__.split(".")[2] for each in type(model).__mro__ if each.__module__.startswith(_PACKAGES)), ""
    )
    if package == "litellm" and name:
        provider, name = named(name, None)
        return provider_called(provider or ""), name
    return _PROVIDERS.get(package) or provider_called(package), name


def _chats(model: Any) -> bool:
    try:
        return bool(model.metadata.is_chat_model)
    except Exception:  # the metadata of some models are only known for names that the package knows
        return False


def _body(model: Any, kwargs: Mapping[str, object], *, streams: bool) -> dict[str, object]:
    own = {name: getattr(model, name, None) for name in ("temperature", "max_tokens", "reasoning_effort")}
    more = getattr(model, "additional_kwargs", None)
    found = {**own, **fields(more), **kwargs}
    return {**found, "stream": True} if streams else found


def _usage(served: object, told: object, *, provider: str) -> Usage:
    usage = fields(field(served, "usage"))
    if usage.get("prompt_tokens") is not None:
        return chat_usage(usage, provider=provider)
    return token_usage(usage) if usage.get("input_tokens") is not None else chat_usage(told, provider=provider)


def _parts(block: object) -> Iterator[Message]:
    kind = text(field(block, "block_type")) or "unknown"
    match kind:
        case "text":
            if text(field(block, "text")):
                yield text_part(str(field(block, "text")))
        case "thinking":
            if text(field(block, "content")):
                yield {"type": "reasoning", "content": field(block, "content")}
        case "tool_call":
            name, arguments = text(field(block, "tool_name")) or "", parsed(field(block, "tool_kwargs"))
            yield tool_call_part(name, call_id=text(field(block, "tool_call_id")), arguments=arguments)
        case "citable" | "citation":
            for each in items(field(block, "content")) or [field(block, "cited_content")]:
                yield from _parts(each)
        case "cache":
            return
        case _ if kind in _MEDIA:
            yield _medium(block, kind)
        case _:
            yield {**plain(block), "type": kind}


def _medium(block: object, kind: str) -> Message:
    content, mime_type = (field(block, name) for name in _MEDIA[kind])
    if isinstance(content, bytes):  # base64 already
        known = text(mime_type)
        known = f"audio/{known}" if kind == "audio" and known else known
        return blob_part(kind, known, content.decode("ascii", "replace"))
    url, path = field(block, "url"), field(block, "path")
    if url is None and path is None:
        return {"type": kind}
    return from_url(str(url) if url is not None else f"file://{path}", modality=kind)
