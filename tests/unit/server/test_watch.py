"""The REST API of monitors and guardrails: what they found and did, window by window."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from inline_snapshot import snapshot

import tracelm
from tests.serving import Serving, make_key, serving
from tracelm.guards.activity import activity
from tracelm.monitors.worker import catch_up
from tracelm.scorers import PII

DAY_NS = 86_400 * 10**9


def polite(output: str) -> bool:
    return "please" in output


def calm(output: str) -> bool:
    return not output.isupper()


@tracelm.guard(tracelm.Guardrail(PII(), action="block"))
@tracelm.guard(tracelm.Guardrail(calm, action="block", mode="shadow"))
@tracelm.op(name="answer")
def answer(question: str) -> str:
    return f"please read {question}" if question.islower() else question


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with guarded calls that a monitor has judged."""
    home = tmp_path_factory.mktemp("watch")
    tracelm.init("shop", home=home, patch=False)
    for question in ("hours", "prices", "NO", "NO", "call 4111 1111 1111 1111"):
        with contextlib.suppress(tracelm.GuardrailTripped):
            answer(question)
    tracelm.shutdown()
    monitor = tracelm.Monitor(name="answers", scorers=[polite], where="op:answer")
    with tracelm.open_store(home=home) as store:
        anyio.run(catch_up, store, monitor)
    return home


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Serving]:
    with serving(home) as running:
        yield running


def test_a_monitor_tells_its_pass_rate_by_window_group_and_input(server: Serving) -> None:
    assert server.get("/monitors").json == {"items": ["answers"]}
    found = server.get("/monitors/answers", buckets=1).json
    [window] = found["windows"]
    assert {name: window[name] for name in ("score", "n", "spans", "errors", "pass_rate")} == snapshot(
        {
            "score": "polite",
            "n": 4,
            "spans": 4.0,
            "errors": 0,
            "pass_rate": {"mean": 0.5, "low": 0.15003898915214955, "high": 0.8499610108478505, "n": 4},
        }
    )
    assert int(window["start_ns"]) <= time.time_ns() < int(window["end_ns"])
    assert [each["key"] for each in found["ops"]] == ["answer"]
    [worst, *_] = found["failing"]
    assert (worst["input"], worst["n"], len(worst["trace_ids"])) == ('{"question":"NO"}', 2, 2)


def test_guardrails_tell_what_they_did_and_what_they_only_watched(server: Serving) -> None:
    found = server.get("/guardrails", buckets=1).json
    told = {
        (each["guardrail"], count["taken"], count["intended"], count["outcome"]): count["n"]
        for each in found["rails"]
        for count in each["counts"]
    }
    assert told == snapshot(
        {
            ("calm", "allow", "allow", "shadow"): 3,
            ("calm", "allow", "block", "shadow"): 2,
            ("pii", "allow", "allow", "enforced"): 4,
            ("pii", "block", "block", "enforced"): 1,
        }
    )
    assert [(each["guardrail"], each["intended"], each["taken"]) for each in found["interventions"]] == snapshot(
        [("pii", "block", "block"), ("calm", "block", "allow"), ("calm", "block", "allow")]
    )
    assert all(each["p50_s"] is not None and each["p50_s"] <= each["p95_s"] for each in found["rails"])
    assert found["is_cut"] is False


def test_what_is_too_much_is_cut_and_said(home: Path) -> None:
    with tracelm.open_store(home=home) as store:
        found = activity(store, since_ns=0, until_ns=time.time_ns(), bucket_ns=DAY_NS, most=3)
    assert found.is_cut
    assert sum(count.n for rail in found.rails for count in rail.counts) == 3


def test_time_and_project_narrow_what_is_told(server: Serving) -> None:
    long_ago: dict[str, Any] = {"since_ns": 1, "until_ns": DAY_NS}
    assert server.get("/monitors/answers", **long_ago).json["windows"] == []
    assert server.get("/guardrails", **long_ago).json["rails"] == []
    assert server.get("/monitors", project="shop").json["items"] == ["answers"]
    assert server.get("/monitors/nobody").status == 404
    assert server.get("/guardrails", since_ns=5, until_ns=5).status == 400


def test_a_key_for_another_project_sees_neither(tmp_path: Path, home: Path) -> None:
    own = shutil.copytree(home, tmp_path / "home")  # once there is a key, nobody gets in without one
    key = make_key(own, "read", projects=("other",))
    with serving(own) as running:
        answers: list[Any] = [running.get(path, key=key) for path in ("/monitors", "/monitors/answers")]
        assert answers[0].json == {"items": []}
        assert answers[1].status == 404
        assert running.get("/guardrails", key=key, project="shop").status == 403
