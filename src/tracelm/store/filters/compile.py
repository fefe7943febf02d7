"""A filter as a condition in SQL, over `spans` or over `traces`.

A condition that meets a missing value is NULL. That is no match, also below OR; `Not` makes it one explicitly.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
)

from tracelm.store.filters.attribute_bits import is_left_out
from tracelm.store.filters.fields import FIELDS, Kind
from tracelm.store.filters.named_rows import beside_named, calls_python, conjuncts, names_rows
from tracelm.store.filters.patterns import any_element, contains, equals, fits
from tracelm.store.filters.syntax import (
    All,
    Between,
    Compares,
    Has,
    IsRoot,
    Literally,
    Matches,
    Name,
    Node,
    Not,
    OneSpan,
    Pattern,
    Search,
    Some,
    Term,
    Value,
)
from tracelm.store.filters.values import number
from tracelm.store.tables import SCORES, SPANS, TRACES

Condition: TypeAlias = ColumnElement[bool]
TextMatches: TypeAlias = Callable[[str], Condition | None]
"""Says of which spans a text is part, as a condition over `SPANS`; `None` leaves that to names and messages."""
AttributeMatches: TypeAlias = Callable[[Term], Condition]
"""Says of which spans a term about an attribute is true, as a condition over `SPANS`."""

Few: TypeAlias = Callable[[Select[Any], Table, Sequence[Select[Any]]], Sequence[int] | None]
"""Executes a query for keys, and returns the numbers of the rows of a table that have them; `None` when it is many.

