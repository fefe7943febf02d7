"""Every span that a test in this folder records is checked against the GenAI conventions."""

from tests.conformance import conformant

__all__ = ["conformant"]
