"""Costs in the store are computed anew; what was recorded is kept, and nothing undoes it silently."""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

import tracelm
from tests.unit.store.otlp_lines import TRACE, log_line, span_line, write_segment
from tracelm.pricing.call import PricedCall
from tracelm.pricing.prices import PriceTable
from tracelm.store.reprice import RepricedModel
from tracelm.store.store import Store
from tracelm.store.stored import StoredSpan

pytestmark = pytest.mark.usefixtures("backend")

NOVEMBER_NS = int(datetime(2026, 11, 18, tzinfo=UTC).timestamp()) * 10**9
CALL: dict[str, object] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 1_000,
    "gen_ai.usage.cache_read.input_tokens": 400,
    "gen_ai.usage.output_tokens": 100,
}
DOUBLE = {"input_usd_per_mtok": 5.0, "cache_read_usd_per_mtok": 2.5, "output_usd_per_mtok": 20.0}


def recorded_cost(amount: float, rule: str = "genai-prices:openai/gpt-4o", version: str = "0.1.0") -> dict[str, object]:
    return {
        "gen_ai.usage.cost.amount": amount,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",
        "tracelm.cost.rule": rule,
        "tracelm.cost.price_version": version,
        "tracelm.cost.output_usd": amount,
    }


def call(number: int, *attributes: Mapping[str, object], project: str | None = None, start: int = NOVEMBER_NS) -> bytes:
    merged: dict[str, object] = {**CALL}
    for each in attributes:
        merged |= each
    return span_line(
        "chat gpt-4o",
        span=f"{number:016x}",
        parent="00000000000000ff",
        start=start,
        end=start + 1_000,
        attributes=merged,
        project=project,
    )


def store_of(home: Path, *lines: bytes) -> Store:
    _, lock = write_segment(home, spans=lines)
    os.close(lock)
    return tracelm.open_store(home=home)


def by_id(store: Store) -> dict[str, StoredSpan]:
    return {span.span_id.lstrip("0"): span for span in store.spans()}


def everything(home: Path) -> list[tuple[object, ...]]:
    with tracelm.open_store(home=home).reading() as connection:
        tables = ("spans", "traces", "runs")
        return [
            tuple(row) for name in tables for row in connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY id")
        ]


@pytest.fixture
def wrong(tmp_path: Path) -> Iterator[Store]:
    """A store with one call that was recorded at a price that was wrong: it cost 0.003."""
    with store_of(tmp_path, call(1, recorded_cost(0.5))) as store:
        yield store


# --- what it does -------------------------------------------------------------------------------------------


def test_a_cost_is_computed_anew_and_the_old_figure_stands_beside_it(wrong: Store) -> None:
    assert wrong.reprice(since_ns=0) == (
        RepricedModel(provider="openai", model="gpt-4o", calls=1, changed=1, old_usd=0.5, new_usd=0.003, unpriced=0),
    )
    (span,) = wrong.spans()
    assert (span.cost_usd, span.recorded_cost_usd) == (0.003, 0.5)
    cost = {key: value for key, value in span.attributes.items() if "cost" in key}
    at_ns = cost.pop("tracelm.cost.repriced_at_ns")
    assert isinstance(at_ns, int)
    assert at_ns > NOVEMBER_NS
    assert cost.pop("tracelm.cost.price_version") == version("genai-prices")
    assert json.loads(str(cost.pop("tracelm.cost.rates")))["cache_read_usd_per_mtok"] == 1.25
    assert cost == snapshot(
        {
            "gen_ai.usage.cost.amount": 0.003,
            "gen_ai.usage.cost.currency": "USD",
            "gen_ai.usage.cost.source": "local",
            "tracelm.cost.rule": "genai-prices:openai/gpt-4o",
            "tracelm.cost.input_usd": 0.0015,
            "tracelm.cost.cache_read_usd": 0.0005,
            "tracelm.cost.output_usd": 0.001,
            "tracelm.cost.recorded.amount_usd": 0.5,
            "tracelm.cost.recorded.rule": "genai-prices:openai/gpt-4o",
            "tracelm.cost.recorded.price_version": "0.1.0",
        }
    )
    assert span.otlp.attributes["gen_ai.usage.cost.amount"] == 0.5  # the record is what it was


