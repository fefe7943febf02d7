"""The keys that are good now: read from the store about once a second, so that a revoked key ends soon."""

import threading
import time
from typing import Final

from sqlalchemy import select

from tracelm.server.access.keys import ApiKey, list_keys, matching
from tracelm.store.store import Store
from tracelm.store.tables import API_KEYS

_FRESH_S: Final = 1.0


class KeyRing:
    """Finds keys without asking the store each time.

    Args:
        store: Where the keys are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._keys: dict[str, ApiKey] = {}
        self._has_keys = False
        self._read_at = float("-inf")

    @property
    def is_fresh(self) -> bool:
        """Whether what is known is not older than a second."""
        return time.monotonic() - self._read_at < _FRESH_S

    @property
    def has_keys(self) -> bool:
        """Whether a key was ever made, be it revoked: then nobody is let in without one."""
        return self._has_keys

    def refresh(self) -> None:
        """Read the keys, unless another thread just did. Where the store cannot be read, what is known stays.

        Raises:
            StoreError: The store cannot be read.
        """
        with self._lock:
            if self.is_fresh:
                return
            with self._store.reading() as connection:
                found = list_keys(connection)
            self._keys = {each.id: each for each in found if each.revoked_ns is None}
            self._has_keys = bool(found)
            self._read_at = time.monotonic()

    def find(self, given: str) -> ApiKey | None:
        """Return the good key that is `given`."""
        return matching(self._keys, given)

    def by_id(self, key_id: str) -> ApiKey | None:
        """Return the good key of an id."""
        return self._keys.get(key_id)


def has_good_key(store: Store) -> bool:
    """Whether the store has a key that was not revoked."""
    with store.reading() as connection:
        return connection.execute(select(API_KEYS.c.id).where(API_KEYS.c.revoked_ns.is_(None))).first() is not None
