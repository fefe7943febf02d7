"""A monitor's verdicts as the log records that every score is, made for a store."""

import hashlib
import time
from typing import Final

from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from tracelm import semconv
from tracelm.otlp.decode import decode_logs
from tracelm.otlp.encode import CleanText, LineEncoder, encode_resource
from tracelm.otlp.records import LogRecord
from tracelm.scoring.call import Judgement
from tracelm.settings import Settings
from tracelm.store.stored import StoredSpan
from tracelm.trace import redact, runtime, values
from tracelm.trace.scores import error_attributes, score_attributes

_SOURCE: Final = "monitor"


class Recorder:
    """Makes log records; free of secrets, by the rules that the program gave to `tracelm.init`."""

    def __init__(self) -> None:
        active = runtime.active
        self._settings = Settings.from_env(project="-") if active is None else active.settings
        self._redactor = redact.default() if active is None else active.redactor
        self._lines = LineEncoder(self._redactor.may_hold_secret, self._redactor.line)
        self._scope = InstrumentationScope("tracelm.monitors")

    def records(self, judgement: Judgement, on: StoredSpan, *, monitor: str, weight: float) -> list[LogRecord]:
        """Return one record a score, or one that says that the scorer failed.

        Args:
            judgement: What the scorer said.
            on: The span that it judged.
            monitor: The monitor's name.
            weight: For how many spans it stands.
        """
        content, version = self._settings.capture_content, judgement.version
        told = {
            name: score_attributes(
                name,
                score,
                source=_SOURCE,
                scorer_version=version,
                content=content,
                redactor=self._redactor,
                encode=self._encode,
            )
            for name, score in judgement.scores.items()
        }
        if judgement.error is not None:
            told[judgement.name] = error_attributes(
                judgement.name,
                judgement.error,
                source=_SOURCE,
                scorer_version=version,
                content=content,
                redactor=self._redactor,
            )
        by = {semconv.MONITOR_NAME: monitor, semconv.SCORE_WEIGHT: weight}
        return [
            self._record({semconv.LOG_RECORD_UID: uid(monitor, version, name, on), **found, **by}, on)
            for name, found in told.items()
        ]

    def _record(self, attributes: dict[str, object], on: StoredSpan) -> LogRecord:
        about = SpanContext(int(on.trace_id, 16), int(on.span_id, 16), False, TraceFlags(TraceFlags.SAMPLED))
        around = self._lines.around_event(about, _resource(on.project), self._scope)
        line = self._lines.event(semconv.EVALUATION_EVENT, time.time_ns(), around, self._lines.attributes(attributes))
        return decode_logs(line).records[0]

    def _encode(self, value: object) -> CleanText:
        return values.encode(value, max_bytes=self._settings.max_attribute_bytes, redactor=self._redactor)


def uid(monitor: str, version: str, score: str, on: StoredSpan) -> CleanText:
    """Return the id of a monitor's score: the same whenever the same scorer judges the same span for it again."""
    key = "\0".join((monitor, version, score, on.trace_id, on.span_id))
    return CleanText(hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16).hexdigest())


def _resource(project: str) -> bytes:
    from opentelemetry.sdk.resources import Resource

    return encode_resource(Resource({}), {semconv.SERVICE_NAME: project, semconv.PROJECT: project})
