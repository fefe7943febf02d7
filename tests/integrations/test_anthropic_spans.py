"""What a call of Claude records: some whole spans of recorded exchanges."""

import pytest
from inline_snapshot import snapshot

from tests.integrations.answering import brief
from tests.recordings.claude import ClaudeRecorded, shared_claude
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")


def _ask(name: str, url: str) -> None:
    recorded = ClaudeRecorded(shared_claude()[f"anthropic-messages-{name}"], url)
    with recorded.client() as client:
        reply = recorded.ask(client)
        if recorded.is_streamed:
            list(reply)


def test_the_whole_span_of_calls_of_tools(foreign_url: str, spans: Spans) -> None:
    _ask("sync-parallel-tool-calls-ffa43e97", foreign_url)
    assert brief(spans) == snapshot(
        [
            (
                "chat claude-haiku-4-5",
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "anthropic",
                    "gen_ai.request.model": "claude-haiku-4-5",
                    "server.address": "127.0.0.1",
                    "gen_ai.request.max_tokens": 1024,
                    "gen_ai.input.messages": [
                        {
                            "role": "user",
                            "parts": [{"type": "text", "content": "What's the weather in NYC and what's 5 plus 3?"}],
                        }
                    ],
                    "gen_ai.tool.definitions": [
                        {
                            "type": "function",
                            "name": "get_weather",
                            "description": "Get the current weather",
                            "parameters": {
                                "type": "object",
                                "properties": {"location": {"type": "string"}},
                                "required": ["location"],
                            },
                        },
                        {
                            "type": "function",
                            "name": "calculate",
                            "description": "Perform basic arithmetic",
                            "parameters": {
                                "type": "object",
                                "properties": {
                                    "operation": {"type": "string", "enum": ["add", "subtract", "multiply", "divide"]},
                                    "a": {"type": "number"},
                                    "b": {"type": "number"},
                                },
                                "required": ["operation", "a", "b"],
                            },
                        },
                    ],
                    "anthropic.response.service_tier": "standard",
                    "gen_ai.usage.input_tokens": 662,
                    "gen_ai.usage.output_tokens": 122,
                    "gen_ai.usage.cache_read.input_tokens": 0,
                    "gen_ai.usage.cache_write.input_tokens": 0,
                    "tracelm.usage.cache_write_1h.input_tokens": 0,
                    "gen_ai.response.id": "msg_011CczuLLdiLY4NFKBBvfN4R",
                    "gen_ai.response.model": "claude-haiku-4-5-20251001",
                    "gen_ai.response.finish_reasons": ["tool_use"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [
                                {
                                    "type": "tool_call",
                                    "name": "get_weather",
                                    "id": "toolu_01TyyYyNqkhYcp2EyRVfaG1G",
                                    "arguments": {"location": "NYC"},
                                },
                                {
                                    "type": "tool_call",
                                    "name": "calculate",
                                    "id": "toolu_01L2Eu6TgwJ5xEi8SeuG4Jsn",
                                    "arguments": {"operation": "add", "a": 5, "b": 3},
                                },
                            ],
                            "finish_reason": "tool_call",
                        }
                    ],
                    "tracelm.cost.rule": "genai-prices:anthropic/claude-haiku-4-5",
                },
            )
        ]
    )


def test_the_whole_span_of_what_tools_answered(foreign_url: str, spans: Spans) -> None:
    _ask("stream-tool-results-6664c20b", foreign_url)
    assert brief(spans) == snapshot(
        [
            (
                "chat claude-haiku-4-5-20251001",
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "anthropic",
                    "gen_ai.request.model": "claude-haiku-4-5-20251001",
                    "server.address": "127.0.0.1",
                    "gen_ai.request.max_tokens": 4096,
                    "gen_ai.request.stream": True,
                    "gen_ai.system_instructions": [{"type": "text", "content": "Be very terse, not even punctuation."}],
                    "gen_ai.input.messages": [
                        {
                            "role": "user",
                            "parts": [
                                {
                                    "type": "text",
                                    "content": """\

        What are Joe and Hadley's favourite colours?
        Answer like name1: colour1, name2: colour2
    \
""",
                                }
                            ],
                        },
                        {
                            "role": "assistant",
                            "parts": [
                                {
                                    "type": "tool_call",
                                    "name": "favorite_color",
                                    "id": "toolu_012gbTrV1LahNLtHdAwDnKPV",
                                    "arguments": {"_person": "Joe"},
                                },
                                {
                                    "type": "tool_call",
                                    "name": "favorite_color",
                                    "id": "toolu_016MfNFkQMqGdzDjXqKSAo6G",
                                    "arguments": {"_person": "Hadley"},
                                },
                            ],
                        },
                        {
                            "role": "user",
                            "parts": [
                                {
                                    "type": "tool_call_response",
                                    "response": "sage green",
                                    "id": "toolu_012gbTrV1LahNLtHdAwDnKPV",
                                },
                                {
                                    "type": "tool_call_response",
                                    "response": "red",
                                    "id": "toolu_016MfNFkQMqGdzDjXqKSAo6G",
                                },
                            ],
                        },
                    ],
                    "gen_ai.tool.definitions": [
                        {
                            "type": "function",
                            "name": "favorite_color",
                            "description": "Returns a person's favourite colour",
                            "parameters": {
                                "type": "object",
                                "properties": {"_person": {"type": "string"}},
                                "required": ["_person"],
                                "additionalProperties": False,
                            },
                        }
                    ],
                    "anthropic.response.service_tier": "standard",
                    "gen_ai.usage.input_tokens": 766,
                    "gen_ai.usage.output_tokens": 13,
                    "gen_ai.usage.cache_read.input_tokens": 0,
                    "gen_ai.usage.cache_write.input_tokens": 0,
                    "tracelm.usage.cache_write_1h.input_tokens": 0,
                    "gen_ai.response.id": "msg_01YD7ujqVfLLY7LKyvWfuhSi",
                    "gen_ai.response.model": "claude-haiku-4-5-20251001",
                    "gen_ai.response.finish_reasons": ["end_turn"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [{"type": "text", "content": "Joe: sage green, Hadley: red"}],
                            "finish_reason": "stop",
                        }
                    ],
                    "tracelm.cost.rule": "genai-prices:anthropic/claude-haiku-4-5",
                },
            )
        ]
    )


