"""What conforms is passed; each way of not conforming is found, and the message says what to do."""

from typing import Any

import pytest
from inline_snapshot import snapshot

import tracelm
from tests.unit.testing.conformance.records import CHAT, span
from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans
from tracelm.testing.conformance import RULES, Finding, check
from tracelm.testing.conformance.attributes import OPERATIONS

TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
FETCH = {
    "gen_ai.operation.name": "fetch_response",
    "gen_ai.provider.name": "openai",
    "gen_ai.response.id": "resp_1",
    "gen_ai.response.status": "completed",
}
MCP = {
    "mcp.method.name": "tools/call",
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "search",
    "mcp.protocol.version": "2025-06-18",
    "network.transport": "pipe",
    "jsonrpc.request.id": "1",
}


def violations(found: SpanRecord) -> list[tuple[str, str]]:
    """Return rule and subject of what a span violates."""
    return [(each.rule, each.subject) for each in check(found) if each.level == "violation"]


def improvements(found: SpanRecord) -> set[str]:
    """Return what a span could have besides."""
    return {each.subject for each in check(found) if each.level == "improvement"}


# --- nothing to say -----------------------------------------------------------------------------------------
def test_a_chat_with_all_there_is_conforms() -> None:
    assert check(span()) == []


def test_a_span_that_is_none_of_genais_is_left_alone() -> None:
    assert check(span("GET", {"http.request.method": "GET", "tracelm.op.name": "f"}, kind="server", status="ok")) == []


def test_a_span_without_an_operation_is_judged_by_its_attributes_only() -> None:
    moderation: dict[str, object] = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "omni"}
    assert check(span("moderations omni", moderation)) == []
    assert violations(span("moderations omni", {**moderation, "gen_ai.system": "openai"})) == [
        ("deprecated", "gen_ai.system")
    ]


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_operation_of_the_conventions_is_known(operation: str) -> None:
    found = check(span(operation, {"gen_ai.operation.name": operation}))
    assert {each.rule for each in found} <= {"required", "recommended", "kind"}


def test_proposed_names_of_cost_are_let_through() -> None:
    cost: dict[str, object] = {
        "gen_ai.usage.cost.amount": 0.01,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",
    }
    assert check(span(attributes={**CHAT, **cost})) == []


def test_names_of_the_programs_own_are_let_through() -> None:
    assert check(span(attributes={**CHAT, "tracelm.cost.rule": "a", "shop.order": 1})) == []


def test_ops_of_each_kind_but_retrieval_conform(spans: Spans) -> None:
    tracelm.op(name="search", kind="tool")(lambda: 1)()
    tracelm.op(name="answer", kind="agent")(lambda: 1)()
    tracelm.op(name="support", kind="workflow")(lambda: 1)()
    with tracelm.session("s", user_id="u"):
        tracelm.op(name="plain")(lambda: 1)()
    assert [violations(each) for each in spans.all()] == [[], [], [], []]


# --- the span itself ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("openai.chat", "name the span 'chat gpt-4o', not 'openai.chat'"),
        ("chat gpt-4", "name the span 'chat gpt-4o', not 'chat gpt-4'"),
        ("chat gpt-4o ", "name the span 'chat gpt-4o', not 'chat gpt-4o '"),
        ("Chat gpt-4o", "name the span 'chat gpt-4o', not 'Chat gpt-4o'"),
    ],
)
def test_a_name_that_is_not_operation_and_model_is_a_violation(name: str, message: str) -> None:
    assert check(span(name)) == [Finding("name", "name", message)]


def test_the_operation_alone_is_a_name_but_a_poor_one() -> None:
    assert check(span("chat")) == [Finding("name", "name", "name the span 'chat gpt-4o'", "improvement")]


def test_without_a_model_the_name_is_the_operation() -> None:
    other: dict[str, object] = {"gen_ai.request.model": None, "gen_ai.provider.name": "ollama"}
    assert violations(span("chat", {**CHAT, **other})) == []
    assert violations(span("chat gpt-4o", {**CHAT, **other})) == [("name", "name")]


