"""Gemini's `generateContent`: what it is asked and what it answers, whole or in chunks."""

from collections.abc import Iterator, Mapping
from typing import Final

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Failure, Message, Reply, Request
from tracelm.integrations._fields import count, field, items, number, plain, text
from tracelm.integrations._google.chunks import ContentChunks
from tracelm.integrations._google.fields import read
from tracelm.integrations._google.parts import message_of, parts_of, server_call, server_response
from tracelm.integrations._google.usage import content_usage
from tracelm.integrations._parts import function_definition

_NUMBERS: Final = (
    ("temperature", semconv.REQUEST_TEMPERATURE),
    ("topP", semconv.REQUEST_TOP_P),
    ("frequencyPenalty", semconv.REQUEST_FREQUENCY_PENALTY),
    ("presencePenalty", semconv.REQUEST_PRESENCE_PENALTY),
)
_COUNTS: Final = (
    ("maxOutputTokens", semconv.REQUEST_MAX_TOKENS),
    ("seed", semconv.REQUEST_SEED),
)
_FILTERED: Final = frozenset(
    {
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "model_armor",
        "image_safety",
        "image_prohibited_content",
        "image_recitation",
        "jailbreak",
        "other",
    }
)
_MODALITIES: Final = {"IMAGE": "image", "AUDIO": "speech"}


class ContentEndpoint(Endpoint):
    """Generated content."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        attributes = {**asked.server, **_request_attributes(read(body, "generationConfig"))}
        if asked.streams:
            attributes[semconv.REQUEST_STREAM] = True
        return Request(
            operation="generate_content",
            provider=asked.provider,
            model=model_in(asked.path),
            attributes=attributes,
            messages=lambda: [message_of(each) for each in items(body.get("contents"))],
            tools=lambda: list(_tools(body)),
            instructions=lambda: list(parts_of(read(body, "systemInstruction"))),
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read a whole answer."""
        candidates = items(field(answer, "candidates"))
        reasons = [finish_reason(each) for each in candidates]
        blocked = text(read(read(answer, "promptFeedback"), "blockReason"))
        if blocked and not candidates:  # the prompt was refused: nothing came in the place of an answer
            reasons = [blocked.lower()]
        return Reply(
            id=text(read(answer, "responseId")),
            model=text(read(answer, "modelVersion")),
            finish_reasons=reasons,
            usage=content_usage(read(answer, "usageMetadata")),
            failure=_failure(field(answer, "error")),
            messages=lambda: [_output_message(each) for each in candidates],
        )

    def collect(self, asked: Asked, *, keep_content: bool) -> ContentChunks:
        """Return what puts the chunks together."""
        expected = count(read(read(asked.body, "generationConfig"), "candidateCount")) or 1
        return ContentChunks(lambda answer: self.read(asked, answer), expected=expected, keep_content=keep_content)


class CountTokensEndpoint(Endpoint):
    """Counted tokens. No model answers, and nothing is billed: the count is no usage."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation=None,
            title="count_tokens",
            provider=asked.provider,
            model=model_in(asked.path),
            attributes=asked.server,
            messages=lambda: [message_of(each) for each in items(body.get("contents"))],
            tools=lambda: list(_tools(body)),
            instructions=lambda: list(parts_of(read(body, "systemInstruction"))),
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read the count."""
        counted = count(read(answer, "totalTokens"))
        if counted is None:
            return Reply()
        return Reply(content={semconv.OUTPUT_VALUE: lambda: {"total_tokens": counted}})


def model_in(path: str) -> str | None:
    """Return the model that a path names, as the program would: `gemini-2.5-flash`, `tunedModels/mine`."""
    name = path.rpartition(":")[0]
    return name.rpartition("models/")[2] or None


def finish_reason(candidate: object) -> str:
    """Return why a candidate ended, in Google's words, small; `error` where it did not end."""
    return (text(read(candidate, "finishReason")) or "error").lower()


def _failure(error: object) -> Failure | None:
    """Read the error that ended a stream; not every client raises it."""
    return (
        None if error is None else Failure(kind=str(field(error, "code")), message=text(field(error, "message")) or "")
    )


def _request_attributes(config: object) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    for name, key in _NUMBERS:
        value = number(read(config, name))
        if value is not None:
            found[key] = value
    for name, key in _COUNTS:
        whole = count(read(config, name))
        if whole is not None:
            found[key] = whole
    top_k = number(read(config, "topK"))
    if top_k is not None and top_k.is_integer():
        found[semconv.REQUEST_TOP_K] = int(top_k)
    choices = count(read(config, "candidateCount"))
    if choices is not None and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    stops = [each for each in items(read(config, "stopSequences")) if isinstance(each, str)]
    if stops:
        found[semconv.REQUEST_STOP_SEQUENCES] = stops
    level = text(read(read(config, "thinkingConfig"), "thinkingLevel"))
    if level:
        found[semconv.REQUEST_REASONING_LEVEL] = level.lower()
    output = _output_type(config)
    if output:
        found[semconv.OUTPUT_TYPE] = output
    return found


def _output_type(config: object) -> str | None:
    wanted = [str(each) for each in items(read(config, "responseModalities"))]
    for modality, kind in _MODALITIES.items():
        if modality in wanted:
            return kind
    mime_type = text(read(config, "responseMimeType")) or ""
    if mime_type == "application/json":
        return "json"
    return "text" if mime_type or wanted == ["TEXT"] else None


def _tools(body: Mapping[str, object]) -> Iterator[Message]:
    for tool in items(body.get("tools")):
        declared = items(read(tool, "functionDeclarations"))
        for function in declared:
            found = function_definition(function)
            schema = read(function, "parametersJsonSchema")
            yield found | {"parameters": schema} if found and schema is not None else found
        if not declared:  # one that runs at the provider: `{"googleSearch": {}}`
            for name, given in plain(tool).items():
                yield {**plain(given), "type": name, "name": name}


def _output_message(candidate: object) -> Message:
    reason = finish_reason(candidate)
    schema_reason = "length" if reason == "max_tokens" else "content_filter" if reason in _FILTERED else reason
    parts = [*_searched(read(candidate, "groundingMetadata")), *parts_of(field(candidate, "content"))]
    return {"role": "assistant", "parts": parts, "finish_reason": schema_reason}


def _searched(grounding: object) -> Iterator[Message]:
    """Return what the model searched for, and what it was shown. The page of HTML that comes with it is left out."""
    queries = items(read(grounding, "webSearchQueries"))
    if not queries:
        return
    yield server_call("google_search", {"queries": queries})
    sources = items(read(grounding, "groundingChunks"))
    if sources:
        yield server_response("google_search", {"sources": sources})
