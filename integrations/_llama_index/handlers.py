"""What stands in LlamaIndex's dispatcher: it swallows what handlers raise, so they report it themselves."""

import inspect
from typing import Any

from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from pydantic import PrivateAttr

from tracelm.integrations._llama_index.listener import Listener
from tracelm.trace.safely import safely


class SpanHandler(BaseSpanHandler[BaseSpan]):
    """Hears of each step when it begins and ends.

    Args:
        listener: Records it.
    """

    _listener: Listener = PrivateAttr()

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener

    def new_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin a step."""
        with safely("record a step of LlamaIndex"):
            self._listener.entered(id_, instance, bound_args.arguments, parent_span_id)

    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        result: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """End a step."""
        with safely("end a step of LlamaIndex"):
            self._listener.left(id_, result)

    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        err: BaseException | None = None,
        **kwargs: Any,
    ) -> None:
        """End a step that failed."""
        with safely("end a step of LlamaIndex that failed"):
            self._listener.dropped(id_, err)


class EventHandler(BaseEventHandler):
    """Hears of the calls of models.

    Args:
        listener: Records them.
    """

    _listener: Listener = PrivateAttr()

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        """Take an event."""
        with safely("record an event of LlamaIndex"):
            self._listener.told(event)
