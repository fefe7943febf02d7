"""What must be there and is not."""

from collections.abc import Iterable

from tracelm import semconv
from tracelm.otlp.records import Attributes
from tracelm.testing.conformance.attributes import RENAMED
from tracelm.testing.conformance.finding import Finding


def required_findings(attributes: Attributes, required: Iterable[str], *, of: str) -> list[Finding]:
    """Say which of the required attributes are missing; `of` is the operation, event or metric that requires them."""
    return [Finding("required", key, f"set it: {of} must have it") for key in _missing(attributes, required)]


def recommended_findings(attributes: Attributes, recommended: Iterable[str], *, of: str) -> list[Finding]:
    """Say which of the recommended attributes are missing; `of` is the operation or event that recommends them."""
    return [
        Finding("recommended", key, f"set it where it is known: {of} should have it", "improvement")
        for key in _missing(attributes, recommended)
    ]


def port_findings(attributes: Attributes) -> list[Finding]:
    """Say when a server has an address and no port."""
    if semconv.SERVER_ADDRESS not in attributes or semconv.SERVER_PORT in attributes:
        return []
    return [Finding("required", semconv.SERVER_PORT, "set it, 443 too: server.address is set")]


def _missing(attributes: Attributes, wanted: Iterable[str]) -> list[str]:
    # An old name is a finding of its own, which tells the new one.
    present = {RENAMED.get(key, key) for key in attributes}
    return [key for key in sorted(wanted) if key not in present]
