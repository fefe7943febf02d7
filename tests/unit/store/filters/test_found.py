"""What a filter finds: spans by what they are, traces by what they and their spans are."""

import contextlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests import postgres
from tests.unit.store.filters.filled import MS, call, filled, one, verdict
from tracelm.errors import StoreError
from tracelm.store.filters import attributes, parse, rarity
from tracelm.store.filters.attributes import attribute_conditions
from tracelm.store.filters.compile import Compiler
from tracelm.store.store import Store
from tracelm.store.tables import SPANS


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    spans = [
        one("explain", trace=1, span=1, ms=3_000, tracelm__op__name="explain", user__id="Ada", customer__tier="gold"),
        call(
            "chat GPT",
            trace=1,
            span=2,
            parent=1,
            ms=2_000,
            model="gpt-4o-mini",
            gen_ai__provider__name="openai",
            gen_ai__usage__input_tokens=900,
            gen_ai__usage__output_tokens=100,
            gen_ai__usage__cost__amount=0.02,
            gen_ai__request__temperature=0.7,
        ),
        one(
            "look_up",
            trace=1,
            span=3,
            parent=1,
            failed=True,
            message="100% of_it\\gone",
            error__type="openai.RateLimitError",
            n=7,
            tracelm__tags=["checkout", 'say "x"', "A,B"],
        ),
        one("explain", trace=2, span=1, ms=10, failed=True, error__type="KeyError", tracelm__op__name="Explain"),
        call("chat o1", trace=2, span=2, parent=1, ms=5, model="o1", gen_ai__usage__input_tokens=50),
        one(
            "other_thing",
            trace=3,
            span=1,
            ms=500,
            session__id="s-1",
            flag=True,
            tracelm__tags=["test"],
            service__version="1.4.2",
            deployment__environment__name="staging",
        ),
        one("[a]?", trace=4, span=1, ms=1, user__id="ada", n="7"),
    ]
    scores = [
        verdict("pii", trace=1, tracelm__score__passed=False),
        verdict("correctness", trace=1, gen_ai__evaluation__score__value=0.25),
        verdict("tone", trace=2, span=2, gen_ai__evaluation__score__label="Warm"),
        verdict("judge", trace=3, error__type="TimeoutError"),
        verdict("pii", trace=3, tracelm__score__passed=True),
    ]
    url = postgres.new_database() if request.param == "postgresql" else None
    with filled(tmp_path_factory.mktemp("home"), spans, scores, url=url) as store:
        yield store


def spans(store: Store, where: str) -> list[str]:
    """Return the spans as `trace.span`."""
    return sorted(f"{int(span.trace_id, 16)}.{int(span.span_id, 16)}" for span in store.spans(where))


def traces(store: Store, where: str) -> list[int]:
    return sorted(int(trace.trace_id, 16) for trace in store.traces(where))


