"""Instrumentors of others record here, are taken back, and are missed by name. With real packages and a real client."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tracelm
from tests.integrations.answering import RESPONSE, Server
from tracelm.testing import Spans
from tracelm.trace import instrumentors, patching

OPENINFERENCE = "openinference:openai"
OPENTELEMETRY = "opentelemetry:openai"


def _ask() -> None:
    Server(RESPONSE).client().responses.create(model="gpt-4o", input="Is it?")


def _begin(home: Path, *names: str) -> Spans:
    tracelm.init("others", home=home, integrations=names)
    return Spans(home)


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        (OPENINFERENCE, "openinference.instrumentation.openai"),
        (OPENTELEMETRY, "opentelemetry.instrumentation.genai.openai"),
    ],
)
def test_a_call_is_recorded_by_the_instrumentor_and_not_by_us_as_well(name: str, scope: str, tmp_path: Path) -> None:
    spans = _begin(tmp_path, name)
    _ask()
    assert [span.scope.name.startswith(scope) for span in spans.all()] == [True]


def test_the_stored_call_has_the_columns_of_ours(tmp_path: Path) -> None:
    _begin(tmp_path, OPENINFERENCE)
    with tracelm.span("outer"):
        _ask()
    tracelm.shutdown()
    with tracelm.open_store(f"sqlite:///{tmp_path}/tracelm.db") as store:
        store.index()
        table = store.spans().to_pandas().set_index("name")
    model = table.loc[table["model"].notna()]
    assert list(model["model"]) == ["gpt-4o"]
    assert (int(model["input_tokens"].iloc[0]), int(model["output_tokens"].iloc[0])) == (20, 5)
    assert model["parent_span_id"].iloc[0] == table.loc["outer", "span_id"]


def test_shutdown_takes_it_back_and_ours_is_there_again(tmp_path: Path) -> None:
    _begin(tmp_path / "one", OPENINFERENCE)
    tracelm.shutdown()
    spans = _begin(tmp_path / "two")
    _ask()
    assert [span.scope.name for span in spans.all()] == ["tracelm"]


def test_its_state_is_told_and_so_is_that_of_the_integration_which_steps_aside(tmp_path: Path) -> None:
    _begin(tmp_path, OPENINFERENCE)
    [told] = instrumentors.status([OPENINFERENCE])
    assert (told.name, told.state) == (OPENINFERENCE, "active")
    ours = {each.name: each for each in patching.status()}["openai"]
    assert (ours.state, ours.detail) == ("off", f"left to {OPENINFERENCE}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("openinference:crewai", "pip install openinference-instrumentation-crewai"),
        ("openllmetry:chromadb", "pip install opentelemetry-instrumentation-chromadb"),
        ("opentelemetry:chromadb", "opentelemetry-instrumentation-chromadb or opentelemetry-instrumentation-genai-chr"),
        ("crewai", "write one of 'openinference:LIBRARY'"),
        ("other:crewai", "write one of 'openinference:LIBRARY'"),
    ],
)
def test_one_that_is_missing_is_named_with_the_remedy_and_nothing_is_begun(
    name: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(tracelm.ConfigError, match=said):
        _begin(tmp_path, name)
    assert tracelm.flush().recorded == 0
    assert not list(tmp_path.iterdir())


def test_the_doctor_tells_of_those_that_the_environment_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACELM_INTEGRATIONS", f"{OPENINFERENCE}, openinference:crewai")
    command = [str(Path(sys.executable).parent / "tracelm"), "doctor", "--json", "--home", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    states = {each["name"]: (each["state"], each["detail"]) for each in json.loads(ran.stdout)["integrations"]}
    assert states[OPENINFERENCE] == ("active", "")
    assert states["openinference:crewai"][0] == "not installed"
    assert "pip install openinference-instrumentation-crewai" in states["openinference:crewai"][1]
    assert states["openai"] == ("off", f"left to {OPENINFERENCE}")