def test_the_name_of_a_tools_call_may_go_on() -> None:
    assert violations(span("execute_tool search", TOOL, kind="internal")) == []
    assert violations(span("execute_tool search web", TOOL, kind="internal")) == []
    assert violations(span("execute_tool searching", TOOL, kind="internal")) == [("name", "name")]


@pytest.mark.parametrize(
    ("operation", "kind", "fits"),
    [
        ("chat", "client", True),
        ("chat", "internal", True),
        ("chat", "server", False),
        ("chat", "unspecified", False),
        ("embeddings", "internal", False),
        ("fetch_response", "internal", False),
        ("search_memory", "internal", True),
        ("create_agent", "internal", False),
        ("invoke_agent", "client", True),
        ("invoke_agent", "internal", True),
        ("invoke_agent", "producer", False),
        ("execute_tool", "internal", True),
        ("execute_tool", "client", False),
        ("invoke_workflow", "client", False),
        ("plan", "client", False),
    ],
)
def test_each_operation_has_its_kinds(operation: str, kind: str, fits: bool) -> None:
    found = violations(span(operation, {"gen_ai.operation.name": operation}, kind=kind))
    assert (("kind", "kind") not in found) == fits


def test_an_operation_of_ones_own_is_a_violation() -> None:
    found = check(span("rerank", {"gen_ai.operation.name": "rerank"}))
    assert [(each.rule, each.subject) for each in found] == [("operation", "gen_ai.operation.name")]


# --- the status ---------------------------------------------------------------------------------------------
def test_success_leaves_the_status_unset() -> None:
    assert violations(span(status="ok")) == [("status", "status")]


def test_a_failure_has_both_a_status_and_an_error_type() -> None:
    assert violations(span(status="error")) == [("status", "error.type")]
    assert violations(span(error__type="429")) == [("status", "status")]
    assert violations(span(status="error", error__type="429")) == []


@pytest.mark.parametrize("error", ["asyncio.exceptions.CancelledError", "trio.Cancelled", "KeyboardInterrupt"])
def test_what_the_program_cancelled_has_an_error_type_and_no_failed_status(error: str) -> None:
    assert check(span(error__type=error)) == []


def test_what_only_sounds_like_a_cancellation_is_a_failure() -> None:
    assert violations(span(error__type="shop.OrderCancelledErrors")) == [("status", "status")]


def test_a_failed_call_need_not_have_an_answer() -> None:
    unanswered: dict[str, object] = {
        key: value for key, value in CHAT.items() if "response" not in key and "usage" not in key
    }
    assert check(span(attributes=unanswered, status="error", error__type="429")) == []
    assert improvements(span(attributes=unanswered, status="error")) == set()
    assert check(span(attributes=unanswered, gen_ai__response__finish_reasons=["error"])) == []
    assert improvements(span(attributes=unanswered)) == {
        "gen_ai.response.id",
        "gen_ai.response.model",
        "gen_ai.response.finish_reasons",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
    }


