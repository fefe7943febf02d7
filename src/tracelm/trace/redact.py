"""Secrets never reach disk or network: how they are taken out of values and of records.

Finding comes first and is cheap: one pass of a linear-time engine (google-re2) over the encoded bytes. Only where it
hits is the text taken apart, and then by structure: a value under a telling name goes whole, a key or a password
inside other text goes by its form. `forms` knows the names and forms, `rules` what the program adds.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final, cast

import orjson

from tracelm import semconv
from tracelm.trace.forms import REDACTED, Forms
from tracelm.trace.rules import FAILED, Rule, Rules
from tracelm.trace.safely import report

_MAX_DEPTH: Final = 200
_NAME_FIELDS: Final = ("name", "key", "header", "field")
_VALUE_FIELDS: Final = ("value", "values")
_TEXTS: Final = frozenset({"stringValue", "message", "severityText"})
_NAMES: Final = frozenset({"name", "key", "version", "traceState"})
_NOT_CODE: Final = frozenset(
    {
        semconv.INPUT_VALUE,
        semconv.OUTPUT_VALUE,
        semconv.CONVERSATION_ID,
        semconv.SESSION_ID,
        semconv.USER_ID,
        semconv.REQUEST_STOP_SEQUENCES,
        semconv.SYSTEM_INSTRUCTIONS,
        semconv.INPUT_MESSAGES,
        semconv.OUTPUT_MESSAGES,
        semconv.TOOL_DEFINITIONS,
        semconv.SCORE_LABEL,
        semconv.SCORE_EXPLANATION,
        semconv.SCORE_AUTHOR,
        semconv.SCORE_DETAILS,
    }
)
_OF_CODE: Final = frozenset(
    value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)
) - _NOT_CODE | {"exception.type", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version"}
"""Attributes that say which code ran, not what it was given: the program's own rules leave them alone, or the record
could no longer be read. What is a secret by default is taken out of them too."""


class Redactor:
    """Takes secrets out of texts, values and encoded records.

    Args:
        rules: What is secret besides the defaults: names, compiled regular expressions, functions from text to text.

    Raises:
        ConfigError: A rule is of no such kind.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = Rules.of(rules)
        self._forms = Forms(self._rules.names)
        self.is_secret_name = self._forms.is_secret_name
        # What a program's own rule looks for cannot be told from encoded bytes: then each value is taken apart.
        searches = bool(self._rules.patterns or self._rules.functions)
        self.may_hold_secret: Callable[[bytes], object] = _always if searches else self._forms.may_hold
        """Says, by being true, that encoded JSON must be taken apart. May be wrong on the safe side only."""

    def text(self, text: str) -> str:
        """Take out what is secret by its form, by the name before it, or by a rule of the program."""
        return self._rules.over_text(self._forms.redact(text))

    def name(self, text: str) -> str:
        """Do so for a name: of a span, an attribute, a field. Functions of the program are for values only."""
        return self._rules.over_name(self._forms.redact(text))

    def string(self, text: str) -> str:
        """Do so for a text that may be JSON: it is opened and looked at by its names too."""
        return self._rules.over_text(self._opened(text))

    def hides(self, name: str, value: object) -> bool:
        """Say whether a value goes whole because of the name it stands under. What is absent stays visibly absent."""
        if value is None or isinstance(value, bool) or not name or not self.is_secret_name(name):
            return False
        # `pass` counts what passed as often as it stands for a password.
        return not (isinstance(value, int | float) and name.lower().endswith("pass"))

    def hidden_fields(self, value: Mapping[Any, Any]) -> tuple[str, ...]:
        """Return which fields of a mapping go whole because a neighbour names them: `{"name": …, "value": …}`."""
        if len(value) > 8:
            return ()
        for field in _NAME_FIELDS:
            named = value.get(field)
            if isinstance(named, str) and self.is_secret_name(named):
                return _VALUE_FIELDS
        return ()

    def line(self, data: bytes) -> bytes:
        """Take the secrets out of OTLP/JSON: a record, or a part of one. Never raises; what fails is left out."""
        try:
            return orjson.dumps(self._record(orjson.loads(data)))
        except Exception as error:
            report("redact a record", error)
            if data.startswith(b'"'):
                return orjson.dumps(FAILED)
            failed = {"key": "tracelm.redaction", "value": {"stringValue": FAILED}}
            return orjson.dumps(failed if data.startswith(b'{"key"') else {"attributes": [failed]})

    def _record(self, part: Any, field: str = "", depth: int = 0) -> Any:
        if depth > _MAX_DEPTH:
            return None
        if isinstance(part, str):
            if field in _NAMES:
                return self.name(part)
            if not field or field in _TEXTS:
                return self.string(part)
            return self._bytes(part) if field == "bytesValue" else part
        if isinstance(part, list):
            return [self._record(each, field, depth + 1) for each in cast("list[Any]", part)]
        if not isinstance(part, dict):
            return part
        fields = cast("dict[str, Any]", part)
        if "key" in fields and fields.keys() <= {"key", "value"}:
            return self._attribute(str(fields["key"]), fields.get("value"), depth)
        return {name: self._record(each, name, depth + 1) for name, each in fields.items()}

    def _attribute(self, key: str, value: Any, depth: int) -> dict[str, Any]:
        if key in _OF_CODE:
            return {"key": key, "value": self._of_code(value)}
        if value and self.is_secret_name(key) and not (isinstance(value, dict) and "boolValue" in value):
            return {"key": self.name(key), "value": {"stringValue": REDACTED}}
        return {"key": self.name(key), "value": self._record(value, "value", depth + 1)}

    def _of_code(self, value: Any, field: str = "") -> Any:
        """Take out of the texts of an attribute what is secret by its form, also where it is a list."""
        if isinstance(value, str):
            return self._forms.redact(value) if field == "stringValue" else value
        if isinstance(value, list):
            return [self._of_code(each) for each in cast("list[Any]", value)]
        if isinstance(value, dict):
            return {name: self._of_code(each, name) for name, each in cast("dict[str, Any]", value).items()}
        return value

    def _bytes(self, encoded: str) -> str:
        try:
            text = base64.b64decode(encoded).decode(errors="replace")
        except (binascii.Error, ValueError):
            return ""
        return encoded if self.text(text) == text else ""

    def _opened(self, text: str) -> str:
        if text[:1] in {"{", "["}:
            try:
                inner = orjson.loads(text)
            except orjson.JSONDecodeError:  # also for a lone surrogate
                return self._forms.redact(text)
            clean = self._json(inner)
            if clean != inner:
                text = orjson.dumps(clean).decode()
        return self._forms.redact(text)

    def _json(self, value: Any, name: str = "", depth: int = 0) -> Any:
        if self.hides(name, value):
            return REDACTED
        if isinstance(value, str):
            return self._rules.over_name(self._opened(value))
        if depth > _MAX_DEPTH:
            return REDACTED
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            hidden = self.hidden_fields(fields)
            return {
                self.name(key): REDACTED if key in hidden else self._json(each, key, depth + 1)
                for key, each in fields.items()
            }
        if isinstance(value, list):
            items = cast("list[Any]", value)
            if len(items) == 2 and isinstance(items[0], str) and self.hides(items[0], items[1]):
                return [items[0], REDACTED]
            return [self._json(each, "", depth + 1) for each in items]
        return value


@cache
def default() -> Redactor:
    """Return the redactor without rules of the program: for what is recorded before `init`, which is nothing much."""
    return Redactor()


def _always(_: bytes) -> bool:
    return True
