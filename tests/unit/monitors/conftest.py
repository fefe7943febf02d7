"""What a monitor promises over a store is tested on each backend."""

import pytest

from tests import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind of database that the home of a test has."""
    kind = str(request.param)
    if kind == "postgresql":
        monkeypatch.setenv("TRACELM_STORE_URL", postgres.new_database())
    return kind
