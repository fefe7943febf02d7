"""The command line speaks to a server where `TRACELM_URL` names one, and shows the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import tracelm
from tests.serving import Serving, serving
from tests.unit.evals.saved import run_of
from tests.unit.store.otlp_lines import log_line, span_line, write_segment
from tracelm.cli.main import app

TRACE = "ab" * 16


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home = tmp_path_factory.mktemp("home")
    spans = [
        span_line("answer", trace=TRACE, attributes={"input.value": '{"x": 1}', "output.value": '"fine"'}),
        span_line("look_up", trace=TRACE, span="00000000000000a2", parent="00000000000000a1", status=2, message="no"),
    ]
    score = {"log.record.uid": "u1", "gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 0.5}
    decision = {"log.record.uid": "u2", "tracelm.guardrail.name": "pii", "tracelm.guardrail.action.taken": "block"}
    logs = [
        log_line("gen_ai.evaluation.result", score, trace=TRACE),
        log_line("tracelm.guardrail.decision", decision, trace=TRACE),
    ]
    write_segment(home, spans=spans, logs=logs)
    tracelm.init("evals", home=home, patch=False)
    run_of([True] * 5 + [ValueError("no")])
    tracelm.shutdown()
    with serving(home) as running:
        yield running


def tracelm_(*arguments: str, **env: str) -> Result:
    return CliRunner().invoke(app, arguments, env=env)


def run_id(server: Serving) -> str:
    listed = json.loads(tracelm_("eval", "list", "--json", TRACELM_HOME=str(server.home)).stdout)
    return str(listed[0]["run_id"])


@pytest.mark.parametrize("as_json", [False, True], ids=["for people", "for machines"])
@pytest.mark.parametrize(
    "command",
    [
        "traces", "traces --project shop --sort -latency", "traces --where status:error", "traces --where op:nothing",
        "spans", "spans --limit 1", "show abab", "show abab --full", "eval list", "eval show RUN", "lineage RUN",
        "guard audit", "guard audit --project shop", "doctor --conformance",
    ],
)  # fmt: skip
def test_a_command_prints_the_same_from_a_server(server: Serving, command: str, *, as_json: bool) -> None:
    arguments = [*command.replace("RUN", run_id(server)).split(), *(["--json"] if as_json else [])]
    if arguments == ["show", "abab", "--full", "--json"]:
        arguments.remove("--full")
    here = tracelm_(*arguments, TRACELM_HOME=str(server.home))
    there = tracelm_(*arguments, TRACELM_URL=server.url)
    assert (there.exit_code, there.stdout) == (here.exit_code, here.stdout)
    assert here.exit_code == 0
    assert here.stdout


@pytest.mark.parametrize("command", ["traces --where latency>>2s", "show ffff", "eval show none"])
def test_a_mistake_is_told_the_same_from_a_server(server: Serving, command: str) -> None:
    here = tracelm_(*command.split(), TRACELM_HOME=str(server.home))
    there = tracelm_(*command.split(), TRACELM_URL=server.url)
    assert (there.exit_code, there.stderr) == (here.exit_code, here.stderr)
    assert here.exit_code in {1, 2}  # 2 for what was typed wrong


@pytest.mark.parametrize("command", ["store stats", "store vacuum", "reprice --since 1d", "keys list"])
def test_what_needs_the_store_itself_is_one_line_that_says_where(server: Serving, command: str) -> None:
    refused = tracelm_(*command.split(), TRACELM_URL=server.url)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert re.fullmatch(r"error: .* needs the store itself, .*: do it where the server runs.*\n", refused.stderr)


def test_a_home_that_is_named_is_meant(server: Serving, tmp_path: Path) -> None:
    shown = tracelm_("traces", "--home", str(tmp_path), "--json", TRACELM_URL=server.url)
    assert json.loads(shown.stdout)["traces"] == []


def test_doctor_speaks_of_this_machine_and_names_the_server(server: Serving, tmp_path: Path) -> None:
    found = json.loads(tracelm_("doctor", "--json", TRACELM_URL=server.url).stdout)
    assert (found["data"]["home"], found["data"]["server"]) == (str(tmp_path / "home"), server.url)


def test_a_server_that_is_not_there_is_one_line() -> None:
    refused = tracelm_("traces", TRACELM_URL="http://127.0.0.1:1")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error: the server http://127.0.0.1:1 cannot be reached")
    assert refused.stderr.count("\n") == 1


def test_an_evaluation_runs_and_is_taken_up_here_and_its_baseline_is_on_the_server(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evaluated.py").write_text(
        "import tracelm\n"
        "rows = [{'number': n} for n in range(6)]\n"
        "def right(output): return output\n"
        "evaluation = tracelm.Evaluation(dataset=tracelm.Dataset(name='saved', rows=rows), scorers=[right])\n"
        "def task(number): return True\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACELM_URL", server.url)
    command = ("eval", "run", "evaluated:evaluation", "--task", "evaluated:task", "--baseline", run_id(server))
    done = tracelm_(*command, "--json", TRACELM_URL=server.url)
    assert done.exit_code == 0, done.output
    run = json.loads(done.stdout)["run"]["run_id"]
    tracelm.shutdown()
    assert tracelm_("eval", "show", run).exit_code == 1  # the server does not have it
    assert tracelm_("eval", "resume", run).exit_code == 0
