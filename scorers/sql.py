"""A scorer of SQL: whether it parses, and what kinds of statements it has."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from tracelm.errors import ConfigError, MissingExtraError
from tracelm.scorers.values import text_of, too_long
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

MAX_SQL_CHARACTERS: Final = 100_000


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


def _sqlglot() -> Any:
    try:
        return importlib.import_module("sqlglot")
    except ImportError:
        raise MissingExtraError("parsing SQL", "structured") from None


def _sql_error(error: Any) -> str:
    found: list[Mapping[str, Any]] = getattr(error, "errors", None) or []
    if not found:
        return _cut(str(error).split("\n")[0])
    first = found[0]
    return _cut(f"line {first.get('line')}, column {first.get('col')}: {first.get('description')}")


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


def _cut(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:200]}…"
