"""Masking takes out exactly what was found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tracelm.guards.mask import Span, mask, spans_of


def score(spans: object) -> tracelm.Score:
    return tracelm.Score(value=False, details={"spans": spans})


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(st.text(min_size=1, max_size=60))
    bounds = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    pairs = [(min(pair), max(pair)) for pair in draw(st.lists(bounds, max_size=6))]
    return text, sorted(Span(start, end, "X") for start, end in pairs if start < end)


@given(texts_with_spans())
def test_every_character_outside_of_the_spans_stays_and_none_inside_does(case: tuple[str, list[Span]]) -> None:
    text, spans = case
    covered = {place for span in spans for place in range(span.start, span.end)}
    kept = "".join(char for place, char in enumerate(text) if place not in covered)
    marked = mask(text.replace("[", "(").replace("]", ")"), spans)
    assert marked.replace("[X]", "") == kept.replace("[", "(").replace("]", ")")


def test_spans_that_overlap_become_one_mask() -> None:
    assert mask("call 030 123 456 now", [Span(5, 12, "PHONE"), Span(9, 16, "CARD")]) == "call [PHONE] now"


def test_spans_that_touch_stay_two_masks() -> None:
    assert mask("abcd", [Span(0, 2, "A"), Span(2, 4, "B")]) == "[A][B]"


def test_offsets_count_characters() -> None:
    assert mask("🙂 é a@b.de", [Span(4, 10, "EMAIL")]) == "🙂 é [EMAIL]"


def test_a_span_behind_the_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="behind the end"):
        mask("short", [Span(2, 9, "X")])


def test_a_type_that_may_hold_the_found_text_is_not_shown() -> None:
    (span,) = spans_of(score([{"start": 0, "end": 3, "type": "ana@example.com"}]))
    assert span.type == "REDACTED"


@pytest.mark.parametrize(
    "spans",
    ["EMAIL", 3, [{"start": 0}], [{"start": 4, "end": 2}], [{"start": -1, "end": 2}], [None], {"start": 0, "end": 1}],
)
def test_spans_that_are_none_are_an_error(spans: object) -> None:
    with pytest.raises(ValueError, match="spans"):
        spans_of(score(spans))


def test_a_score_without_spans_has_found_nothing() -> None:
    assert spans_of(tracelm.Score(value=False)) == []
