"""`Monitor`: scorers for a sample of what was recorded in production."""

import hashlib
import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from tracelm.errors import ConfigError
from tracelm.evals.calibration import Calibration
from tracelm.monitors.alerts.alert import Alert
from tracelm.monitors.calibrated import rates_of
from tracelm.scoring.scorer import ScorerLike, name_of, version_of
from tracelm.store.filters import parse
from tracelm.store.filters.syntax import EVERYTHING, Node, searches

if TYPE_CHECKING:
    from tracelm.monitors.live import LiveMonitor

_TIMEOUT_S: Final = 60.0
_BITS: Final = 53
_LONGEST_NAME: Final = 100  # characters; columns keep 128


class Chosen(NamedTuple):
    """A scorer that is to judge a span, and for how many spans its verdict stands."""

    scorer: ScorerLike
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """Scorers over a sample of recorded spans. `tracelm monitor run MODULE` puts those of a module to work.

    A monitor cannot change the program: it judges what was recorded, in a process of its own, or with
    `tracelm.init(monitors=[...])` in the background of the program. Scorers are filled as in
    an evaluation: the arguments of the call by name, `inputs`, `output` and `context`. Of a call of a model `inputs` is
    `{"messages": [...]}`, and `output` the text of the reply.

    Which spans are chosen follows from their trace ids, so that every process chooses the same, and a higher rate only
    adds spans. Each score carries as its weight 1 / the probability with which its span was chosen.

    Attributes:
        name: What its scores are kept under. Unique in a store.
        scorers: Any scorers; the same objects work in an evaluation and as guardrails.
        where: The spans that it is about: a filter, such as `op:answer`. Traces of evaluation runs are never chosen.
        sample_rate: The share of the traces that is judged, above 0, at most 1.
        over_sample: Filters with a rate above `sample_rate` for spans that meet them: `{"status:error": 1.0,
            "latency>2s": 0.5}`. A span that meets several has the highest.
        correlated: Whether all scorers judge the same traces; with `False` each draws for itself.
        timeout_s: How long a scorer may take for one span; `None`: as long as it wants.
        alerts: Who is told when its figures turn bad: `tracelm.Alert(...)`.
        calibrations: By name of a score: how often the present version of its scorer errs, as
            `tracelm.evals.calibrate` measured it on labels of people. The status has then the true rate too.

    Raises:
        ConfigError: An argument cannot work.
        FilterError: A filter cannot be read.

    Example:
        >>> from tracelm.scorers import PII
        >>> Monitor(name="answers", scorers=[PII()], where="op:answer", sample_rate=0.1).probability([])
        0.1
    """

    name: str
    scorers: Sequence[ScorerLike]
    where: str
    sample_rate: float = 1.0
    over_sample: Mapping[str, float] = field(default_factory=dict[str, float], hash=False)
    correlated: bool = True
    timeout_s: float | None = _TIMEOUT_S
    alerts: Sequence[Alert] = ()
    calibrations: Mapping[str, Calibration] = field(default_factory=dict[str, Calibration], hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or len(self.name) > _LONGEST_NAME:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"name={self.name!r} cannot work: give a text of at most {_LONGEST_NAME} characters")
        object.__setattr__(self, "scorers", _scorers(self.scorers))
        object.__setattr__(self, "over_sample", MappingProxyType(dict(self.over_sample)))
        for text in (self.where, *self.over_sample):
            _check_filter(text)
        _check_rate("sample_rate", self.sample_rate)
        for text, rate in self.over_sample.items():
            _check_rate(f"over_sample[{text!r}]", rate)
            if rate < self.sample_rate:
                raise ConfigError(
                    f"over_sample[{text!r}]={rate} is below sample_rate={self.sample_rate}: give a higher rate, or "
                    "leave it out"
                )
        object.__setattr__(self, "alerts", _alerts(self.alerts))
        object.__setattr__(self, "calibrations", MappingProxyType(dict(self.calibrations)))
        for score in self.calibrations:
            self._check_calibration(score)
        for alert in self.alerts:
            wanted = [name_of(each) for each in self.scorers] if alert.score is None else [alert.score]
            if alert.needs_calibration and not set(wanted) <= set(self.calibrations):
                raise ConfigError(
                    f"{alert.condition!r} needs calibrations= for {', '.join(wanted)}: else nobody knows it"
                )
        if self.timeout_s is not None and not _is_number(self.timeout_s, above=0):
            raise ConfigError(f"timeout_s={self.timeout_s!r} cannot work: give a number of seconds above 0")

    @property
    def condition(self) -> Node:
        """What `where` says."""
        return parse(self.where)

    @property
    def cases(self) -> tuple[Node, ...]:
        """What the filters of `over_sample` say, in their order."""
        return tuple(map(parse, self.over_sample))

    def probability(self, cases: Sequence[bool]) -> float:
        """Return how likely a span is to be chosen.

        Args:
            cases: Which filters of `over_sample` it meets, in their order.
        """
        met = (rate for rate, is_met in zip(self.over_sample.values(), cases, strict=False) if is_met)
        return max(self.sample_rate, *met, 0.0)

    def may_choose(self, trace_id: str, rate: float) -> bool:
        """Say whether some scorer would judge a span whose probability is `rate`.

        Args:
            trace_id: 32 hex digits.
            rate: The probability.
        """
        return any(drawn(trace_id, self._salt(each)) < rate for each in self.scorers)

    def start(self, *, waiting: int = 1_000) -> "LiveMonitor":
        """Run it in this process: a thread in the background judges what the program records, and looks at the alerts.

        The program never waits for it. `tracelm.init(monitors=[...])` does this too; beside it `tracelm monitor run`
        may judge the same traffic, and no span gets two scores of one scorer.

        Args:
            waiting: So many spans wait at most; those that come then are left out, and counted.

        Returns:
            What runs; it has `progress`, `drain()` and `stop()`.

        Raises:
            ConfigError: Another monitor of this name runs in this process.
        """
        from tracelm.monitors.live import start

        return start(self, waiting=waiting)

    def scorer_of(self, score: str) -> ScorerLike | None:
        """Return the scorer that gives a score, `polite` or one of several such as `polite.tone`."""
        named = (each for each in self.scorers if score == name_of(each) or score.startswith(f"{name_of(each)}."))
        return next(named, None)

    def _check_calibration(self, score: str) -> None:
        if self.scorer_of(score) is None:
            names = ", ".join(map(name_of, self.scorers))
            raise ConfigError(f"calibrations[{score!r}] belongs to no scorer of this monitor: there is {names}")
        if rates_of(self.calibrations[score]) is None:
            raise ConfigError(
                f"calibrations[{score!r}] tells no error rates: label rows of both kinds with True and False, see "
                "tracelm.evals.calibrate"
            )

    def _salt(self, scorer: ScorerLike) -> str:
        return "" if self.correlated else f"{self.name}/{name_of(scorer)}"

    def chosen(self, trace_id: str, cases: Sequence[bool] = ()) -> list[Chosen]:
        """Return the scorers that judge a span; mostly all or none.

        Args:
            trace_id: 32 hex digits.
            cases: Which filters of `over_sample` the span meets, in their order.
        """
        likely = self.probability(cases)
        return [Chosen(scorer, 1 / likely) for scorer in self.scorers if drawn(trace_id, self._salt(scorer)) < likely]


