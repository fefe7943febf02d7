"""The keywords of JSON Schema that match patterns, run by RE2: with `re`, a text could hang a pattern."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from tracelm.scorers.patterns import compiled
from tracelm.scorers.values import shown


def patterns_in(schema: object) -> Iterator[str]:
    """Yield every pattern of a schema."""
    if isinstance(schema, Mapping):
        for key, value in cast("Mapping[str, object]", schema).items():
            if key == "pattern" and isinstance(value, str):
                yield value
            if key == "patternProperties" and isinstance(value, Mapping):
                yield from cast("Mapping[str, object]", value)
            yield from patterns_in(cast("object", value))
    elif isinstance(schema, list):
        for each in cast("list[object]", schema):
            yield from patterns_in(each)


def linear_keywords(failure: Callable[[str], Any]) -> Mapping[str, Any]:
    """Return the keywords for `jsonschema.validators.extend`.

    Args:
        failure: `jsonschema.ValidationError`.
    """

    def pattern(validator: Any, wanted: str, value: Any, _schema: Any) -> Iterator[Any]:
        if validator.is_type(value, "string") and not _found(wanted, value):
            yield failure(f"{shown(value)} does not match {wanted!r}")

    def pattern_properties(validator: Any, wanted: Mapping[str, Any], value: Any, _schema: Any) -> Iterator[Any]:
        if validator.is_type(value, "object"):
            for each, below in wanted.items():
                for key, inner in value.items():
                    if _found(each, key):
                        yield from validator.descend(inner, below, path=key, schema_path=each)

    def additional_properties(validator: Any, wanted: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
        if not validator.is_type(value, "object"):
            return
        patterns = list(schema.get("patternProperties", {}))
        extra = [key for key in value if key not in schema.get("properties", {}) and not _any(patterns, key)]
        if validator.is_type(wanted, "object"):
            for key in extra:
                yield from validator.descend(value[key], wanted, path=key)
        elif not wanted and extra:
            yield failure(f"not expected: {', '.join(shown(key) for key in extra[:5])}")

    return {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional_properties,
    }


def _found(pattern: str, text: str) -> bool:
    return compiled(pattern).search(text.encode("utf-8", "replace").decode()) is not None


def _any(patterns: Sequence[str], text: str) -> bool:
    return any(_found(each, text) for each in patterns)