def test_totals_follow(tmp_path: Path) -> None:
    run: dict[str, object] = {"tracelm.run.id": "r1"}
    row: dict[str, object] = {**run, "tracelm.row.index": 0, "tracelm.row.outcome": "scored"}
    root = span_line("evaluation row", span="00000000000000ff", start=NOVEMBER_NS, end=NOVEMBER_NS + 9, attributes=row)
    with store_of(tmp_path, root, call(1, recorded_cost(0.5), run), call(2, recorded_cost(0.25), run)) as store:
        store.reprice(since_ns=0)
        assert [trace.cost_usd for trace in store.traces()] == [0.006]
        assert store.trace(TRACE).summary.cost_usd == 0.006
        assert [each.cost_usd for each in store.runs()] == [0.006]


def test_a_call_that_had_no_cost_gets_one_when_its_price_is_known(tmp_path: Path) -> None:
    with store_of(tmp_path, call(1, {"gen_ai.response.model": "mine", "gen_ai.request.model": "mine"})) as store:
        (before,) = store.reprice(since_ns=0)
        assert (before.changed, before.unpriced) == (0, 1)
        (after,) = store.reprice({"mine": DOUBLE}, since_ns=0)
        assert (after.changed, after.old_usd, after.new_usd, after.unpriced) == (1, None, 0.006, 0)
        (span,) = store.spans()
    assert (span.cost_usd, span.recorded_cost_usd) == (0.006, None)
    assert str(span.attributes["tracelm.cost.rule"]) == "user:mine"


def test_what_is_not_known_any_more_keeps_its_cost(tmp_path: Path) -> None:
    unknown = {"gen_ai.request.model": "gone", "gen_ai.response.model": "gone"}
    with store_of(tmp_path, call(1, unknown, recorded_cost(0.5))) as store:
        (model,) = store.reprice(since_ns=0)
        assert (model.changed, model.unpriced) == (0, 0)
        assert store.spans()[0].cost_usd == 0.5


@pytest.mark.parametrize(
    ("attributes", "new_usd"),
    [
        ({"openai.response.service_tier": "priority", "gen_ai.response.model": "gpt-5"}, 0.0036),
        ({"gen_ai.usage.reasoning.output_tokens": 60}, 0.003),
        ({"gen_ai.usage.audio.input_tokens": 100, "gen_ai.response.model": "gpt-audio"}, 0.00645),
        ({"tracelm.usage.web_searches": 2}, 0.023),
        (
            {"tracelm.usage.input_seconds": 60.0, "gen_ai.response.model": "whisper-1"},
            None,
        ),  # it has no price for tokens
    ],
)
def test_all_that_a_price_depends_on_is_read_from_the_record(
    attributes: dict[str, object], new_usd: float | None, tmp_path: Path
) -> None:
    with store_of(tmp_path, call(1, attributes)) as store:
        store.reprice(since_ns=0)
        assert store.spans()[0].cost_usd == new_usd


def test_a_call_is_priced_at_the_time_it_began(tmp_path: Path) -> None:
    early = int(datetime(2025, 6, 1, tzinfo=UTC).timestamp()) * 10**9
    o3 = {"gen_ai.request.model": "o3", "gen_ai.response.model": "o3", "gen_ai.usage.cache_read.input_tokens": 0}
    with store_of(tmp_path, call(1, o3, start=early), call(2, o3)) as store:
        store.reprice(since_ns=0)
        spans = by_id(store)
    assert (spans["1"].cost_usd, spans["2"].cost_usd) == (0.014, 0.0028)  # 10 and 40 USD, later 2 and 8


