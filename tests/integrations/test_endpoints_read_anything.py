"""No request, answer or event is too odd to read: what is not understood is left out, and nothing raises."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tracelm.integrations._bedrock.endpoints import CONVERSE, endpoint_for
from tracelm.integrations._claude.endpoints import find_claude_endpoint
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._google.routes import find_endpoint as find_google_endpoint
from tracelm.integrations._openai.routes import find_endpoint

_CLAUDE = ("/v1/messages", "/v1/messages/count_tokens")
_ENDPOINTS: dict[str, Endpoint] = {
    path: found[1]
    for verb, path in (
        ("post", "/chat/completions"),
        ("post", "/completions"),
        ("post", "/responses"),
        ("post", "/responses/compact"),
        ("get", "/responses/resp_1"),
        ("post", "/embeddings"),
        ("post", "/images/edits"),
        ("post", "/audio/speech"),
        ("post", "/audio/transcriptions"),
        ("post", "/moderations"),
        *(("post", each) for each in _CLAUDE),
    )
    if (found := find_claude_endpoint(verb, path) if path in _CLAUDE else find_endpoint(verb, path)) is not None
} | {"converse": CONVERSE, "invoke": endpoint_for({})}
_ENDPOINTS_OF_GOOGLE = {
    path: found[1]
    for path, body in (
        ("models/m:generateContent", {}),
        ("models/m:countTokens", {}),
        ("models/m:batchEmbedContents", {}),
        ("models/images:predict", {"instances": [{"prompt": ""}]}),
        ("models/vectors:predict", {"instances": [{"content": ""}]}),
    )
    if (found := find_google_endpoint("post", path, body)) is not None
}
_KEYS = st.sampled_from(
    [
        *("input", "instructions", "output", "type", "role", "content", "text", "summary", "arguments", "name", "id"),
        *("call_id", "status", "error", "code", "message", "incomplete_details", "reason", "usage", "input_tokens"),
        *("prompt", "choices", "index", "finish_reason", "data", "embedding", "b64_json", "url", "duration", "delta"),
        *("item", "output_index", "content_index", "response", "results", "tools", "action", "execution", "variables"),
        *(
            "system",
            "source",
            "citations",
            "thinking",
            "tool_use_id",
            "is_error",
            "server_name",
            "citation",
            "stop_reason",
        ),
        *("content_block", "partial_json", "iterations", "cache_creation", "mcp_servers", "output_config", "messages"),
        *("input_schema", "toolUse", "toolResult", "reasoningContent", "guardContent", "json", "bytes", "toolConfig"),
        *(
            "citationsContent",
            "contentBlockDelta",
            "contentBlockStart",
            "messageStop",
            "metadata",
            "start",
            "cachePoint",
        ),
        *("contents", "parts", "candidates", "usageMetadata", "promptTokensDetails", "modality", "tokenCount"),
        *("generationConfig", "topK", "systemInstruction", "functionDeclarations", "functionCall", "functionResponse"),
        *("inlineData", "fileData", "mimeType", "fileUri", "thought", "groundingMetadata", "webSearchQueries"),
        *("promptFeedback", "blockReason", "finishReason", "instances", "predictions", "embeddings", "values"),
        *("requests", "parameters", "referenceImages", "statistics", "image", "body", "executableCode", "toolCall"),
        *("encoding_format", "dimensions", "stream_format", "images", "n", "conversation", "item_id", "result"),
    ]
)
_KINDS = st.sampled_from(
    [
        *("message", "reasoning", "function_call", "function_call_output", "custom_tool_call", "mcp_call", "program"),
        *("web_search_call", "code_interpreter_call", "image_generation_call", "tool_search_call", "shell_call"),
        *("shell_call_output", "tool_search_output", "compaction", "item_reference", "output_text", "input_image"),
        *("input_file", "summary_text", "refusal", "client", "server", "completed", "incomplete", "failed", "sse"),
        *("response.created", "response.output_item.added", "response.output_item.done", "response.completed"),
        *("response.output_text.delta", "response.function_call_arguments.delta", "error", "transcript.text.delta"),
        *("response.reasoning_summary_text.delta", "transcript.text.done", "image_generation.partial_image"),
        *("image_generation.completed", "message_start", "message_delta", "content_block_start", "content_block_delta"),
        *("text_delta", "thinking_delta", "input_json_delta", "citations_delta", "text", "thinking", "tool_use"),
        *("tool_result", "server_tool_use", "mcp_tool_use", "web_search_tool_result", "image", "document", "base64"),
        *("container_upload", "redacted_thinking", "end_turn", "custom"),
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | _KINDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=20,
)
_BODY = st.dictionaries(_KEYS, _JSON, max_size=8)


@pytest.mark.parametrize("path", sorted(_ENDPOINTS | _ENDPOINTS_OF_GOOGLE))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@example(body={}, answer=None, chunks=[{"body": "no JSON"}], files=None)
@given(body=_BODY, answer=_JSON | st.binary(max_size=40), chunks=st.lists(_BODY, max_size=5), files=_JSON)
def test_anything(path: str, body: dict[str, Any], answer: object, chunks: list[object], files: object) -> None:
    endpoint: Endpoint = (_ENDPOINTS | _ENDPOINTS_OF_GOOGLE)[path]
    asked = Asked(path=path, body=body, files=files, provider="openai", streams=bool(chunks))
    request = endpoint.describe(asked)
    assert request.name
    assert all(isinstance(key, str) for key in request.known())
    for make in request.said().values():
        make()
    collected = endpoint.collect(asked, keep_content=True)
    for chunk in chunks:
        collected.add(chunk)
        collected.add(SimpleNamespace(body=chunk))  # as Google's client passes it on
    assert isinstance(collected.is_complete, bool)
    for reply in (endpoint.read(asked, answer), collected.reply()):
        assert all(isinstance(reason, str) for reason in reply.finish_reasons)
        reply.known()
        for make in reply.said().values():
            make()
        for message in reply.messages():
            assert {"role", "parts", "finish_reason"} <= set(message)
