"""How many trials are in work at once, and when the next may start: pure arithmetic over a clock that is passed in.

Additive increase, multiplicative decrease, as in TCP (Jacobson 1988, "Congestion Avoidance and Control"): a refusal
takes a fifth of the trials at once, each full round without one gives one back.
"""

from typing import Final

from tracelm.evals.limits import Limits

_DECREASE: Final = 0.8
_BURST_S: Final = 5.0
_MINUTE_S: Final = 60.0


class Bucket:
    """So much a minute: fills steadily, may be overdrawn by one trial, and then has to fill up again.

    Args:
        per_minute: How much flows in.
        now_s: The present, in seconds.
    """

    def __init__(self, per_minute: float, *, now_s: float) -> None:
        self._rate = per_minute / _MINUTE_S
        self._most = max(1.0, self._rate * _BURST_S)
        self._level = self._most
        self._at_s = now_s

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait until something may be taken, in seconds."""
        self._fill(now_s)
        return 0.0 if self._level > 0 else (1e-3 - self._level) / self._rate

    def take(self, amount: float, now_s: float) -> None:
        """Take an amount out; a negative one is given back."""
        self._fill(now_s)
        self._level = min(self._most, self._level - amount)

    def _fill(self, now_s: float) -> None:
        self._level = min(self._most, self._level + (now_s - self._at_s) * self._rate)
        self._at_s = now_s


class Pace:
    """Decides when the next trial may start.

    Args:
        limits: What was asked for.
        most: How many trials may be in work at once, at most.
        now_s: The present, in seconds; as in all methods, of a clock that only goes on.

    Attributes:
        at_once: How many trials may be in work at once, now.
    """

    def __init__(self, limits: Limits, *, most: int, now_s: float) -> None:
        self._adaptive = limits.adaptive
        self._most = most
        self.at_once = float(most)
        self._in_work = 0
        self._since_rise = 0
        self._cut_at_s = -1.0
        self._paused_until_s = now_s
        self._requests = _bucket(limits.requests_per_minute, now_s)
        self._tokens = _bucket(limits.tokens_per_minute, now_s)
        self._mean_requests = 1.0
        self._mean_tokens = 0.0

    def wait_s(self, now_s: float) -> float | None:
        """Return how long to wait before a trial starts, in seconds; `None`: until one that is in work ends."""
        if now_s < self._paused_until_s:
            return self._paused_until_s - now_s
        if self._in_work >= max(1, int(self.at_once)):
            return None
        return max((each.wait_s(now_s) for each in (self._requests, self._tokens) if each is not None), default=0.0)

    def started(self, now_s: float) -> None:
        """Note that a trial starts; it is expected to take what those before took on average."""
        self._in_work += 1
        if self._requests is not None:
            self._requests.take(self._mean_requests, now_s)
        if self._tokens is not None:
            self._tokens.take(self._mean_tokens, now_s)

    def ended(self, now_s: float, *, requests: int, tokens: int) -> None:
        """Note that a trial ended, and what it took."""
        self._in_work -= 1
        self._since_rise += 1
        if self.at_once < self._most and self._since_rise >= self.at_once:
            self._since_rise = 0
            self.at_once = min(float(self._most), self.at_once + 1)
        if self._requests is not None:
            self._requests.take(max(1, requests) - self._mean_requests, now_s)
            self._mean_requests += 0.1 * (max(1, requests) - self._mean_requests)
        if self._tokens is not None:
            self._tokens.take(tokens - self._mean_tokens, now_s)
            self._mean_tokens += 0.1 * (tokens - self._mean_tokens)

    def refused(self, now_s: float, *, started_s: float, retry_after_s: float | None) -> None:
        """Note that the provider refused a call.

        Args:
            now_s: The present.
            started_s: When the call began. Of those that began together one counts: they say the same thing.
            retry_after_s: How long the provider wants to be left in peace.
        """
        if not self._adaptive:
            return
        self._since_rise = 0
        if started_s > self._cut_at_s:
            self.at_once = max(1.0, self.at_once * _DECREASE)
            self._cut_at_s = now_s
        if retry_after_s is not None:
            self._paused_until_s = max(self._paused_until_s, now_s + retry_after_s)


def _bucket(per_minute: float | None, now_s: float) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute, now_s=now_s)
