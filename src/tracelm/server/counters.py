"""What the server counts about itself; `/metrics` shows it."""

import threading
from collections import Counter
from typing import Final, Literal, TypeAlias

Name: TypeAlias = Literal[
    "received_spans",
    "received_logs",
    "committed_spans",
    "committed_logs",
    "rejected_spans",
    "rejected_logs",
    "refused_requests",
    "malformed_requests",
    "commits",
    "failed_commits",
    "refused_keys",
    "indexed_records",
    "indexed_texts",
    "retired_traces",
]

MEANINGS: Final[dict[Name, str]] = {
    "received_spans": "Spans that came in over OTLP and could be read.",
    "received_logs": "Log records that came in over OTLP and could be read.",
    "committed_spans": "Spans that were committed and acknowledged.",
    "committed_logs": "Log records that were committed and acknowledged.",
    "rejected_spans": "Spans that were rejected one by one, with a reason.",
    "rejected_logs": "Log records that were rejected one by one, with a reason.",
    "refused_requests": "OTLP requests that were refused because too much waited, or the store could not be written.",
    "malformed_requests": "OTLP requests that could not be read as a whole, or were too large.",
    "commits": "Transactions with OTLP records.",
    "failed_commits": "Transactions that failed; nothing of them was acknowledged.",
    "refused_keys": "Requests without a key that is known, where one was needed.",
    "indexed_records": "Records that were read from the local journal.",
    "indexed_texts": "Spans and pieces of text that were taken into the index of texts.",
    "retired_traces": "Traces that were deleted because they were older than `--retain` says.",
}


class Counters:
    """Numbers that only grow. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Counter[Name] = Counter()

    def add(self, name: Name, count: int = 1) -> None:
        """Count."""
        with self._lock:
            self._found[name] += count

    def all(self) -> dict[Name, int]:
        """Return all counts as they are at one moment."""
        with self._lock:
            return {name: self._found[name] for name in MEANINGS}
