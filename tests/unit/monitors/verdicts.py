"""A verdict as monitors give them."""

from typing import Final

from tracelm.monitors.windows import Verdict

BASE: Final = Verdict(
    score="polite",
    version="v1",
    at_ns=0,
    value=1.0,
    passed=True,
    is_error=False,
    weight=1.0,
    project="shop",
    trace_id="t",
    span_id="s",
)