def test_the_whole_span_of_code_that_the_provider_runs(foreign_url: str, spans: Spans) -> None:
    _ask("sync-code-execution-a2ad9e8c", foreign_url)
    assert brief(spans) == snapshot(
        [
            (
                "chat claude-sonnet-4-0",
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "anthropic",
                    "gen_ai.request.model": "claude-sonnet-4-0",
                    "server.address": "127.0.0.1",
                    "gen_ai.request.max_tokens": 4096,
                    "gen_ai.input.messages": [
                        {"role": "user", "parts": [{"type": "text", "content": "How much is 3 * 12390?"}]}
                    ],
                    "gen_ai.tool.definitions": [{"name": "code_execution", "type": "code_execution_20250522"}],
                    "anthropic.response.service_tier": "standard",
                    "gen_ai.usage.input_tokens": 1627,
                    "gen_ai.usage.output_tokens": 106,
                    "gen_ai.usage.cache_read.input_tokens": 0,
                    "gen_ai.usage.cache_write.input_tokens": 0,
                    "tracelm.usage.cache_write_1h.input_tokens": 0,
                    "tracelm.usage.web_searches": 0,
                    "gen_ai.response.id": "msg_01BazrWNc653EyoEg5Jx2ASv",
                    "gen_ai.response.model": "claude-sonnet-4-20250514",
                    "gen_ai.response.finish_reasons": ["end_turn"],
                    "gen_ai.output.messages": [
                        {
                            "role": "assistant",
                            "parts": [
                                {
                                    "type": "text",
                                    "content": "I can calculate this for you using Python to ensure accuracy.",
                                },
                                {
                                    "type": "server_tool_call",
                                    "name": "code_execution",
                                    "id": "srvtoolu_01RjxnSMHE3r4nfBYHrJ71Qg",
                                    "server_tool_call": {
                                        "code": """\
result = 3 * 12390
print(f"3 * 12390 = {result}")\
""",
                                        "type": "code_execution",
                                    },
                                },
                                {
                                    "type": "server_tool_call_response",
                                    "server_tool_call_response": {
                                        "type": "code_execution",
                                        "content": {
                                            "content": [],
                                            "return_code": 0,
                                            "stderr": "",
                                            "stdout": "3 * 12390 = 37170",
                                            "type": "code_execution_result",
                                        },
                                    },
                                    "id": "srvtoolu_01RjxnSMHE3r4nfBYHrJ71Qg",
                                },
                                {"type": "text", "content": "3 × 12390 = 37170"},
                            ],
                            "finish_reason": "stop",
                        }
                    ],
                    "tracelm.cost.rule": "genai-prices:anthropic/claude-sonnet-4-0",
                },
            )
        ]
    )


@pytest.mark.anthropic(1, 0)
def test_the_whole_span_of_counted_tokens(foreign_url: str, spans: Spans) -> None:
    _ask("count-tokens-sync-tool-results-3ffd37b9", foreign_url)
    assert brief(spans) == snapshot(
        [
            (
                "count_tokens claude-sonnet-4-5",
                {
                    "gen_ai.provider.name": "anthropic",
                    "gen_ai.request.model": "claude-sonnet-4-5",
                    "server.address": "127.0.0.1",
                    "gen_ai.input.messages": [
                        {"role": "user", "parts": [{"type": "text", "content": "What is the USD to EUR rate?"}]},
                        {
                            "role": "assistant",
                            "parts": [
                                {
                                    "type": "tool_call",
                                    "name": "search_tools",
                                    "id": "search-1",
                                    "arguments": {"queries": ["exchange rate"]},
                                }
                            ],
                        },
                        {
                            "role": "user",
                            "parts": [
                                {
                                    "type": "tool_call_response",
                                    "response": [{"tool_name": "get_exchange_rate", "type": "tool_reference"}],
                                    "id": "search-1",
                                }
                            ],
                        },
                    ],
                    "gen_ai.tool.definitions": [
                        {
                            "type": "function",
                            "name": "get_exchange_rate",
                            "description": "",
                            "parameters": {"type": "object"},
                        }
                    ],
                    "output.value": {"input_tokens": 641},
                },
            )
        ]
    )
