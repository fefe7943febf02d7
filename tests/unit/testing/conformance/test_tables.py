"""The checker's tables are those of OpenTelemetry's registry; each difference since version 1.41 is named here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tracelm import semconv
from tracelm.testing.conformance.attributes import ATTRIBUTES, EXTENSIONS, OPERATIONS, RENAMED, TEMPLATES, Attribute
from tracelm.testing.conformance.events import EVENTS
from tracelm.testing.conformance.metrics import NEWEST, OF_1_41, RENAMED_METRICS
from tracelm.testing.conformance.operations import (
    MCP,
    OPENAI_RECOMMENDED,
    OPENAI_REQUIRED,
    SPAN_TYPES,
    SPARED,
    SpanType,
)

CHANGED_TYPES = {"gen_ai.request.top_k": ("double", "int")}
"""Type in 1.41, type now."""

OPEN_ENUMS = {
    "gen_ai.provider.name": "a provider may have a name of its own",
    "mcp.method.name": "each version of the protocol has further methods",
}
"""Enums that are not checked, and why."""

NEW_SPANS = {"gen_ai.fetch_response.client", "gen_ai.memory.client", "gen_ai.plan.internal"}
"""Span types that came after 1.41; the others keep the names that they had there."""

NO_LONGER_REQUIRED = {("gen_ai.invoke_agent.internal", "gen_ai.provider.name")}

NO_LONGER_RECOMMENDED = {
    ("gen_ai.retrieval.client", "gen_ai.request.top_k"),  # now gen_ai.retrieval.top_k
}

NEWLY_RECOMMENDED = {("gen_ai.retrieval.client", "gen_ai.retrieval.top_k")}


def groups(shared: Path, *names: str) -> dict[str, dict[str, Any]]:
    """Return the groups of the files, by id."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        document = yaml.safe_load((shared / "semconv" / name).read_text(encoding="utf-8"))
        found |= {each["id"]: each for each in document["groups"]}
    return found


def levels(known: Mapping[str, dict[str, Any]], group: str) -> dict[str, str]:
    """Return each attribute of a group, its bases included, with the level at which it is asked for."""
    found = levels(known, known[group]["extends"]) if "extends" in known[group] else {}
    for each in known[group].get("attributes", []):
        asked = each.get("requirement_level")
        if asked is None:
            found.setdefault(each["ref"], "recommended")  # what an attribute is when nothing is said
        else:
            found[each["ref"]] = asked if isinstance(asked, str) else next(iter(asked))
    return found


def newest(key: str) -> str:
    return RENAMED.get(key, key)


@pytest.mark.parametrize("file", ["registry.yaml", "mcp-registry.yaml"])
def test_every_attribute_of_the_registry_is_known_with_its_type(file: str, shared: Path) -> None:
    seen = 0
    for group in groups(shared, file).values():
        for each in group["attributes"]:
            name, kind = each["id"], each["type"]
            seen += 1
            if name in RENAMED:
                assert name not in ATTRIBUTES
                continue
            if isinstance(kind, str):
                kind = CHANGED_TYPES.get(name, (kind, kind))[1]
                assert ATTRIBUTES[name] == Attribute(kind), name  # type: ignore[arg-type]
                continue
            values = {member["value"] for member in kind["members"]}
            if name in OPEN_ENUMS:
                assert ATTRIBUTES[name] == Attribute("string"), name
            elif name == "gen_ai.operation.name":
                assert values < OPERATIONS
            else:
                assert ATTRIBUTES[name] == Attribute("string", frozenset(values)), name
    assert seen > 3


def test_only_these_names_of_the_registry_are_renamed(shared: Path) -> None:
    names = {each["id"] for group in groups(shared, "registry.yaml").values() for each in group["attributes"]}
    assert names & set(RENAMED) == {"gen_ai.usage.cache_creation.input_tokens"}


def test_no_name_is_both_known_and_old() -> None:
    assert set(RENAMED).isdisjoint(ATTRIBUTES)
    assert {new for new in RENAMED.values() if new != semconv.USER_ID} <= set(ATTRIBUTES)


def test_every_genai_name_that_tracelm_writes_is_known() -> None:
    written = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    beginnings = {beginning.removesuffix(".") for beginning in TEMPLATES}
    no_attributes = {semconv.EVALUATION_EVENT, semconv.DETAILS_EVENT, semconv.EXCEPTION_EVENT} | beginnings
    found = {each for each in written if each.startswith(("gen_ai.", "openai.", "mcp."))} - no_attributes
    assert found <= set(ATTRIBUTES)


def test_the_span_types_are_those_of_the_registry(shared: Path) -> None:
    known = groups(shared, "spans.yaml")
    there = {each.removeprefix("span.") for each in known if each.startswith("span.gen_ai.")}
    assert there == set(SPAN_TYPES) - NEW_SPANS
    for name in there:
        assert known[f"span.{name}"]["span_kind"] == SPAN_TYPES[name].kinds[0], name


