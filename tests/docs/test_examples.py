"""Every code block in the README and the docs runs, and prints what it says it prints."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector import sink
from tests.docs.blocks import ROOT, Block, blocks, documents, script
from tests.recordings.server import load, serve

COLLECTOR = "http://localhost:4318"
"""What the docs call a collector; the tests put a real receiver in its place."""

PYTHON = {name: [each for each in blocks(name) if each.kind == "python"] for name in documents()}
RUN = [name for name, found in PYTHON.items() if any(each.options == "" for each in found)]
TESTS = [name for name, found in PYTHON.items() if any(each.options == "pytest" for each in found)]


def _marked(name: str) -> object:
    needs_model = any("local_model" in each.text for each in PYTHON[name])
    return pytest.param(name, marks=pytest.mark.real_model) if needs_model else name


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which the clients of OpenAI and Anthropic reach recordings, and nothing reaches the network."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OPENAI_", "ANTHROPIC_"))
    }
    with serve(load()) as url:
        own = {"TRACELM_HOME": str(tmp_path / "home"), "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "test"}
        claude = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "test"}
        yield {**kept, **own, **claude, "COLUMNS": "200"}


def run(command: list[str], folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert "tracelm could not" not in done.stderr, done.stderr
    return done.stdout


def without_blanks_at_ends(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("name", [_marked(name) for name in RUN])
def test_the_python_of_a_page_runs_and_prints_what_the_page_says(
    name: str, tmp_path: Path, outside: dict[str, str]
) -> None:
    program = tmp_path / f"{Path(name).stem}.md.py"
    with sink() as collector:
        text = script(each for each in PYTHON[name] if each.options == "")
        program.write_text(text.replace(COLLECTOR, collector.url), encoding="utf-8")
        printed = "\n".join(without_blanks_at_ends(run([sys.executable, str(program)], tmp_path, outside)))
        if COLLECTOR in text:
            assert collector.spans()
    for block in blocks(name):
        if (block.kind, block.options) == ("text", "prints"):
            assert "\n".join(without_blanks_at_ends(block.text)) in printed, printed


@pytest.mark.parametrize("name", TESTS)
def test_the_tests_of_a_page_pass(name: str, tmp_path: Path, outside: dict[str, str]) -> None:
    text = script(each for each in PYTHON[name] if each.options == "pytest")
    (tmp_path / "test_page.py").write_text(text, encoding="utf-8")
    printed = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"], tmp_path, outside)
    assert f"{text.count('def test_')} passed" in printed


def test_a_block_that_does_not_run_says_why() -> None:
    unknown = {
        f"{name}:{each.line}: {each.options}"
        for name, found in PYTHON.items()
        for each in found
        if each.options not in {"", "pytest"} and not each.options.startswith("no-run: ")
    }
    assert unknown == set()


def _commands() -> Iterator[tuple[str, list[str]]]:
    for name in documents():
        for block in blocks(name):
            if block.kind == "console":
                yield from ((name, words) for words in _words(block))


def _words(block: Block) -> Iterator[list[str]]:
    for line in block.text.splitlines():
        if line.startswith("$ "):
            # A path in front, as in `.venv/bin/tracelm`, does not count.
            first, *rest = shlex.split(line[2:], comments=True)
            yield [Path(first).name, *rest]


def test_the_commands_that_the_docs_show_exist() -> None:
    from tracelm.cli.main import commands

    targets = {line.partition(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ":" in line}
    known = {*commands(), "--help", "--version"}
    found = list(_commands())
    wrong = [
        f"{name}: {shlex.join(words)}"
        for name, words in found
        if (words[0] == "make" and not targets.issuperset(word for word in words[1:] if "=" not in word))
        or (words[0] == "tracelm" and not known.intersection({words[1], " ".join(words[1:3])}))
    ]
    assert wrong == []
    assert {"make", "tracelm"} <= {words[0] for _, words in found}
