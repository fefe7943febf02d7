"""`Alert`: what of a monitor's figures is worth waking somebody, and whom."""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, get_args

from tracelm.errors import ConfigError
from tracelm.monitors.alerts.condition import BurnRate, Change, Condition, Threshold, parse_condition
from tracelm.monitors.alerts.state import NoData, Rules
from tracelm.monitors.duration import seconds_of
from tracelm.sinks.log import Log
from tracelm.sinks.sink import SinkLike, by_name
from tracelm.store.alert_notice import Severity

_SHORT: Final = 12  # a short window is this part of the long one, as the SRE workbook has it
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Alert:
    """Tells somebody when the figures of a monitor turn bad, and when they are good again.

    There are three kinds of conditions, on each score of the monitor for itself:

    - `pass_rate < 0.95`, likewise with `true_rate` (corrected by `Monitor.calibrations`), `mean`, `error_rate` (the
      share of verdicts in which the scorer failed) and `n` (the number of verdicts), and `<=`, `>`, `>=`. It fires when
      the whole confidence interval of the figure over the window lies beyond the line, and is over when the figure
      itself is back: few values neither raise an alarm nor keep one up.
    - `burn_rate > 14.4` with `objective=0.99`: outputs fail so many times faster than an objective of 99 % allows, over
      the window (with its interval) and still over the short window.
    - `pass_rate falls by 0.02`, `error_rate rises`: against a baseline, by a test that may be looked at all the time.
      The probability of a false alarm is at most `alpha` over the whole life of the alert, not at each look.

    Attributes:
        condition: When it fires.
        window: How much of the latest traffic the figures are about: `15m`, `1h`, `1d`.
        min_n: With fewer verdicts there are "no data".
        severity: `warning` or `critical`.
        score: Only this score of the monitor.
        name: What it is called; by default its condition.
        level: Of the confidence interval. `None`: the bare figure decides.
        objective: Of a burn rate: the share that should pass.
        short_window: Of a burn rate: by default a twelfth of the window.
        baseline: Of a change: the share that is normal, or for how long traffic is watched to learn it, such as `1d`.
            The lower end of what was learned counts.
        alpha: Of a change: how likely a false alarm may be.
        no_data: What it means that there are no data: nothing (`keep`), that all is well (`ok`), or an alarm
            (`alert`).
        after: For how long it must be bad before it fires; `None`: at once.
        resolve_after: For how long it must be good before it is over; `None`: at once.
        renotify: After how long it is told again that it goes on; `None`: never.
        to: Who is told: `tracelm.sinks`, or functions of the notice.

    Raises:
        ConfigError: The condition cannot be read (the message shows the place), or an argument cannot work with it.

    Example:
        >>> Alert("pass_rate < 95%", window="1h", min_n=50, severity="critical").name
        'pass_rate < 0.95'
    """

    condition: str
    _: KW_ONLY
    window: str = "1h"
    min_n: int = 50
    severity: Severity = "warning"
    score: str | None = None
    name: str = ""
    level: float | None = 0.95
    objective: float | None = None
    short_window: str | None = None
    baseline: float | str | None = None
    alpha: float = 0.01
    no_data: NoData = "keep"
    after: str | None = None
    resolve_after: str | None = "5m"
    renotify: str | None = "4h"
    to: Sequence[SinkLike] = (Log(),)

    def __post_init__(self) -> None:
        kind = parse_condition(self.condition)
        if not self.name:
            object.__setattr__(self, "name", str(kind))
        if len(self.name) > _LONGEST_NAME or not self.name.isprintable():
            raise ConfigError(f"name={self.name!r} cannot work: give a text of at most {_LONGEST_NAME} characters")
        object.__setattr__(self, "to", tuple(self.to))
        by_name(self.to)
        _one_of("severity", self.severity, get_args(Severity))
        _one_of("no_data", self.no_data, get_args(NoData))
        if isinstance(self.min_n, bool) or not isinstance(self.min_n, int) or self.min_n < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"min_n={self.min_n!r} cannot work: give a whole number from 1 up")
        if self.level is not None:
            _check_share("level", self.level)
        _check_share("alpha", self.alpha)
        _ = self.window_s, self.rules
        _check_options(self, kind)

    @property
    def parsed(self) -> Condition:
        """What the condition says."""
        return parse_condition(self.condition)

    @property
    def needs_calibration(self) -> bool:
        """Whether it goes by the true rate, which is known only where it was measured how often the scorer errs."""
        kind = self.parsed
        return isinstance(kind, Threshold) and kind.metric == "true_rate"

    @property
    def rules(self) -> Rules:
        """When it changes and speaks."""

        def wait_s(option: str, text: str | None) -> float:
            return 0.0 if text is None else seconds_of(text, option=option)

        return Rules(
            no_data=self.no_data,
            after_s=wait_s("after", self.after),
            resolve_after_s=wait_s("resolve_after", self.resolve_after),
            renotify_s=None if self.renotify is None else seconds_of(self.renotify, option="renotify"),
        )

    @property
    def window_s(self) -> int:
        """How long the window is, in seconds."""
        return seconds_of(self.window, option="window")

    @property
    def short_window_s(self) -> float:
        """How long the short window of a burn rate is, in seconds."""
        return self.window_s / _SHORT if self.short_window is None else seconds_of(self.short_window, option="window")


def _check_options(alert: Alert, kind: Condition) -> None:
    """Refuse what an alert of this kind needs and does not have, or has and does not need."""
    if isinstance(kind, BurnRate):
        if alert.objective is None:
            raise ConfigError("a burn rate needs an objective: objective=0.99 says that 99 % should pass")
        _check_share("objective", alert.objective)
        if not 0 < alert.short_window_s < alert.window_s:
            raise ConfigError(f"short_window={alert.short_window!r} must be shorter than window={alert.window!r}")
        if kind.number * (1 - alert.objective) >= 1:
            raise ConfigError(
                f"burn_rate > {kind.number:g} can never be with objective={alert.objective:g}: all outputs failing "
                f"are {1 / (1 - alert.objective):.4g}"
            )
    elif alert.objective is not None or alert.short_window is not None:
        raise ConfigError(
            "objective and short_window belong to a burn rate: write 'burn_rate > 14.4', or leave them out"
        )
    if isinstance(kind, Change):
        _check_baseline(alert, kind)
    elif alert.baseline is not None:
        raise ConfigError("a baseline belongs to a change: write 'pass_rate falls', or leave it out")
    if isinstance(kind, Threshold) and kind.metric == "n" and alert.no_data != "keep":
        raise ConfigError("n is always known: leave no_data out")


def _check_baseline(alert: Alert, kind: Change) -> None:
    if isinstance(alert.baseline, str):
        seconds_of(alert.baseline, option="baseline")
        return
    if alert.baseline is None:
        raise ConfigError("a change needs a baseline: baseline='1d' learns it, baseline=0.97 says it")
    _check_share("baseline", alert.baseline)
    line = alert.baseline - kind.by if kind.turn == "falls" else 1 - alert.baseline - kind.by
    if line <= 0:
        raise ConfigError(f"{kind} can never be with baseline={alert.baseline:g}: a share ends at 0 and 1")


def _check_share(option: str, given: Any) -> None:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not math.isfinite(given) or not 0 < given < 1:
        raise ConfigError(f"{option}={given!r} cannot work: give a number between 0 and 1")


def _one_of(option: str, given: object, known: Sequence[str]) -> None:
    if given not in known:
        raise ConfigError(f"{option}={given!r} is not known: use one of {', '.join(known)}")
