"""Writes the pages of the reference that can be told from the code: `python -m docs.generate`, or `make docs`.

A test compares the files with what this gives, so that they cannot drift from the code.
"""

import ast
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Final

from docs.conformance import conformance_page
from docs.dialects import dialects_page
from docs.filters import filters_page
from docs.names import names_page
from docs.scorer_table import overview, presets, reliability, score_name
from docs.server import api_description, api_page, server_page
from docs.sources import (
    BAR,
    all_annotations,
    all_members,
    annotations,
    attributes_of,
    field_texts,
    markdown,
    members,
    signature,
    unparsed,
)
from docs.values import values_page
from tracelm.settings import Settings, env_variable

REFERENCE: Final = Path(__file__).parent / "reference"
API: Final = Path(__file__).parent.parent / "web" / "api.json"
_MARK: Final = "<!-- Written by docs/generate.py: change the docstrings, then run `make docs`. -->"


def pages() -> dict[str, str]:
    """Return the text of each generated page, by file name."""
    found = {
        "settings.md": _settings(),
        "cli.md": _cli(),
        "scorers.md": _scorers(),
        "values.md": values_page(),
        "python.md": names_page(),
        "conformance.md": conformance_page(),
        "dialects.md": dialects_page(),
        "store.md": _store(),
        "server.md": server_page(),
        "api.md": api_page(),
        "filters.md": filters_page(),
    }
    return {name: f"{_MARK}\n\n{text.strip()}\n" for name, text in found.items()}


# --- settings -----------------------------------------------------------------------------------------------
def _settings() -> str:
    meanings = field_texts(Settings)
    lines = [
        "# Settings",
        "",
        "Each is an argument of `tracelm.init` and an environment variable. The argument beats the variable, the "
        "variable beats the default. A value that cannot work raises `tracelm.ConfigError` in `init`, never later. "
        "`tracelm doctor` shows where the data of the present environment lies.",
        "",
        "| argument | variable | type | default | meaning |",
        "|---|---|---|---|---|",
    ]
    for each in fields(Settings):
        variable = f"`{env_variable(each.name)}`" if each.metadata.get("env", True) else "none"
        kind = unparsed(annotations(Settings)[each.name]).replace("|", BAR)
        meaning = " ".join(meanings[each.name].split())
        lines.append(f"| `{each.name}` | {variable} | `{kind}` | {_default(each)} | {meaning} |")
    return "\n".join(lines) + "\n\n" + _SETTINGS_TAIL


_SETTINGS_TAIL: Final = """A variable holds a bool as `1`, `true`, `yes`, `on` or `0`, `false`, `no`, `off`.

`init` takes one argument more, which is no setting because it is a table: `prices`, see
[price your own model](../how-to/price-your-own-model.md).

## Further variables

| variable | what it does here |
|---|---|
| `OTEL_EXPORTER_OTLP_ENDPOINT`, and `_PROTOCOL`, `_HEADERS`, `_TIMEOUT`, `_COMPRESSION`, `_CERTIFICATE`, \
`_CLIENT_CERTIFICATE`, `_CLIENT_KEY`, `_INSECURE` | as OpenTelemetry says; the forms for one signal, such as \
`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, too |
| `OTEL_TRACES_EXPORTER`, `OTEL_LOGS_EXPORTER` | `none`: this signal is not exported |
| `OTEL_SDK_DISABLED` | `true`: nothing is recorded |
| `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | name the service; the project stays what `init` was given |
| `TRACELM_SESSION_SECRET` | signs the [logins](../explanation/access.md#browsers) of `tracelm serve` |
| `TRACELM_MODEL_DIR` | where the weights of [the local model](python.md#tracelmlocal_model) are kept |
"""


def _default(each: Any) -> str:
    if each.name == "home":
        return "the user's data folder"
    if each.default is MISSING:
        return "must be given"
    return "unset" if each.default is None else f"`{each.default!r}`"


# --- command line -------------------------------------------------------------------------------------------
def _cli() -> str:
    from tracelm.cli.main import commands

    lines = [
        "# Command line",
        "",
        "`tracelm --help` lists the commands, `tracelm --version` prints the version. Exit codes: 0 when it worked, "
        "1 when tracelm says why it cannot (one line on stderr), 2 for a wrong command line or a filter that cannot be "
        "read. A gate, `tracelm eval run` or `compare` with `--margin` or `--check`, says 0 passed, 1 failed, 2 error, "
        "3 the rows cannot tell.",
        "",
        "Every command that reads data first reads what programs recorded meanwhile, also those that still run. "
        "With `--json` it prints one JSON document on stdout instead of a table for people.",
    ]
    for name, function in commands().items():
        lines += ["", f"## tracelm {name}", "", inspect.getdoc(function) or "", ""]
        lines += ["| argument | meaning | default |", "|---|---|---|"]
        lines += [_parameter(function, each) for each in inspect.signature(function).parameters]
    return "\n".join(lines)


def _parameter(function: Callable[..., Any], name: str) -> str:
    from typer.models import ArgumentInfo

    annotated = typing.get_type_hints(function, include_extras=True)[name]
    kind, info = typing.get_args(annotated)[:2]
    default = inspect.signature(function).parameters[name].default
    if isinstance(info, ArgumentInfo):
        shown = name.upper() if default is inspect.Parameter.empty else f"[{name.upper()}]"
    else:
        # In `Annotated`, the first name of an option stands where its default would.
        named = [each for each in (info.default, *(info.param_decls or ())) if isinstance(each, str)]
        shown = ", ".join(named or [f"--{name.replace('_', '-')}"])
        shown += "" if kind is bool else f" {'N' if kind is int else name.upper()}"
    fallback = f"`{default}`" if isinstance(default, int) and not isinstance(default, bool) else ""
    return f"| `{shown}` | {info.help} | {fallback} |"


