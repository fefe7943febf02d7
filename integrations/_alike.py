"""What many calls of a model have in the same way: who asks whom for what, who answered, and where its price is from.

It is put together and encoded once, and found again by the values from which it follows.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from opentelemetry.util.types import AttributeValue

from tracelm.integrations._exchange import Reply, Request
from tracelm.otlp.encode import LineEncoder, Phrase
from tracelm.pricing.cost import Cost
from tracelm.pricing.rates import Price
from tracelm.trace.limits import plain

_type_of: Final[Callable[[object], Any]] = type  # `type` itself gives what strict checkers call partly unknown


def asked_alike(request: Request, lines: LineEncoder) -> Phrase:
    """Return what is known of a request without its content, as many calls have it alike."""
    more = request.attributes
    # By the classes as well: 1, 1.0 and true are equal, and are written in three ways.
    key = (Request, request.operation, request.provider, request.model, *more.items(), *map(_type_of, more.values()))
    return lines.phrase(key, partial(_all_known, request))


def _all_known(request: Request) -> Mapping[str, AttributeValue]:
    return plain(request.known())


def answered_alike(reply: Reply | None, origin: Price | Cost | None, lines: LineEncoder) -> Phrase:
    """Return what is known of an answer without its content and its numbers, as many calls have it alike.

    Args:
        reply: The answer.
        origin: Where its price is from.
        lines: Encodes it.
    """
    key: tuple[object, ...] = (Reply,)
    if isinstance(origin, Cost):
        key = (Cost, origin.source, origin.rule, origin.price_version, origin.rates)
    elif origin is not None:
        key = (Price, origin)
    if reply is not None:
        more = reply.attributes
        key = (*key, reply.model, *reply.finish_reasons, *more.items(), *map(_type_of, more.values()))
    return lines.phrase(key, partial(_all_facts, reply, origin))


def _all_facts(reply: Reply | None, origin: Price | Cost | None) -> Mapping[str, AttributeValue]:
    return plain({**({} if reply is None else reply.facts()), **({} if origin is None else origin.facts())})
