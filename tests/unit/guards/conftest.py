"""What the tests of guardrails are given."""

from collections.abc import Iterator

import pytest

from tests.unit.guards.judges import Gate


@pytest.fixture
def hanging() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()
