"""Read what a sender sends: an OTLP request in protobuf or JSON, within limits.

Both encodings become the same records, each with its source in OTLP/JSON, as if it had come by the journal. What is
decided about doubtful records:

| found | what becomes of it |
|---|---|
| a text that is no UTF-8, a record cut short | this record is refused |
| a trace or span id of the wrong length, or all zeros | refused; as a parent or in a link, all zeros means none |
| a time past the year 2262 (2⁶³ ns) | refused: a database has no such integer |
| an end before the start | kept as it came: clocks are set back; its duration counts as zero |
| a number of a kind or status that is not known | kept in the source, `unspecified` and `unset` as columns |
| an attribute whose key stands there twice | the last one counts; the source has both (JSON objects excepted) |
| a field that is not known | kept in the source from JSON; from protobuf it has no name, and is left out |
"""

from typing import Final, Literal, TypeAlias

from tracelm.otlp.decode import Decoded, decode_logs, decode_spans
from tracelm.otlp.limits import RequestLimits
from tracelm.otlp.records import LogRecord, SpanRecord

Encoding: TypeAlias = Literal["protobuf", "json"]

_DEFAULT: Final = RequestLimits()


def decode_trace_request(body: bytes, *, encoding: Encoding, limits: RequestLimits = _DEFAULT) -> Decoded[SpanRecord]:
    """Read an `ExportTraceServiceRequest`.

    Args:
        body: As it was sent, inflated.
        encoding: How it is written.
        limits: What it may hold.

    Returns:
        The spans that can be read, and one error for each that cannot. A request without spans is fine. Values of
        attributes may be shared among spans.

    Raises:
        DecodeError: The body as a whole is no such request, or holds too many spans.
    """
    if encoding == "json":
        return decode_spans(body, limits=limits)
    from tracelm.otlp.wire import read_spans  # protobuf takes 20 ms to load

    return read_spans(body, limits)


def decode_logs_request(body: bytes, *, encoding: Encoding, limits: RequestLimits = _DEFAULT) -> Decoded[LogRecord]:
    """Read an `ExportLogsServiceRequest`.

    Args:
        body: As it was sent, inflated.
        encoding: How it is written.
        limits: What it may hold.

    Returns:
        The log records that can be read, and one error for each that cannot.

    Raises:
        DecodeError: The body as a whole is no such request, or holds too many records.
    """
    if encoding == "json":
        return decode_logs(body, limits=limits)
    from tracelm.otlp.wire import read_logs

    return read_logs(body, limits)
