"""Metrics as OpenTelemetry's own SDK collects them, in both dialects."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from tracelm.testing.conformance import Dialect, Finding, check_metrics
from tracelm.testing.conformance.metrics import (
    AGENT_BUCKETS,
    DURATION_BUCKETS,
    NEWEST,
    OF_1_41,
    TOKEN_BUCKETS,
    WORKFLOW_BUCKETS,
    Metric,
)

CALL = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
DURATION = "gen_ai.client.inference.duration"
INPUT = "gen_ai.client.inference.usage.input_tokens"


class Meters:
    """A meter, and what its reader collected."""

    def __init__(self, *views: View) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], views=views, shutdown_on_exit=False)
        self.meter = self.provider.get_meter("test")

    def histogram(
        self,
        name: str = DURATION,
        value: float = 0.5,
        *,
        unit: str = "s",
        buckets: tuple[float, ...] = DURATION_BUCKETS,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        made = self.meter.create_histogram(name, unit=unit, explicit_bucket_boundaries_advisory=buckets or None)
        made.record(value, CALL if attributes is None else attributes)

    def counter(self, name: str = INPUT, value: float = 5, *, unit: str = "{token}", **attributes: Any) -> None:
        changed = {"gen_ai.token.modality": "text"} | {key.replace("__", "."): each for key, each in attributes.items()}
        self.meter.create_counter(name, unit=unit).add(value, {**CALL, **changed})

    def findings(self, dialect: Dialect = "latest") -> list[Finding]:
        return check_metrics(self.reader.get_metrics_data(), dialect=dialect)

    def brief(self, dialect: Dialect = "latest") -> list[tuple[str, str]]:
        return [(each.rule, each.subject) for each in self.findings(dialect)]


@pytest.fixture
def meters() -> Iterator[Meters]:
    made = Meters()
    yield made
    made.provider.shutdown()


def test_no_metrics_are_no_finding(meters: Meters) -> None:
    assert meters.findings() == []


def record(meters: Meters, name: str, metric: Metric, attributes: Mapping[str, Any] | None = None) -> None:
    """Record one value of a metric as its table says, by default with the attributes that it must have."""
    required: dict[str, Any] = {
        "gen_ai.operation.name": min(metric.operations or {"chat"}),
        "gen_ai.provider.name": "openai",
        "gen_ai.token.modality": "text",
        "gen_ai.token.type": "input",
        "mcp.method.name": "tools/call",
    }
    if attributes is None:
        attributes = {key: each for key, each in required.items() if key in metric.required}
    if metric.instrument == "counter":
        meters.meter.create_counter(name, unit=metric.unit).add(5, attributes)
    else:
        value = 5 if metric.counts else 0.5
        meters.histogram(name, value, unit=metric.unit, buckets=metric.buckets, attributes={**attributes})


@pytest.mark.parametrize("name", sorted(NEWEST))
def test_every_metric_of_the_newest_state_can_be_right(name: str, meters: Meters) -> None:
    record(meters, name, NEWEST[name])
    assert meters.findings() == []


@pytest.mark.parametrize("name", sorted(OF_1_41))
def test_every_metric_of_1_41_can_be_right(name: str, meters: Meters) -> None:
    record(meters, name, OF_1_41[name])
    assert meters.findings("1.41") == []
    assert meters.findings("both") == []


def test_the_boundaries_are_those_of_the_conventions() -> None:
    assert tuple(round(0.01 * 2**power, 2) for power in range(14)) == DURATION_BUCKETS
    assert tuple(round(0.1 * 2**power, 1) for power in range(13)) == AGENT_BUCKETS
    assert (TOKEN_BUCKETS[0], TOKEN_BUCKETS[1], TOKEN_BUCKETS[-1]) == (1, 4, 67_108_864)
    assert (WORKFLOW_BUCKETS[0], WORKFLOW_BUCKETS[-1]) == (1, 7200)


def test_metrics_of_others_are_passed_over(meters: Meters) -> None:
    meters.meter.create_counter("http.requests", unit="1").add(1)
    assert meters.findings() == []


def test_a_proposed_metric_is_let_through(meters: Meters) -> None:
    meters.meter.create_counter("gen_ai.client.operation.cost", unit="USD").add(0.1)
    assert meters.findings() == []


def test_an_old_name_is_right_only_in_its_dialect(meters: Meters) -> None:
    attributes = {**CALL, "gen_ai.token.type": "input"}
    meters.histogram("gen_ai.client.token.usage", 5, unit="{token}", buckets=TOKEN_BUCKETS, attributes=attributes)
    assert meters.brief() == [("deprecated", "gen_ai.client.token.usage")]
    assert meters.brief("1.41") == []
    assert meters.brief("both") == []


def test_a_new_name_is_unknown_to_the_old_dialect(meters: Meters) -> None:
    meters.histogram()
    assert meters.brief("1.41") == [("unknown", DURATION)]
    assert meters.brief("both") == []


def test_the_duration_of_a_chat_has_another_name_now(meters: Meters) -> None:
    meters.histogram("gen_ai.client.operation.duration")
    assert meters.brief() == [("misplaced", "gen_ai.client.operation.duration")]
    assert meters.brief("1.41") == []
    assert meters.brief("both") == []


def test_a_metric_that_nobody_knows_is_a_violation(meters: Meters) -> None:
    meters.meter.create_counter("gen_ai.made.up").add(1)
    assert meters.brief() == [("unknown", "gen_ai.made.up")]


def test_a_wrong_unit_is_a_violation(meters: Meters) -> None:
    meters.counter(unit="token")
    assert meters.findings() == [Finding("unit", INPUT, "give it the unit '{token}', not 'token'")]


def test_a_wrong_instrument_is_a_violation(meters: Meters) -> None:
    meters.histogram(INPUT, 5, unit="{token}", attributes={**CALL, "gen_ai.token.modality": "text"})
    meters.meter.create_counter(DURATION, unit="s").add(0.5, CALL)
    meters.meter.create_up_down_counter("gen_ai.client.inference.usage.output_tokens", unit="{token}").add(
        5, {**CALL, "gen_ai.token.modality": "text"}
    )
    meters.meter.create_gauge("gen_ai.invoke_agent.duration", unit="s").set(0.5)
    assert sorted(each.message for each in meters.findings()) == [
        "record it with a counter, not a histogram",
        "record it with a counter, not an up-down counter",
        "record it with a histogram, not a counter",
        "record it with a histogram, not a gauge",
    ]


def test_tokens_are_whole_numbers(meters: Meters) -> None:
    meters.counter(value=5.0)
    assert meters.findings() == [Finding("instrument", INPUT, "record whole numbers: 5.0 is none")]


def test_other_boundaries_are_a_violation(meters: Meters) -> None:
    meters.histogram(buckets=())
    (found,) = meters.findings()
    assert (found.rule, found.subject) == ("buckets", DURATION)
    assert found.message.startswith("give it the boundaries 0.01, 0.02, 0.04")


def test_an_exponential_histogram_has_no_boundaries_to_check() -> None:
    meters = Meters(View(instrument_name=DURATION, aggregation=ExponentialBucketHistogramAggregation()))
    meters.histogram()
    assert meters.findings() == []
    meters.provider.shutdown()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"gen_ai.provider.name": None}, ("required", "gen_ai.provider.name")),
        ({"gen_ai.operation.name": None}, ("required", "gen_ai.operation.name")),
        ({"gen_ai.operation.name": "call"}, ("operation", "gen_ai.operation.name")),
        ({"server.address": "a"}, ("required", "server.port")),
        ({"server.port": "1"}, ("type", "server.port")),
        ({"gen_ai.system": "openai"}, ("deprecated", "gen_ai.system")),
        ({"gen_ai.response.id": "r"}, ("misplaced", "gen_ai.response.id")),
        ({"gen_ai.made.up": "r"}, ("unknown", "gen_ai.made.up")),
    ],
)
def test_a_data_point_follows_the_rules_of_attributes(
    changed: dict[str, Any], expected: tuple[str, str], meters: Meters
) -> None:
    meters.histogram(attributes={key: each for key, each in {**CALL, **changed}.items() if each is not None})
    assert expected in meters.brief()
    assert all(DURATION in each.message or each.subject == DURATION for each in meters.findings())


def test_attributes_of_the_programs_own_are_let_through(meters: Meters) -> None:
    meters.histogram(attributes={**CALL, "shop.region": "eu", "error.type": "429"})
    assert meters.findings() == []


def test_a_modality_is_one_of_four(meters: Meters) -> None:
    meters.counter(gen_ai__token__modality="video")
    assert meters.brief() == [("enum", "gen_ai.token.modality")]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("gen_ai.client.inference.time_to_first_chunk", "error.type"),
        ("gen_ai.client.inference.operation.input_tokens", "gen_ai.token.modality"),
    ],
)
def test_what_a_metric_is_never_split_by_is_a_violation(name: str, key: str, meters: Meters) -> None:
    record(meters, name, NEWEST[name], {**CALL, key: "text"})
    assert meters.brief() == [("misplaced", key)]


def test_tokens_of_a_response_that_is_fetched_are_not_counted_again(meters: Meters) -> None:
    meters.counter(gen_ai__operation__name="fetch_response")
    assert meters.brief() == [("misplaced", INPUT)]


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("gen_ai.execute_tool.duration", "execute_tool"),
        ("gen_ai.invoke_agent.duration", "invoke_agent"),
        ("gen_ai.invoke_agent.inference_calls", "invoke_agent"),
        ("gen_ai.invoke_agent.tool_calls", "invoke_agent"),
        ("gen_ai.invoke_workflow.duration", "invoke_workflow"),
    ],
)
def test_a_metric_that_is_named_by_an_operation_is_for_that_one_only(name: str, operation: str, meters: Meters) -> None:
    for each in (operation, "chat"):
        record(meters, name, NEWEST[name], {"gen_ai.operation.name": each})
    assert meters.findings() == [Finding("misplaced", name, f"it is not for chat, but for {operation}")]


def test_what_is_only_recommended_of_a_metric_is_not_asked_for(meters: Meters) -> None:
    meters.histogram(attributes={key: CALL[key] for key in NEWEST[DURATION].required})
    assert meters.findings() == []


def test_what_many_data_points_have_in_common_is_said_once(meters: Meters) -> None:
    for model in ("a", "b", "c"):
        meters.histogram(buckets=(1.0, 2.0), attributes={**CALL, "gen_ai.request.model": model})
    assert meters.brief() == [("buckets", DURATION)]