EVERY = ["1.1", "1.2", "1.3", "2.1", "2.2", "3.1", "4.1"]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", EVERY),
        ("op:explain", ["1.1", "2.1"]),
        ('op:"EXPLAIN"', ["1.1", "2.1"]),
        ("status:ERROR", ["1.3", "2.1"]),
        ("kind:internal", EVERY),
        ("model:gpt-4o*", ["1.2"]),
        ("model:*MINI", ["1.2"]),
        ("model:*4o*", ["1.2"]),
        ("model:(o1, gpt*)", ["1.2", "2.2"]),
        ("model:gpt-4o", []),
        ("-model:o1", ["1.1", "1.2", "1.3", "2.1", "3.1", "4.1"]),
        ("model!=o1", ["1.1", "1.2", "1.3", "2.1", "3.1", "4.1"]),
        ("has:model -model:o1", ["1.2"]),
        ("-has:model", ["1.1", "1.3", "2.1", "3.1", "4.1"]),
        ("--model:o1", ["2.2"]),
        ("-(model:o1 OR cost>0.01)", ["1.1", "1.3", "2.1", "3.1", "4.1"]),
        ("model:o1 OR cost>0.01", ["1.2", "2.2"]),
        ("-cost>0.01", ["1.1", "1.3", "2.1", "2.2", "3.1", "4.1"]),
        ("latency>1s", ["1.1", "1.2"]),
        ("latency:2s", ["1.2"]),
        ("latency:500ms..2s", ["1.2", "3.1"]),
        ("latency<=5ms", ["1.3", "2.2", "4.1"]),
        ("tokens>=1k", ["1.2"]),
        ("tokens:50", ["2.2"]),
        ("input_tokens<100", ["2.2"]),
        ("output_tokens>0", ["1.2"]),
        ("error:RateLimitError", ["1.3"]),
        ("error:openai.ratelimiterror", ["1.3"]),
        ("error:Rate*", ["1.3"]),
        ("error:imitError", []),
        ("user:ada", ["4.1"]),
        ("user:A*", ["1.1"]),
        ("session:s-1", ["3.1"]),
        ("project:shop -op:explain -has:model", ["1.3", "3.1", "4.1"]),
        ("trace:000000000000000000000000000000*2", ["2.1", "2.2"]),
        ("span:0000000000000003", ["1.3"]),
        ("is:root", ["1.1", "2.1", "3.1", "4.1"]),
        ("-is:root", ["1.2", "1.3", "2.2"]),
        ("spans>2", ["1.1", "1.2", "1.3"]),
        ("errors:1 is:root", ["1.1", "2.1"]),
        ('name:"[a]?"', ["4.1"]),
        ("name:[a*", ["4.1"]),
        ("name:look_*", ["1.3"]),
        ("name:look%*", []),
        ("name:other*", ["3.1"]),
        ("name:?????*", []),
        ('"CHAT"', ["1.2", "2.2"]),
        ('"100%"', ["1.3"]),
        ('"00% of_it\\\\gone"', ["1.3"]),
        ('"r_t"', ["3.1"]),
        ('"%"', ["1.3"]),
        ("GPT OR o1", ["1.2", "2.2"]),
        ("-chat", ["1.1", "1.3", "2.1", "3.1", "4.1"]),
        ("span(op:explain latency>1s)", ["1.1"]),
        ("release:1.4.*", ["3.1"]),
        ("environment:Staging", ["3.1"]),
        ("tag:test", ["3.1"]),
        ("tag:(TEST, checkout)", ["1.3", "3.1"]),
        ("tag:check*", ["1.3"]),
        ('tag:"a,b"', ["1.3"]),
        ("tag:c*b", []),
        ("tag:x", []),
        ('tag:"say \\"x\\""', ["1.3"]),
        ("is:root -tag:test", ["1.1", "2.1", "4.1"]),
        ("has:tag", ["1.3", "3.1"]),
        ("score.pii:failed", ["1.1"]),
        ("score.pii:passed", ["3.1"]),
        ("score.correctness<0.5", ["1.1"]),
        ("score.correctness:0.25", ["1.1"]),
        ("score.correctness:0..0.2", []),
        ("score.tone:warm", ["2.2"]),
        ("score.tone:w*", ["2.2"]),
        ("score.judge:error", ["3.1"]),
        ("has:score", ["1.1", "2.2", "3.1"]),
        ("has:score.pii", ["1.1", "3.1"]),
        ("is:root -has:score", ["2.1", "4.1"]),
        ("attr.customer.tier:gold", ["1.1"]),
        ("attr.customer.tier:G*", ["1.1"]),
        ('attr."gen_ai.request.temperature">0.5', ["1.2"]),
        ("attr.gen_ai.request.temperature:0.5..0.7", ["1.2"]),
        ("attr.n:7", ["1.3", "4.1"]),
        ("attr.n>6", ["1.3"]),
        ("attr.n<=7", ["1.3"]),
        ("attr.n<7 OR attr.n>=8", []),
        ("attr.flag:true", ["3.1"]),
        ("attr.flag>0", []),
        ("attr.flag:1", []),
        ("has:attr.n", ["1.3", "4.1"]),
        ("is:root -has:attr.n", ["1.1", "2.1", "3.1"]),
        ("attr.nothing:x", []),
    ],
)
def test_spans(store: Store, where: str, found: list[str]) -> None:
    assert spans(store, where) == found


TRACES: list[tuple[str, list[int]]] = [
    ("", [1, 2, 3, 4]),
    ("status:error", [2]),
    ("errors>0", [1, 2]),
    ("span(status:error)", [1, 2]),
    ("op:explain", [1, 2]),
    ("op:explain latency>1s", [1]),
    ("model:o1 latency<1s", [2]),
    ("model:gpt* op:explain", [1]),
    ("span(model:gpt* op:explain)", []),
    ("span(model:gpt* latency:2s)", [1]),
    ("-span(model:gpt* latency:2s)", [2, 3, 4]),
    ("latency:2s", []),
    ("-model:o1", [1, 3, 4]),
    ("has:model", [1, 2]),
    ("-has:model", [3, 4]),
    ("error:RateLimitError", [1]),
    ("cost>0.01", [1]),
    ("-cost>0.01", [2, 3, 4]),
    ("tokens>=1k", [1]),
    ("tokens:50", [2]),
    ("user:ada", [4]),
    ("session:s-1", [3]),
    ("name:explain", [1, 2]),
    ("name:chat*", []),
    ("span(name:chat*)", [1, 2]),
    ("chat", [1, 2]),
    ("trace:00000000000000000000000000000003", [3]),
    ("spans:1", [3, 4]),
    ("span(spans:1)", [3, 4]),
    ("score.pii:failed", [1]),
    ("score.tone:warm", [2]),
    ("release:1.4.* environment:staging", [3]),
    ("-release:1.4.*", [1, 2, 4]),
    ("tag:test", [3]),
    ("tag:checkout", []),
    ("span(tag:checkout)", [1]),
    ("-tag:test", [1, 2, 4]),
    ("span(score.tone:warm op:explain)", []),
    ("-score.pii:failed", [2, 3, 4]),
    ("has:score", [1, 2, 3]),
    ("attr.customer.tier:gold", [1]),
    ("attr.gen_ai.request.temperature>0.5 op:explain", [1]),
    ("span(attr.gen_ai.request.temperature>0.5 op:explain)", []),
    ("is:root", [1, 2, 3, 4]),
    ("span(is:root op:explain failed) OR session:s-1", [3]),
]


