"""LiteLLM's own OpenTelemetry integration steps back where its spans would come here as well."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.trace import TracerProvider

from tracelm.integrations._fields import field
from tracelm.trace.provider import joined
from tracelm.trace.safely import safely


def stepping_back(method: Callable[..., Any], is_on: Callable[[], bool]) -> Callable[..., Any]:
    """Return what stands in the place of the method that makes a span of a call, or writes onto that around it.

    What it sends elsewhere, through a provider of its own, stays. So does what it does in LiteLLM's proxy.
    """

    @functools.wraps(method)
    def handle(logger: Any, kwargs: Any, *args: Any, **more: Any) -> Any:
        provider = getattr(logger, "_tracer_provider", None)
        if not is_on() or not isinstance(provider, TracerProvider) or not joined(provider) or _is_proxy(kwargs):
            return method(logger, kwargs, *args, **more)
        if method.__name__ == "_handle_success":
            with safely("let LiteLLM measure a call"):
                logger._record_metrics(kwargs, *args, **more)
        return None

    return handle


def _is_proxy(kwargs: Mapping[str, object]) -> bool:
    params = field(kwargs, "litellm_params")
    return any(
        field(field(params, each), "litellm_parent_otel_span") is not None for each in ("metadata", "litellm_metadata")
    )