@pytest.mark.parametrize("name", sorted(set(SPAN_TYPES) - NEW_SPANS))
def test_a_span_type_asks_for_what_the_registry_asks_for(name: str, shared: Path) -> None:
    asked = levels(groups(shared, "spans.yaml"), f"span.{name}")
    kind = SPAN_TYPES[name]
    required = {newest(key) for key, level in asked.items() if level == "required"} - {"gen_ai.operation.name"}
    assert kind.required == required - {key for span, key in NO_LONGER_REQUIRED if span == name}
    assert _recommended(kind) == _asked(asked, name) - SPARED
    assert kind.named_by is None or kind.named_by in asked
    unclaimed = kind.forbidden | kind.dropped
    assert unclaimed.isdisjoint(kind.required | kind.recommended | kind.recommended_after)


def _recommended(kind: SpanType) -> set[str]:
    assert not kind.recommended & kind.recommended_after
    return {*kind.recommended, *kind.recommended_after}


def _asked(asked: Mapping[str, str], name: str) -> set[str]:
    found = {newest(key) for key, level in asked.items() if level == "recommended"}
    # Asked for only of a stream, which is a condition that the record shows.
    found -= {"gen_ai.response.time_to_first_chunk"}
    found -= {key for span, key in NO_LONGER_RECOMMENDED if span == name}
    return found | {key for span, key in NEWLY_RECOMMENDED if span == name}


def test_openais_own_span_asks_for_what_the_registry_asks_for(shared: Path) -> None:
    known = groups(shared, "spans.yaml")
    common, own = levels(known, "span.gen_ai.inference.client"), levels(known, "span.openai.inference.client")
    added = {key: level for key, level in own.items() if common.get(key) != level}
    assert {key for key, level in added.items() if level == "required"} == OPENAI_REQUIRED
    assert {key for key, level in added.items() if level == "recommended"} - SPARED == OPENAI_RECOMMENDED


@pytest.mark.parametrize("side", ["client", "server"])
def test_the_protocols_spans_ask_for_what_the_registry_asks_for(side: str, shared: Path) -> None:
    asked = levels(groups(shared, "mcp-common.yaml", "mcp-spans.yaml"), f"span.mcp.{side}")
    assert {key for key, level in asked.items() if level == "required"} == MCP.required
    conditional = {
        "gen_ai.operation.name",  # of the call of a tool
        *("server.address", "server.port"),  # where there is one: not over a pipe
    }
    recommended = {key for key, level in asked.items() if level == "recommended"}
    assert recommended - conditional - SPARED == MCP.recommended


def test_the_events_are_those_of_the_registry(shared: Path) -> None:
    known = groups(shared, "events.yaml")
    assert {each["name"] for each in known.values()} == set(EVENTS)
    asked = levels(known, "event.gen_ai.evaluation.result")
    event = EVENTS["gen_ai.evaluation.result"]
    assert {key for key, level in asked.items() if level == "required"} == event.required
    # The id is for where there is no span.
    assert {key for key, level in asked.items() if level == "recommended"} - {"gen_ai.response.id"} == event.recommended


def test_the_metrics_of_1_41_are_those_of_the_registry(shared: Path) -> None:
    known = groups(shared, "metrics.yaml", "mcp-metrics.yaml", "mcp-common.yaml")
    there = {each["metric_name"]: each for each in known.values() if each["type"] == "metric"}
    # In 1.41's data, those of agents, workflows and tools are in a file that is not at hand.
    assert set(there) == {name for name in OF_1_41 if not name.startswith(("gen_ai.invoke_", "gen_ai.execute_"))}
    for name, each in there.items():
        metric, asked = OF_1_41[name], levels(known, each["id"])
        assert (metric.instrument, metric.unit) == (each["instrument"], each["unit"]), name
        assert metric.required == {key for key, level in asked.items() if level == "required"}, name
        of_genai = {key for key in asked if key in ATTRIBUTES}
        elsewhere = {key for key in of_genai if key.startswith(("network.", "jsonrpc.", "rpc."))}
        assert of_genai - elsewhere <= metric.allowed, name
        whole = each.get("annotations", {}).get("code_generation", {}).get("metric_value_type") == "int"
        assert metric.counts == whole, name


def test_a_metric_that_was_renamed_is_in_the_older_state_only() -> None:
    assert set(RENAMED_METRICS) == set(OF_1_41) - set(NEWEST)


def test_extensions_are_let_through_by_name() -> None:
    assert set(EXTENSIONS) == {
        "gen_ai.usage.cost.amount",
        "gen_ai.usage.cost.currency",
        "gen_ai.usage.cost.source",
    }
