"""A finished span or log record of the OpenTelemetry SDK as one line of OTLP/JSON.

The line is put together from pieces instead of dumped from a tree of dicts: names, keys and most short values repeat,
so their pieces are made once. Each piece is shown to the secret finder once as well: what repeats was seen when it was
made, and `CleanText` was seen before. Only what is new costs a look. Where the finder hits, that piece is redacted, and
no other: what was redacted once is not taken apart again.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import orjson
from opentelemetry.trace import DEFAULT_TRACE_STATE, StatusCode

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext

_HAS_IS_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200
_REPEATS_UP_TO: Final = 160
"""Longer strings hardly repeat; keeping their pieces would only fill memory. In characters."""
_MAX_PIECES: Final = 4_096
_MAX_PREFIXES: Final = 256
_MAX_PHRASES: Final = 1_024
_PHRASE_UP_TO: Final = 4_096
"""In bytes."""
_SHORT: Final = 4
_NOTHING: Final[list[bytes]] = []
_NO_STATE: Final = DEFAULT_TRACE_STATE
_type_of: Callable[[object], Any] = type  # `type` itself gives what strict checkers call partly unknown
_NUMBERS: Final = frozenset({int, float, bool})
_TEXTS: Final[frozenset[type[Any]]] = frozenset({str})
_KEPT: Final[frozenset[type[Any]]] = frozenset({str, int, float, bool})
_BITS: Final = 64
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1


_SPAN: Final = (
    b'%b"traceId":"%032x","spanId":"%016x"%b,"flags":%d,"name":%b,"kind":%d,'
    b'"startTimeUnixNano":"%d","endTimeUnixNano":"%d","attributes":[%b]%b}]}]}]}'
)


class CleanText(str):
    """Text that tracelm has bounded and freed of secrets, and that needs no second look."""

    __slots__ = ()


class Phrase(NamedTuple):
    """Attributes that many records have alike.

    Attributes:
        attributes: As a span holds them. Nobody changes them.
        piece: As they stand in a line, free of secrets.
    """

    attributes: Mapping[str, Any]
    piece: bytes


NO_PHRASE: Final = Phrase({}, b"")

_EVENT: Final = b'%b"timeUnixNano":"%d","observedTimeUnixNano":"%d",%b"eventName":%b,"attributes":[%b]}]}]}]}'


class LineEncoder:
    """Encodes records, and remembers the pieces that repeat.

    Args:
        may_hold_secret: Looks into encoded JSON; may be wrong on the safe side only.
        redact: Takes the secrets out of a piece: one attribute, one name, or an object with some fields of a record.
    """

    def __init__(self, may_hold_secret: Callable[[bytes], object], redact: Callable[[bytes], bytes]) -> None:
        self._look = may_hold_secret
        self._redact = redact
        self._pairs: dict[tuple[str, Any], bytes] = {}
        self._numeric: set[str] = set()
        self._names: dict[str, bytes] = {}
        self._phrases: dict[Hashable, Phrase] = {}
        self._forms: dict[Hashable, bytes] = {}
        self._prefixes: dict[tuple[bytes, bytes, Any], bytes] = {}
        self._latest: dict[bytes, tuple[bytes, InstrumentationScope | None, bytes]] = {}

    def span(self, span: "ReadableSpan", resource: bytes) -> bytes:
        """Encode a finished span.

        Args:
            span: As a span processor gets it in `on_end`.
            resource: Its resource, from `encode_resource`, free of secrets.

        Returns:
            One line without its line break, free of secrets.
        """
        # Not by the public properties: each is a call, and some copy.
        own: Any = span
        context: SpanContext = own._context
        pieces: list[bytes] = getattr(own, "_ahead", _NOTHING)
        told = own._told if pieces else 0
        if not told or told < len(own._attributes):
            pieces = pieces + self.attributes(own._attributes, after=told)
        name = self._names.get(own._name)
        if name is None:
            name = self._remember(self._names, own._name, string(own._name))
        rest = _rest_of_span(span, context)
        if rest:
            rest = b"," + self._clean(b"{%b}" % rest[1:])[1:-1]
        parent, flags = b"", _HAS_IS_REMOTE
        above: SpanContext | None = own._parent
        if above is not None:
            parent = b',"parentSpanId":"%016x"' % above.span_id
            if above.is_remote:
                flags |= _IS_REMOTE
        return _SPAN % (
            self._prefix(b"Spans", resource, own._instrumentation_scope),
            context[0],
            context[1],
            parent,
            flags,
            name,
            own._kind._value_ + 1,
            own._start_time or 0,
            own._end_time or 0,
            b",".join(pieces),
            rest or b',"status":{}',
        )

    def around_event(
        self, about: "SpanContext", resource: bytes, scope: "InstrumentationScope | None", severity: int = 0
    ) -> tuple[bytes, bytes]:
        """Encode what events about one span have in common, for `event`.

        Args:
            about: The span.
            resource: Its resource, from `encode_resource`, free of secrets.
            scope: Who says it.
            severity: How important it is, as OpenTelemetry counts; 0: not said.

        Returns:
            What stands before the time of an event, and what behind it.
        """
        parts = [b'"severityNumber":%d,' % severity] if severity else []
        if about.trace_id:
            parts.append(b'"traceId":"%032x",' % about.trace_id)
        if about.span_id:
            parts.append(b'"spanId":"%016x",' % about.span_id)
        if about.trace_flags:
            parts.append(b'"flags":%d,' % about.trace_flags)
        return self._prefix(b"Logs", resource, scope), b"".join(parts)

    def event(self, name: str, time_ns: int, around: tuple[bytes, bytes], attributes: Iterable[bytes]) -> bytes:
        """Encode a log record that is an event about a span.

        Args:
            name: What kind of event it is; a name of ours, not of the program.
            time_ns: When, in nanoseconds since 1970.
            around: From `around_event`.
            attributes: What it says, from `attributes`.

        Returns:
            One line without its line break, free of secrets.
        """
        before, behind = around
        return _EVENT % (before, time_ns, time_ns, behind, string(name), b",".join(attributes))

    def _prefix(self, signal: bytes, resource: bytes, scope: "InstrumentationScope | None") -> bytes:
        """Everything that stands before the first field of a record."""
        latest = self._latest.get(signal)
        if latest is not None and latest[0] is resource and latest[1] is scope:
            return latest[2]
        key = (signal, resource, scope)
        known = self._prefixes.get(key)
        if known is None:
            records = b"spans" if signal == b"Spans" else b"logRecords"
            cleaned = self._clean(_scope(scope))
            start = b'{"resource%b":[{"resource":%b,"scope%b":[{"scope":%b,"%b":[{'
            if len(self._prefixes) >= _MAX_PREFIXES:
                self._prefixes.clear()
            known = self._prefixes[key] = start % (signal, resource, signal, cleaned, records)
        self._latest[signal] = resource, scope, known
        return known

    def attributes(self, attributes: Mapping[str, Any] | None, *, after: int = 0) -> list[bytes]:
        """Encode the attributes of a record.

        Args:
            attributes: All of them.
            after: How many of the first are left out.

        Returns:
            One piece each, free of secrets.
        """
        pieces: list[bytes] = []
        add, seen, numeric, prefix, dumps = pieces.append, self._pairs.get, self._numeric, key_prefix, orjson.dumps
        pairs = attributes.items() if isinstance(attributes, dict) else _items(attributes)
        for pair in islice(pairs, after, None) if after else pairs:
            kind = _type_of(pair[1])
            if kind is str:
                add(seen(pair) or self._text(pair))
                continue
            key, value = pair
            if kind is int and key in numeric and value.bit_length() < _BITS:
                piece = b'%b{"intValue":"%d"}}' % (prefix(key), value)
            elif kind is CleanText:
                piece = b'%b{"stringValue":%b}}' % (prefix(key), dumps(value))
            elif kind is float and key in numeric and value - value == 0:  # finite
                piece = b'%b{"doubleValue":%b}}' % (prefix(key), dumps(value))
            elif kind in _NUMBERS:
                piece = _pair(key, value)
                if key not in numeric:
                    piece = self._clean_number(key, piece)
            elif kind is tuple and len(value) <= _SHORT and {*map(_type_of, value)} <= _TEXTS:
                # A few texts, which may well repeat: reasons, names.
                piece = seen(pair) or self._remember(self._pairs, pair, _pair(key, value))
            else:
                piece = self._clean(_pair(key, value))
            add(piece)
        return pieces

    def _text(self, pair: tuple[str, str]) -> bytes:
        """Encode a text that was not kept."""
        piece = _pair(*pair)
        is_short = len(pair[1]) <= _REPEATS_UP_TO
        return self._remember(self._pairs, pair, piece) if is_short else self._clean(piece)

    def phrase(self, key: Hashable, attributes: Callable[[], Mapping[str, Any]]) -> Phrase:
        """Encode attributes that many records have alike: once.

        Args:
            key: What they follow from, and who asks.
            attributes: Returns them, the first time.
        """
        try:
            known = self._phrases.get(key)
        except TypeError:  # a list, say, cannot be looked up
            key, known = None, None
        if known is None:
            said = attributes()
            raw = _pairs(said)
            known = Phrase(said, b",".join(self.attributes(said)))
            # No secret stays in memory, nothing that is long, which hardly repeats, and no list but of texts: (1,) and
            # (True,) are equal, and would be kept as one.
            is_plain = all(_type_of(value) in _KEPT or _is_texts(value) for value in said.values())
            if key is not None and is_plain and len(raw) <= _PHRASE_UP_TO and not self._look(raw):
                if len(self._phrases) >= _MAX_PHRASES:
                    self._phrases.clear()
                self._phrases[key] = known
        return known

    def alike(self, facts: Phrase, numbers: Mapping[str, float], texts: Mapping[str, Any]) -> list[bytes] | None:
        """Encode attributes that many records have in the same way.

        Args:
            facts: Come again and again with the same values.
            numbers: Come together again and again, with other values.
            texts: Hardly ever come again.

        Returns:
            The pieces, free of secrets; `None` where there are others among them than finite numbers of 64 bit under
            plain names, and texts.
        """
        pieces = [facts.piece] if facts.piece else []
        if numbers:
            values = tuple(numbers.values())
            kinds = tuple(map(_type_of, values))
            form = self._forms.get((*numbers, kinds)) or self._form(numbers, kinds)
            try:
                said = orjson.dumps(values)
            except TypeError:  # an int beyond 64 bit
                return None
            if not form or b"n" in said or max(values) > _MOST:  # null: no finite number
                return None
            pieces.append(form % tuple(said[1:-1].split(b",")))
        for name, text in texts.items():
            if _type_of(text) is CleanText:
                pieces.append(b'%b{"stringValue":%b}}' % (key_prefix(name), orjson.dumps(text)))
            elif _type_of(text) is str and name:
                pieces.append(self._clean(b'%b{"stringValue":%b}}' % (key_prefix(name), string(text))))
            else:
                return None
        return pieces

    def _form(self, numbers: Mapping[str, float], kinds: Sequence[type[Any]]) -> bytes:
        """Return what numbers under some names are put into, and keep it; nothing where they cannot be."""
        is_named = _TEXTS.issuperset(map(_type_of, numbers)) and "" not in numbers
        if not is_named or not {int, float}.issuperset(kinds) or self._look(_pairs(numbers)):
            return b""
        values = (b'{"intValue":"%b"}' if kind is int else b'{"doubleValue":%b}' for kind in kinds)
        prefixes = (key_prefix(name).replace(b"%", b"%%") for name in numbers)
        form = b",".join(b"%b%b}" % pair for pair in zip(prefixes, values, strict=True))
        if len(self._forms) >= _MAX_PHRASES:
            self._forms.clear()
        self._forms[*numbers, kinds] = form
        return form

    def _clean(self, piece: bytes) -> bytes:
        return self._redact(piece) if self._look(piece) else piece

    def _clean_number(self, key: str, piece: bytes) -> bytes:
        """Look at a number, which is a secret only by its key: once for all numbers under a key that is none."""
        if self._look(piece):
            return self._redact(piece)
        if len(self._numeric) < _MAX_PIECES:
            self._numeric.add(key)
        return piece

    def _remember(self, known: dict[Any, bytes], key: Any, piece: bytes) -> bytes:
        """Look at a new piece, and keep it; what was redacted is not kept, so that no secret stays in memory."""
        cleaned = self._clean(piece)
        if cleaned == piece:  # not `is`: what looked like a secret and is none comes back as a copy
            if len(known) >= _MAX_PIECES:
                known.clear()
            known[key] = piece
        return cleaned


def _is_texts(value: Any) -> bool:
    return _type_of(value) is tuple and _TEXTS.issuperset(map(_type_of, value))


def encode_resource(resource: "Resource", extra: Mapping[str, str]) -> bytes:
    """Encode a resource, with attributes of `extra` that replace its own."""
    return b'{"attributes":[%b]}' % _pairs({**dict(resource.attributes), **extra})


def any_value(value: Any) -> bytes:
    """Encode one attribute value as OTLP's AnyValue."""
    if isinstance(value, str):
        return b'{"stringValue":%b}' % string(value)
    if isinstance(value, bool):
        return b'{"boolValue":true}' if value else b'{"boolValue":false}'
    if isinstance(value, int):
        # OTLP knows 64 bit; a larger number is kept as text rather than lost.
        return b'{"intValue":"%d"}' % value if _LEAST <= value <= _MOST else b'{"stringValue":"%d"}' % value
    if isinstance(value, float):
        if math.isfinite(value):
            return b'{"doubleValue":%b}' % orjson.dumps(value)
        name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return b'{"doubleValue":"%b"}' % name.encode()
    if isinstance(value, bytes):
        import base64

        return b'{"bytesValue":"%b"}' % base64.b64encode(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return b'{"kvlistValue":{"values":[%b]}}' % b",".join(_pair(str(key), each) for key, each in pairs)
    if isinstance(value, Sequence):
        return b'{"arrayValue":{"values":[%b]}}' % b",".join(any_value(each) for each in cast("Sequence[Any]", value))
    return b"{}"


def _items(attributes: Mapping[str, Any] | None) -> Iterable[tuple[str, Any]]:
    if not attributes:
        return ()
    # The SDK's container copies itself as a plain dict, which is an order of magnitude faster to walk.
    copy = getattr(attributes, "copy", None)
    return (copy() if copy is not None else attributes).items()


def _pair(key: str, value: Any) -> bytes:
    return b"%b%b}" % (key_prefix(key), any_value(value))


def _pairs(attributes: Mapping[str, Any] | None) -> bytes:
    return b",".join([_pair(key, value) for key, value in _items(attributes)])


@lru_cache(maxsize=2048)
def key_prefix(key: str) -> bytes:
    """Return what stands before the value of an attribute."""
    return b'{"key":%b,"value":' % string(key)


def _scope(scope: "InstrumentationScope | None") -> bytes:
    parts: list[bytes] = []
    if scope is not None:
        parts.append(b'"name":%b' % string(scope.name))
        if scope.version:
            parts.append(b'"version":%b' % string(scope.version))
        if scope.attributes:
            parts.append(b'"attributes":[%b]' % _pairs(scope.attributes))
    return b"{%b}" % b",".join(parts)


def _rest_of_span(span: "ReadableSpan", context: "SpanContext") -> bytes:
    """Everything that most spans do not have; empty when this one has nothing of it."""
    # Not by the public properties, which are calls, and some copy: nearly always there is nothing.
    own: Any = span
    events, links, status = own._events, own._links, own._status
    dropped = getattr(own, "_dropped_attributes", None)
    if dropped is None:  # one of the SDK
        dropped = span.dropped_attributes
    has_state = context[4] is not _NO_STATE and bool(context.trace_state)
    if not (events or links or dropped or has_state) and status._status_code is StatusCode.UNSET:
        return b""
    parts: list[bytes] = []
    if has_state:
        parts.append(b'"traceState":%b' % string(context.trace_state.to_header()))
    if dropped:
        parts.append(b'"droppedAttributesCount":%d' % dropped)
    if events:
        parts.append(b'"events":[%b]' % b",".join(map(_event, events)))
        if span.dropped_events:
            parts.append(b'"droppedEventsCount":%d' % span.dropped_events)
    if links:
        parts.append(b'"links":[%b]' % b",".join(map(_link, links)))
        if span.dropped_links:
            parts.append(b'"droppedLinksCount":%d' % span.dropped_links)
    code = status.status_code.value
    message = b',"message":%b' % string(status.description) if status.description else b""
    parts.append(b'"status":{"code":%d%b}' % (code, message) if code else b'"status":{}')
    return b"," + b",".join(parts)


def _event(event: "Event") -> bytes:
    dropped = b',"droppedAttributesCount":%d' % event.dropped_attributes if event.dropped_attributes else b""
    return b'{"timeUnixNano":"%d","name":%b,"attributes":[%b]%b}' % (
        event.timestamp,
        string(event.name),
        _pairs(event.attributes),
        dropped,
    )


def _link(link: "Link") -> bytes:
    context = link.context
    if not link.attributes and not context.trace_state and not link.dropped_attributes:
        return _plain_link(context.trace_id, context.span_id, context.is_remote)
    state = b',"traceState":%b' % string(context.trace_state.to_header()) if context.trace_state else b""
    dropped = b',"droppedAttributesCount":%d' % link.dropped_attributes if link.dropped_attributes else b""
    return b'{"traceId":"%032x","spanId":"%016x"%b,"attributes":[%b]%b,"flags":%d}' % (
        context.trace_id,
        context.span_id,
        state,
        _pairs(link.attributes),
        dropped,
        _HAS_IS_REMOTE | (_IS_REMOTE if context.is_remote else 0),
    )


@lru_cache(maxsize=128)  # the rows of an evaluation all link to its run
def _plain_link(trace_id: int, span_id: int, is_remote: bool) -> bytes:
    flags = _HAS_IS_REMOTE | (_IS_REMOTE if is_remote else 0)
    return b'{"traceId":"%032x","spanId":"%016x","attributes":[],"flags":%d}' % (trace_id, span_id, flags)


def string(text: str) -> bytes:
    """Encode a text as JSON, whatever is in it."""
    try:
        return orjson.dumps(text)
    except TypeError:  # a lone surrogate, which no encoding takes
        return orjson.dumps(text.encode("utf-8", "replace").decode())
