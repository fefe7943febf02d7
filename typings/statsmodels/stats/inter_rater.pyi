"""See `typings/statsmodels/__init__.pyi`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

class _Kappa:
    kappa: float
    std_kappa: float

def cohens_kappa(table: NDArray[np.int64]) -> _Kappa: ...
def fleiss_kappa(table: Any, method: str = ...) -> float: ...
def aggregate_raters(data: Any) -> tuple[NDArray[np.int64], Any]: ...
