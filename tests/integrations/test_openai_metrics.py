"""What the calls of a model take and use, measured by the program's own MeterProvider."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import tracelm
from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.pricing.cost import Usage
from tracelm.testing.conformance import Dialect, check_metrics

pytest_plugins = ("tests.recordings.fixtures",)

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4.0**power for power in range(14))
LATEST = "gen_ai.client.inference."
BEFORE = "gen_ai.client."

Points = dict[str, list[Any]]


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """What the program measures: OpenTelemetry lets a process set its MeterProvider only once."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", provider)
    yield reader
    provider.shutdown()


def points(reader: InMemoryMetricReader) -> Points:
    data = reader.get_metrics_data()
    if data is None:
        return {}
    found: Points = {}
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                assert metric.name not in found, "an instrument was made twice"
                found[metric.name] = list(metric.data.data_points)
    return found


def ask(url: str, name: str) -> None:
    recorded = Recorded(load()[f"local-{name}"], url)
    with recorded.client() as client:
        answer = recorded.ask(client)
        if recorded.is_streamed:
            assert len(list(answer)) > 2


@pytest.fixture
def init(tmp_path: Path) -> Callable[..., None]:
    def start(**settings: Any) -> None:
        tracelm.init("test", home=tmp_path, **settings)

    return start


def test_a_call_is_measured_under_the_newest_names(
    reader: InMemoryMetricReader, init: Callable[..., None], own_url: str
) -> None:
    init()
    ask(own_url, "chat-completions-sync-basic")
    found = points(reader)
    assert sorted(found) == [
        f"{LATEST}{name}"
        for name in (
            "duration",
            "operation.input_tokens",
            "operation.output_tokens",
            "usage.cache_read.input_tokens",
            "usage.input_tokens",
            "usage.output_tokens",
        )
    ]
    (duration,), (sent,), (used,) = (
        found[f"{LATEST}{name}"] for name in ("duration", "operation.input_tokens", "usage.output_tokens")
    )
    assert (duration.count, duration.explicit_bounds) == (1, SECONDS)
    assert 0 < duration.sum < 60
    assert (sent.count, sent.explicit_bounds) == (1, TOKENS)
    answered = Recorded(load()["local-chat-completions-sync-basic"], own_url).completion
    assert sent.sum == answered["usage"]["prompt_tokens"]
    assert used.value == answered["usage"]["completion_tokens"]
    assert used.attributes == {**duration.attributes, "gen_ai.token.modality": "unknown"}
    assert duration.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "smollm2-135m",
        "gen_ai.response.model": "smollm2-135m",
        "server.address": "127.0.0.1",
        "server.port": int(own_url.rpartition(":")[2]),
        "openai.response.system_fingerprint": answered["system_fingerprint"],
    }


def test_a_stream_is_timed_to_its_first_chunk_and_between_the_others(
    reader: InMemoryMetricReader, init: Callable[..., None], own_url: str
) -> None:
    init()
    ask(own_url, "chat-completions-stream-usage")
    found = points(reader)
    (first,), (between,) = (found[f"{LATEST}{name}"] for name in ("time_to_first_chunk", "time_per_output_chunk"))
    chunks = Recorded(load()["local-chat-completions-stream-usage"], own_url).chunks
    assert (first.count, between.count) == (1, len(chunks) - 1)
    assert first.explicit_bounds == between.explicit_bounds == SECONDS


def test_the_names_of_1_41_are_written_when_asked_for(
    reader: InMemoryMetricReader, init: Callable[..., None], own_url: str
) -> None:
    init(metric_names="1.41")
    ask(own_url, "chat-completions-stream-usage")
    ask(own_url, "embeddings-sync-basic")
    found = points(reader)
    assert sorted(found) == [
        f"{BEFORE}operation.duration",
        f"{BEFORE}operation.time_per_output_chunk",
        f"{BEFORE}operation.time_to_first_chunk",
        f"{BEFORE}token.usage",
    ]
    kinds = {
        (each.attributes["gen_ai.operation.name"], each.attributes["gen_ai.token.type"])
        for each in found[f"{BEFORE}token.usage"]
    }
    assert kinds == {("chat", "input"), ("chat", "output"), ("embeddings", "input")}
    assert all(each.explicit_bounds == TOKENS for each in found[f"{BEFORE}token.usage"])


