"""One call, one span: where one further out records a call already, the one further in tells it what it knows.

A framework calls a client library, and both may be instrumented, by us or by OpenTelemetry's own GenAI
instrumentations. These keep an object in the context while a call runs, one for each family of operations; whoever
finds one starts no span, and writes what it learns into the object. We keep our own beside it, and read and write
theirs.
"""

import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

from opentelemetry.context import Context
from opentelemetry.trace import Span
from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._exchange import Reply
from tracelm.pricing.cost import Usage
from tracelm.trace.context import SPAN_KEY
from tracelm.trace.safely import safely

SUPPRESSED_BY_TRACELOOP: Final = "suppress_language_model_instrumentation"
"""Frameworks that Traceloop instruments set this where they record the call of a model themselves."""

_FAMILIES: Final = {
    "chat": "inference",
    "text_completion": "inference",
    "generate_content": "inference",
    "embeddings": "embedding",
}
_CLASSES: Final = {
    "inference": "InferenceData",
    "embedding": "EmbeddingData",
    "fetch_response": "FetchResponseData",
    "retrieval": "RetrievalData",
}
_DOUBLES: Final = frozenset(
    {
        semconv.REQUEST_TEMPERATURE,
        semconv.REQUEST_TOP_P,
        semconv.REQUEST_FREQUENCY_PENALTY,
        semconv.REQUEST_PRESENCE_PENALTY,
    }
)
"""Written as the program gave them, which may be whole numbers."""
_COUNTS: Final = {
    "input_tokens": "usage_input_tokens",
    "output_tokens": "usage_output_tokens",
    "cache_read_tokens": "usage_cache_read_input_tokens",
    "cache_write_tokens": "usage_cache_write_input_tokens",
    "reasoning_tokens": "usage_reasoning_output_tokens",
}


class Outer(Protocol):
    """A call that is recorded further out."""

    @property
    def wants_part(self) -> bool:
        """Whether a call further in shall keep content, too."""
        ...

    @property
    def is_asking(self) -> bool:
        """Whether what is asked of a model now is asked for this call."""
        ...

    def reads(self, inner: object) -> None:
        """Note that the answer to a call further in is read piece by piece from now on."""
        ...

    def has_read(self, inner: object) -> None:
        """Note that a call further in is over, however its answer was read."""
        ...

    def learn(self, attributes: Mapping[str, AttributeValue], reply: Reply | None) -> None:
        """Take what a call further in knows; what is known already stays."""
        ...


def enclosing(context: Context, kind: str) -> Outer | None:
    """Return the call further out that a call of this kind belongs to, if one is recorded."""
    family = _FAMILIES.get(kind, kind)
    own: Any = context.get(_own_key(family))
    if own is not None:
        return own if own.is_asking else None
    foreign = context.get(_foreign_key(family))
    return None if foreign is None else _Foreign(foreign)


def enter(context: Context, kind: str, call: Outer, span: Span) -> tuple[Context, object]:
    """Return the context in which a call runs, and the object in which instrumentations of OpenTelemetry write."""
    family = _FAMILIES.get(kind, kind)
    inside: dict[str, object] = {**context, SPAN_KEY: span, _own_key(family): call}
    # Only where somebody else has imported it: without them there is nobody to write.
    module = sys.modules.get("opentelemetry.util.genai.invocation")
    written = None
    if module is not None and family in _CLASSES:
        with safely("let an instrumentation of OpenTelemetry write to a span"):
            written = getattr(module, _CLASSES[family])()
            inside[_foreign_key(family)] = written
    return Context(inside), written


def inside(context: Context, kind: str, call: Outer) -> Context:
    """Return the context in which a call that has no span of its own runs: those further in tell it what they know."""
    return Context({**context, _own_key(_FAMILIES.get(kind, kind)): call})


def read_written(written: object) -> tuple[dict[str, AttributeValue], Reply | None]:
    """Return what an instrumentation of OpenTelemetry wrote while a call ran."""
    if written is None:
        return {}, None
    attributes: dict[str, AttributeValue] = dict(getattr(written, "attributes", {}))
    for name, key in _NAMES.items():
        value = getattr(written, name, None)
        if value is not None:
            attributes[key] = float(value) if key in _DOUBLES else value
    usage = Usage(**{name: getattr(written, theirs, None) for name, theirs in _COUNTS.items()})
    return attributes, Reply(model=getattr(written, "response_model", None), usage=usage)


class _Foreign:
    """A call that an instrumentation of OpenTelemetry records."""

    wants_part = False
    is_asking = True

    def __init__(self, data: object) -> None:
        self._data = data

    def reads(self, inner: object) -> None:
        """Nobody asks."""

    def has_read(self, inner: object) -> None:
        """Nobody asks."""

    def learn(self, attributes: Mapping[str, AttributeValue], reply: Reply | None) -> None:
        data: Any = self._data
        for key, value in attributes.items():
            name = _field_name(key)
            if hasattr(data, name):
                if getattr(data, name) is None:
                    setattr(data, name, list(value) if isinstance(value, tuple) else value)
            elif isinstance(getattr(data, "attributes", None), dict):
                data.attributes.setdefault(key, value)


@lru_cache(maxsize=16)
def _own_key(family: str) -> str:
    return f"tracelm.model_call.{family}"


def _foreign_key(family: str) -> str:
    return f"opentelemetry.genai.client.{family}.context"


def _field_name(key: str) -> str:
    return key.removeprefix("gen_ai.").replace(".", "_")


_SHARED: Final = ("gen_ai.request.", "gen_ai.response.", "gen_ai.usage.")
_NAMES: Final = {
    _field_name(key): key
    for name, key in vars(semconv).items()
    if name.isupper()
    and isinstance(key, str)
    and key.startswith(("gen_ai.request.", "gen_ai.response.", "gen_ai.usage."))
}
"""Their fields by the attributes that they become."""
