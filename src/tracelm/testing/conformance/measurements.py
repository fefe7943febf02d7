"""`check_metrics`: what a metric reader has collected, against the conventions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from tracelm import semconv
from tracelm.otlp.records import Attributes
from tracelm.testing.conformance.finding import Finding, quoted
from tracelm.testing.conformance.metrics import DIALECTS, EXTENSION_METRICS, RENAMED_METRICS, Dialect, Metric
from tracelm.testing.conformance.presence import port_findings, required_findings
from tracelm.testing.conformance.values import attribute_findings, find_attribute

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric as Collected
    from opentelemetry.sdk.metrics.export import MetricsData

_Instrument: TypeAlias = Literal["counter", "up-down counter", "histogram", "gauge"]

_NAMESPACES: Final = ("gen_ai.", "mcp.")
_ARTICLES: Final[Mapping[_Instrument, str]] = {
    "counter": "a counter",
    "up-down counter": "an up-down counter",
    "histogram": "a histogram",
    "gauge": "a gauge",
}


def check_metrics(data: "MetricsData | None", *, dialect: Dialect = "latest") -> list[Finding]:
    """Check what a metric reader has collected against OpenTelemetry's GenAI conventions.

    Args:
        data: What `InMemoryMetricReader().get_metrics_data()` returns. Metrics whose name is none of GenAI's are
            passed over.
        dialect: Which names are right: `latest`, `1.41` (what OpenTelemetry's own instrumentations wrote at the end of
            2026), or `both`, for a program that writes them side by side.

    Returns:
        What differs, each finding once however many data points it is true of; nothing when all conforms.
    """
    found = (finding for metric in _collected(data) for finding in _metric_findings(metric, dialect))
    return list(dict.fromkeys(found))


def _collected(data: "MetricsData | None") -> Iterator["Collected"]:
    for resource in () if data is None else data.resource_metrics:
        for scope in resource.scope_metrics:
            yield from (each for each in scope.metrics if each.name.startswith(_NAMESPACES))


def _metric_findings(metric: "Collected", dialect: Dialect) -> list[Finding]:
    known = DIALECTS[dialect].get(metric.name)
    if known is None:
        return [] if metric.name in EXTENSION_METRICS else [_name_finding(metric.name)]
    found: list[Finding] = []
    if metric.unit != known.unit:
        found.append(Finding("unit", metric.name, f"give it the unit {known.unit!r}, not {metric.unit!r}"))
    instrument = _instrument_of(metric)
    if instrument != known.instrument:
        found.append(
            Finding(
                "instrument", metric.name, f"record it with {_ARTICLES[known.instrument]}, not {_ARTICLES[instrument]}"
            )
        )
    for point in cast("Iterable[Any]", metric.data.data_points):
        found += _point_findings(metric.name, known, point, instrument)
    return found


def _name_finding(name: str) -> Finding:
    if name in RENAMED_METRICS:
        return Finding("deprecated", name, f"record {RENAMED_METRICS[name]} instead")
    if name in DIALECTS["both"]:
        return Finding("unknown", name, "it is newer than 1.41: check it with dialect='latest'")
    return Finding("unknown", name, "the conventions have no such metric: use a namespace of your own")


def _instrument_of(metric: "Collected") -> _Instrument:
    from opentelemetry.sdk.metrics.export import ExponentialHistogram, Histogram, Sum

    if isinstance(metric.data, Histogram | ExponentialHistogram):
        return "histogram"
    if isinstance(metric.data, Sum):
        return "counter" if metric.data.is_monotonic else "up-down counter"
    return "gauge"


def _point_findings(name: str, known: Metric, point: Any, instrument: _Instrument) -> list[Finding]:
    attributes = _attributes_of(point)
    found = [_of_metric(name, each) for each in attribute_findings(attributes)]
    found += required_findings(attributes, known.required, of=name)
    found += [_of_metric(name, each) for each in port_findings(attributes)]
    found += [
        Finding("misplaced", key, f"leave it out of {name}: it is no attribute of this metric")
        for key in sorted(attributes)
        if key not in known.allowed and _is_of_genai(key)
    ]
    operation = attributes.get(semconv.OPERATION_NAME)
    if known.operations and isinstance(operation, str) and operation not in known.operations:
        found.append(Finding("misplaced", name, f"it is not for {operation}, but for {_listed(known.operations)}"))
    total = getattr(point, "sum", getattr(point, "value", 0))
    if known.counts and not isinstance(total, int):
        found.append(Finding("instrument", name, f"record whole numbers: {quoted(total)} is none"))
    # An exponential histogram, which a program may ask for with a view, has no boundaries of its own.
    bounds = getattr(point, "explicit_bounds", None)
    if instrument == known.instrument and known.buckets and bounds is not None and tuple(bounds) != known.buckets:
        found.append(Finding("buckets", name, f"give it the boundaries {_listed(known.buckets)}"))
    return found


def _attributes_of(point: Any) -> Attributes:
    given = dict(point.attributes or {})
    # The SDK keeps lists as tuples.
    return {key: [*cast("tuple[Any, ...]", each)] if isinstance(each, tuple) else each for key, each in given.items()}


def _is_of_genai(key: str) -> bool:
    return find_attribute(key) is not None and not key.startswith(("network.", "jsonrpc.", "rpc."))


def _of_metric(name: str, finding: Finding) -> Finding:
    return Finding(finding.rule, finding.subject, f"{name}: {finding.message}", finding.level)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in values)
