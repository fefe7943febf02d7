"""`tracelm reprice`, and what `tracelm doctor` says of models without a price."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tracelm
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.cli.main import app

DAY_NS = 86_400 * 10**9


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return "\n".join(line.rstrip() for line in result.output.strip("\n").splitlines())


def call(number: int, *, days_ago: float, model: str = "gpt-4o", cost: float | None = 0.5) -> bytes:
    attributes: dict[str, object] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 100,
    }
    if cost is not None:
        attributes["gen_ai.usage.cost.amount"] = cost
    start = time.time_ns() - int(days_ago * DAY_NS)
    return span_line(f"chat {model}", span=f"{number:016x}", start=start, end=start + 1, attributes=attributes)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"  # that of the environment
    calls = [
        call(1, days_ago=0.1),
        call(2, days_ago=3),
        call(3, days_ago=20),
        call(4, days_ago=1, model="mine", cost=None),
    ]
    _, lock = write_segment(home, spans=calls)
    os.close(lock)
    return home


def costs(home: Path) -> list[float | None]:
    with tracelm.open_store(home=home) as store:
        return [span.cost_usd for span in sorted(store.spans(), key=lambda span: span.span_id)]


def test_people_see_what_changed_per_model(home: Path) -> None:
    lines = run("reprice", "--since", "7d").splitlines()
    assert [line.split() for line in lines if "gpt-4o" in line] == [["openai", "gpt-4o", "2", "2", "$1.00", "$0.00700"]]
    assert lines[-2:] == [
        "2 of 3 calls of models changed",
        "1 have no price: tracelm doctor names their models",
    ]
    assert costs(home) == [0.0035, 0.0035, 0.5, None]


def test_machines_get_one_document(home: Path) -> None:
    found: Any = json.loads(run("reprice", "--since", "1d", "--json"))
    assert found["dry_run"] is False
    assert {model["model"]: (model["changed"], model["old_usd"], model["new_usd"]) for model in found["models"]} == {
        "gpt-4o": (1, 0.5, 0.0035),
    }


def test_a_dry_run_leaves_everything(home: Path) -> None:
    assert run("reprice", "--since", "4w", "--dry-run").splitlines()[-2] == "3 of 4 calls of models would change"
    assert costs(home) == [0.5, 0.5, 0.5, None]


def test_a_table_of_ones_own_comes_first(home: Path, tmp_path: Path) -> None:
    table = tmp_path / "prices.toml"
    table.write_text("[mine]\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 10\n")
    run("reprice", "--since", "7d", "--prices", str(table), "--project", "shop")
    assert costs(home) == [0.0035, 0.0035, 0.5, 0.002]


@pytest.mark.parametrize("since", ["2026-11-01", "2026-11-01T10:00:00+02:00", "90m", "24h", "0d"])
def test_a_time_can_be_told_in_many_ways(since: str, home: Path) -> None:
    assert "of models" in run("reprice", "--since", since, "--dry-run")


@pytest.mark.parametrize("since", ["yesterday", "7", "7y", "", "-3d"])
def test_a_time_that_is_none_is_a_wrong_command_line(since: str, home: Path) -> None:
    assert "write 90m, 24h, 7d, 2w, or a date" in " ".join(run("reprice", "--since", since, code=2).split())


def test_a_wrong_table_is_one_line_and_changes_nothing(home: Path, tmp_path: Path) -> None:
    table = tmp_path / "prices.toml"
    table.write_text("[mine]\ninput = 1\n")
    shown = run("reprice", "--since", "7d", "--prices", str(table), code=1)
    assert shown.startswith(f"error: {table}: prices['mine'] has no price called 'input'")
    assert costs(home) == [0.5, 0.5, 0.5, None]


def test_doctor_names_the_models_without_a_price_and_the_line_to_copy(home: Path) -> None:
    shown = " ".join(run("doctor").split())
    assert "models without a price, last 30 days openai mine 1 call tracelm.init(" in shown
    assert "prices={'mine': {'input_usd_per_mtok': ..., 'output_usd_per_mtok': ...}})" in shown
    (found,) = json.loads(run("doctor", "--json"))["models_without_a_price"]
    assert (found["provider"], found["model"], found["calls"]) == ("openai", "mine", 1)


def test_doctor_tells_a_model_that_is_listed_from_one_that_nobody_knows(tmp_path: Path) -> None:
    _, lock = write_segment(
        tmp_path / "home", spans=[call(1, days_ago=1, cost=None), call(2, days_ago=40, model="old")]
    )
    os.close(lock)
    shown = " ".join(run("doctor").split())
    assert "openai gpt-4o 1 call; the list has a price now tracelm reprice --since 30d prices what is stored" in shown
    assert "openai old" not in shown


def test_doctor_says_nothing_of_prices_where_all_have_one(tmp_path: Path) -> None:
    assert "without a price" not in run("doctor")