@pytest.mark.parametrize(("where", "found"), TRACES)
def test_traces(store: Store, where: str, found: list[int]) -> None:
    assert traces(store, where) == found


@pytest.mark.parametrize("few", [0, 1, 3])
def test_how_rare_something_is_does_not_change_what_is_found(
    store: Store, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(rarity, "_FEW", few)
    assert {where: traces(store, where) for where, _ in TRACES} == dict(TRACES)
    for where in ("has:score", "-has:score", "score.pii:failed", "-score.pii:failed is:root"):
        found = spans(store, where)
        with monkeypatch.context() as patch:
            patch.setattr(rarity, "_FEW", 500)
            assert spans(store, where) == found


def test_what_is_common_at_both_ends_of_a_window_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rarity, "_FEW", 40)  # two at an end
    common = [one("x", trace=n, start=n * 1_000, tier="gold") for n in range(1, 101)]
    in_one_hour = [one("x", trace=n, start=n * 1_000, tier="gold" if n < 30 else "bronze") for n in range(1, 101)]
    asked: list[tuple[int, int]] = []
    for name, lines in (("common", common), ("in one hour", in_one_hour)):
        with filled(tmp_path / name, lines) as store, values_given() as limits:
            found = store.traces("attr.tier:gold", order_by="-start", limit=5)
            asked.append((int(found[0].trace_id, 16), limits.count(41)))
    assert asked == [(100, 0), (29, 1)]


@contextlib.contextmanager
def values_given() -> Generator[list[object]]:
    """Give a list that fills with the values of the statements that are executed in the block."""
    found: list[object] = []

    def note(_connection: object, _cursor: object, _text: str, given: Sequence[object], *_more: object) -> None:
        found.extend(given)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_several_scores_of_a_trace_do_not_make_them_look_rare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rarity, "_FEW", 3)
    scores = [verdict(name, trace=n) for n in range(1, 5) for name in ("a", "b", "c")]
    with filled(tmp_path, [one("x", trace=n) for n in range(1, 5)], scores) as store:
        assert traces(store, "has:score") == [1, 2, 3, 4]
        assert len(spans(store, "has:score")) == 4


def test_the_other_arguments_narrow_what_the_filter_finds(store: Store) -> None:
    assert len(store.spans("status:error", op="Explain")) == 1
    assert len(store.spans("status:error", op="explain")) == 0
    assert len(store.spans(since_ns=1_001)) == 0
    assert len(store.spans("is:root", since_ns=1_000, until_ns=1_001)) == 4
    assert len(store.traces("has:score", since_ns=1_000, until_ns=1_001)) == 3


def test_a_list_in_an_attribute_matches_by_one_element(tmp_path: Path) -> None:
    line = one("a", tags=["red", 5])
    with filled(tmp_path, [line]) as store:
        assert [len(store.spans(f"attr.tags{each}")) for each in (":red", ":RED", ":re", ":5", ">4", ">5")] == [
            *(1, 1, 0, 1, 1, 0)
        ]


ATTRIBUTES = ("attr.customer.tier:gold", "attr.n:7", "attr.n>6", "has:attr.flag", "-attr.n:7", "attr.nothing:x")


@pytest.mark.parametrize("where", ATTRIBUTES)
def test_attributes_are_found_the_same_where_the_database_cannot_call_python(store: Store, where: str) -> None:
    found: list[list[int]] = []
    for in_database in (None, False):
        with store.reading() as connection:
            matches = attribute_conditions(connection, within=[], in_database=in_database)
            condition = Compiler(attribute_matches=matches).of_spans(parse(where))
            found.append(sorted(connection.execute(SPANS.select().where(condition)).scalars()))
    assert found[0] == found[1]


def test_reading_too_many_spans_for_an_attribute_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attributes, "MOST_READ", 3)
    with store.reading() as connection:
        matches = attribute_conditions(connection, within=[], in_database=False)
        with pytest.raises(StoreError, match="choose a project or a shorter time"):
            Compiler(attribute_matches=matches).of_spans(parse("attr.tracelm.op.version:7"))  # which has no bits


def test_the_search_takes_the_place_of_names_and_messages_where_it_can_tell(store: Store) -> None:
    asked: list[str] = []

    def search(text: str) -> object:
        asked.append(text)
        return SPANS.c.duration_ns == 3_000 * MS if text == "known" else None

    with store.reading() as connection:
        matches = attribute_conditions(connection, within=[])
        compiler = Compiler(attribute_matches=matches, text_matches=search)  # type: ignore[arg-type]
        found = [
            list(connection.execute(SPANS.select().where(compiler.of_spans(parse(where)))).scalars())
            for where in ("known", "-known", '"look_up"')
        ]
    assert asked == ["known", "known", "look_up"]
    assert [len(each) for each in found] == [1, len(EVERY) - 1, 1]
