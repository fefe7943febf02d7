"""The error rates that come with the package, and stand in the reference, are those that the scorers have."""

from dataclasses import replace
from pathlib import Path

import pytest

from docs.error_rates import error_rates
from tests.docs.blocks import ROOT
from tracelm.scorers.bench import BENCHES, bench
from tracelm.scorers.measured import measured


# What wants a model is measured again by `tests/interop/check_names.py`, where that is installed.
@pytest.mark.parametrize("name", sorted(set(BENCHES) - {"names_and_addresses"}))
def test_the_figures_of_a_scorer_are_what_a_run_over_the_texts_gives(name: str, shared: Path) -> None:
    told = measured(name)
    assert told is not None
    found = bench(name, shared / "datasets")
    assert replace(found, latency_p50_ms=told.latency_p50_ms, latency_p95_ms=told.latency_p95_ms) == told


@pytest.mark.parametrize("name", list(BENCHES))
def test_the_reference_has_the_figures(name: str) -> None:
    assert error_rates(name) in (ROOT / "docs" / "reference" / "scorers.md").read_text(encoding="utf-8")