Last come queries for what it finds in the beginning and in the end of the window of time; none where that is not known.
"""

NO_TEXT: Final[TextMatches] = lambda _text: None  # noqa: E731 - a constant, for a default
_NEVER_FEW: Final[Few] = lambda _query, _table, _ends: None  # noqa: E731


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """What a condition depends on besides the filter.

    Attributes:
        attribute_matches: Looks attributes up.
        text_matches: The search; by default names and status messages.
        few: Tells whether a condition on spans or scores is rare.
        within: What the spans meet that may matter, over `SPANS`: their project, their time.
        ends: The same for those in the beginning and in the end of that time; none where it has no beginning.
    """

    attribute_matches: AttributeMatches
    text_matches: TextMatches = field(default=NO_TEXT)
    few: Few = field(default=_NEVER_FEW)
    within: Sequence[Condition] = ()
    ends: Sequence[Sequence[Condition]] = ()

    def of_spans(self, node: Node) -> Condition:
        """Return the condition over `SPANS`."""
        match node:
            case OneSpan(part):
                return self.of_spans(part)
            case Not(part):
                return _denied(self.of_spans(part))
            case All(parts):
                return and_(true(), *map(self.of_spans, parts))
            case Some(parts):
                return or_(false(), *map(self.of_spans, parts))
            case Search(text):
                found = self.text_matches(text)
                return _in_names(text) if found is None else found
            case IsRoot():
                return SPANS.c.parent_span_id.is_(None)
            case _:
                return self._term_of_span(node)

    def of_traces(self, node: Node) -> Condition:
        """Return the condition over `TRACES`.

        What a trace has itself is asked of the trace; else one of its spans has to match.
        """
        match node:
            case Not(part):
                return _denied(self.of_traces(part))
            case All(parts):
                return and_(true(), *map(self.of_traces, parts))
            case Some(parts):
                return or_(false(), *map(self.of_traces, parts))
            case OneSpan(part):
                return self._some_span(part)
            case Matches() | Compares() | Between() | Has():
                column = _trace_column(node.name)
                if column is not None:
                    return _holds(column, node)
                if node.name.field == "score":
                    return self._has_score(node, TRACES, "trace_id", "project")
                return self._some_span(node)
            case Search() | IsRoot():
                return self._some_span(node)

    def _some_span(self, node: Node) -> Condition:
        """Say which traces have such a span.

        A database does not know how rare that is. Where it is common, looking at each trace in turn soon fills a page;
        where it is rare, that would look at all of them, and finding the spans first is ten times as fast.
        """
        condition = self.of_spans(node)
        is_named = names_rows(condition, SPANS.c.id)
        searches = any(isinstance(leaf, Search) for leaf in _leaves(node))
        same = (SPANS.c.trace_id == TRACES.c.trace_id, SPANS.c.project == TRACES.c.project)
        has_one = exists().where(*same, condition).correlate(TRACES)  # not to the root's span, which a query may read
        if is_named or not (_reads_records(node) or (searches and calls_python(condition))):
            parts = list(conjuncts(condition))
            # Before records are read, by what needs none.
            soon = parts if is_named else [part for part in parts if not calls_python(part)]
            within = [beside_named(self.within)] if self.within and is_named else self.within
            keys = select(*(SPANS.c[name] for name in ("trace_id", "project")))
            ends = [] if is_named else [keys.where(*end, *soon) for end in self.ends]
            # In this order: a text is looked for in records of the window only.
            found = self.few(keys.where(*within, *soon), TRACES, ends) if soon else None
            if found is not None:
                few = TRACES.c.id.in_(found)
                return few if len(soon) == len(parts) else and_(few, has_one)
        return has_one

    def _has_score(self, term: Term, table: Table, *key: str) -> Condition:
        judged = _of_score(term)
        found = self.few(select(*(SCORES.c[name] for name in key)).where(judged), table, ())
        if found is not None:
            return table.c.id.in_(found)
        return exists().where(*(SCORES.c[name] == table.c[name] for name in key), judged)

    def _term_of_span(self, term: Term) -> Condition:
        match term.name.field:
            case "score":
                return self._has_score(term, SPANS, "trace_id", "project", "span_id")
            case "attr":
                return self.attribute_matches(term)
            case name if FIELDS[name].span is None:
                whole = TRACES.alias("whole")
                column = whole.c[str(FIELDS[name].trace)]
                of_span = (whole.c.trace_id == SPANS.c.trace_id, whole.c.project == SPANS.c.project)
                return exists().where(*of_span, _holds(column, term))
            case name:
                return _holds(_column(SPANS, str(FIELDS[name].span)), term)


def tokens(table: FromClause) -> ColumnElement[Any]:
    """Return the tokens sent and received; NULL where neither is known."""
    given, made = table.c.input_tokens, table.c.output_tokens
    return func.coalesce(given + made, given, made)


def _column(table: FromClause, name: str) -> ColumnElement[Any]:
    return tokens(table) if name == "tokens" else table.c[name]


def _trace_column(name: Name) -> ColumnElement[Any] | None:
    found = FIELDS[name.field].trace
    return None if found is None else _column(TRACES, found)


def _leaves(node: Node) -> Iterator[Term | Search | IsRoot]:
    match node:
        case All(parts) | Some(parts):
            for part in parts:
                yield from _leaves(part)
        case Not(part) | OneSpan(part):
            yield from _leaves(part)
        case _:
            yield node


def _reads_records(node: Node) -> bool:
    """Say whether many records may have to be read for attributes."""
    names = (leaf.name for leaf in _leaves(node) if isinstance(leaf, Term))
    return any(name.field == "attr" and is_left_out(name.key or "") for name in names)


def _denied(condition: Condition) -> Condition:
    """What is missing does not match, so its denial does."""
    return not_(func.coalesce(condition, false()))


def _in_names(text: str) -> Condition:
    return or_(contains(SPANS.c.name, text), contains(SPANS.c.status_message, text))


def _holds(column: ColumnElement[Any], term: Term) -> Condition:
    kind = FIELDS[term.name.field].kind
    match term:
        case Has():
            return column.is_not(None)
        case Compares(_, order, value):
            return column.op(order, is_comparison=True)(value)
        case Between(_, low, high):
            return column.between(low, high)
        case Matches(_, values):
            if kind is Kind.TAG:
                return any_element(column, lambda tag: or_(false(), *(_is(tag, each, kind) for each in values)))
            return or_(false(), *(_is(column, each, kind) for each in values))


def _is(column: ColumnElement[Any], value: Value, kind: Kind) -> Condition:
    any_case = kind not in {Kind.ID, Kind.CHOICE}
    match value:
        case Literally(text):
            same = equals(column, text, any_case=any_case)
            return same if kind is not Kind.CLASS else or_(same, fits(column, f"*.{text}", any_case=True))
        case Pattern(text):
            same = fits(column, text, any_case=any_case)
            return same if kind is not Kind.CLASS else or_(same, fits(column, f"*.{text}", any_case=True))
        case _:
            return column == value


def _of_score(term: Term) -> Condition:
    named = SCORES.c.name == term.name.key if term.name.key else true()
    match term:
        case Has():
            return named
        case Matches(_, values):
            return and_(named, or_(false(), *map(_is_verdict, values)))
        case _:
            return and_(named, _holds(SCORES.c.value, term))


def _is_verdict(value: Value) -> Condition:
    if isinstance(value, int | float):
        return SCORES.c.value == value
    labelled = _is(SCORES.c.label, value, Kind.ANY)
    if isinstance(value, Pattern):
        return labelled
    match value.text.lower():
        case "passed":
            return or_(SCORES.c.passed.is_(True), labelled)
        case "failed":
            return or_(SCORES.c.passed.is_(False), labelled)
        case "error":
            return or_(SCORES.c.error_type.is_not(None), labelled)
        case text:
            found = number(text, Kind.ANY)
            return labelled if found is None else or_(SCORES.c.value == found, labelled)
