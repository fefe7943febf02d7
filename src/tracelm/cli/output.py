"""What every command that reads the store shares: its options, opening the store, and JSON for machines."""

import contextlib
import re
from collections.abc import Generator, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import typer

from tracelm.errors import TracelmError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from tracelm.store.store import Store

Home: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        help="Folder with the journal and the store. Default: TRACELM_HOME, else your data folder.",
        show_default=False,
    ),
]
Project: TypeAlias = Annotated[str | None, typer.Option(help="Only this project.", show_default=False)]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Only what began since then: `90m`, `24h`, `7d`, `2w`, or a date and time as `2026-11-24T09:30`.",
        show_default=False,
    ),
]
Limit: TypeAlias = Annotated[int, typer.Option(min=1, help="Show so many, the newest first.")]
Where: TypeAlias = Annotated[
    str,
    typer.Option(
        help="A filter, such as `op:explain status:error latency>2s`; put it in quotes for your shell.",
        show_default=False,
    ),
]
Sort: TypeAlias = Annotated[
    Literal["start", "-start", "latency", "-latency", "cost", "-cost", "tokens", "-tokens"],
    typer.Option(
        help="By `start`, `latency`, `cost` or `tokens`, with a `-` the greatest first; by default the newest first.",
        show_default=False,
    ),
]
After: TypeAlias = Annotated[
    str | None,
    typer.Option(help="The page behind one that ended with this cursor, with the same filter.", show_default=False),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_AGO: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhdw])", re.IGNORECASE)
_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def open_home(home: Path | None) -> "Store":
    """Open the store of `home`."""
    from tracelm.store.open import open_store

    return open_store(home=home)


@contextlib.contextmanager
def gate(*also: type[Exception]) -> Generator[None]:
    """End a command that is a gate with exit code 2 on an error, since 1 says there that something does not hold.

    Args:
        also: Kinds of errors that are told in one line besides our own.
    """
    told: tuple[type[Exception], ...] = (TracelmError, *also)
    try:
        yield
    except told as error:
        from tracelm.cli.tables import clean  # what a message quotes may come from a model
        from tracelm.evals.gates import ERROR

        typer.echo(f"error: {clean(str(error))}", err=True)
        raise typer.Exit(ERROR) from error


def moment_ns(since: str | None, *, now_ns: int) -> int:
    """Return the moment that `--since` names, in nanoseconds since 1970; 0 where it is not given.

    Args:
        since: A number with a unit, or a date with or without a time. Without a zone it is local time.
        now_ns: When "now" is, in the same nanoseconds.

    Raises:
        typer.BadParameter: It is neither.
    """
    if since is None:
        return 0
    counted = _AGO.fullmatch(since.strip())
    if counted is not None:
        return max(0, now_ns - round(float(counted[1]) * _SECONDS[counted[2].lower()]) * 10**9)
    try:
        return round(datetime.fromisoformat(since.strip()).timestamp()) * 10**9
    except (ValueError, OverflowError, OSError):
        raise typer.BadParameter(
            f"{since!r} is no time: write 90m, 24h, 7d, 2w, or a date such as 2026-11-24", param_hint="--since"
        ) from None


def as_dict(record: "DataclassInstance", *computed: str) -> dict[str, Any]:
    """Return a record's fields, without the raw record, and the properties named in `computed`."""
    names = [field.name for field in fields(record) if field.name != "record"]
    return {name: getattr(record, name) for name in (*names, *computed)}


def print_json(document: object) -> None:
    """Print one JSON document. Bytes are written in base64; a number that is none (NaN) is null."""
    import base64

    import orjson

    def other(value: object) -> object:
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        raise TypeError(f"{type(value).__name__} has no JSON form")

    typer.echo(orjson.dumps(document, default=other, option=orjson.OPT_INDENT_2).decode())
