"""A filter as people write it: what it means, and what they are told where it cannot be read."""

import pytest
from inline_snapshot import snapshot

import tracelm
from tracelm.errors import FilterError
from tracelm.store.filters import parse
from tracelm.store.filters.fields import FIELDS
from tracelm.store.filters.parser import MAX_DEPTH, MAX_STARS, MAX_TERMS
from tracelm.store.filters.scanner import MAX_LENGTH
from tracelm.store.filters.syntax import (
    All,
    Between,
    Compares,
    Has,
    IsRoot,
    Literally,
    Matches,
    Name,
    Not,
    OneSpan,
    Pattern,
    Search,
    Some,
)


def refused(text: str) -> FilterError:
    with pytest.raises(FilterError) as caught:
        parse(text)
    return caught.value


def test_a_filter_is_terms_that_all_have_to_hold() -> None:
    found = parse('op:explain status:error latency>2s cost>0.01 score.pii:failed score.correctness<0.5 "exact text"')
    assert found == All(
        (
            Matches(Name("op"), (Literally("explain"),)),
            Matches(Name("status"), (Literally("error"),)),
            Compares(Name("latency"), ">", 2_000_000_000),
            Compares(Name("cost"), ">", 0.01),
            Matches(Name("score", "pii"), (Literally("failed"),)),
            Compares(Name("score", "correctness"), "<", 0.5),
            Search("exact text"),
        )
    )


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_without_a_term_it_is_everything(text: str) -> None:
    assert parse(text) == All(())
    assert str(parse(text)) == ""


@pytest.mark.parametrize("field", FIELDS.values(), ids=lambda field: field.name)
def test_the_example_of_every_field_can_be_read(field: object) -> None:
    example = getattr(field, "example", "")
    assert example
    assert parse(str(parse(example))) == parse(example)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a b OR c d", '"a" "b" OR "c" "d"'),
        ("a AND b", '"a" "b"'),
        ("(a OR b) c", '("a" OR "b") "c"'),
        ("((a b)) c", '"a" "b" "c"'),
        ("a or b", '"a" "or" "b"'),
        ("NOT a NOT (b c)", '-"a" -("b" "c")'),
        ("--a", '--"a"'),
        ("latency > 2s", "latency>2s"),
        ("status : Error", "status:error"),
        ("latency:>2s", "latency>2s"),
        ("tokens==10", "tokens:10"),
        ("model=gpt-4o", "model:gpt-4o"),
        ("model!=gpt-4o", "-model:gpt-4o"),
        ("model:( a ,b, gpt-4* )", "model:(a, b, gpt-4*)"),
        ('model:"gpt-4*"', 'model:"gpt-4*"'),
        ("name:GET:/orders/{id}", 'name:"GET:/orders/{id}"'),
        ("name:a..b", 'name:"a..b"'),
        ('name:"a \\"b\\" \\\\ \\n"', 'name:"a \\"b\\" \\\\ \\\\n"'),
        ("state:in-flight", 'state:"in flight"'),
        ("trace:5B8E*", "trace:5b8e*"),
        ("latency:1s..1500ms", "latency:1s..1500ms"),
        ("latency:1s..", "latency>=1s"),
        ("latency:..90s", "latency<=90s"),
        ("latency>120m", "latency>2h"),
        ("latency>0.5µs", "latency>500ns"),
        ("latency:(1s, 2s)", "latency:(1s, 2s)"),
        ("cost>$0.01", "cost>0.01"),
        ("tokens>1.5k", "tokens>1500"),
        ("tokens>=2M", "tokens>=2000000"),
        ("score.x:0.2..0.8", "score.x:0.2..0.8"),
        ("score.x>-1", "score.x>-1"),
        ('attr."gen_ai.request.temperature">0.5', "attr.gen_ai.request.temperature>0.5"),
        ('attr."a b":c', 'attr."a b":c'),
        ("has:attr.x has:score has:score.pii has:cost", "has:attr.x has:score has:score.pii has:cost"),
        ("is:root", "is:root"),
        ("span(op:x latency>1s)", "span(op:x latency>1s)"),
        ("注文 op:検索", '"注文" op:検索'),
        ("hello, world!", '"hello," "world!"'),
        ("OR:", None),
    ],
)
def test_the_canonical_form(text: str, canonical: str | None) -> None:
    if canonical is None:
        refused(text)
        return
    assert str(parse(text)) == canonical
    assert parse(canonical) == parse(text)


