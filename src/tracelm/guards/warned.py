"""What guardrails say in the log: what `action="warn"` lets pass, and which of them hold a stream back."""

import logging
from typing import Final

from tracelm.guards.decision import Decision, counted
from tracelm.guards.guardrail import Guardrail

_log: Final = logging.getLogger("tracelm.guards")


def warn(decision: Decision) -> None:
    """Log that a guardrail would have refused a value that goes on."""
    # Not the scorer's explanation: it may quote what it refuses.
    found = counted(decision.spans)
    _log.warning("guardrail %r lets pass what it refuses%s", decision.guardrail.name, found and f": found {found}")


def warn_held(guardrail: Guardrail, of: str) -> None:
    """Log that nothing of a stream goes on before its end, and what to do about it."""
    _log.warning(
        "guardrail %r must see all of a text, so %s is held back to its end when it is a stream: let it be asked as "
        "the text comes, with release='sentence' or release=500; give it window=... if only what is near a place "
        "decides; or say release='end' if that is what you want",
        guardrail.name,
        of,
    )
