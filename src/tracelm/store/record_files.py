"""Files of spans or log records: OTLP/JSON lines, OTLP protobuf, Parquet.

Each line of JSON, and each message of protobuf behind its length in four bytes, is an export request, as the file
exporter of OpenTelemetry's collector writes them. Parquet has the columns of a table for other tools, and beside them
the record as a line of JSON, which is all that is read again.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypeVar

from tracelm.errors import DecodeError, MissingExtraError
from tracelm.otlp.decode import Decoded, decode_logs, decode_spans
from tracelm.otlp.protobuf import logs_request, trace_request
from tracelm.otlp.records import LogRecord, SpanRecord
from tracelm.otlp.request import decode_logs_request, decode_trace_request

Format: TypeAlias = Literal["json", "protobuf", "parquet"]
Signal: TypeAlias = Literal["spans", "logs"]
_R = TypeVar("_R", SpanRecord, LogRecord)
Row: TypeAlias = tuple[Mapping[str, Any], bytes]
"""Columns for other tools, and the record as a request of its own."""

SUFFIXES: Final[Mapping[Format, str]] = {"json": ".jsonl", "protobuf": ".binpb", "parquet": ".parquet"}
_LENGTH_BYTES: Final = 4
_LARGEST_MESSAGE: Final = 512_000_000
_TORN: Final = b"\xff"  # no message of protobuf
_GROUP: Final = 5_000  # rows that stand together in a Parquet file


def write(path: Path, signal: Signal, rows: Iterable[Row], *, columns: Mapping[str, str]) -> int:
    """Write records into a file, whole or not at all, and return how many.

    Args:
        path: Its suffix says the format.
        signal: What the records are.
        rows: They.
        columns: The columns, each with pandas' name of its type; for Parquet.

    Raises:
        MissingExtraError: pyarrow is not installed; only for Parquet.
        OSError: It cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    if path.suffix == SUFFIXES["parquet"]:
        count = _write_parquet(unfinished, rows, columns)
    else:
        encode = _json_message if path.suffix == SUFFIXES["json"] else _protobuf_message(signal)
        count = 0
        with unfinished.open("wb") as file:
            for _, line in rows:
                file.write(encode(line))
                count += 1
    unfinished.replace(path)
    return count


def read_spans(path: Path) -> Iterator[Decoded[SpanRecord]]:
    """Yield the spans of a file, message by message; what cannot be read is an error in its place.

    Raises:
        MissingExtraError: pyarrow is not installed; only for Parquet.
        OSError: It cannot be read.
    """
    if path.suffix == SUFFIXES["protobuf"]:
        return (_decoded(partial(decode_trace_request, encoding="protobuf"), body) for body in _messages(path))
    return (_decoded(decode_spans, line) for line in _lines(path))


def read_logs(path: Path) -> Iterator[Decoded[LogRecord]]:
    """Yield the log records of a file, as `read_spans` does."""
    if path.suffix == SUFFIXES["protobuf"]:
        return (_decoded(partial(decode_logs_request, encoding="protobuf"), body) for body in _messages(path))
    return (_decoded(decode_logs, line) for line in _lines(path))


def _decoded(decode: Callable[[bytes], Decoded[_R]], message: bytes) -> Decoded[_R]:
    try:
        return decode(message)
    except DecodeError as error:
        return Decoded((), (error,))


def _lines(path: Path) -> Iterator[bytes]:
    if path.suffix == SUFFIXES["parquet"]:
        for batch in _pyarrow("pyarrow.parquet").ParquetFile(path).iter_batches(columns=["otlp"], batch_size=_GROUP):
            yield from (str(line).encode() for line in batch.column(0).to_pylist())
    else:
        with path.open("rb") as file:
            yield from (line for line in file if line.strip())


def _messages(path: Path) -> Iterator[bytes]:
    """Yield the messages of a file; of one that is torn the last is none."""
    with path.open("rb") as file:
        while head := file.read(_LENGTH_BYTES):
            length = int.from_bytes(head)
            message = file.read(length) if len(head) == _LENGTH_BYTES and length <= _LARGEST_MESSAGE else b""
            is_whole = len(message) == length and len(head) == _LENGTH_BYTES
            yield message if is_whole else _TORN
            if not is_whole:
                return


def _json_message(line: bytes) -> bytes:
    return line + b"\n"


def _protobuf_message(signal: Signal) -> Callable[[bytes], bytes]:
    def encode(line: bytes) -> bytes:
        body = (trace_request((line,)) if signal == "spans" else logs_request((line,))).SerializeToString()
        return len(body).to_bytes(_LENGTH_BYTES) + body

    return encode


def _write_parquet(path: Path, rows: Iterable[Row], columns: Mapping[str, str]) -> int:
    parquet, pa = _pyarrow("pyarrow.parquet"), _pyarrow("pyarrow")
    kinds = {"string": pa.string(), "int64": pa.int64(), "Int64": pa.int64(), "float64": pa.float64()}
    schema = pa.schema([*((name, kinds[kind]) for name, kind in columns.items()), ("otlp", pa.string())])
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(rows):
            made = [{**{name: row[name] for name in columns}, "otlp": line.decode()} for row, line in group]
            writer.write_table(pa.Table.from_pylist(made, schema=schema))
            count += len(made)
    return count


def _groups(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group


def _pyarrow(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtraError("Parquet", "parquet") from None