def test_every_kind_of_part_has_its_form() -> None:
    assert parse("-(name:a* OR cost:1..2) has:user is:root span(x)") == All(
        (
            Not(Some((Matches(Name("name"), (Pattern("a*"),)), Between(Name("cost"), 1.0, 2.0)))),
            Has(Name("user")),
            IsRoot(),
            OneSpan(Search("x")),
        )
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "status:error latncy>2s",
            snapshot("""\
unknown field 'latncy': did you mean latency?
  status:error latncy>2s
               ^^^^^^\
"""),
        ),
        (
            "注文 stat:error",
            snapshot("""\
unknown field 'stat': did you mean state?
  注文 stat:error
       ^^^^\
"""),
        ),
        (
            "one\ntwo latency>2\nthree",
            snapshot("""\
'2' is no value of 'latency': write a number with a unit: 300ms, 2s, 5m, 1h
  two latency>2
              ^\
"""),
        ),
        (
            "status:eror",
            snapshot("""\
'status' is never 'eror': did you mean error?
  status:eror
         ^^^^\
"""),
        ),
        (
            "kind:nothing",
            snapshot("""\
'kind' is never 'nothing': it is one of unspecified, internal, server, client, producer, consumer
  kind:nothing
       ^^^^^^^\
"""),
        ),
        (
            "time: 12:30",
            snapshot("""\
unknown field 'time': put it in quotes if you search for text: "…"
  time: 12:30
  ^^^^\
"""),
        ),
        (
            "(a b",
            snapshot("""\
this parenthesis is not closed: put a ) behind its last term
  (a b
  ^\
"""),
        ),
        (
            "a b)",
            snapshot("""\
this parenthesis closes nothing: take it away, or open it before
  a b)
     ^\
"""),
        ),
        (
            "a OR",
            snapshot("""\
a term is missing here: write one, such as status:error
  a OR
      ^\
"""),
        ),
        (
            'say "hello',
            snapshot("""\
the quote is not closed: put a " behind the text
  say "hello
      ^\
"""),
        ),
        (
            "foo(bar)",
            snapshot("""\
'(' directly behind foo: put a space between, or all of it in quotes
  foo(bar)
     ^\
"""),
        ),
        (
            "model:a,b",
            snapshot("""\
a list stands in parentheses: write model:(one, two), or the value in quotes
  model:a,b
         ^\
"""),
        ),
        (
            "model:(a b)",
            snapshot("""\
a comma is missing in this list: write model:(one, two)
  model:(a b)
           ^\
"""),
        ),
        (
            "model>4",
            snapshot("""\
'model' is text, which has no order: write model: or model!=
  model>4
       ^\
"""),
        ),
        (
            "cost:2..1",
            snapshot("""\
this range is empty: write 1..2
  cost:2..1
       ^^^^\
"""),
        ),
        (
            "score>0.5",
            snapshot("""\
'score' wants a name behind a dot: write it as score.pii:failed
  score>0.5
  ^^^^^\
"""),
        ),
        (
            "has:latency",
            snapshot("""\
'latency' is nothing that may be missing: write one that may be, as in has:score, has:cost, has:model
  has:latency
      ^^^^^^^\
"""),
        ),
        (
            "x" * 90 + " latncy>2s " + "y" * 90,
            snapshot(
                "unknown field 'latncy': did you mean latency?\n"
                f"  … {'x' * 69} latncy>2s {'y' * 60} …\n"
                f"{' ' * 74}^^^^^^"
            ),
        ),
    ],
)
def test_an_error_shows_the_spot_and_says_the_remedy(text: str, shown: str) -> None:
    assert str(refused(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        *(
            "-",
            "- a",
            "()",
            "span()",
            "NOT",
            "OR a",
            "a AND OR b",
            "a:",
            "op:",
            "op:)",
            '""',
            '"a"b',
            'a"b"',
            "a!=",
            "=3",
        ),
        *("tokens>1.5", "tokens>99999999999999999999", "latency>9999999h", "cost>1e999", "attr.x>one", "attr.x"),
        *(
            "attr.:x",
            "op.x:y",
            "has:",
            "has:attr",
            "has:(a, b)",
            "has>3",
            "is:tree",
            "is!=root",
            "op:(a",
            "op:(a,",
            "op:()",
        ),
        *("name:a\0b", "name:\ud800", 'attr."":x', "status:err*", "latency:1s..x", "score.:1"),
    ],
)
def test_what_cannot_be_read_is_refused_at_a_spot_inside(text: str) -> None:
    error = refused(text)
    assert 0 <= error.position <= len(text)
    assert error.length >= 1
    assert error.problem
    assert error.remedy


def test_length_depth_terms_and_wildcards_are_bounded() -> None:
    fits = "a " * (MAX_TERMS - 1) + "a"
    assert isinstance(parse(fits), All)
    assert "terms" in refused(fits + " a").problem
    assert "terms" in refused(f"op:({', '.join('a' * (MAX_TERMS + 1))})").problem
    assert "levels" in refused("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1)).problem
    assert "levels" in refused("-" * (MAX_DEPTH + 1) + "a").problem
    assert "characters" in refused("a" * (MAX_LENGTH + 1)).problem
    assert "wildcards" in refused(f"name:{'a*' * (MAX_STARS + 1)}").problem
    assert str(parse("-" * MAX_DEPTH + "a")) == "-" * MAX_DEPTH + '"a"'


def test_the_error_is_caught_as_what_it_is() -> None:
    error = refused("latncy>2s")
    assert isinstance(error, tracelm.StoreError | ValueError)
    assert (error.position, error.length, error.remedy) == (0, 6, "did you mean latency?")
    assert tracelm.FilterError is FilterError