# --- attributes ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"gen_ai.provider.name": None}, ("required", "gen_ai.provider.name")),
        ({"server.port": None}, ("required", "server.port")),
        ({"gen_ai.response.time_to_first_chunk": 0.2}, ("required", "gen_ai.request.stream")),
        ({"gen_ai.response.finish_reasons": ["stop", "stop"]}, ("required", "gen_ai.request.choice.count")),
        ({"gen_ai.request.temperature": 1}, ("type", "gen_ai.request.temperature")),
        ({"gen_ai.request.max_tokens": 10.0}, ("type", "gen_ai.request.max_tokens")),
        ({"gen_ai.request.seed": True}, ("type", "gen_ai.request.seed")),
        ({"gen_ai.request.top_k": 4.0}, ("type", "gen_ai.request.top_k")),
        ({"gen_ai.request.stop_sequences": "stop"}, ("type", "gen_ai.request.stop_sequences")),
        ({"gen_ai.request.stop_sequences": ["a", 1]}, ("type", "gen_ai.request.stop_sequences")),
        ({"gen_ai.response.id": 7}, ("type", "gen_ai.response.id")),
        ({"server.port": "443"}, ("type", "server.port")),
        ({"gen_ai.usage.cost.amount": 1}, ("type", "gen_ai.usage.cost.amount")),
        ({"gen_ai.output.type": "xml"}, ("enum", "gen_ai.output.type")),
        ({"openai.api.type": "chat"}, ("enum", "openai.api.type")),
        ({"gen_ai.usage.cost.source": "guess"}, ("enum", "gen_ai.usage.cost.source")),
        ({"gen_ai.request.stream": False}, ("value", "gen_ai.request.stream")),
        ({"gen_ai.request.choice.count": 1}, ("value", "gen_ai.request.choice.count")),
        ({"gen_ai.conversation.compacted": False}, ("value", "gen_ai.conversation.compacted")),
        ({"gen_ai.provider.name": ""}, ("value", "gen_ai.provider.name")),
        ({"gen_ai.response.model": ""}, ("value", "gen_ai.response.model")),
        ({"gen_ai.response.id": ""}, ("value", "gen_ai.response.id")),
        ({"gen_ai.agent.name": ""}, ("value", "gen_ai.agent.name")),
        ({"gen_ai.response.finish_reasons": []}, ("value", "gen_ai.response.finish_reasons")),
        ({"gen_ai.response.finish_reasons": [""]}, ("value", "gen_ai.response.finish_reasons")),
        ({"gen_ai.usage.prompt_tokens": 12}, ("deprecated", "gen_ai.usage.prompt_tokens")),
        ({"gen_ai.usage.total_tokens": 15}, ("deprecated", "gen_ai.usage.total_tokens")),
        ({"gen_ai.prompt.0.content": "hi"}, ("deprecated", "gen_ai.prompt.0.content")),
        ({"gen_ai.request.colour": "red"}, ("unknown", "gen_ai.request.colour")),
        ({"openai.colour": "red"}, ("unknown", "openai.colour")),
        ({"mcp.colour": "red"}, ("unknown", "mcp.colour")),
        ({"gen_ai.prompt.variable.": "red"}, ("unknown", "gen_ai.prompt.variable.")),
        ({"gen_ai.input.messages": "hi"}, ("content", "gen_ai.input.messages")),
        ({"gen_ai.usage.cache_read.input_tokens": 13}, ("usage", "gen_ai.usage.cache_read.input_tokens")),
        ({"gen_ai.usage.reasoning.output_tokens": 4}, ("usage", "gen_ai.usage.reasoning.output_tokens")),
        ({"gen_ai.usage.audio.input_tokens": 13}, ("usage", "gen_ai.usage.audio.input_tokens")),
        ({"gen_ai.usage.output_tokens": -1}, ("usage", "gen_ai.usage.output_tokens")),
        (
            {"gen_ai.usage.cache_read.input_tokens": 7, "gen_ai.usage.cache_write.input_tokens": 7},
            ("usage", "gen_ai.usage.input_tokens"),
        ),
        (
            {"gen_ai.usage.text.output_tokens": 2, "gen_ai.usage.audio.output_tokens": 2},
            ("usage", "gen_ai.usage.output_tokens"),
        ),
    ],
)
def test_each_wrong_attribute_is_one_violation(changed: dict[str, object], expected: tuple[str, str]) -> None:
    assert violations(span(attributes={**CHAT, **changed})) == [expected]


