"""Any text is found, in any script, from one character up, wherever it stands in what went in or came out."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tracelm
from tests.unit.store.otlp_lines import span_line, write_segment
from tracelm.store.filters.syntax import Search
from tracelm.store.record import with_nulls
from tracelm.store.search import fts, look, open_search
from tracelm.store.store import Store

pytestmark = pytest.mark.usefixtures("backend")

LONG = "lorem ipsum dolor sit amet " * 30


def opened(home: Path, *texts: str, key: str = "input.value") -> Store:
    lines = [
        span_line(str(n), trace=f"{n:032x}", span=f"{n:016x}", start=n, attributes={key: text})
        for n, text in enumerate(texts, start=1)
    ]
    write_segment(home, spans=lines)
    return tracelm.open_store(home=home)


def found(store: Store, text: str) -> list[str]:
    """Return the names of the spans that have a text, in the order in which they began."""
    where = str(Search(text))
    spans = [span.name for span in store.spans(where, order_by="start")]
    assert [trace.name for trace in store.traces(where, order_by="start")] == spans
    return spans


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(("refund", "12"), ("REFUND", "12"), ("und plea", "1"), ("x", ""), ("r", "123"), ("re", "123"), ("ref", "12")),
        *(("退", "4"), ("退款", "4"), ("请退款", "4"), ("استرداد", "5"), ("ا", "5"), ("🙂", "6"), ("É", "7")),
        *(("100%", "8"), ("a_b", "8"), ("%", "8"), ("axb", ""), ("it's", "8"), ("\\", "8"), ("please", "1")),
    ],
)
def test_a_text_is_found_by_any_part_of_it_in_any_script(text: str, wanted: str, tmp_path: Path) -> None:
    texts = ("refund please", "a ReFund", "more", "请退款", "استرداد المال", "🙂", "café", "100% a_b it's \\ ")
    with opened(tmp_path, *texts) as store:
        assert found(store, text) == list(wanted)


@pytest.mark.parametrize("key", ["input.value", "output.value", "gen_ai.input.messages", "gen_ai.output.messages"])
def test_long_texts_and_messages_are_searched_and_read_as_texts(key: str, tmp_path: Path) -> None:
    said = f'{LONG} say "yes"\nnow 退款'
    messages = json.dumps([{"role": "user", "content": said}, {"role": "user", "content": "short 款"}])
    with opened(tmp_path, f"{LONG} needle {LONG}", messages, key=key) as store:
        assert found(store, "needle") == ["1"]
        assert found(store, 'say "yes"') == ["2"]
        assert found(store, "退款") == ["2"]
        assert found(store, "t 款") == ["2"]
        assert found(store, "lorem ipsum") == ["1", "2"]
        assert found(store, "le lo") == ["1"]


def test_a_text_does_not_reach_from_one_value_into_the_next(tmp_path: Path) -> None:
    with opened(tmp_path, "AAA\n", "b\na") as store:
        assert found(store, "\na") == ["2"]


def test_a_message_that_many_spans_have_is_found_in_each(tmp_path: Path) -> None:
    said = [json.dumps([{"content": f"{LONG} shared"}, {"content": f"{LONG} no. {n}"}]) for n in range(1, 9)]
    with opened(tmp_path, *said) as store:
        assert found(store, "shared") == [str(n) for n in range(1, 9)]
        assert found(store, "no. 7") == ["7"]


def test_names_and_errors_are_searched(tmp_path: Path) -> None:
    write_segment(tmp_path, spans=[span_line("explain_fraud", status=2, message="ValueError: card declined")])
    with tracelm.open_store(home=tmp_path) as store:
        assert found(store, "fraud") == ["explain_fraud"]
        assert found(store, "declined") == ["explain_fraud"]


def test_a_text_goes_with_other_conditions(tmp_path: Path) -> None:
    with opened(tmp_path, "refund a", "refund b", "other") as store:
        assert [span.name for span in store.spans('"refund" -name:1')] == ["2"]
        assert [span.name for span in store.spans('-"refund"')] == ["3"]
        assert [span.name for span in store.spans('"refund a" OR name:3', order_by="start")] == ["1", "3"]


def test_what_comes_later_is_found_and_what_ends_later_too(tmp_path: Path) -> None:
    line = span_line("open", attributes={"input.value": "refund"})
    segment, lock = write_segment(tmp_path)
    segment.file("pending").write_bytes(line + b"\n")
    with tracelm.open_store(home=tmp_path) as store:
        assert [span.state for span in store.spans()] == ["in flight"]
        assert found(store, "answer") == []
        done = span_line("open", attributes={"input.value": "refund", "output.value": "the answer"})
        with segment.file("spans").open("ab") as file:
            file.write(done + b"\n")
        assert found(store, "answer") == ["open"]
    os.close(lock)


def test_an_index_that_is_lost_or_damaged_is_made_again(tmp_path: Path, backend: str) -> None:
    with opened(tmp_path, "refund") as store:
        assert found(store, "refund") == ["1"]
        open_search(store.maintenance._database).delete()  # pyright: ignore[reportPrivateUsage]
        assert found(store, "refund") == ["1"]
        if backend == "sqlite":
            (tmp_path / "tracelm.search.db").write_bytes(b"noise" * 1_000)
            with pytest.raises(tracelm.StoreError, match="delete it, it will be made again"):
                found(store, "refund")


def test_deleted_spans_are_found_no_more(tmp_path: Path) -> None:
    with opened(tmp_path, f"refund {LONG}", "refund") as store:
        assert found(store, "refund") == ["1", "2"]
        store.maintenance.retain("rest 1h")
        assert found(store, "refund") == []
        write_segment(tmp_path, spans=[span_line("new", attributes={"input.value": f"refund {LONG}"})])
        assert found(store, "refund") == ["new"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from("abAB 退İß\n\\%_"), max_size=8), min_size=1, max_size=6), data=st.data())
def test_what_is_found_is_what_has_the_text(
    texts: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory, backend: str
) -> None:
    if backend == "postgresql":
        return  # the same index is asked in SQL; one database for all examples would find those of others
    text = (data.draw(st.sampled_from(texts)) + "a")[data.draw(st.integers(0, 5)) :][: data.draw(st.integers(1, 4))]
    if not text.strip():
        return
    with opened(tmp_path_factory.mktemp("home"), *texts) as store:
        has = [str(n) for n, one in enumerate(texts, start=1) if text.lower() in one.lower() or text.lower() in str(n)]
        assert found(store, text) == has


def test_a_text_that_many_spans_have_is_found_in_each_and_few_others_are_read(
    tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "postgresql":
        return  # it reads no records
    for module, name, value in ((fts, "_RARE", 8), (look, "_BLOCK", 1_024), (look, "_IN_VAIN", 4)):
        monkeypatch.setattr(module, name, value)
    read: list[bytes] = []

    def noted(blob: bytes) -> tuple[bytes, list[bytes]]:
        read.append(blob)
        return with_nulls(blob)

    monkeypatch.setattr(look, "with_nulls", noted)
    texts = ["refund" if n % 20 == 0 else f"refund {LONG}" if n % 50 == 1 else f"other {LONG}" for n in range(1, 201)]
    texts += ["other"] * 800
    with opened(tmp_path, *texts) as store:
        assert found(store, "refund") == [str(n) for n, text in enumerate(texts, start=1) if "refund" in text]
        assert len({*read}) < 250  # those with long texts, and some more
        line = span_line("late", trace="f" * 32, attributes={"input.value": "refund"})
        segment, lock = write_segment(tmp_path)
        segment.file("pending").write_bytes(line + b"\n")
        assert "late" in found(store, "refund")  # it has not ended, so the index does not have it
        os.close(lock)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(texts=st.lists(st.sampled_from(["refund", f"refund {LONG}", "other", LONG]), min_size=1, max_size=40))
def test_how_common_a_text_is_changes_nothing_in_what_is_found(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory, backend: str
) -> None:
    if backend == "postgresql":
        return
    with pytest.MonkeyPatch.context() as patch, opened(tmp_path_factory.mktemp("home"), *texts) as store:
        rare = ((fts, "_RARE", 3), (fts, "_LOOKED_AT", 2), (look, "_BLOCK", 8), (look, "_IN_VAIN", 1))
        for module, name, value in rare:
            patch.setattr(module, name, value)
        assert found(store, "refund") == [str(n) for n, text in enumerate(texts, start=1) if "refund" in text]


def test_records_outside_of_the_time_that_is_asked_for_are_not_read(
    tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "postgresql":
        return  # it reads no records
    read: list[int] = []
    has = look.Look.has

    def counting(self: look.Look, blob: bytes) -> bool:
        read.append(len(blob))
        return has(self, blob)

    monkeypatch.setattr(look.Look, "has", counting)
    with opened(tmp_path, *["refund"] * 600) as store:
        for part in (store.traces, store.spans):
            read.clear()
            assert len(part('"refund"', since_ns=596)) == 5
            assert 5 <= len(read) <= 15
