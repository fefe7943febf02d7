"""Scorers of structured outputs: JSON, and what a schema or a model says of it; SQL; XML."""

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

MAX_SQL_CHARACTERS: Final = 100_000
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
class ValidSql(Scorer):
    """True when the output parses as SQL. Nothing is run; whether the tables exist is not known.

    `details["statements"]` has the kind of each statement, such as `["SELECT"]`. Beyond 100,000 characters an
    output is refused. Needs `tracelm[structured]`.

    Args:
        dialect: As sqlglot calls it, such as `postgres`, `bigquery` or `snowflake`; unset, its own superset.
        allow: The kinds of statements that pass, such as `("SELECT",)`; all unless given.

    Raises:
        ConfigError: The dialect is not known.
        MissingExtraError: `sqlglot` is not installed.

    Example:
        >>> ValidSql(allow=("SELECT",)).score(output="DROP TABLE users").explanation
        'DROP is not allowed'
    """

    dialect: str | None = None
    allow: tuple[str, ...] | None = None
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        sqlglot = _sqlglot()
        if isinstance(self.allow, str) or (self.allow is not None and not self.allow):
            raise ConfigError(f"allow={self.allow!r} cannot work: give a tuple of kinds, as in ('SELECT',)")
        if self.allow is not None:
            object.__setattr__(self, "allow", tuple(each.upper() for each in self.allow))
        try:
            sqlglot.Dialect.get_or_raise(self.dialect)
        except ValueError as error:
            raise ConfigError(f"dialect={self.dialect!r}: {error}") from None

    def score(self, *, output: object) -> Score:
        """Parse `output`."""
        sqlglot, text = _sqlglot(), text_of(output)
        refusal = too_long(MAX_SQL_CHARACTERS, **{"the output": text})
        if refusal is not None:
            return refusal
        try:
            found = sqlglot.parse(text, read=self.dialect, error_level=sqlglot.ErrorLevel.RAISE)
        except sqlglot.errors.SqlglotError as error:
            return Score(value=False, explanation=_sql_error(error))
        except RecursionError:
            return Score(value=False, explanation="nested too deeply")
        parsed = [each for each in found if each is not None]
        kinds = [_kind(each) for each in parsed]
        if not kinds:
            return Score(value=False, explanation="no statement")
        # What is only a name or a number is an expression, and what the parser does not know is kept as a command.
        odd = [kind for kind, each in zip(kinds, parsed, strict=True) if not _is_statement(sqlglot, each)]
        if odd:
            return Score(value=False, explanation=f"no statement: {odd[0].lower()}")
        refused_kinds = [kind for each in parsed for kind in _kinds_within(sqlglot, each) if not self._allows(kind)]
        why = f"{refused_kinds[0]} is not allowed" if refused_kinds else None
        return Score(value=why is None, explanation=why, details={"statements": kinds})

    def _allows(self, kind: str) -> bool:
        return self.allow is None or kind in self.allow


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


def _sqlglot() -> Any:
    try:
        return importlib.import_module("sqlglot")
    except ImportError:
        raise MissingExtraError("parsing SQL", "structured") from None


def _sql_error(error: Any) -> str:
    found: list[Mapping[str, Any]] = getattr(error, "errors", None) or []
    if not found:
        return _short(str(error).split("\n")[0])
    first = found[0]
    return _short(f"line {first.get('line')}, column {first.get('col')}: {first.get('description')}")


def _kind(statement: Any) -> str:
    return str(statement.this).upper() if statement.key == "command" else str(statement.key).upper()


def _is_statement(sqlglot: Any, parsed: Any) -> bool:
    exp = sqlglot.exp
    kinds = (exp.Query, exp.DML, exp.DDL, exp.Command, exp.Drop, exp.Alter, exp.Transaction, exp.Commit, exp.Rollback)
    more = [getattr(exp, name, None) for name in ("Set", "Use", "Describe", "Pragma", "Show", "TruncateTable", "Merge")]
    more += [getattr(exp, name, None) for name in ("Grant", "Revoke", "Kill", "Comment", "Analyze", "Copy", "Cache")]
    return isinstance(parsed, tuple(each for each in (*kinds, *more) if each is not None)) and not _is_unknown(parsed)


def _is_unknown(parsed: Any) -> bool:
    """Whether a command is only what the parser made of words that it does not know."""
    return parsed.key == "command" and not str(parsed.this).isalpha()


def _kinds_within(sqlglot: Any, parsed: Any) -> list[str]:
    """Return the kinds of a statement and of those inside it: a WITH can hold a DELETE."""
    exp = sqlglot.exp
    inner = parsed.find_all(exp.DML, exp.DDL, exp.Drop, exp.Alter, exp.Command) if parsed is not None else ()
    return list(dict.fromkeys([_kind(parsed), *(_kind(each) for each in inner if each.key != "select")]))
