"""`tracelm doctor --conformance`: what is recorded, against the conventions, for people and for machines."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from inline_snapshot import snapshot
from typer.testing import CliRunner, Result

import tracelm
from tests.unit.store.otlp_lines import TRACE, span_line, write_segment
from tracelm.cli.main import app
from tracelm.cli.output import moment_ns

SECOND = 1_000_000_000
CHAT: Mapping[str, object] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "groq",
    "gen_ai.request.model": "m",
    "server.address": "api.groq.com",
    "server.port": 443,
    "error.type": "CancelledError",
}
OLD: Mapping[str, object] = {**CHAT, "gen_ai.system": "groq", "gen_ai.request.temperature": 1}

NAMED_ELSEWHERE = "set it: tracelm reads the span as chat from another vocabulary, and the conventions require the name"


def doctor(home: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["doctor", "--conformance", "--home", str(home), *options])


def found(home: Path, *options: str) -> Any:
    return json.loads(doctor(home, "--json", *options).stdout)


Record = Callable[..., None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def record(home: Path) -> Record:
    """Record one span after another."""
    number = 0

    def one(attributes: Mapping[str, object], *, name: str = "chat m", project: str = "shop", start: int = 1) -> None:
        nonlocal number
        number += 1
        line = span_line(name, span=f"{number:016x}", attributes=attributes, project=project, start=start)
        write_segment(home, spans=[line], project=project)

    return one


def test_what_conforms_ends_with_exit_code_0(home: Path, record: Record) -> None:
    record(CHAT)
    record({}, name="plain op")
    shown = doctor(home)
    assert (shown.exit_code, shown.stdout) == (
        0,
        "1 GenAI span: 0 different violations, 0 different improvements\n",
    )
    assert found(home) == {"spans": 1, "findings": []}


def test_a_violation_ends_with_exit_code_1_and_an_improvement_does_not(home: Path, record: Record) -> None:
    record({**CHAT, "error.type": "x"})
    assert doctor(home).exit_code == 1
    assert doctor(home, "--json").exit_code == 1


def test_an_improvement_ends_with_exit_code_0(home: Path, record: Record) -> None:
    record(CHAT, name="chat")
    assert doctor(home).exit_code == 0
    (one,) = found(home)["findings"]
    assert (one["level"], one["rule"]) == ("improvement", "name")


def test_an_empty_store_says_that_nothing_was_checked(home: Path) -> None:
    shown = doctor(home)
    assert (shown.exit_code, shown.stdout) == (
        0,
        "no GenAI span was recorded there: nothing to check\n",
    )


def test_a_span_of_another_vocabulary_is_told_to_name_its_operation(home: Path, record: Record) -> None:
    record({"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.provider": "groq"}, name="Completions")
    record({"openinference.span.kind": "TOOL", "tool.name": "search"}, name="search")
    assert found(home) == {
        "spans": 2,
        "findings": [
            {
                "rule": "required",
                "subject": "gen_ai.operation.name",
                "level": "violation",
                "spans": 2,
                "message": NAMED_ELSEWHERE,
                "trace_id": TRACE,
                "span_id": "0000000000000001",
            }
        ],
    }
    assert doctor(home).exit_code == 1


def test_a_span_that_says_itself_what_it_does_is_of_no_other_vocabulary(home: Path, record: Record) -> None:
    record({**CHAT, "openinference.span.kind": "LLM"})
    record({"mcp.method.name": "tools/call", "openinference.span.kind": "TOOL"}, name="tools/call")
    assert found(home)["spans"] == 2
    told = [each["rule"] for each in found(home)["findings"] if each["subject"] == "gen_ai.operation.name"]
    assert told == ["recommended"]  # of the call of a tool over the protocol


def test_a_span_without_an_operation_is_looked_at(home: Path, record: Record) -> None:
    record({"gen_ai.provider.name": "openai", "gen_ai.made.up": 1}, name="moderations")
    record({"gen_ai.request.model": "m", "gen_ai.made.up": 1}, name="images m")
    record({"mcp.method.name": "tools/list", "gen_ai.made.up": 1}, name="tools/list")
    record({"gen_ai.conversation.id": "c", "gen_ai.made.up": 1}, name="plain op")
    assert found(home)["spans"] == 3
    assert {each["subject"]: each["spans"] for each in found(home)["findings"]}["gen_ai.made.up"] == 3


def test_findings_are_grouped_the_worst_and_the_most_frequent_first(home: Path) -> None:
    lines = [
        span_line("chat m", span="0000000000000001", attributes=OLD),
        span_line("chat m", span="0000000000000002", attributes=OLD),
        span_line("chat", span="0000000000000003", attributes={**OLD, "gen_ai.request.temperature": 1.0}),
    ]
    write_segment(home, spans=lines)
    assert found(home) == snapshot(
        {
            "spans": 3,
            "findings": [
                {
                    "rule": "deprecated",
                    "subject": "gen_ai.system",
                    "level": "violation",
                    "spans": 3,
                    "message": "write gen_ai.provider.name instead",
                    "trace_id": "5b8efff798038103d269b633813fc60c",
                    "span_id": "0000000000000001",
                },
                {
                    "rule": "type",
                    "subject": "gen_ai.request.temperature",
                    "level": "violation",
                    "spans": 2,
                    "message": "write a double: 1 is an int",
                    "trace_id": "5b8efff798038103d269b633813fc60c",
                    "span_id": "0000000000000001",
                },
                {
                    "rule": "name",
                    "subject": "name",
                    "level": "improvement",
                    "spans": 1,
                    "message": "name the span 'chat m'",
                    "trace_id": "5b8efff798038103d269b633813fc60c",
                    "span_id": "0000000000000003",
                },
            ],
        }
    )
    assert doctor(home).stdout == snapshot("""\
