"""Records the calls of Anthropic's client: each call of a model becomes one span.

Newer clients make spans of their own. Where a call is recorded here they make none: there is one span a call.
"""

import functools
from collections.abc import Callable, Collection
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import get_value
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from tracelm.integrations._claude.endpoints import find_claude_endpoint
from tracelm.integrations._nesting import SUPPRESSED_BY_TRACELOOP
from tracelm.integrations._patches import patch
from tracelm.integrations._providers import provider_at
from tracelm.integrations._stainless import READING, Library, counting, recording_stream, sending
from tracelm.integrations._watching import end_watched
from tracelm.pricing.listed import load_in_background
from tracelm.trace import runtime
from tracelm.trace.context import is_suppressed

# None of these is part of the client's public face: what is missing is left alone.
_EACH_ATTEMPT: Final = "_build_request"
_OWN_SPAN: Final = "start_api_call_span"
_CLOUDS: Final = {"anthropic.lib.bedrock": "aws.bedrock", "anthropic.lib.vertex": "gcp.vertex_ai"}
"""Where the clients of the clouds stand, and who is behind them."""


class AnthropicInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records each call of a model as one span. Undo with `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return which versions of the client are known to work."""
        return ("anthropic >= 0.40, < 3",)

    def _instrument(self, **_options: Any) -> None:
        import anthropic
        from anthropic import _base_client as clients  # pyright: ignore[reportPrivateUsage]

        load_in_background()
        self._undo = [
            patch(clients.SyncAPIClient, "request", _LIBRARY.request),
            patch(clients.AsyncAPIClient, "request", _LIBRARY.arequest),
        ]
        # Not a class of ours in its place: older helpers make a stream by themselves.
        for stream in (anthropic.Stream, anthropic.AsyncStream):
            self._undo.append(patch(stream, READING, recording_stream))
        if hasattr(clients.BaseClient, _EACH_ATTEMPT):
            self._undo.append(patch(clients.BaseClient, _EACH_ATTEMPT, counting))
        if hasattr(clients, _OWN_SPAN):
            self._undo.append(patch(clients, _OWN_SPAN, _instead_of_its_own))

    def _uninstrument(self, **_options: Any) -> None:
        for undo in self._undo:
            undo()
        end_watched()


class _Anthropic(Library):
    """Anthropic's client, and those for the clouds that come with it."""

    find_endpoint = staticmethod(find_claude_endpoint)

    def provider_of(self, client: Any, host: str, port: int) -> str:
        """Return `gen_ai.provider.name` of a client that sends to this server."""
        for each in type(client).__mro__:
            for module, cloud in _CLOUDS.items():
                if each.__module__.startswith(module):
                    return cloud
        return provider_at(host, port, otherwise="anthropic")

    def recording_class(self, stream_cls: Any) -> Any:
        """Return the class as it is: what it reads from records."""
        return stream_cls


_LIBRARY: Final = _Anthropic()


def _instead_of_its_own(start: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    """Return what stands in the place of the function that starts a span of the client's own."""

    @functools.wraps(start)
    def start_span(*args: Any, **kwargs: Any) -> Any:
        if runtime.active is None or not is_on():
            return start(*args, **kwargs)
        if sending.get() is None:  # a call that is not recorded here, or that somebody wants to be silent
            is_silent = is_suppressed() or get_value(SUPPRESSED_BY_TRACELOOP)
            return None if is_silent else start(*args, **kwargs)
        # To the client, a span that nobody records: it ends nothing and writes nothing, and sends the identity of
        # ours along where it would send that of its own.
        current = trace.get_current_span().get_span_context()
        return trace.NonRecordingSpan(current) if current.is_valid else None

    return start_span
