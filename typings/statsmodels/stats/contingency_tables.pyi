"""See `typings/statsmodels/__init__.pyi`."""

from collections.abc import Sequence

class _Result:
    statistic: float
    pvalue: float

def mcnemar(table: Sequence[Sequence[int]], exact: bool = ..., correction: bool = ...) -> _Result: ...