# --- scorers ------------------------------------------------------------------------------------------------
def _scorers() -> str:
    from tracelm import scorers

    parts = [
        "# Scorers",
        "",
        "The same object judges rows in an [evaluation](../how-to/evaluate-a-function.md) and outputs in a "
        "[guardrail](../how-to/guard-an-output.md). All give a `tracelm.Score`, and an explanation where it is not "
        'what one hopes for. A value of `None` is "refused to score", with the reason: it is no 0. Your own: any '
        "function whose parameters name what it wants to see, or a [`tracelm.Scorer`](python.md#tracelmscorer). "
        "[Choose a scorer](../how-to/choose-a-scorer.md) says which is for what.",
        "",
        overview(),
        "",
        "An extra is installed with `pip install 'tracelm[text]'`. Texts that are too long for a scorer's work are "
        "refused with the reason.",
    ]
    for name in sorted(scorers.__all__):
        kind: type[Any] = getattr(scorers, name)
        parts += ["", f"## {name}", "", f"`tracelm.scorers.{name}`, recorded as {score_name(name)}"]
        kinds, given = all_annotations(kind), [each for each in fields(kind) if each.init]
        parts += ["", "| parameter | type | default |", "|---|---|---|"] if given else []
        for each in given:
            default = "must be given" if each.default is MISSING else f"`{each.default!r}`"
            shown = unparsed(kinds[each.name]).replace("|", BAR)
            parts.append(f"| `{each.name}` | `{shown}` | {default} |")
        score = all_members(kind)["score"]
        parts += ["", markdown(inspect.getdoc(kind) or "")]
        parts += ["", f"`score{signature(score)}`: {ast.get_docstring(score)}"]
        parts += ["", presets()] if name == "Judge" else []
        parts += ["", reliability(name)]
    return "\n".join(parts)


# --- store --------------------------------------------------------------------------------------------------
_TABLES: Final = (
    ("traces", "StoredTrace"),
    ("spans", "StoredSpan"),
    ("scores", "StoredScore"),
    ("decisions", "StoredDecision"),
    ("alerts", "AlertNotice"),
    ("runs", "StoredRun"),
    ("projects", "StoredProject"),
)


def _kind(class_name: str) -> Any:
    """Return the record of a query."""
    from tracelm.store import alert_notice, stored, verdicts

    return next(getattr(each, class_name) for each in (stored, verdicts, alert_notice) if hasattr(each, class_name))


def _store() -> str:
    from tracelm.store import stored
    from tracelm.store.reprice import RepricedModel
    from tracelm.store.store import Store
    from tracelm.store.unpriced import UnpricedModel

    queries = members(Store)
    parts = [
        "# Store",
        "",
        "`tracelm.open_store()` opens what was recorded; each query returns frozen records, newest first, with the "
        "attributes below, and `.to_pandas()` a DataFrame with the columns in this order. `limit=None` returns all. "
        "What is not known is `None` in a record and missing (`pd.NA`, NaN) in a DataFrame. Ids are hex digits (32 for "
        "a trace, 16 for a span), times are nanoseconds since 1970, UTC. See "
        "[read traces with pandas](../how-to/read-traces-with-pandas.md).",
    ]
    shared = attributes_of(inspect.getdoc(stored.StoredSpan) or "")
    for query, class_name in _TABLES:
        kind = _kind(class_name)
        doc = inspect.getdoc(kind) or ""
        own, properties = attributes_of(doc), members(kind)
        parts += ["", f"## {query}", "", f"`store.{query}{signature(queries[query])}`", "", doc.split("\n\n")[0], ""]
        parts += ["| column | dtype | meaning |", "|---|---|---|"]
        for name, dtype in kind.COLUMNS.items():
            told = ast.get_docstring(properties[name]) if name in properties else None
            meaning = own.get(name) or told or shared.get(name) or _COMMON[name]
            parts.append(f"| `{name}` | {dtype} | {meaning} |")
    for name, kind in {"unpriced_models": UnpricedModel, "reprice": RepricedModel}.items():
        doc = ast.get_docstring(queries[name]) or ""
        parts += ["", f"## {name}", "", f"`store.{name}{signature(queries[name])}`", "", markdown(doc), ""]
        parts += [f"Each `{kind.__name__}` has:", "", "| attribute | meaning |", "|---|---|"]
        parts += [f"| `{each}` | {text} |" for each, text in attributes_of(inspect.getdoc(kind) or "").items()]
    return "\n".join(parts)


_COMMON: Final[Mapping[str, str]] = {
    "author": "The person who scored.",
    "dataset": "The dataset's name.",
    "dataset_digest": "SHA-256 of its content.",
    "last_start_ns": "When the newest trace began.",
    "name": "The name.",
    "root_span_id": "The root.",
    "scorer_version": "Which code judged, 12 hex digits.",
    "span_id": "The span that it is about.",
    "start_ns": "When it began.",
    "time_ns": "When it was recorded.",
    "trace_id": "The trace.",
    "uid": "Unique in its project.",
}
"""Columns whose meaning no docstring tells."""


def main() -> None:
    """Write all pages, and the API's description for the web UI."""
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}\n")
    API.write_text(api_description(), encoding="utf-8")


if __name__ == "__main__":
    main()
