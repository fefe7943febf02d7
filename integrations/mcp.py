"""Records the Model Context Protocol: each request is a span on the side that asks and one on the side that answers.

The trace travels in the `_meta` of the request, so that both are one trace, whatever carries the request.
"""

import importlib.metadata
from collections.abc import Callable, Collection
from typing import Any, Final

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tracelm.integrations._mcp import network, version_one, version_two
from tracelm.integrations._patches import patch_when_imported

_Wrapper = Callable[[Any, Callable[[], bool]], Any]
_ONE: Final[tuple[tuple[str, str, str, _Wrapper], ...]] = (
    ("mcp.shared.session", "BaseSession", "send_request", version_one.sending),
    ("mcp.shared.session", "RequestResponder", "respond", version_one.responding),
    ("mcp.server.lowlevel.server", "Server", "_handle_request", version_one.serving),
    ("mcp.client.streamable_http", "StreamableHTTPTransport", "post_writer", network.noting),
)
_TWO: Final[tuple[tuple[str, str, str, _Wrapper], ...]] = (
    ("mcp.shared.jsonrpc_dispatcher", "JSONRPCDispatcher", "send_raw_request", version_two.sending),
    ("mcp.shared.direct_dispatcher", "DirectDispatcher", "send_raw_request", version_two.sending),
    ("mcp.shared.jsonrpc_dispatcher", "", "otel_span", version_two.stepping_back),
    ("mcp.server._otel", "OpenTelemetryMiddleware", "__call__", version_two.answering),
    ("mcp.server._otel", "", "otel_span", version_two.stepping_back),
    ("mcp.client.streamable_http", "StreamableHTTPTransport", "post_writer", network.noting),
)
"""What is replaced: the module, the class in it (or the module itself), the name, and by what."""


class MCPInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each request as one span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the library are known to work."""
        return ("mcp >= 1.23",)

    def _instrument(self, **_options: Any) -> None:
        is_first = importlib.metadata.version("mcp").startswith("1.")
        self._undo: list[Callable[[], None]] = []
        self._is_on = True
        undo = self._undo
        try:
            for module, owner, name, wrapper in _ONE if is_first else _TWO:
                patch_when_imported(
                    module, owner, name, wrapper, undo=undo, is_wanted=lambda: self._is_on and self._undo is undo
                )
        except Exception:
            self._uninstrument()
            raise

    def _uninstrument(self, **_options: Any) -> None:
        self._is_on = False
        for undo in self._undo:
            undo()
