"""Scorers of structured outputs: JSON, and what a schema or a model says of it; XML."""

import functools
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from tracelm.errors import ConfigError, MissingExtraError
from tracelm.scorers.json_text import read_json
from tracelm.scorers.patterns import compiled
from tracelm.scorers.schema_patterns import linear_keywords, patterns_in
from tracelm.scorers.values import text_of, too_long
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

if TYPE_CHECKING:
    from pydantic import BaseModel

MAX_XML_CHARACTERS: Final = 5_000_000
_MOST_ERRORS: Final = 20


@dataclass(frozen=True, kw_only=True)
class ValidJson(Scorer):
    """True when the output is JSON.

    Strictly as RFC 8259 says, and more: no NaN, no key twice in one object. An output that is no text was parsed
    already and passes. Beyond 2,000,000 characters an output is refused.

    Args:
        repair: Whether JSON in a code fence, or up to 5,000 characters with single quotes, missing commas and the
            like, passes too; then `details["repaired"]` says whether it took that. Needs `tracelm[structured]`.

    Example:
        >>> ValidJson().score(output='{"a": 1,}').value, ValidJson(repair=True).score(output='{"a": 1,}').value
        (False, True)
    """

    repair: bool = False
    gives: ClassVar[str] = "True or False"

    def score(self, *, output: object) -> Score:
        """Read `output`."""
        found = read_json(output, repair=self.repair)
        details = {"repaired": found.repaired} if self.repair and found.error is None else {}
        return Score(value=found.error is None, explanation=found.error, details=details)


@dataclass(frozen=True, kw_only=True)
class MatchesSchema(Scorer):
    """True when the output is JSON that meets a JSON Schema; else the explanation says where it does not.

    References to other documents are not followed: no schema makes this program open a file or a connection. Patterns
    are run by RE2, in linear time; one that it does not take (look-around) is refused.
    `details["errors"]` lists `{"path", "message"}` of at most 20 failures, the path as a JSON Pointer. Needs
    `tracelm[structured]`.

    Args:
        schema: The schema, by default of draft 2020-12 unless it says otherwise in `$schema`.
        repair: Whether JSON that needs repairs will do, as for `ValidJson`.

    Raises:
        ConfigError: The schema is none.
        MissingExtraError: `jsonschema` is not installed.

    Example:
        >>> schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
        >>> MatchesSchema(schema=schema).score(output='{"age": "old"}').explanation
        "/age: 'old' is not of type 'integer'"
    """

    schema: Mapping[str, Any] = field(hash=False)
    repair: bool = False
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        _ = self._validator

    def score(self, *, output: object) -> Score:
        """Read `output` and hold it against the schema."""
        found = read_json(output, repair=self.repair)
        if found.error is not None:
            return Score(value=False, explanation=f"no JSON: {found.error}")
        errors: list[dict[str, str]] = []
        for error in self._validator.iter_errors(found.value):
            errors.append({"path": _pointer(error.absolute_path), "message": _short(error.message)})
            if len(errors) == _MOST_ERRORS:
                break
        errors.sort(key=lambda each: each["path"])
        if not errors:
            return Score(value=True)
        why = "; ".join(f"{each['path'] or '/'}: {each['message']}" for each in errors[:3])
        why += f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
        return Score(value=False, explanation=why, details={"errors": errors})

    @functools.cached_property
    def _validator(self) -> Any:
        try:
            jsonschema: Any = importlib.import_module("jsonschema")
            validators: Any = importlib.import_module("jsonschema.validators")
            referencing: Any = importlib.import_module("referencing")
        except ImportError:
            raise MissingExtraError("JSON Schema", "structured") from None
        if not isinstance(self.schema, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"schema is a {type(self.schema).__name__}: give the schema as a dict")
        schema = dict(self.schema)
        kind = validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        try:
            kind.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise ConfigError(f"schema is none: {_pointer(error.absolute_path) or '/'}: {error.message}") from None
        linear = validators.extend(kind, linear_keywords(jsonschema.ValidationError))
        for pattern in patterns_in(schema):
            compiled(pattern)
        # An empty registry: the default one would fetch what a `$ref` names.
        return linear(schema, registry=referencing.Registry())