@pytest.mark.parametrize(
    "changed",
    [
        {"gen_ai.request.temperature": 1.0, "gen_ai.request.top_k": 4, "gen_ai.request.seed": 0},
        {"gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": 0.2},
        {"gen_ai.request.choice.count": 2, "gen_ai.response.finish_reasons": ["stop", "error"]},
        {"gen_ai.request.stop_sequences": [], "gen_ai.output.type": "json"},
        {"gen_ai.prompt.name": "p", "gen_ai.prompt.version": "2", "gen_ai.prompt.variable.city": "Rome"},
        {"gen_ai.usage.cache_read.input_tokens": 6, "gen_ai.usage.cache_write.input_tokens": 6},
        {"gen_ai.usage.text.input_tokens": 10, "gen_ai.usage.image.input_tokens": 2},
        {"gen_ai.usage.reasoning.output_tokens": 3, "gen_ai.usage.input_tokens": 0},
        {"gen_ai.provider.name": "a-provider-of-ones-own", "openai.api.type": None},
    ],
)
def test_right_attributes_are_no_finding(changed: dict[str, object]) -> None:
    assert check(span(attributes={**CHAT, **changed})) == []


def test_an_empty_name_is_none() -> None:
    assert violations(span("chat", gen_ai__request__model="")) == [("value", "gen_ai.request.model")]
    assert violations(span("execute_tool", TOOL, kind="internal", gen_ai__tool__name="")) == [
        ("value", "gen_ai.tool.name")
    ]
    assert violations(span(status="error", error__type="")) == [("value", "error.type")]


def test_a_stream_that_was_answered_should_say_when_the_first_chunk_came() -> None:
    assert improvements(span(gen_ai__request__stream=True)) == {"gen_ai.response.time_to_first_chunk"}
    failed = span(gen_ai__request__stream=True, status="error", error__type="500")
    assert improvements(failed) == set()


def test_an_old_name_is_one_finding_and_not_also_a_missing_new_one() -> None:
    found = span(attributes={**CHAT, "gen_ai.system": "openai"}, gen_ai__provider__name=None)
    assert violations(found) == [("deprecated", "gen_ai.system")]


def test_openai_asks_for_a_model_and_others_do_not() -> None:
    assert violations(span("chat", gen_ai__request__model=None)) == [("required", "gen_ai.request.model")]
    assert violations(span("chat", gen_ai__request__model=None, gen_ai__provider__name="groq")) == []


def test_openais_two_interfaces_for_chats_are_told_apart_and_it_has_one_for_everything_else() -> None:
    assert improvements(span(openai__api__type=None)) == {"openai.api.type"}
    assert improvements(span(openai__api__type=None, gen_ai__provider__name="groq")) == set()
    for operation in ("generate_content", "text_completion"):
        found = span(f"{operation} gpt-4o", gen_ai__operation__name=operation, openai__api__type=None)
        assert check(found) == []


@pytest.mark.parametrize("key", ["gen_ai.usage.input_tokens", "gen_ai.usage.cost.amount", "gen_ai.input.messages"])
def test_a_response_that_is_fetched_again_is_not_counted_again(key: str) -> None:
    value: Any = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.cost.amount": 0.1}.get(key, [])
    assert violations(span("fetch_response", FETCH)) == []
    assert violations(span("fetch_response", {**FETCH, key: value})) == [("misplaced", key)]


def test_a_response_that_is_fetched_has_an_id_and_a_known_status() -> None:
    assert violations(span("fetch_response", FETCH, gen_ai__response__id=None)) == [("required", "gen_ai.response.id")]
    assert violations(span("fetch_response", FETCH, gen_ai__response__status="done")) == [
        ("enum", "gen_ai.response.status")
    ]


@pytest.mark.parametrize(
    ("operation", "key", "value"),
    [
        ("embeddings", "gen_ai.usage.output_tokens", 0),
        ("embeddings", "gen_ai.usage.reasoning.output_tokens", 0),
        ("embeddings", "gen_ai.usage.text.output_tokens", 0),
        ("embeddings", "gen_ai.usage.image.output_tokens", 0),
        ("embeddings", "gen_ai.usage.audio.output_tokens", 0),
        ("retrieval", "gen_ai.request.top_k", 4),
        ("invoke_agent", "gen_ai.usage.cost.amount", 0.1),
        ("invoke_workflow", "gen_ai.usage.cost.amount", 0.1),
    ],
)
def test_what_an_operation_must_not_have_is_a_violation(operation: str, key: str, value: object) -> None:
    found = check(span(operation, {"gen_ai.operation.name": operation, key: value}))
    assert ("misplaced", key, "violation") in [(each.rule, each.subject, each.level) for each in found]


