"""See `typings/statsmodels/__init__.pyi`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

class _Fit:
    bse: NDArray[np.float64]

class OLS:
    def __init__(self, endog: NDArray[np.float64], exog: NDArray[np.float64]) -> None: ...
    def fit(self, cov_type: str = ..., cov_kwds: dict[str, Any] | None = ...) -> _Fit: ...
