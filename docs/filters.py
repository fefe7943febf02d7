"""The page of the filter language: its fields are told by the table that the parser reads."""

from typing import Final

from docs.sources import BAR
from tracelm.store.filters.fields import FIELDS, Field, Kind
from tracelm.store.filters.parser import MAX_DEPTH, MAX_STARS, MAX_TERMS
from tracelm.store.filters.scanner import MAX_LENGTH

_VALUES: Final = {
    Kind.NAME: "text, in any case",
    Kind.TAG: "text, in any case",
    Kind.CLASS: "text, in any case",
    Kind.ID: "text, as it is",
    Kind.CHOICE: "",
    Kind.DURATION: "`300ms`, `2s`, `5m`, `1h`",
    Kind.COST: "`0.01`, `$0.01`",
    Kind.COUNT: "`500`, `10k`, `1.5M`",
    Kind.ANY: "text in any case, or a number",
    Kind.PRESENCE: "a field",
}

_HEAD: Final = f"""# Filters

`op:explain status:error latency>2s cost>0.01 score.pii:failed "exact text" -tag:test`

The same language in `store.traces(...)` and `store.spans(...)`, in `tracelm traces --where` and `tracelm spans
--where`. [Find a trace](../how-to/find-a-trace.md) shows it at work. A filter is read by a parser of its own;
nothing in it is ever executed.

## Terms

| written | means |
|---|---|
| `op:explain`, `op=explain` | the field is this |
| `model:gpt-4o*` | `*` stands for any characters, at most {MAX_STARS} times in a value; in quotes it is a star |
| `model:(gpt-4o, o1)` | one of these |
| `model!=gpt-4o` | not this, or nothing at all |
| `latency>2s`, `>=`, `<`, `<=` | a number above or below |
| `latency:1s..2s`, `1s..`, `..2s` | a number in a range; both ends belong to it |
| `has:cost`, `-has:score.pii` | what may be missing is there, or is not |
| `is:root` | the span has no parent |
| `refund`, `"exact text"` | the text stands in an input, an output, an error or the name of a span, in any case |
| `a b`, `a AND b` | both |
| `a OR b` | one of them; binds weaker than a space |
| `-a`, `NOT a` | not; also where what `a` asks for is missing |
| `(a OR b) c` | parentheses |
| `span(op:explain latency>1s)` | all of it holds for one and the same span |

`AND`, `OR` and `NOT` are written in capitals. A value with spaces, parentheses, commas or quotes stands in quotes,
in which `\\"` is a quote and `\\\\` a backslash. Blanks around an operator do not matter. A filter has at most
{MAX_LENGTH:,} characters, {MAX_TERMS} terms and values, and {MAX_DEPTH} levels of parentheses and negations.
Where case does not matter, that is said of ASCII letters; the search for a text folds all.

**What is missing matches nothing**: `cost>0.01` leaves out a span whose cost is not known, and so does `cost<0.01`.
What is denied matches what is missing: `-model:o1` and `-cost>0.01` include spans without a model and without a
cost.

## Spans and traces

In a list of spans every term is about the span; `spans` and `errors` are about its trace.

In a list of traces, a term is about the trace where the table below has a "yes" under *traces*; any other is true
when **some** span of the trace matches. Two such terms may be true of two spans: `op:explain model:o1` finds a
trace that has an op `explain` and, anywhere, a call of `o1`. `span(...)` asks for one span that is all of it, and
inside of it every term is about that span: `span(model:o1 latency>2s)` finds traces with a slow call of `o1`,
`model:o1 latency>2s` slow traces with any call of it. A denial is about all: `-model:o1` finds traces in which no
span has this model.

## Fields
"""

_TAIL: Final = """
**Scores.** `score.NAME:` takes a number, a label, or one of `passed`, `failed` and `error` (the scorer itself
failed). In a list of spans it is a score of the span, in one of traces of any of its spans. Where a span has
several scores of that name, one has to match.

**Attributes.** `attr.KEY` is what was recorded, also where a cost was computed anew. A key with other characters
than letters, digits, `_`, `-`, `/`, `@`, `+` and dots stands in quotes: `attr."a b":x`. `attr.n:7` matches the
number 7 and the text `7`, `attr.flag:true` the value true. Attributes have no columns: a span tells in 126 bits
which it may have, and the records of those that may are read. It tells nothing of attributes that begin with
`tracelm.`, `gen_ai.usage.` or `code.`, of messages, and of those that have a field of their own, such as `model:`: with
them, all records of the window are read. Texts of 512 characters and more stand apart from the records and count as
empty here. In PostgreSQL, at most 100,000 records are read for a term; narrow the project or the time where there are
more.

**Text.** A text is looked for as it is, from one character up, in any script: also inside of words, and across spaces
where it stands in quotes. Two texts may stand in different places; one in quotes stands in one place.

## Grammar

```text
filter   = [ either ]
either   = every { "OR" every }
every    = denial { [ "AND" ] denial }
denial   = ( "-" | "NOT" ) denial | atom
atom     = "(" either ")" | "span(" either ")" | term | text
term     = name ( ":" | "=" | "!=" ) ( value | list | range )
         | name ( ">" | ">=" | "<" | "<=" ) value
         | "has" ":" name | "is" ":" "root"
name     = FIELD | ( "score" | "attr" ) "." ( KEY | QUOTED )
list     = "(" value { "," value } ")"
range    = value ".." value | value ".." | ".." value
text     = WORD | QUOTED
value    = WORD | QUOTED
```

What cannot be read raises `tracelm.FilterError`, a `StoreError`, with `position`, `length`, `problem` and `remedy`.
On the command line the exit code is 2:

```text
error: unknown field 'latncy': did you mean latency?
  status:error latncy>2s
               ^^^^^^
```

## Orders and pages

`order_by=` is `start`, `latency`, `cost` or `tokens`; with a `-` the greatest comes first (`-start` unless given).
What has no value comes last either way. `Rows.next` is the cursor of the next page, `None` on the last one; give it
back as `after=` with the same filter, project and order. The window of time and the limit may change between two
pages. Rows that come in meanwhile neither hide nor repeat others; a span whose value changes (it ends, or its cost
is computed anew) may move. """


def filters_page() -> str:
    """Return the page of the filter language."""
    lines = ["| field | values | traces | meaning | example |", "|---|---|---|---|---|"]
    for each in FIELDS.values():
        name = f"{each.name}.…" if each.has_key else each.name
        trace = "yes" if each.trace is not None else ""
        lines.append(f"| `{name}` | {_values(each)} | {trace} | {each.meaning} | `{each.example}` |")
    return _HEAD + "\n" + "\n".join(lines) + "\n" + _TAIL


def _values(field: Field) -> str:
    listed = ", ".join(f"`{each}`" for each in field.choices)
    return (listed or _VALUES[field.kind]).replace("|", BAR)