def test_what_the_provider_reported_stays_and_ours_beside_it_is_computed_anew(tmp_path: Path) -> None:
    reported: dict[str, object] = {
        "gen_ai.usage.cost.amount": 0.0042,
        "gen_ai.usage.cost.source": "provider",
        "tracelm.cost.computed_usd": 0.9,
    }
    with store_of(tmp_path, call(1, reported)) as store:
        (model,) = store.reprice(since_ns=0)
        (span,) = store.spans()
    assert (model.changed, model.old_usd, model.new_usd) == (1, 0.0042, 0.0042)
    assert (span.cost_usd, span.attributes["gen_ai.usage.cost.source"]) == (0.0042, "provider")
    assert span.attributes["tracelm.cost.computed_usd"] == 0.003


def test_what_a_framework_says_that_it_cost_stays(tmp_path: Path) -> None:
    told = recorded_cost(0.5) | {"tracelm.cost.framework_usd": 0.4}
    with store_of(tmp_path, call(1, told)) as store:
        store.reprice(since_ns=0)
        (span,) = store.spans()
        assert (span.cost_usd, span.attributes["tracelm.cost.framework_usd"]) == (0.003, 0.4)


def test_a_public_price_does_not_take_the_place_of_a_negotiated_one(tmp_path: Path) -> None:
    with store_of(tmp_path, call(1, recorded_cost(0.5, "user:gpt-4o"))) as store:
        assert store.reprice(since_ns=0)[0].changed == 0
        assert store.reprice({"other": DOUBLE}, since_ns=0)[0].changed == 0
        assert store.reprice({"gpt-4o": DOUBLE}, since_ns=0)[0].changed == 1
        assert store.reprice(since_ns=0)[0].changed == 0  # and this one is negotiated too
        assert store.spans()[0].cost_usd == 0.006


def test_only_calls_of_models_are_priced(tmp_path: Path) -> None:
    agent = {"gen_ai.operation.name": "invoke_agent"}
    euros = {"gen_ai.usage.cost.amount": 0.5, "gen_ai.usage.cost.currency": "EUR"}
    with store_of(tmp_path, call(1, agent), call(2, euros), span_line("op", span="00000000000000ff")) as store:
        store.reprice(since_ns=0)
        assert [span.cost_usd for span in store.spans()] == [None, None, None]


def test_a_call_that_has_not_ended_is_left_alone(tmp_path: Path) -> None:
    segment, lock = write_segment(tmp_path)
    segment.file("pending").write_bytes(call(1) + b"\n")
    with tracelm.open_store(home=tmp_path) as store:
        assert [span.state for span in store.spans()] == ["in flight"]
        assert store.reprice(since_ns=0) == ()
    os.close(lock)


def test_it_can_be_bounded_by_time_and_by_project(tmp_path: Path) -> None:
    wrong = recorded_cost(0.5)
    lines = [
        call(1, wrong, start=NOVEMBER_NS - 1),
        call(2, wrong),
        call(3, wrong, project="other"),
        call(4, wrong, start=NOVEMBER_NS + 5),
    ]
    with store_of(tmp_path, *lines) as store:
        store.reprice(since_ns=NOVEMBER_NS, project="shop")
        assert {name for name, span in by_id(store).items() if span.recorded_cost_usd is not None} == {"2", "4"}
        with pytest.raises(tracelm.StoreError, match="no project 'unknown'"):
            store.reprice(since_ns=0, project="unknown")


