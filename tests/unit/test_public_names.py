"""`import tracelm` is small, and offers exactly what it says."""

import subprocess
import sys

import pytest

import tracelm

HEAVY = {
    *("pandas", "numpy", "scipy", "sqlmodel", "sqlalchemy", "alembic", "openai", "wrapt", "grpc", "requests", "anyio"),
    *("pydantic", "fastapi", "typer", "rich", "re2", "genai_prices", "opentelemetry.sdk", "opentelemetry.exporter"),
}


def test_every_public_name_is_there() -> None:
    assert [name for name in tracelm.__all__ if getattr(tracelm, name, None) is None] == []
    assert sorted(tracelm.__all__) == list(tracelm.__all__) == dir(tracelm)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = tracelm.nonsense


@pytest.mark.parametrize("names", ["tracelm", "tracelm; tracelm.op, tracelm.span, tracelm.session, tracelm.init"])
def test_importing_tracelm_loads_nothing_heavy(names: str) -> None:
    program = f"import sys; import {names}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY.isdisjoint(loaded)