@dataclass(frozen=True, kw_only=True)
class MatchesModel(Scorer):
    """True when a pydantic model takes the output; else the explanation says which field it does not take.

    A text is read as JSON; anything else is validated as it is. Neither explanation nor details repeat values.

    Args:
        model: A subclass of `pydantic.BaseModel`.
        strict: Whether `"1"` is no int.

    Raises:
        ConfigError: That is no model.

    Example:
        >>> import pydantic
        >>> class Person(pydantic.BaseModel):
        ...     age: int
        >>> MatchesModel(model=Person).score(output='{"age": "old"}').explanation
        'age: Input should be a valid integer, unable to parse string as an integer'
    """

    model: "type[BaseModel]"
    strict: bool = False
    schema_digest: str = field(init=False, repr=False)
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        import hashlib

        import pydantic

        if not (isinstance(self.model, type) and issubclass(self.model, pydantic.BaseModel)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"model={self.model!r} is no subclass of pydantic.BaseModel")
        # A field that is added to the model changes what passes: it is part of the version.
        schema = json.dumps(self.model.model_json_schema(), sort_keys=True)
        object.__setattr__(self, "schema_digest", hashlib.sha256(schema.encode()).hexdigest())

    def score(self, *, output: object) -> Score:
        """Validate `output`."""
        import pydantic

        strict = self.strict or None
        try:
            if isinstance(output, str | bytes):
                self.model.model_validate_json(output, strict=strict)
            else:
                self.model.model_validate(output, strict=strict)
        except pydantic.ValidationError as error:
            found = [
                {"path": ".".join(map(str, each["loc"])), "message": each["msg"]}
                for each in error.errors(include_url=False, include_context=False, include_input=False)
            ]
            errors = found[:_MOST_ERRORS]
            why = "; ".join(
                f"{each['path']}: {each['message']}" if each["path"] else each["message"] for each in errors[:3]
            )
            why += f"; and {len(found) - 3} more" if len(found) > 3 else ""
            return Score(value=False, explanation=why, details={"errors": errors})
        return Score(value=True)


@dataclass(frozen=True, kw_only=True)
class ValidXml(Scorer):
    """True when the output is well-formed XML.

    A document type is refused, and with it every entity of its own: nothing is expanded, fetched or read. Beyond
    5,000,000 characters an output is refused.

    Args:
        root: What the outermost element is called; any unless given.

    Example:
        >>> ValidXml().score(output="<a><b></a>").explanation
        'mismatched tag: line 1, column 8'
    """

    root: str | None = None
    gives: ClassVar[str] = "True or False"

    def score(self, *, output: object) -> Score:
        """Parse `output`."""
        # expat alone, with document types refused, expands and loads nothing.
        from xml.parsers import expat

        text = text_of(output)
        refusal = too_long(MAX_XML_CHARACTERS, **{"the output": text})
        if refusal is not None:
            return refusal
        names: list[str] = []
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = lambda name, _attributes: names.append(name) if not names else None
        try:
            parser.Parse(text.strip().encode("utf-8", "surrogatepass"), True)
        except (expat.ExpatError, _DocumentType) as error:
            return Score(value=False, explanation=str(error))
        if self.root is not None and names[0] != self.root:
            return Score(value=False, explanation=f"the root is {names[0]}, not {self.root}")
        return Score(value=True)


class _DocumentType(Exception):  # noqa: N818 - not seen outside
    """A document type stands in an output."""


def _refuse_doctype(*_declared: object) -> None:
    raise _DocumentType("a document type is not allowed")


def _pointer(path: Any) -> str:
    parts = (str(each).replace("~", "~0").replace("/", "~1") for each in path)
    return "".join(f"/{part}" for part in parts)


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:200]}…"
