"""The API tells where a dataset led to, how the server was started, and which models have no price."""

import time
from pathlib import Path
from typing import Any

from inline_snapshot import snapshot

import tracelm
from tests.serving import make_key, serving
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.data.model import publish_model


def right(output: str, expected: str) -> bool:
    return output == expected


def echo(question: str) -> str:
    return question


def test_runs_of_a_dataset_tell_its_version_their_task_and_their_scorers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    tracelm.init("shop", home=home, patch=False)
    dataset = tracelm.Dataset(
        name="sums", rows=[{"question": "1", "expected": "1"}, {"question": "2", "expected": "3"}]
    )
    evaluation = tracelm.Evaluation(name="echo", dataset=dataset, scorers=[right])
    evaluation.run(echo)
    published = dataset.publish(url=f"sqlite:///{home}/tracelm.db")
    tracelm.Evaluation(name="echo", dataset=published, scorers=[right]).run(echo)
    tracelm.shutdown()
    with serving(home) as server:
        found = server.get("/datasets/sums/lineage").json
        assert found["is_cut"] is False
        told: list[dict[str, Any]] = found["runs"]
        assert [each["dataset_version"] for each in told] == ["v0", None]
        assert {each["dataset_digest"] for each in told} == {dataset.digest}
        assert len({(each["task"], each["task_version"]) for each in told}) == 1
        assert [each["traces"] for each in told] == [2, 2]
        assert [[(use["name"], use["n"]) for use in each["scorers"]] for each in told] == [[("right", 2)]] * 2
        assert server.get("/datasets/nothing/lineage").json == {"runs": [], "is_cut": False, "models": []}


def test_the_server_tells_what_it_keeps_and_which_models_have_no_price(tmp_path: Path) -> None:
    home = tmp_path / "home"
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "house-model", "gen_ai.usage.input_tokens": 3}
    now = time.time_ns()
    write_segment(home, project="shop", spans=[span_line("chat house-model", start=now, end=now + 1, attributes=chat)])
    key = make_key(home, "read", projects=("shop",))
    whole = make_key(home, "read")
    with serving(home, "--retain=errors 90d, rest 14d") as server:
        about = server.get("/about", key=key).json
        assert about.pop("version") == server.get("/session", key=key).json["version"]
        assert about == snapshot(
            {"store": "sqlite", "retain": "errors 90d, rest 14d", "is_loopback": True, "max_body_bytes": 32000000}
        )
        assert server.get("/prices", key=key).status == 403
        prices = server.get("/prices", key=whole).json
        assert prices["list_version"]
        [unpriced] = prices["unpriced"]
        assert (unpriced["model"], unpriced["calls"], unpriced["last_start_ns"]) == ("house-model", 1, str(now))


def test_the_lineage_of_a_dataset_has_the_models_that_were_trained_on_it_and_the_model_of_a_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    url = f"sqlite:///{home}/tracelm.db"
    tracelm.init("shop", home=home, patch=False)
    dataset = tracelm.Dataset(name="sums", rows=[{"question": "1", "expected": "1"}]).publish(url=url)
    training = {"id": "e2128054ab6c2ecc", "project": "shop", "trace_id": "ab" * 16, "span_id": "cd" * 8}
    trained_on = {"name": "sums", "digest": dataset.digest, "version": dataset.version}
    first = publish_model("adder", None, about={"dataset": trained_on, "training": training}, url=url)
    publish_model("other", None, about={"dataset": {**trained_on, "name": "words"}}, url=url)
    tracelm.Evaluation(name="echo", dataset=dataset, scorers=[right]).run(echo, model=first)
    tracelm.shutdown()
    with serving(home) as server:
        found = server.get("/datasets/sums/lineage").json
        [run] = server.get("/runs").json["items"]
    line = {
        "name": "adder",
        "version": "v0",
        "digest": first.digest,
        "training": training,
        "dataset": "sums",
        "dataset_version": "v0",
    }
    assert found["models"] == [line]
    assert [each["model"] for each in found["runs"]] == [line]
    assert run["model"] == line
