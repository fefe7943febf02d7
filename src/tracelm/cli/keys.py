"""`tracelm keys`: make, list and revoke the API keys of the server."""

from typing import TYPE_CHECKING, Annotated

import typer

from tracelm.cli.output import AsJson, Home, as_dict, print_json
from tracelm.errors import ConfigError

if TYPE_CHECKING:
    from tracelm.server.access.caller import Right
    from tracelm.store.store import Store

keys = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, list and revoke keys of the server's API.")
StoreUrl = Annotated[
    str | None, typer.Option("--store", help="URL of the store. Default: as for tracelm serve.", show_default=False)
]


@keys.command("create")
def create(
    name: Annotated[str, typer.Option(help="Who or what uses it.", show_default=False)],
    ingest: Annotated[bool, typer.Option("--ingest", help="It may send spans, log records and scores.")] = False,
    read: Annotated[bool, typer.Option("--read", help="It may read.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="It may make and revoke keys.")] = False,
    project: Annotated[
        list[str] | None, typer.Option(help="Only for this project; can be repeated.", show_default=False)
    ] = None,
    store: StoreUrl = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Make a key and print it: the only time that anybody sees it."""
    from tracelm.server.access.keys import create_key

    rights: list[Right] = []
    if ingest:
        rights.append("ingest")
    if read:
        rights.append("read")
    if admin:
        rights.append("admin")
    if not rights:
        raise ConfigError("say what the key may do: --ingest, --read, --admin, or several of them")
    with _open(store, home) as opened, opened.writing() as connection:
        made, key = create_key(connection, name=name, rights=rights, projects=project or None)
    if as_json:
        print_json(as_dict(made) | {"key": key})
        return
    typer.echo(key)
    where = "all projects" if made.projects is None else ", ".join(made.projects)
    typer.echo(f"{made.id}: {', '.join(made.rights)} in {where}. Keep it now: it is not shown again.", err=True)


@keys.command("list")
def list_all(store: StoreUrl = None, as_json: AsJson = False, home: Home = None) -> None:
    """List the keys, the newest first; not the secrets, which nobody has."""
    from tracelm.server.access.keys import list_keys

    with _open(store, home) as opened, opened.reading() as connection:
        found = list_keys(connection)
    if as_json:
        print_json([{name: value for name, value in as_dict(each).items() if name != "digest"} for each in found])
        return
    from tracelm.cli import tables

    out = tables.console()
    if not found:
        out.print("no API keys yet: tracelm keys create --name me --read --ingest makes one")
        return
    out.print(tables.key_table(found))


@keys.command("revoke")
def revoke(
    key: Annotated[
        str, typer.Argument(help="Its id, as `tracelm keys list` shows it, or the key.", show_default=False)
    ],
    store: StoreUrl = None,
    home: Home = None,
) -> None:
    """Make a key worthless. A running server knows within a second."""
    from tracelm.server.access.keys import revoke_key

    with _open(store, home) as opened, opened.writing() as connection:
        ended = revoke_key(connection, key)
    typer.echo(f"{ended.id} ({ended.name}) is revoked")


def _open(store: str | None, home: "Home") -> "Store":
    from tracelm.store.open import open_store

    return open_store(store, home=home)