3 GenAI spans: 2 different violations, 1 different improvement

violation: deprecated, gen_ai.system: 3 spans
  write gen_ai.provider.name instead
  for example tracelm show 5b8efff79803, span 0000000000000001

violation: type, gen_ai.request.temperature: 2 spans
  write a double: 1 is an int
  for example tracelm show 5b8efff79803, span 0000000000000001

improvement: name: 1 span
  name the span 'chat m'
  for example tracelm show 5b8efff79803, span 0000000000000003
""")


def test_a_span_counts_once_however_often_it_breaks_a_rule(home: Path, record: Record) -> None:
    record({**CHAT, "gen_ai.input.messages": "[1,2,3]"})
    (one,) = found(home)["findings"]
    assert (one["rule"], one["spans"]) == ("content", 1)
    assert one["message"].startswith("message 0: ")


def test_a_page_of_the_store_is_not_the_end(home: Path) -> None:
    lines = [span_line("chat m", span=f"{number:016x}", attributes=OLD) for number in range(1, 1202)]
    write_segment(home, spans=lines)
    assert found(home)["spans"] == 1201
    assert {each["spans"] for each in found(home)["findings"]} == {1201}


def test_text_fits_80_columns_and_steers_no_terminal(home: Path, record: Record) -> None:
    record({**CHAT, f"gen_ai.{'x' * 200}\x1b[31m": 1, "gen_ai.output.type": "\x1b[2J" + "y " * 100})
    record({**CHAT, "mcp.method.name": "\x1b[2Jping " + "y" * 100})
    shown = doctor(home).stdout
    assert "ping" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "\x1b" not in shown


def test_only_one_project_or_what_came_since(home: Path, record: Record) -> None:
    now_ns = round(datetime.now(UTC).timestamp()) * SECOND
    record(CHAT, project="shop", start=now_ns - 3 * 86_400 * SECOND)
    record(CHAT, project="shop", start=now_ns)
    record(CHAT, project="desk", start=now_ns)
    assert found(home)["spans"] == 3
    assert found(home, "--project", "shop")["spans"] == 2
    assert found(home, "--since", "24h")["spans"] == 2
    assert found(home, "--since", "1w", "--project", "shop")["spans"] == 2
    assert found(home, "--since", "2d", "--project", "shop")["spans"] == 1


def test_a_span_in_flight_is_not_judged_yet(home: Path) -> None:
    segment, _ = write_segment(home)
    segment.file("pending").write_bytes(span_line("chat m", attributes=OLD) + b"\n")
    with tracelm.open_store(home=home) as store:
        assert [each.state for each in store.spans()] == ["in flight"]
    assert found(home)["spans"] == 0


def test_a_project_that_nobody_knows_is_one_line(home: Path, record: Record) -> None:
    record(CHAT)
    shown = doctor(home, "--project", "nope")
    assert (shown.exit_code, shown.stderr) == (1, "error: no project 'nope' in this store; it has 'shop'\n")


@pytest.mark.parametrize("option", [("--since", "7d"), ("--project", "shop")])
def test_options_of_the_check_go_with_it_only(option: tuple[str, str]) -> None:
    shown = CliRunner().invoke(app, ["doctor", *option])
    assert shown.exit_code == 2
    assert "goes with --conformance" in shown.stderr


# --- since when ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90s", timedelta(seconds=90)),
        ("90m", timedelta(minutes=90)),
        (" 24H ", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
        ("1.5h", timedelta(minutes=90)),
    ],
)
def test_a_number_with_a_unit_is_that_long_ago(text: str, ago: timedelta) -> None:
    now_ns = 1_790_000_000 * SECOND + 7
    assert now_ns - moment_ns(text, now_ns=now_ns) == ago.total_seconds() * SECOND


def test_a_date_is_that_moment() -> None:
    moment = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert moment_ns("2026-11-24T09:30+00:00", now_ns=0) == moment.timestamp() * SECOND
    assert moment_ns("2026-11-24T09:30Z", now_ns=0) == moment.timestamp() * SECOND
    local = datetime(2026, 11, 24).astimezone()
    assert moment_ns("2026-11-24", now_ns=0) == local.timestamp() * SECOND


def test_longer_ago_than_time_is_the_beginning() -> None:
    assert moment_ns("9999w", now_ns=SECOND) == 0
    assert moment_ns(None, now_ns=SECOND) == 0


@pytest.mark.parametrize("text", ["", "yesterday", "7", "-7d", "7y", "2026-13-01", "9999999999999999d"])
def test_what_is_no_time_is_a_wrong_command_line(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no time: write 90m"):
        moment_ns(text, now_ns=0)