def test_what_an_agent_in_the_process_no_longer_has_is_an_improvement() -> None:
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a", "gen_ai.agent.id": "1"}
    found = check(span("invoke_agent a", agent, kind="internal"))
    assert ("misplaced", "gen_ai.agent.id", "improvement") in [(each.rule, each.subject, each.level) for each in found]
    remote = check(span("invoke_agent a", agent, kind="client"))
    assert "misplaced" not in {each.rule for each in remote}


# --- finish reasons -----------------------------------------------------------------------------------------
def message(role: str = "assistant") -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": "Hello"}]}


def test_there_is_one_finish_reason_for_each_output_message() -> None:
    assert check(span(gen_ai__output__messages=[message()])) == []
    assert violations(span(gen_ai__output__messages=[message(), message()])) == [
        ("finish-reasons", "gen_ai.response.finish_reasons")
    ]


@pytest.mark.parametrize(
    ("reasons", "messages", "fits"),
    [
        (["stop", "error"], 1, True),
        (["stop", "error"], 2, True),
        (["error", "error"], 0, True),
        (["stop", "error"], 0, False),
        (["stop", "error"], 3, False),
        (["stop", "length"], 1, False),
    ],
)
def test_a_choice_of_which_nothing_came_has_a_reason_and_need_not_have_a_message(
    reasons: list[str], messages: int, fits: bool
) -> None:
    found = span(
        gen_ai__request__choice__count=2,
        gen_ai__response__finish_reasons=reasons,
        gen_ai__output__messages=[message()] * messages,
    )
    assert violations(found) == ([] if fits else [("finish-reasons", "gen_ai.response.finish_reasons")])


def completion(reasons: int, *, prompts: int | None, choices: int | None = None) -> SpanRecord:
    """Return a completion of several prompts; `None` where the prompts were not recorded."""
    return span(
        "text_completion gpt-4o",
        gen_ai__operation__name="text_completion",
        gen_ai__request__choice__count=choices,
        gen_ai__response__finish_reasons=["stop"] * reasons,
        gen_ai__input__messages=None if prompts is None else [message("user")] * prompts,
    )


def test_each_of_several_prompts_is_answered_as_often_as_was_asked_for() -> None:
    assert violations(completion(3, prompts=3)) == []
    assert violations(completion(6, prompts=3, choices=2)) == []
    assert violations(completion(6, prompts=3)) == [("required", "gen_ai.request.choice.count")]
    assert violations(completion(7, prompts=3, choices=2)) == [("finish-reasons", "gen_ai.response.finish_reasons")]


def test_finish_reasons_of_prompts_that_were_not_recorded_are_not_compared() -> None:
    assert violations(completion(6, prompts=None)) == []
    assert violations(completion(7, prompts=None, choices=2)) == []


def test_there_are_not_more_finish_reasons_than_choices() -> None:
    reasons = ["stop", "stop", "stop"]
    found = span(gen_ai__request__choice__count=2, gen_ai__response__finish_reasons=reasons)
    assert violations(found) == [("finish-reasons", "gen_ai.response.finish_reasons")]


def test_a_provider_may_give_fewer_choices_than_were_asked_for() -> None:
    assert check(span(gen_ai__request__choice__count=2, gen_ai__output__messages=[message()])) == []


def test_an_agents_reasons_are_not_counted_against_its_messages() -> None:
    agent: dict[str, object] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.response.finish_reasons": ["stop", "tool_call"],
        "gen_ai.output.messages": [message()],
    }
    assert violations(span("invoke_agent", agent, kind="internal")) == []


