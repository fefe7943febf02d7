"""The part of krippendorff that the tests ask as an oracle; the package ships no types."""

from collections.abc import Sequence

def alpha(*, reliability_data: Sequence[Sequence[float]], level_of_measurement: str) -> float: ...
