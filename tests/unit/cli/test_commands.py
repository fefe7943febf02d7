"""The commands that read the store: for people, for machines, and when something is wrong."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from typer.testing import CliRunner

import tracelm
from tests.unit.store.otlp_lines import TRACE, log_line, span_line, write_segment
from tracelm.cli.main import app

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 64,
    "gen_ai.usage.cost.amount": 0.0000123,
    "gen_ai.input.messages": '[{"role":"user"}]',
    "gen_ai.output.messages": '[{"role":"assistant"}]',
}


def run(*arguments: str, code: int = 0) -> str:
    """Run `tracelm`, check its exit code, and return what it printed."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return "\n".join(line.rstrip() for line in result.output.strip("\n").splitlines())


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield tmp_path / "home"  # that of the environment
    time.tzset()


@pytest.fixture
def recorded(home: Path) -> Path:
    """A trace with a model call, a failure, scores and a guardrail's decision."""
    second = 1_000_000_000
    spans = [
        span_line("explain", end=3 * second, attributes={"input.value": '{"x":1}', "output.value": '"fine"'}),
        span_line("chat m", span="00000000000000a2", parent="00000000000000a1", end=2 * second, attributes=CHAT),
        span_line(
            "look_up",
            span="00000000000000a3",
            parent="00000000000000a1",
            start=2 * second,
            end=2 * second + 250_000,
            status=2,
            message="KeyError: 'amount'",
            attributes={"error.type": "KeyError"},
        ),
    ]
    score: dict[str, object] = {
        "log.record.uid": "u1",
        "gen_ai.evaluation.name": "relevance",
        "gen_ai.evaluation.score.value": 0.5,
        "tracelm.score.passed": False,
        "tracelm.score.source": "human",
        "tracelm.score.author": "ada",
        "gen_ai.evaluation.explanation": "half of it",
    }
    truth: dict[str, object] = {
        "log.record.uid": "u2",
        "gen_ai.evaluation.name": "short",
        "gen_ai.evaluation.score.value": 1.0,
        "gen_ai.evaluation.score.label": "true",
        "tracelm.score.passed": True,
    }
    broken: dict[str, object] = {
        "log.record.uid": "u3",
        "gen_ai.evaluation.name": "judge",
        "error.type": "TimeoutError",
        "gen_ai.evaluation.explanation": "TimeoutError: too slow",
    }
    decision = {
        "log.record.uid": "u4",
        "tracelm.guardrail.name": "pii",
        "tracelm.guardrail.action.intended": "replace",
        "tracelm.guardrail.action.taken": "block",
        "tracelm.guardrail.outcome": "enforced",
        "tracelm.guardrail.latency_s": 0.0011,
    }
    event = "gen_ai.evaluation.result"
    logs = [
        *(log_line(event, each, time=n) for n, each in enumerate((score, truth, broken))),
        log_line("tracelm.guardrail.decision", decision),
        log_line(event, {**truth, "log.record.uid": "u5", "gen_ai.evaluation.name": "liked"}, span="00000000000000ff"),
    ]
    write_segment(home, spans=spans, logs=logs)
    return home


def test_a_trace_is_a_tree_with_tokens_cost_errors_scores_and_decisions(recorded: Path) -> None:
    heading, tree = run("show", TRACE[:6]).split("\n", 1)
    assert heading == (
        f"trace {TRACE}  project shop, 1970-01-01 00:00:00, 3 spans, 3 s, 812 in, 64 out tokens, $0.0000123  "
        "1 inner error"
    )
    assert tree == snapshot("""\
├── explain  3 s
│   ├── score relevance 0.5 failed (human, ada)  half of it
│   ├── score short true
│   ├── score judge failed: TimeoutError: too slow
│   ├── guardrail pii block (wanted replace, enforced, 1.10 ms)
│   ├── chat m  2 s, 812 in, 64 out tokens, $0.0000123
│   └── look_up  0.25 ms  error: KeyError: 'amount'
└── score liked true\
""")


