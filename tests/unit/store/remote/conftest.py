"""One server for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.serving import Serving, serving
from tests.unit.store.remote.recorded import record


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home = tmp_path_factory.mktemp("home")
    record(home)
    with serving(home) as running:
        yield running
