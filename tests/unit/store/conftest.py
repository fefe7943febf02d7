"""What each backend promises is tested on each: a module says so with `usefixtures("backend")`."""

import pytest

from tests import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let `tracelm.open_store()` open an SQLite file in its home, or an empty PostgreSQL database."""
    name = str(request.param)
    if name == "postgresql":
        monkeypatch.setenv("TRACELM_STORE_URL", postgres.new_database())
    return name
