"""The endpoint `moderations`. The GenAI conventions have no operation for it: see docs/decisions/0024."""

from typing import Any

from tracelm import semconv
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Reply, Request
from tracelm.integrations._fields import field, items, text


class ModerationsEndpoint(Endpoint):
    """Judgements of texts and images."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation=None,
            title="moderations",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes=asked.server,
            content={semconv.INPUT_VALUE: lambda: body.get("input")},
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read the judgements."""
        return Reply(
            id=text(field(answer, "id")),
            model=text(field(answer, "model")),
            content={semconv.OUTPUT_VALUE: lambda: [_plain(each) for each in items(field(answer, "results"))]},
        )


def _plain(result: Any) -> object:
    # The client spells categories as Python does, and adds those that were not judged; this undoes both.
    return result.to_dict(warnings=False) if hasattr(result, "to_dict") else result
