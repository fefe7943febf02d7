"""What `action="warn"` does: one line in the log, without the refused text."""

import logging
from collections import Counter
from typing import Final

from tracelm.guards.decision import Decision

_log: Final = logging.getLogger("tracelm.guards")


def warn(decision: Decision) -> None:
    """Log that a guardrail would have refused a value that goes on."""
    # Not the scorer's explanation: it may quote what it refuses.
    found = ", ".join(f"{count} {kind}" for kind, count in Counter(span.type for span in decision.spans).items())
    _log.warning("guardrail %r lets pass what it refuses%s", decision.guardrail.name, found and f": found {found}")