def drawn(trace_id: str, salt: str = "") -> float:
    """Return a number from 0 up to, but not including, 1 that follows from a trace id as if it had been drawn.

    The id itself will not do: a program that records a tenth of its traces keeps those with the lowest ids
    (`TraceIdRatioBased`), and all of these would be below 0.1.

    Args:
        trace_id: 32 hex digits.
        salt: Draws with different salts are independent.
    """
    digest = hashlib.blake2b(f"{salt}\0{trace_id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> (64 - _BITS)) / (1 << _BITS)


def _scorers(given: object) -> tuple[ScorerLike, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise ConfigError(f"scorers={given!r} cannot work: give a list of at least one scorer")
    found = tuple(cast("Sequence[ScorerLike]", given))
    for each in found:
        if inspect.isclass(each):
            raise ConfigError(f"Monitor takes scorers, not their classes: write {each.__name__}(...)")
        if not callable(each) and not hasattr(each, "score"):
            raise ConfigError(f"a {type(each).__name__} is no scorer: give a Scorer, or a function of the output")
    names = [name_of(each) for each in found]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise ConfigError(f"two scorers are called {double!r}: give one of them another name")
    versions = [version_of(each) for each in found]
    if len(set(versions)) < len(versions):
        raise ConfigError("two scorers are the same under different names: leave one out")
    return found


def _alerts(given: object) -> tuple[Alert, ...]:
    found = tuple(cast("Sequence[Alert]", given)) if isinstance(given, Sequence) else (given,)
    for each in found:
        if not isinstance(each, Alert):
            raise ConfigError(f"alerts={given!r} cannot work: give a list of tracelm.Alert(...)")
    names = [each.name for each in cast("tuple[Alert, ...]", found)]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise ConfigError(f"two alerts are called {double!r}: give one of them a name=")
    return cast("tuple[Alert, ...]", found)


def _check_filter(text: str) -> None:
    node = parse(text)
    if node == EVERYTHING:
        raise ConfigError("a filter is empty: say which spans, such as where='op:answer'")
    if searches(node):
        raise ConfigError(f"{text!r} looks for a text: a monitor goes by fields, such as name:*answer*")


def _check_rate(option: str, rate: Any) -> None:
    if not _is_number(rate, above=0) or rate > 1:
        raise ConfigError(f"{option}={rate!r} cannot work: give a share above 0, at most 1")


def _is_number(given: Any, *, above: float) -> bool:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return is_number and math.isfinite(given) and given > above