def test_more_calls_than_one_batch_holds_are_all_priced(tmp_path: Path) -> None:
    lines = [call(number, recorded_cost(0.5), start=NOVEMBER_NS + number // 7) for number in range(1, 1_202)]
    with store_of(tmp_path, *lines) as store:
        (model,) = store.reprice(since_ns=0)
        assert (model.calls, model.changed) == (1_201, 1_201)
        assert model.new_usd == pytest.approx(1_201 * 0.003)
        assert {span.cost_usd for span in store.spans(limit=None)} == {0.003}


def test_a_dry_run_says_the_same_and_changes_nothing(wrong: Store) -> None:
    wrong.index()
    before = everything(wrong.home)
    said = wrong.reprice(dry_run=True, since_ns=0)
    assert everything(wrong.home) == before
    assert wrong.reprice(since_ns=0) == said


def test_twice_is_once(wrong: Store) -> None:
    wrong.reprice(since_ns=0)
    before = everything(wrong.home)
    (again,) = wrong.reprice(since_ns=0)
    assert (again.calls, again.changed, again.old_usd, again.new_usd) == (1, 0, None, 0.0)
    assert everything(wrong.home) == before


def test_every_repricing_is_kept_and_what_was_recorded_stays_the_recorded(wrong: Store) -> None:
    wrong.reprice(since_ns=0)
    wrong.reprice({"gpt-4o": DOUBLE}, since_ns=0)
    (span,) = wrong.spans()
    assert (span.cost_usd, span.recorded_cost_usd) == (0.006, 0.5)
    assert span.attributes["tracelm.cost.recorded.amount_usd"] == 0.5
    history = json.loads(span.repricings or "[]")
    assert [each["attributes"]["gen_ai.usage.cost.amount"] for each in history] == [0.003, 0.006]


def test_a_cost_that_the_newer_list_confirms_is_left_as_it_is(tmp_path: Path) -> None:
    cost = PriceTable().cost(PricedCall.from_span(CALL, NOVEMBER_NS))
    assert cost is not None
    with store_of(tmp_path, call(1, cost.attributes(), {"tracelm.cost.price_version": "0.0.1"})) as store:
        assert store.reprice(since_ns=0)[0].changed == 0
        assert store.spans()[0].attributes["tracelm.cost.price_version"] == "0.0.1"


# --- what must not undo it ----------------------------------------------------------------------------------


def replayed(store: Store, *lines: bytes, logs: tuple[bytes, ...] = ()) -> StoredSpan:
    """Let the journal hold records once more, as after a crash or from a copy, and read them."""
    _, lock = write_segment(store.home, spans=lines, logs=logs)
    os.close(lock)
    (span,) = (each for each in store.spans() if each.span_id.endswith("1"))
    return span


def test_a_record_that_comes_again_does_not_undo_it(wrong: Store) -> None:
    wrong.reprice(since_ns=0)
    again = replayed(wrong, call(1, recorded_cost(0.5)), logs=(log_line("e", {}),))
    assert (again.cost_usd, again.recorded_cost_usd) == (0.003, 0.5)
    assert again.attributes["tracelm.cost.recorded.amount_usd"] == 0.5
    assert [trace.cost_usd for trace in wrong.traces()] == [0.003]
    assert wrong.reprice(since_ns=0)[0].changed == 0


def test_a_record_without_a_cost_that_comes_again_does_not_undo_it_either(tmp_path: Path) -> None:
    with store_of(tmp_path, call(1)) as store:
        store.reprice(since_ns=0)
        assert replayed(store, call(1)).cost_usd == 0.003


@pytest.mark.parametrize(
    "other",
    [
        {"gen_ai.usage.cost.amount": 0.25},
        {"gen_ai.usage.input_tokens": 2_000},
        {"gen_ai.usage.output_tokens": 5},
        {"gen_ai.request.model": "gpt-5"},
        {"gen_ai.provider.name": "azure.ai.openai"},
    ],
)
def test_a_record_that_says_something_else_counts_as_it_says(other: dict[str, object], wrong: Store) -> None:
    wrong.reprice(since_ns=0)
    again = replayed(wrong, call(1, recorded_cost(0.5), other))
    assert (again.cost_usd, again.recorded_cost_usd, again.repricings) == (
        other.get("gen_ai.usage.cost.amount", 0.5),
        None,
        None,
    )


def test_the_journal_is_not_touched(tmp_path: Path) -> None:
    segment, lock = write_segment(tmp_path, spans=[call(1, recorded_cost(0.5))])
    before = {file.name: file.read_bytes() for file in segment.path.iterdir() if file.name != "lock"}
    with tracelm.open_store(home=tmp_path) as store:
        store.reprice(since_ns=0)
    assert {file.name: file.read_bytes() for file in segment.path.iterdir() if file.name != "lock"} == before
    os.close(lock)


# --- models without a price ---------------------------------------------------------------------------------


def test_models_without_a_price_are_counted(tmp_path: Path) -> None:
    def named(model: str) -> dict[str, Any]:
        return {"gen_ai.request.model": model}

    failed = {"gen_ai.usage.input_tokens": "", "gen_ai.usage.output_tokens": ""}
    lines = [
        call(1, named("mine")),
        call(2, named("mine"), start=NOVEMBER_NS + 7),
        call(3, named("yours")),
        call(4, named("known"), recorded_cost(0)),
        call(5, named("failed"), failed),
        call(6, named("agent"), {"gen_ai.operation.name": "invoke_agent"}),
    ]
    with store_of(tmp_path, *lines) as store:
        found = store.unpriced_models()
        assert [(each.model, each.calls, each.last_start_ns) for each in found] == [
            ("mine", 2, NOVEMBER_NS + 7),
            ("yours", 1, NOVEMBER_NS),
        ]
        assert [each.calls for each in store.unpriced_models(since_ns=NOVEMBER_NS + 1)] == [1]


def test_a_model_that_is_not_billed_by_tokens_counts_too(tmp_path: Path) -> None:
    def made(model: str, **more: object) -> bytes:
        attributes: dict[str, object] = {"gen_ai.operation.name": "generate_content", "gen_ai.request.model": model}
        return span_line(
            model, span=model.encode().hex()[:12].zfill(16), start=NOVEMBER_NS, attributes=attributes | more
        )

    lines = [
        made("painter", **{"tracelm.usage.images": 2}),
        made("transcriber", **{"tracelm.usage.input_seconds": 1.5}),
        made("silent"),  # a stream that nobody asked to report its usage
    ]
    with store_of(tmp_path, *lines) as store:
        assert [(each.model, each.calls) for each in store.unpriced_models()] == [("painter", 1), ("transcriber", 1)]


def test_on_azure_the_model_that_answered_is_the_one_without_a_price(tmp_path: Path) -> None:
    def deployed(number: int, answered: str) -> bytes:
        azure = {"gen_ai.provider.name": "azure.ai.openai", "gen_ai.response.model": answered}
        return call(number, azure, {"gen_ai.request.model": "gpt-4o"}, start=NOVEMBER_NS + number)

    with store_of(tmp_path, deployed(1, "foo-9"), deployed(2, "foo-9"), deployed(3, "bar-1")) as store:
        assert [(each.model, each.calls, each.last_start_ns, each.why) for each in store.unpriced_models()] == [
            ("foo-9", 2, NOVEMBER_NS + 2, "unlisted"),
            ("bar-1", 1, NOVEMBER_NS + 3, "unlisted"),
        ]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"gen_ai.request.model": "mine", "gen_ai.response.model": ""}, "unlisted"),
        ({"gen_ai.usage.cache_read.input_tokens": 1_001}, "contradiction"),
        ({"gen_ai.usage.output_tokens": 2 * 10**9}, "contradiction"),
        ({"tracelm.usage.not_counted": "image_generation"}, "not counted"),
        ({"gen_ai.usage.input_tokens": "half"}, "not counted"),
        ({"gen_ai.response.model": "gpt-4", "tracelm.usage.web_searches": 1}, "unpriced kind"),
        ({}, "priced"),
    ],
)
def test_it_is_said_why_a_call_has_no_cost(changed: Mapping[str, object], why: str, tmp_path: Path) -> None:
    with store_of(tmp_path, call(1, changed)) as store:
        assert [each.why for each in store.unpriced_models()] == [why]


def test_the_last_call_of_a_model_says_why(tmp_path: Path) -> None:
    wrong = {"gen_ai.usage.cache_read.input_tokens": 1_001}
    with store_of(tmp_path, call(1), call(2, wrong, start=NOVEMBER_NS + 5)) as store:
        assert [(each.calls, each.last_start_ns, each.why) for each in store.unpriced_models()] == [
            (2, NOVEMBER_NS + 5, "contradiction")
        ]