def test_both_sets_of_names_count_each_call_once(
    reader: InMemoryMetricReader, init: Callable[..., None], own_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http,gen_ai/dup")
    init()
    ask(own_url, "embeddings-sync-basic")
    ask(own_url, "chat-completions-sync-basic")
    found = points(reader)
    assert {each.count for each in found[f"{LATEST}duration"]} == {1}
    assert [each.count for each in found[f"{BEFORE}operation.duration"]] == [1, 1]


def test_a_call_that_fails_is_measured_with_its_error_and_no_tokens(
    reader: InMemoryMetricReader, init: Callable[..., None], own_url: str
) -> None:
    init()
    with pytest.raises(openai.BadRequestError):
        ask(own_url, "chat-completions-sync-error-400")
    found = points(reader)
    (duration,), (sent,), (used,) = (
        found[f"{LATEST}{name}"] for name in ("duration", "operation.input_tokens", "usage.input_tokens")
    )
    assert (duration.attributes["error.type"], sent.attributes["error.type"], sent.sum) == ("400", "400", 0)
    assert (used.value, used.attributes["gen_ai.token.modality"]) == (0, "unknown")
    assert "error.type" not in used.attributes


def test_what_sampling_leaves_out_is_measured_all_the_same(
    reader: InMemoryMetricReader, init: Callable[..., None], own_url: str
) -> None:
    init(sample_rate=0.0)
    ask(own_url, "chat-completions-sync-basic")
    with tracelm.span("left out"):
        ask(own_url, "chat-completions-stream-usage")
    assert tracelm.flush().recorded == 0
    assert [each.count for each in points(reader)[f"{LATEST}duration"]] == [2]


def test_what_is_suppressed_is_not_measured(
    reader: InMemoryMetricReader, init: Callable[..., None], own_url: str
) -> None:
    init()
    with suppress_instrumentation():
        ask(own_url, "chat-completions-sync-basic")
    assert points(reader) == {}


def test_without_a_meter_provider_nothing_is_measured_and_calls_work(init: Callable[..., None], own_url: str) -> None:
    init(sample_rate=0.0)
    ask(own_url, "chat-completions-sync-basic")
    from tracelm.integrations._metrics import find_meter

    assert find_meter("latest") is None


def test_tokens_are_counted_by_modality_where_the_provider_says_it(reader: InMemoryMetricReader) -> None:
    from opentelemetry import metrics

    from tracelm.integrations._metrics import CallMeter, Measured

    usage = Usage(
        input_tokens=300, output_tokens=50, input_text_tokens=100, input_image_tokens=150, output_audio_tokens=0
    )
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}
    CallMeter(metrics.get_meter_provider(), "latest").record(
        Measured(attributes=attributes, usage=usage, duration_s=1.0)
    )
    found = points(reader)
    counted = {each.attributes["gen_ai.token.modality"]: each.value for each in found[f"{LATEST}usage.input_tokens"]}
    assert counted == {"text": 100, "image": 150, "unknown": 50}
    (received,) = found[f"{LATEST}usage.output_tokens"]
    assert (received.value, received.attributes["gen_ai.token.modality"]) == (50, "unknown")


def test_names_that_nobody_knows_are_refused_by_init(init: Callable[..., None]) -> None:
    with pytest.raises(tracelm.errors.ConfigError, match=r"metric_names='newest' is not known: use 'latest'"):
        init(metric_names="newest")


@pytest.mark.parametrize("names", ["latest", "1.41", "both"])
@pytest.mark.openai(3, 0)
def test_the_metrics_of_every_kind_of_call_conform_to_the_conventions(
    reader: InMemoryMetricReader, init: Callable[..., None], own_url: str, names: Dialect
) -> None:
    init(metric_names=names)
    for name in ("chat-completions-sync-basic", "chat-completions-stream-usage", "embeddings-sync-basic"):
        ask(own_url, name)
    ask(own_url, "responses-sync-basic")
    ask(own_url, "completions-stream-basic")
    with pytest.raises(openai.BadRequestError):
        ask(own_url, "chat-completions-sync-error-400")
    data = reader.get_metrics_data()
    assert data is not None
    assert check_metrics(data, dialect=names) == []
