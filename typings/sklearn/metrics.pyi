"""See `typings/sklearn/__init__.pyi`."""

from collections.abc import Sequence

def cohen_kappa_score(y1: Sequence[object], y2: Sequence[object], *, weights: str | None = ...) -> float: ...
