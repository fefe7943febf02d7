"""What the pytest plugin gives a test: the fixtures `spans` and `tracelm_eval`, and `Spans`, which reads back."""

from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

from tracelm import semconv
from tracelm.otlp.decode import Decoded, decode_logs, decode_spans
from tracelm.otlp.records import LogRecord, SpanRecord
from tracelm.settings import Settings
from tracelm.startup import shutdown, start
from tracelm.trace.segments import Signal, list_segments

if TYPE_CHECKING:
    from tracelm.evals.pytest_plugin import EvalTest

_R = TypeVar("_R")

INCIDENTAL: Final = frozenset(
    {
        semconv.CODE_FILE_PATH,
        semconv.CODE_LINE_NUMBER,
        semconv.CODE_FUNCTION_NAME,
        semconv.OP_VERSION,
        semconv.INPUT_MIME_TYPE,
        semconv.OUTPUT_MIME_TYPE,
    }
)
"""Attributes that `Spans.brief` leaves out: they say where code stands, not what it did."""


class Spans:
    """What was recorded so far, read back from the journal.

    Attributes:
        home: The folder of the journal and of the store.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def all(self) -> list[SpanRecord]:
        """Return the finished spans in the order in which they ended."""
        return self._read("spans", decode_spans)

    def names(self) -> list[str]:
        """Return the names of the finished spans."""
        return [each.name for each in self.all()]

    def named(self, name: str) -> list[SpanRecord]:
        """Return the finished spans of one name."""
        return [each for each in self.all() if each.name == name]

    def one(self, name: str | None = None) -> SpanRecord:
        """Return the only finished span (of that name); fail the test when there is none, or another one."""
        found = self.all() if name is None else self.named(name)
        if len(found) != 1:
            pytest.fail(f"expected one span{'' if name is None else f' {name!r}'}, found {self.names()}")
        return found[0]

    def brief(self, *, without: Sequence[str] = ()) -> list[tuple[str, dict[str, Any]]]:
        """Return name and attributes of each finished span, for a snapshot.

        Args:
            without: Further attributes to leave out, besides `INCIDENTAL`.
        """
        hidden = INCIDENTAL.union(without)
        return [
            (each.name, {key: value for key, value in each.attributes.items() if key not in hidden})
            for each in self.all()
        ]

    def logs(self, event_name: str | None = None) -> list[LogRecord]:
        """Return the log records, or those of one event."""
        records = self._read("logs", decode_logs)
        return [each for each in records if event_name is None or each.event_name == event_name]

    def scores(self) -> list[Mapping[str, Any]]:
        """Return the attributes of each score."""
        return [each.attributes for each in self.logs(semconv.EVALUATION_EVENT)]

    def _read(self, signal: Signal, decode: Callable[[bytes], Decoded[_R]]) -> list[_R]:
        found: list[_R] = []
        for segment in list_segments(self.home):
            for line in segment.read(signal, max_bytes=segment.size(signal) + 1).lines:
                found.extend(decode(line).records)
        return found


@pytest.fixture
def spans(tmp_path: Path) -> Generator[Spans]:
    """Record what the test does; `spans` reads it back."""
    from tracelm.trace.provider import RandomIds  # here, so that pytest starts as fast as without us

    home = tmp_path / "tracelm"
    shutdown()
    start(Settings(project="test", home=home), ids=RandomIds(seed=0))
    yield Spans(home)
    shutdown()


@pytest.fixture
def tracelm_eval(request: pytest.FixtureRequest) -> "EvalTest":
    """Run an evaluation, and fail the test where a condition does not hold: `tracelm_eval(evaluation, task)`."""
    from tracelm.evals.pytest_plugin import EvalTest  # here, so that pytest starts as fast as without us

    return EvalTest(request.node)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers",
        "tracelm_eval(*conditions, underpowered='fail'): conditions such as 'right >= 0.9' that the evaluation of the "
        "fixture tracelm_eval must hold; underpowered='pass' lets a test pass whose rows cannot tell",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each evaluation found, also those that ran in another process of pytest-xdist."""
    found = [
        (report.nodeid, text)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
        for name, text in report.user_properties
        if name == "tracelm_eval"
    ]
    if found:
        terminalreporter.section("evaluations")
        for nodeid, text in found:
            terminalreporter.line(f"{nodeid}: {text}")
