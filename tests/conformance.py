"""Spans that integrations make, against the conventions: a fixture for the `conftest.py` of their tests."""

from collections.abc import Iterator

import pytest

from tracelm.testing import Spans
from tracelm.testing.conformance import check


@pytest.fixture(autouse=True)
def conformant(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test when one of the spans that it has recorded violates the GenAI conventions."""
    recorded = request.getfixturevalue("spans") if "spans" in request.fixturenames else None
    yield
    if isinstance(recorded, Spans):
        found = [(span.name, each) for span in recorded.all() for each in check(span) if each.level == "violation"]
        assert not found, "\n".join(f"{name}: {each}" for name, each in found)