# --- the older ways -----------------------------------------------------------------------------------------
def test_messages_as_span_events_are_deprecated_once_each() -> None:
    found = span(events=["gen_ai.user.message", "gen_ai.user.message", "gen_ai.choice", "exception"])
    assert violations(found) == [("deprecated", "gen_ai.user.message"), ("deprecated", "gen_ai.choice")]


# --- the Model Context Protocol -----------------------------------------------------------------------------
def test_a_call_over_the_protocol_conforms_on_both_sides() -> None:
    assert check(span("tools/call search", MCP)) == []
    assert check(span("tools/call search", MCP, kind="server")) == []


def test_a_tools_call_with_the_protocols_attributes_stays_a_tools_call() -> None:
    both: dict[str, object] = {**MCP, "gen_ai.tool.type": "function", "gen_ai.tool.call.id": "1"}
    assert check(span("execute_tool search", both, kind="internal")) == []


@pytest.mark.parametrize(
    ("changed", "name", "expected"),
    [
        ({}, "MCP send tools/call search", ("name", "name")),
        ({"gen_ai.tool.name": None}, "tools/call", ("required", "gen_ai.tool.name")),
        ({"jsonrpc.request.id": None}, "tools/call search", ("required", "jsonrpc.request.id")),
        ({"network.transport": "stdio"}, "tools/call search", ("enum", "network.transport")),
        (
            {"mcp.method.name": "tools/list", "gen_ai.tool.name": None},
            "tools/list",
            ("misplaced", "gen_ai.operation.name"),
        ),
        (
            {"mcp.method.name": "resources/read", "gen_ai.operation.name": None},
            "resources/read",
            ("required", "mcp.resource.uri"),
        ),
    ],
)
def test_each_way_to_break_the_protocols_span_is_found(
    changed: dict[str, object], name: str, expected: tuple[str, str]
) -> None:
    assert violations(span(name, {**MCP, **changed})) == [expected]


def test_a_notification_has_no_number_and_an_address_need_not_stand_in_the_name() -> None:
    attributes: dict[str, object] = {
        **MCP,
        "mcp.method.name": "notifications/resources/updated",
        "mcp.resource.uri": "file:///a",
    }
    for name in ("notifications/resources/updated", "notifications/resources/updated file:///a"):
        found = span(name, attributes, gen_ai__operation__name=None, jsonrpc__request__id=None)
        assert check(found) == []


# --- what a finding says ------------------------------------------------------------------------------------
def test_a_span_of_an_older_instrumentation_is_told_all_that_it_should_change() -> None:
    old = span(
        "openai.chat",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.request.temperature": 1,
            "gen_ai.request.modle": "x",
            "gen_ai.usage.completion_tokens": 3,
            "gen_ai.response.finish_reasons": ["stop"],
            "llm.is_streaming": False,
        },
        kind="server",
        status="ok",
    )
    assert [(each.rule, each.subject, each.message) for each in check(old)] == snapshot(
        [
            ("deprecated", "gen_ai.system", "write gen_ai.provider.name instead"),
            ("type", "gen_ai.request.temperature", "write a double: 1 is an int"),
            ("unknown", "gen_ai.request.modle", "the conventions have no such name: is it gen_ai.request.model?"),
            ("deprecated", "gen_ai.usage.completion_tokens", "write gen_ai.usage.output_tokens instead"),
            ("kind", "kind", "give chat the kind CLIENT or INTERNAL, not SERVER"),
            ("status", "status", "leave the status unset on success: OK is for the program to say"),
            ("name", "name", "name the span 'chat gpt-4o', not 'openai.chat'"),
            ("recommended", "gen_ai.response.id", "set it where it is known: chat should have it"),
            ("recommended", "gen_ai.response.model", "set it where it is known: chat should have it"),
            ("recommended", "gen_ai.usage.input_tokens", "set it where it is known: chat should have it"),
            ("recommended", "server.address", "set it where it is known: chat should have it"),
        ]
    )
    assert {each.rule for each in check(old)} <= set(RULES)
