"""Each dialect's words in ours, and which wins where several are spoken."""

from typing import Any

import pytest
from inline_snapshot import snapshot

from tests.unit.otlp.dialects.spans import added, said, span
from tracelm import semconv
from tracelm.otlp.dialects import canonical, which
from tracelm.otlp.dialects.providers import provider_named

TODAY: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.usage.input_tokens": 1,
    "my.own": "x",
}


def test_a_span_in_todays_names_is_left_as_it_is() -> None:
    one = span(TODAY)
    assert canonical(one) is one.attributes
    assert which(one) is None


def test_1_41_calls_writing_to_the_cache_creation() -> None:
    attributes: dict[str, Any] = {**TODAY, "gen_ai.usage.cache_creation.input_tokens": 5}
    assert added(attributes) == {"gen_ai.usage.cache_write.input_tokens": 5}
    assert which(span(attributes)) == "opentelemetry-1.41"


def test_1_36_names_the_system_and_tells_messages_by_events() -> None:
    attributes: dict[str, Any] = {
        "gen_ai.system": "az.ai.openai",
        "gen_ai.usage.prompt_tokens": 7,
        "gen_ai.usage.completion_tokens": 8,
        "gen_ai.openai.request.seed": 3,
        "enduser.id": "u",
    }
    calls = '[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\\"a\\":1}"}}]'
    found = added(
        attributes,
        said("gen_ai.system.message", content="Be short."),
        said("gen_ai.user.message", content='[{"type":"text","text":"1 + 1?"}]'),
        said("gen_ai.assistant.message", tool_calls=calls),
        said("gen_ai.tool.message", id="c1", content="[2]"),
        said("gen_ai.choice", index=0, finish_reason="stop", message={"role": "assistant", "content": "2"}),
        said("something.else", content="no message"),
    )
    assert found == snapshot(
        {
            "gen_ai.provider.name": "azure.ai.openai",
            "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.output_tokens": 8,
            "gen_ai.request.seed": 3,
            "user.id": "u",
            "gen_ai.input.messages": [
                {"role": "system", "parts": [{"type": "text", "content": "Be short."}]},
                {"role": "user", "parts": [{"type": "text", "content": "1 + 1?"}]},
                {
                    "role": "assistant",
                    "parts": [{"type": "tool_call", "name": "add", "arguments": {"a": 1}, "id": "c1"}],
                },
                {"role": "tool", "parts": [{"type": "tool_call_response", "response": "[2]", "id": "c1"}]},
            ],
            "gen_ai.output.messages": [
                {"role": "assistant", "parts": [{"type": "text", "content": "2"}], "finish_reason": "stop"}
            ],
        }
    )


def test_before_messages_had_events_they_were_attributes_or_contents_of_events() -> None:
    wanted = [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
    prompt, completion = '[{"role":"user","content":"Hi"}]', '[{"role":"assistant","content":"Ho"}]'
    by_attribute = added({"gen_ai.system": "openai", "gen_ai.prompt": prompt, "gen_ai.completion": "Ho"})
    by_event = added(
        {"gen_ai.system": "openai"},
        said("gen_ai.content.prompt", **{"gen_ai.prompt": prompt}),
        said("gen_ai.content.completion", **{"gen_ai.completion": completion}),
    )
    assert by_attribute["gen_ai.input.messages"] == by_event["gen_ai.input.messages"] == wanted
    assert by_attribute["gen_ai.output.messages"] == by_event["gen_ai.output.messages"]


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        ("LLM", "chat"),
        ("EMBEDDING", "embeddings"),
        ("RETRIEVER", "retrieval"),
        ("TOOL", "execute_tool"),
        ("AGENT", "invoke_agent"),
        ("CHAIN", None),
        ("RERANKER", None),
        ("GUARDRAIL", None),
        ("EVALUATOR", None),
        ("invented", None),
    ],
)
def test_kinds_of_openinference_are_operations(kind: str, operation: str | None) -> None:
    assert added({"openinference.span.kind": kind}).get("gen_ai.operation.name") == operation


def test_openinference_keeps_pictures_costs_and_reasoning() -> None:
    prefix = "llm.input_messages.0.message.contents"
    attributes: dict[str, Any] = {
        "openinference.span.kind": "LLM",
        "llm.provider": "aws",
        "llm.system": "anthropic",
        "llm.model_name": "claude",
        "llm.token_count.prompt": 100,
        "llm.token_count.prompt_details.cache_read": 60,
        "llm.token_count.prompt_details.cache_write": 10,
        "llm.cost.total": 0.25,
        "llm.invocation_parameters": '{"max_tokens": 5, "stream": true}',
        f"{prefix}.0.message_content.type": "text",
        f"{prefix}.0.message_content.text": "What is this?",
        f"{prefix}.1.message_content.type": "image",
        f"{prefix}.1.message_content.image.image.url": "data:image/png;base64,AAAA",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.10.message.role": "user",
        "llm.input_messages.10.message.content": "last",
        "llm.input_messages.2.message.role": "user",
        "llm.input_messages.2.message.content": "middle",
        "metadata": '{"plan": "pro"}',
    }
    assert added(attributes) == snapshot(
        {
            "gen_ai.request.max_tokens": 5,
            "gen_ai.request.stream": True,
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "aws.bedrock",
            "gen_ai.request.model": "claude",
            "gen_ai.usage.cost.amount": 0.25,
            "gen_ai.usage.cost.currency": "USD",
            "tracelm.metadata": {"plan": "pro"},
            "gen_ai.response.model": "claude",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.cache_read.input_tokens": 60,
            "gen_ai.usage.cache_write.input_tokens": 10,
            "gen_ai.input.messages": [
                {
                    "role": "user",
                    "parts": [
                        {"type": "text", "content": "What is this?"},
                        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"},
                    ],
                },
                {"role": "user", "parts": [{"type": "text", "content": "middle"}]},
                {"role": "user", "parts": [{"type": "text", "content": "last"}]},
            ],
        }
    )


