"""Spans that integrations make, against the conventions: a fixture for the `conftest.py` of their tests."""

from collections.abc import Iterator

import pytest

from tracelm.otlp.records import SpanRecord
from tracelm.testing import Spans
from tracelm.testing.conformance import Finding, check


@pytest.fixture(autouse=True)
def conformant(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test when one of the spans that it has recorded violates the GenAI conventions."""
    recorded = request.getfixturevalue("spans") if "spans" in request.fixturenames else None
    yield
    if isinstance(recorded, Spans):
        ours = [span for span in recorded.all() if span.scope.name == "tracelm"]
        found = [
            (span.name, each)
            for span in ours
            for each in check(span)
            if each.level == "violation" and not _asks_for_no_model(span, each)
        ]
        assert not found, "\n".join(f"{name}: {each}" for name, each in found)


def _asks_for_no_model(span: SpanRecord, finding: Finding) -> bool:
    """Say whether a model is missing that the request did not name: the provider chose it, and need not say which."""
    is_nameless = span.name == span.attributes.get("gen_ai.operation.name")
    return is_nameless and (finding.rule, finding.subject) == ("required", "gen_ai.request.model")