def test_full_shows_what_went_in_and_out(recorded: Path) -> None:
    shown = run("show", TRACE, "--full")
    for text in ('input: {"x":1}', 'output: "fine"', 'messages: [{"role":"user"}]', 'reply: [{"role":"assistant"}]'):
        assert text in shown


def test_traces_are_listed(recorded: Path) -> None:
    head, _line, row, *_rest = run("traces").strip("\n").split("\n")
    assert dict(zip(re.split("  +", head.strip()), re.split("  +", row.strip()), strict=True)) == snapshot(
        {
            "trace": "5b8efff79803",
            "started": "1970-01-01 00:00:00",
            "project": "shop",
            "name": "explain",
            "duration": "3 s",
            "spans": "3",
            "tokens": "812 in, 64 out",
            "cost": "$0.0000123",
            "status": "1 inner error",
            "input": '{"x":1}',
        }
    )


def test_machines_get_one_document(recorded: Path) -> None:
    (trace,) = run_json("traces")["traces"]
    assert (trace["trace_id"], trace["cost_usd"], trace["input"]) == (TRACE, 0.0000123, '{"x":1}')
    shown = run_json("show", TRACE)
    assert list(shown) == ["trace", "spans", "scores", "decisions"]
    assert [span["name"] for span in shown["spans"]] == ["explain", "chat m", "look_up"]
    assert shown["spans"][1]["attributes"]["gen_ai.usage.input_tokens"] == 812
    assert [score["name"] for score in shown["scores"]] == ["relevance", "short", "judge", "liked"]
    assert shown["decisions"][0]["taken"] == "block"


def test_a_machine_gets_a_document_also_for_bytes_and_numbers_that_are_none(home: Path) -> None:
    line = span_line(attributes={"a": float("inf"), "b": "B"}).replace(b'{"stringValue":"B"}', b'{"bytesValue":"AAE="}')
    write_segment(home, spans=[line])
    assert run_json("show", TRACE)["spans"][0]["attributes"] == {"a": None, "b": "AAE="}


def test_an_empty_store_says_what_to_do_next(home: Path) -> None:
    assert run("traces").replace(str(home), "HOME") == snapshot(
        'no traces yet in HOME/tracelm.db: call tracelm.init("my-project") and a function under @tracelm.op'
    )
    assert run("eval", "list").replace(str(home), "HOME") == snapshot(
        "no evaluation runs yet in HOME/tracelm.db: tracelm.Evaluation(dataset=..., scorers=[...]).run(task) makes one"
    )
    assert run_json("traces") == {"traces": [], "next": None}
    assert run_json("eval", "list") == []


