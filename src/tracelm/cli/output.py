"""What every command that reads the store shares: its options, opening the store, and JSON for machines."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from tracelm.store.open import Store

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
Limit: TypeAlias = Annotated[int, typer.Option(min=1, help="Show so many, the newest first.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def open_home(home: Path | None) -> "Store":
    """Open the store of `home`."""
    from tracelm.store.open import open_store

    return open_store(home=home)


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