def test_openinference_tells_documents_and_tools() -> None:
    documents: dict[str, Any] = {
        "openinference.span.kind": "RETRIEVER",
        "input.value": "query",
        "retrieval.documents.0.document.id": "d1",
        "retrieval.documents.0.document.score": 0.5,
        "retrieval.documents.0.document.content": "text",
    }
    assert added(documents) == {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.retrieval.documents": [{"id": "d1", "score": 0.5, "content": "text"}],
    }
    tool: dict[str, Any] = {
        "openinference.span.kind": "TOOL",
        "tool.name": "add",
        "input.value": '{"a":1}',
        "output.value": "2",
    }
    assert added(tool) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        "gen_ai.tool.call.arguments": {"a": 1},
        "gen_ai.tool.call.result": "2",
    }


def test_openllmetry_of_some_years_ago_flattened_its_messages() -> None:
    attributes: dict[str, Any] = {
        "llm.request.type": "chat",
        "gen_ai.system": "Anthropic",
        "gen_ai.request.model": "claude",
        "gen_ai.usage.prompt_tokens": 30,
        "gen_ai.usage.completion_tokens": 4,
        "gen_ai.usage.cache_read_input_tokens": 20,
        "gen_ai.usage.cache_creation_input_tokens": 5,
        "llm.is_streaming": True,
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": '[{"type": "text", "text": "1 + 1?"}]',
        "gen_ai.prompt.1.role": "assistant",
        "gen_ai.prompt.1.tool_calls.0.id": "c1",
        "gen_ai.prompt.1.tool_calls.0.name": "add",
        "gen_ai.prompt.1.tool_calls.0.arguments": '{"a": 1}',
        "gen_ai.prompt.2.role": "tool",
        "gen_ai.prompt.2.content": "2",
        "gen_ai.prompt.2.tool_call_id": "c1",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "Two.",
        "gen_ai.completion.0.finish_reason": "stop",
        "llm.request.functions.0.name": "add",
        "llm.request.functions.0.parameters": '{"type": "object"}',
    }
    assert which(span(attributes)) == "openllmetry"
    assert added(attributes) == snapshot(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.stream": True,
            "gen_ai.usage.cache_read.input_tokens": 20,
            "gen_ai.usage.cache_write.input_tokens": 5,
            "gen_ai.usage.input_tokens": 30,
            "gen_ai.usage.output_tokens": 4,
            "gen_ai.input.messages": [
                {"role": "user", "parts": [{"type": "text", "content": "1 + 1?"}]},
                {
                    "role": "assistant",
                    "parts": [{"type": "tool_call", "name": "add", "arguments": {"a": 1}, "id": "c1"}],
                },
                {"role": "tool", "parts": [{"type": "tool_call_response", "response": "2", "id": "c1"}]},
            ],
            "gen_ai.output.messages": [
                {"role": "assistant", "parts": [{"type": "text", "content": "Two."}], "finish_reason": "stop"}
            ],
            "gen_ai.tool.definitions": [{"type": "function", "name": "add", "parameters": {"type": "object"}}],
        }
    )


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("workflow", {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "e"}),
        ("agent", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "e"}),
        ("tool", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "e"}),
        ("task", {"tracelm.op.name": "e"}),
    ],
)
def test_entities_of_traceloop_have_names_inputs_and_outputs(kind: str, told: dict[str, Any]) -> None:
    about = "traceloop.association.properties"
    found = added(
        {
            "traceloop.span.kind": kind,
            "traceloop.entity.name": "e",
            "traceloop.entity.input": '{"args": [1]}',
            "traceloop.entity.output": "2",
            f"{about}.session_id": "s",
            f"{about}.user_id": "u",
            f"{about}.plan": "pro",
        }
    )
    assert found == told | {
        "input.value": {"args": [1]},
        "output.value": "2",
        "session.id": "s",
        "user.id": "u",
        "tracelm.metadata": {"plan": "pro"},
    }


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        # A provider's own object: cached tokens are a part of the input.
        ('{"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}}', (10, 4, 6)),
        ('{"input_tokens": 10, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 6}}', (10, 4, 6)),
        # Langfuse's: each name is a share.
        ('{"input": 4, "output": 4, "input_cached_tokens": 6, "total": 14}', (10, 4, 6)),
        ('{"input": 4, "cache_read_input_tokens": 6, "output": 3, "output_reasoning_tokens": 1}', (10, 4, 6)),
        ('{"input": "many"}', (None, None, None)),
        ("[]", (None, None, None)),
        ("{", (None, None, None)),
    ],
)
def test_langfuse_counts_shares_and_providers_count_parts(usage: str, tokens: tuple[int | None, ...]) -> None:
    found = added({"langfuse.observation.type": "generation", "langfuse.observation.usage_details": usage})
    names = (semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS, semconv.CACHE_READ_TOKENS)
    assert tuple(found.get(name) for name in names) == tokens