def test_our_errors_are_one_line_and_exit_code_1(recorded: Path) -> None:
    assert run("traces", "--project", "shoop", code=1) == snapshot(
        "error: no project 'shoop' in this store; it has 'shop'"
    )
    assert run("show", "ffff", code=1) == snapshot("error: no trace has an id that begins with 'ffff' in this store")
    assert run("eval", "show", "ffff", code=1) == snapshot(
        "error: no evaluation run has an id that begins with 'ffff' in this store"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("traces", "--limit", "0"),
        ("traces", "--home", "/no/such/folder"),
        ("paint",),
        ("eval", "list", "--x"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    shown = run(*arguments, code=2)
    assert shown.startswith("Usage: ")
    assert "Error" in shown
    assert "Traceback" not in shown


def test_the_home_may_be_named(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACELM_HOME", str(recorded / "elsewhere"))
    assert run_json("traces") == {"traces": [], "next": None}
    assert len(run_json("traces", "--home", str(recorded))["traces"]) == 1


def test_hostile_text_reaches_no_terminal(home: Path) -> None:
    hostile = "\x1b[2J\x1b]0;title\x07[bold]x[/bold]\u202eevil\r\x9b31m"
    attributes = {"input.value": hostile, "error.type": hostile, "tracelm.run.id": hostile, "tracelm.run.rows": 1}
    attributes["tracelm.run.name"] = attributes["tracelm.dataset.name"] = hostile
    made_of = {"dataset": hostile, "scorers": {hostile: hostile}, "settings": {hostile: [hostile]}, "packages": hostile}
    attributes["tracelm.run.provenance"] = json.dumps(made_of)
    write_segment(
        home,
        project="p",
        spans=[span_line(hostile, status=2, message=hostile, attributes=attributes, project=hostile)],
        logs=[
            log_line(
                "gen_ai.evaluation.result",
                {
                    "gen_ai.evaluation.name": hostile,
                    "gen_ai.evaluation.score.label": hostile,
                    "gen_ai.evaluation.explanation": hostile,
                    "tracelm.run.id": hostile,
                },
                project=hostile,
            ),
            log_line("tracelm.guardrail.decision", {"tracelm.guardrail.name": hostile}, project=hostile),
        ],
    )
    for arguments in (
        ["traces"],
        ["show", TRACE],
        ["show", TRACE, "--full"],
        ["eval", "list"],
        ["eval", "show", hostile],
        ["lineage", hostile],
    ):
        shown = CliRunner().invoke(app, arguments)
        assert shown.exit_code == 0, shown.output
        assert not set("\x1b\x07\u202e\r\x9b") & set(shown.output)
        assert "\\x1b" in shown.output
    assert "[bold]x[/bold]" in run("show", TRACE)


def test_a_deep_trace_is_shown(home: Path) -> None:
    lines = [span_line(f"s{n}", span=f"{n:016x}", parent=f"{n - 1:016x}" if n > 1 else None) for n in range(1, 1500)]
    write_segment(home, spans=lines)
    assert len(run_json("show", TRACE)["spans"]) == 1499
    assert run("show", TRACE)


def test_an_evaluation_run_reads_in_the_terminal_as_in_the_program(home: Path) -> None:
    tracelm.init("shop")

    @tracelm.op
    def answer(question: str) -> str:
        if question == "fail":
            raise ValueError("no answer")
        return question.upper()

    def right(question: str, output: str) -> bool:
        if question == "break":
            raise RuntimeError("judge down")
        return output == "A"

    rows = [{"question": question} for question in ("a", "b", "a", "fail", "break")]
    found = tracelm.Evaluation(dataset=tracelm.Dataset(name="d", rows=rows), scorers=[right], name="nightly").run(
        answer
    )
    (listed,) = run_json("eval", "list")
    assert (listed["run_id"], listed["name"], listed["rows"], listed["row_errors"]) == (found.run_id, "nightly", 5, 1)
    shown = run_json("eval", "show", found.run_id[:8])
    (line,) = shown["summary"]
    expected = found.summary.loc["right"]
    assert {name: line[name] for name in expected.index} == pytest.approx(expected.to_dict())
    assert line["score"] == "right"
    assert [row["outcome"] for row in shown["rows"]] == list(found.rows["outcome"])
    assert [row["trace_id"] for row in shown["rows"]] == list(found.rows["trace_id"])
    text = run("eval", "show", found.run_id)
    assert "row 3, trial 0, task_error: ValueError: no answer" in text
    assert "row 4, trial 0, scorer_error: scorer 'right': RuntimeError: judge down" in text
    assert "nightly" in run("eval", "list")


def test_the_installed_command_answers() -> None:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = "import sys; from tracelm.cli.main import main; sys.argv[0] = 'tracelm'; main()"
        done = subprocess.run([sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    assert call("--version") == (0, "tracelm 0.1.0\n", "")
    assert call("show", "ffff") == (1, "", "error: no trace has an id that begins with 'ffff' in this store\n")
    assert call("paint")[0] == 2


def test_help_loads_no_database_and_no_pandas() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from tracelm.cli.main import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "sys.exit(bool({'sqlalchemy', 'sqlmodel', 'pandas', 'alembic', 'openai'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_full_cuts_nothing_off_at_the_edge_of_the_terminal(tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(500)]
    tracelm.init("shop", home=tmp_path)
    with tracelm.span("long", inputs={"words": " ".join(words)}) as step:
        pass
    tracelm.shutdown()
    shown = CliRunner().invoke(app, ["show", step.trace_id, "--full", "--home", str(tmp_path)]).stdout
    assert [word for word in words if word not in shown] == []
