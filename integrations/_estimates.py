"""The tokens of a stream that came without a count, estimated by counting the words that went by.

Only whole streams of plain text: what pictures, tools and hidden reasoning take cannot be told from outside.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, cast

from tracelm import semconv
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.pricing.cost import Usage
from tracelm.pricing.tokens import A_MESSAGE, A_REPLY, Tokenizer, tokenizer_for

_THINKS: Final = re.compile(r"(?:.*/)?(?:o[0-9]|gpt-5)")
"""Models whose reasoning is paid for and not shown."""


def prepare(request: Request) -> None:
    """Have the tokenizer of the model ready by the time that the stream ends."""
    tokenizer = _tokenizer_of(request.model)
    if tokenizer is not None:
        tokenizer.prepare()


def estimated(request: Request, reply: Reply) -> Reply:
    """Return the reply with counted tokens and a mark that says so; as it is where they cannot be counted."""
    tokenizer = _tokenizer_of(reply.model or request.model)
    if tokenizer is None or not reply.finish_reasons or "error" in reply.finish_reasons:
        return reply
    if request.operation != "chat" or request.tools() or request.attributes.get(semconv.OUTPUT_TYPE, "text") != "text":
        return reply  # tools and schemas are put before the model in a form that nobody tells
    said, answered = _texts(request.messages()), _texts(reply.messages())
    if said is None or not answered:
        return reply
    sent, received = tokenizer.count(said), tokenizer.count(answered[1::2])
    if sent is None or received is None:
        return reply
    usage = Usage(input_tokens=sent + A_MESSAGE * (len(said) // 2) + A_REPLY, output_tokens=received)
    return replace(reply, usage=usage, attributes={**reply.attributes, semconv.USAGE_ESTIMATED: True})


def _tokenizer_of(model: str | None) -> Tokenizer | None:
    return None if model is None or _THINKS.match(model) else tokenizer_for(model.rpartition("/")[2])


def _texts(messages: Sequence[Message]) -> list[str] | None:
    """Return role and text of each message, in turn; `None` where one holds more than text."""
    found: list[str] = []
    for message in messages:
        parts = cast("Sequence[Message]", message["parts"])
        if "name" in message or any(part.get("type") != "text" for part in parts):
            return None
        found += [str(message["role"]), "".join(str(part["content"]) for part in parts)]
    return found
