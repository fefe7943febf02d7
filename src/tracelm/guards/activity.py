"""What guardrails did in a time: how often they let pass, stopped, rewrote, only watched, or failed."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tracelm import semconv
from tracelm.guards.traffic import decided
from tracelm.store.verdicts import StoredDecision

if TYPE_CHECKING:
    from tracelm.store.store import Store

MOST: Final = 20_000
"""So many of the newest decisions are read at most: each of them is a record of its own."""
_SHOWN: Final = 50

Who: TypeAlias = tuple[str, str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often guardrails did the same within a bucket of time.

    Attributes:
        start_ns: Where the bucket begins, nanoseconds since 1970, UTC.
        taken: What was done: allow, warn, replace, fallback, retry, block.
        intended: What the verdict asked for.
        outcome: enforced, shadow, failed_open or failed_closed.
        n: How often.
    """

    start_ns: int
    taken: str
    intended: str
    outcome: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """One guardrail, under one version of a policy.

    Attributes:
        guardrail: Its name.
        policy: The policy that it belongs to; `None` for one in the code.
        version: The policy's version.
        counts: What it did, the earliest bucket first.
        p50_s: Half of its decisions took no longer, in seconds; `None` where none tells.
        p95_s: 95 % of them took no longer.
    """

    guardrail: str
    policy: str | None
    version: str | None
    counts: Sequence[Count]
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What guardrails did.

    Attributes:
        rails: By guardrail and version of its policy, the busiest first.
        interventions: The newest decisions that were not to let a value pass, or whose guardrail failed; at most 50.
        is_cut: Whether older decisions of the time were left out.
    """

    rails: Sequence[Rail]
    interventions: Sequence[StoredDecision]
    is_cut: bool


@dataclass(slots=True)
class _Tally:
    counts: Counter[tuple[int, str, str, str]] = field(default_factory=Counter[tuple[int, str, str, str]])
    latencies: list[float] = field(default_factory=list[float])


def activity(
    store: "Store", *, project: str | None = None, since_ns: int, until_ns: int, bucket_ns: int, most: int = MOST
) -> Activity:
    """Return what guardrails did in a time, bucket by bucket.

    Args:
        store: The store.
        project: Only this project.
        since_ns: Where the first bucket begins, nanoseconds since 1970, UTC.
        until_ns: Before when.
        bucket_ns: How long a bucket is.
        most: So many of the newest decisions at most.

    Raises:
        StoreError: The project is not known.
    """
    rails: dict[Who, _Tally] = {}
    interventions: list[StoredDecision] = []
    is_cut = False
    found = decided(store, project=project, since_ns=since_ns)
    for number, each in enumerate(each for each in found if each.time_ns < until_ns):
        if number == most:
            is_cut = True
            break
        taken, intended, outcome = each.taken or "unknown", each.intended or "unknown", each.outcome or "unknown"
        tally = rails.setdefault(_who(each), _Tally())
        offset = each.time_ns - since_ns
        tally.counts[since_ns + offset - offset % bucket_ns, taken, intended, outcome] += 1
        if each.latency_s is not None and math.isfinite(each.latency_s):
            tally.latencies.append(each.latency_s)
        if len(interventions) < _SHOWN and ({taken, intended} != {"allow"} or outcome.startswith("failed")):
            interventions.append(each)
    listed = [_rail(who, tally) for who, tally in _busiest_first(rails)]
    return Activity(rails=listed, interventions=interventions, is_cut=is_cut)


def _who(decision: StoredDecision) -> Who:
    attributes: Mapping[str, Any] = decision.attributes
    policy, version = attributes.get(semconv.POLICY_NAME), attributes.get(semconv.POLICY_VERSION)
    return (
        decision.guardrail or "unknown",
        None if policy is None else str(policy),
        None if version is None else str(version),
    )


def _busiest_first(rails: Mapping[Who, _Tally]) -> Iterable[tuple[Who, _Tally]]:
    return sorted(
        rails.items(), key=lambda each: (-each[1].counts.total(), each[0][0], each[0][1] or "", each[0][2] or "")
    )


def _rail(who: Who, tally: _Tally) -> Rail:
    guardrail, policy, version = who
    took = sorted(tally.latencies)
    return Rail(
        guardrail=guardrail,
        policy=policy,
        version=version,
        counts=[
            Count(start_ns=start, taken=taken, intended=intended, outcome=outcome, n=n)
            for (start, taken, intended, outcome), n in sorted(tally.counts.items())
        ],
        p50_s=_nearest_rank(took, 0.5),
        p95_s=_nearest_rank(took, 0.95),
    )


def _nearest_rank(ordered: Sequence[float], q: float) -> float | None:
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None
