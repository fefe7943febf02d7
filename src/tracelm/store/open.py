"""`open_store`: where the store is that is meant, and what reads it."""

import os
from pathlib import Path

from tracelm.store.database import open_database
from tracelm.store.place import find_place, find_server
from tracelm.store.store import Store


def open_store(url: str | None = None, *, home: Path | None = None) -> Store:
    """Open the store for reading traces, scores and evaluation runs.

    Args:
        url: `sqlite:///` and a path, `postgresql://user:password@host/database`, or the `http://` or `https://` address
            of a tracelm server, which gets the key in `TRACELM_API_KEY`. By default what `tracelm.init(url=...)` or
            `TRACELM_URL` says, else `store_url` or `TRACELM_STORE_URL`, else the file `tracelm.db` in the home.
        home: The folder with the journal. By default that of `tracelm.init`, or `TRACELM_HOME`, or the user's
            data folder; for a `url` in a folder that has a journal of its own, that folder. Who names a home means the
            store of this machine.

    Returns:
        The store. Each query first reads what programs recorded meanwhile, also those that still run. That of a server
        answers the same queries and takes datasets; what needs the database (`writing`, `reprice`, `maintenance`)
        raises `StoreError`.

    Raises:
        ConfigError: `url` is that of no store.
        MissingExtraError: It names a PostgreSQL server, and the driver is not installed.
        StoreError: The file is no store, or cannot be opened, or the server does not answer or let you in; the message
            names the remedy.

    Example:
        >>> with tracelm.open_store() as store:  # doctest: +SKIP
        ...     slow = store.spans(op="explain").to_pandas().nlargest(10, "duration_ns")
    """
    address = find_server(url, home)
    if address is None:
        return open_local(url, home=home)
    from tracelm.store.remote.connection import API_KEY
    from tracelm.store.remote.store import RemoteStore

    return RemoteStore(address, key=os.environ.get(API_KEY))


def open_local(url: str | None = None, *, home: Path | None = None) -> Store:
    """Open a store in a database, whatever `TRACELM_URL` says.

    For what this process recorded itself, and for the server. The arguments and errors are those of `open_store`.
    """
    place = find_place(url, None if home is None else Path(home))
    return Store(open_database(place.url), place.home, owned=place.owned)
