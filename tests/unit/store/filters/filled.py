"""A store with spans and scores of the test's own, written as ingest writes them."""

from collections.abc import Iterable
from pathlib import Path

import tracelm
from tests.unit.store.otlp_lines import log_line, span_line
from tracelm.otlp.decode import decode_logs, decode_spans
from tracelm.store.ingest import write_logs, write_spans
from tracelm.store.store import Store

MS = 1_000_000
PROJECT = "shop"


def trace_id(number: int) -> str:
    """Return an id of a trace."""
    return f"{number:032x}"


def one(
    name: str,
    *,
    trace: int = 1,
    span: int = 1,
    parent: int | None = None,
    start: int = 1_000,
    ms: int = 1,
    failed: bool = False,
    message: str = "",
    **attributes: object,
) -> bytes:
    """Return a span as a line; `__` in the name of an attribute is a dot."""
    return span_line(
        name,
        trace=trace_id(trace),
        span=f"{span:016x}",
        parent=None if parent is None else f"{parent:016x}",
        start=start,
        end=start + ms * MS,
        status=2 if failed else 0,
        message=message,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
    )


def call(name: str = "chat", *, model: str | None = "m", **more: object) -> bytes:
    """Return a call of a model."""
    known = {} if model is None else {"gen_ai__request__model": model}
    return one(name, gen_ai__operation__name="chat", **known, **more)  # type: ignore[arg-type]


def verdict(name: str, *, trace: int = 1, span: int = 1, **attributes: object) -> bytes:
    """Return a score as a line."""
    found = {key.replace("__", "."): value for key, value in attributes.items()}
    told = {"log.record.uid": f"{trace}-{span}-{name}", "gen_ai.evaluation.name": name, **found}
    return log_line("gen_ai.evaluation.result", told, trace=trace_id(trace), span=f"{span:016x}")


def filled(home: Path, spans: Iterable[bytes], scores: Iterable[bytes] = (), *, url: str | None = None) -> Store:
    """Return a store that holds them."""
    store = tracelm.open_store(url, home=home)
    add(store, spans, scores)
    return store


def add(store: Store, spans: Iterable[bytes], scores: Iterable[bytes] = (), *, project: str = PROJECT) -> None:
    """Write spans and scores into a store."""
    with store.writing() as connection:
        write_spans(connection, [(each, project) for line in spans for each in decode_spans(line).records])
        write_logs(connection, [(each, project) for line in scores for each in decode_logs(line).records])
