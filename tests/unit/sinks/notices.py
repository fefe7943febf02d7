"""A notice as alerts make them."""

from typing import Final

from tracelm.store.alert_notice import AlertNotice

NOTICE: Final = AlertNotice(
    uid="0123456789abcdef0123456789abcdef",
    monitor="answers",
    alert="pass_rate < 0.95",
    condition="pass_rate < 0.95",
    score="polite",
    kind="firing",
    severity="critical",
    time_ns=1_790_000_060_000_000_000,
    since_ns=1_790_000_000_000_000_000,
    window_s=3600,
    value=0.8,
    low=0.7,
    high=0.9,
    n=120,
)