def test_langfuse_tells_cost_prompt_and_metadata() -> None:
    found = added(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.cost_details": '{"input": 0.1, "output": 0.2}',
            "langfuse.observation.prompt.name": "greet",
            "langfuse.observation.prompt.version": "3",
            "langfuse.observation.metadata.step": "1",
            "langfuse.observation.input": '"Hi"',
            "langfuse.observation.output": '{"answer": 5}',
        }
    )
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.cost.amount": pytest.approx(0.3),
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.prompt.name": "greet",
        "gen_ai.prompt.version": "3",
        "tracelm.metadata": {"step": 1},
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
        "output.value": {"answer": 5},
    }


def test_logfires_older_records_hold_request_and_response() -> None:
    found = added(
        {
            "logfire.span_type": "span",
            "request_data": '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}',
            "response_data": '{"message": {"role": "assistant", "content": "Ho"}}',
            "operation.cost": 0.5,
        }
    )
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.cost.amount": 0.5,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "Ho"}]}],
    }


def test_pydantic_ai_tells_agents_tools_and_events() -> None:
    agent = added(
        {
            "logfire.msg": "agent run",
            "agent_name": "helper",
            "final_result": "2",
            "events": '[{"event.name":"gen_ai.user.message","role":"user","content":"1 + 1?"},'
            '{"event.name":"gen_ai.choice","index":0,"message":{"role":"assistant","content":"2"}}]',
        }
    )
    assert agent == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "helper",
        "output.value": "2",
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "1 + 1?"}]}],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "2"}]}],
    }
    tool = added({"logfire.msg": "running tool", "tool_arguments": '{"a": 1}', "tool_response": "2"})
    assert tool == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.call.arguments": {"a": 1},
        "gen_ai.tool.call.result": "2",
    }


def test_vercel_tells_tools_and_embeddings() -> None:
    tool: dict[str, Any] = {
        "ai.operationId": "ai.toolCall",
        "ai.toolCall.name": "add",
        "ai.toolCall.id": "c1",
        "ai.toolCall.args": '{"a":1}',
        "ai.toolCall.result": "2",
    }
    assert added(tool) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.arguments": {"a": 1},
        "gen_ai.tool.call.result": "2",
        "input.value": {"a": 1},
        "output.value": "2",
    }
    embedding: dict[str, Any] = {
        "ai.operationId": "ai.embed.doEmbed",
        "ai.model.provider": "google.generative-ai",
        "ai.usage.tokens": 5,
    }
    assert added(embedding) == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.usage.input_tokens": 5,
    }


@pytest.mark.parametrize(
    ("named", "provider"),
    [
        ("OpenAI", "openai"),
        ("openai.chat", "openai"),
        ("azure.ai.openai", "azure.ai.openai"),
        ("azure-openai.chat", "azure.ai.openai"),
        ("google.vertex.chat", "gcp.vertex_ai"),
        ("mistralai", "mistral_ai"),
        ("Ollama", "ollama"),
        ("", None),
        (5, None),
    ],
)
def test_a_provider_has_opentelemetrys_name(named: object, provider: str | None) -> None:
    assert provider_named(named) == provider


def test_todays_name_wins_over_every_dialect() -> None:
    found = canonical(
        span(
            {
                "openinference.span.kind": "LLM",
                "llm.token_count.prompt": 9,
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.prompt_tokens": 11,
            }
        )
    )
    assert found["gen_ai.usage.input_tokens"] == 10


def test_of_two_dialects_the_frameworks_wins_and_the_other_fills_in() -> None:
    attributes: dict[str, Any] = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.usage_details": '{"input": 5, "output": 6}',
        "gen_ai.system": "openai",
        "gen_ai.usage.prompt_tokens": 7,
        "traceloop.association.properties.user_id": "u",
    }
    found = canonical(span(attributes))
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.provider.name"], found["user.id"]) == (5, "openai", "u")
    assert which(span(attributes)) == "langfuse"
    assert which(span({**attributes, "openinference.span.kind": "LLM"})) == "openinference"


def test_columns_alone_cost_no_messages() -> None:
    one = span({"gen_ai.system": "openai", "gen_ai.prompt": "Hi", "gen_ai.usage.prompt_tokens": 1})
    assert canonical(one)["gen_ai.input.messages"]
    found = canonical(one, content=False)
    assert "gen_ai.input.messages" not in found
    assert found["gen_ai.usage.input_tokens"] == 1
