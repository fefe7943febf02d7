"""Graphs of LangGraph as spans: with the real library, and a real client against recorded replies."""

import importlib
from typing import Any

from inline_snapshot import snapshot
from langchain_core.runnables import RunnableConfig
from opentelemetry import trace

from tests.integrations.chains import chat_model, outline, refund
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)

graphs: Any = importlib.import_module("langgraph.graph")  # it has no types that a strict checker takes
types: Any = importlib.import_module("langgraph.types")


def _always_pay(_state: object) -> str:
    return "pay"


def graph(url: str) -> Any:
    def agent(state: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [chat_model(url).invoke(state["messages"])]}

    def pay(state: dict[str, Any]) -> dict[str, Any]:
        refund.invoke({"order": "o-1"})
        return {}

    made = graphs.StateGraph(graphs.MessagesState)
    made.add_node("agent", agent)
    made.add_node("pay", pay)
    made.add_edge(graphs.START, "agent")
    made.add_conditional_edges("agent", _always_pay, ["pay"])
    made.add_edge("pay", graphs.END)
    return made.compile(name="support")


def test_a_graph_is_a_workflow_and_each_node_a_step(own_url: str, spans: Spans) -> None:
    graph(own_url).invoke({"messages": [("user", "I want my money back")]})
    assert outline(spans) == snapshot(
        [
            "invoke_workflow support",
            "  agent",
            "    chat smollm2-135m",
            "    _always_pay",
            "  pay",
            "    execute_tool refund",
            "      lookup",
        ]
    )


def test_a_streamed_graph_is_the_same_tree(own_url: str, spans: Spans) -> None:
    for _ in graph(own_url).stream({"messages": [("user", "I want my money back")]}, stream_mode="updates"):
        assert trace.get_current_span() is trace.INVALID_SPAN
    assert outline(spans) == snapshot(
        [
            "invoke_workflow support",
            "  agent",
            "    chat smollm2-135m",
            "    _always_pay",
            "  pay",
            "    execute_tool refund",
            "      lookup",
        ]
    )


def test_a_graph_that_waits_for_a_person_did_not_fail(spans: Spans) -> None:
    def ask(state: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [("ai", str(types.interrupt("sure?")))]}

    made = graphs.StateGraph(graphs.MessagesState)
    made.add_node("ask", ask)
    made.add_edge(graphs.START, "ask")
    app = made.compile(checkpointer=importlib.import_module("langgraph.checkpoint.memory").InMemorySaver())
    config: RunnableConfig = {"configurable": {"thread_id": "t"}}
    app.invoke({"messages": []}, config)
    app.invoke(types.Command(resume="yes"), config)
    assert {span.status for span in spans.all()} == {"unset"}
    assert [span.name for span in spans.all()].count("ask") == 2
