"""`tracelm doctor` tells versions, places, and the truth about each integration."""

import importlib.metadata
import json
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import tracelm
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.cli.main import app


def doctor(*options: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *options])


def test_it_says_what_runs_and_where_the_data_lies(tmp_path: Path) -> None:
    home = tmp_path / "home"
    tracelm.init("shop", home=home)
    with tracelm.span("step"):
        pass
    found = json.loads(doctor("--json").stdout)
    assert found["versions"]["tracelm"] == importlib.metadata.version("tracelm")
    assert found["data"]["home"] == str(home)
    assert found["data"]["projects"] == ["shop"]
    assert found["data"]["journal_segments"] == 1
    assert found["export"] == {"otlp": "none: set OTEL_EXPORTER_OTLP_ENDPOINT, or give init an endpoint"}


def test_it_tries_each_integration_and_takes_the_patch_back() -> None:
    import openai

    before = openai.OpenAI.request
    found = {each["name"]: each for each in json.loads(doctor("--json").stdout)["integrations"]}
    packages = {name: name for name in ("anthropic", "botocore", "mcp", "openai")} | {"google.genai": "google-genai"}
    for name, package in packages.items():
        assert (found[name]["state"], found[name]["detail"]) == ("active", "")
        assert found[name]["version"] == importlib.metadata.version(package)
    assert openai.OpenAI.request is before


def test_people_get_a_table(tmp_path: Path) -> None:
    shown = doctor()
    assert shown.exit_code == 0
    for line in ("projects", "none yet", "journal segments", "openai", "langchain_core", "active"):
        assert line in shown.stdout


def test_it_names_the_endpoints_of_both_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    assert json.loads(doctor("--json").stdout)["export"] == {
        "otlp_spans": "http://collector:4318/v1/traces (http/protobuf)",
        "otlp_logs": "http://collector:4318/v1/logs (http/protobuf)",
    }


def test_a_setting_that_cannot_work_is_one_line_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACELM_CAPTURE_CONTENT", "maybe")
    shown = doctor()
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert shown.stderr == "error: TRACELM_CAPTURE_CONTENT='maybe' is neither true nor false: write 1 or 0\n"


def test_only_models_that_no_list_has_are_in_the_line_of_prices(tmp_path: Path) -> None:
    def called(number: int, model: str, read: int) -> bytes:
        attributes: dict[str, object] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.cache_read.input_tokens": read,
            "gen_ai.usage.output_tokens": 5,
        }
        return span_line("chat", span=f"{number:016x}", start=time.time_ns(), attributes=attributes)

    _, lock = write_segment(tmp_path, spans=[called(1, "mine", 0), called(2, "gpt-4o", 11), called(3, "gpt-4o", 12)])
    os.close(lock)
    shown = " ".join(doctor("--home", str(tmp_path)).stdout.split())
    assert "openai mine 1 call " in shown
    assert (
        "openai gpt-4o 2 calls; of the last one: the list has the model, but the counts contradict each other" in shown
    )
    assert "prices={'mine': {'input_usd_per_mtok': ..., 'output_usd_per_mtok': ...}})" in shown
