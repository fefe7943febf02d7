"""Guarded streams of text: what is released was judged, and is recorded."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from inline_snapshot import snapshot

import tracelm
from tests.unit.guards.judges import rude
from tests.unit.guards.test_recording import decisions
from tracelm.guards.channel import MAX_HELD
from tracelm.scorers import PII, Contains, Secrets
from tracelm.testing import Spans

WORDS = ["Write ", "to ana", "@exam", "ple.com", " today", " or ", "call."]
CLEAN = "Write to [EMAIL] today or call."
mask_pii = tracelm.Guardrail(PII(), action="replace")
block_pii = tracelm.Guardrail(PII())


@tracelm.guard(mask_pii)
def masked(words: list[str]) -> Iterator[str]:
    yield from words


def read(stream: Iterator[str], got: list[str]) -> None:
    """Read a stream into a list, which has what came before an error."""
    for piece in stream:
        got.append(piece)  # noqa: PERF402 - an error keeps what came before


# --- what comes out -------------------------------------------------------------------------------------------


def test_what_is_found_across_chunks_is_masked() -> None:
    assert "".join(masked(WORDS)) == CLEAN


def test_text_goes_on_before_the_stream_has_ended() -> None:
    got: list[str] = []
    at: list[int] = []

    @tracelm.guard(mask_pii)
    def stream() -> Iterator[str]:
        for word in ["One ", "two ", "three ", "four ", "five"]:
            at.append(len(got))
            yield word

    read(stream(), got)
    assert at == [0, 1, 2, 3, 4]
    assert "".join(got) == "One two three four five"


def test_a_block_midway_raises_and_nothing_found_was_released() -> None:
    closed: list[bool] = []

    @tracelm.guard(tracelm.Guardrail(PII(), message="Sorry."))
    def stream() -> Iterator[str]:
        try:
            yield from WORDS
            raise AssertionError("nobody asks for more")
        finally:
            closed.append(True)

    got: list[str] = []
    reading = stream()
    with pytest.raises(tracelm.GuardrailTripped) as caught:
        read(reading, got)
    assert "".join(got) in {"Write to", "Write to ", "Write"}
    assert closed == [True]
    assert caught.value.safe_message == "Sorry."
    assert str(caught.value) == snapshot(
        "guardrail 'pii' refused the output of stream: found 1 EMAIL; the rest of the stream was withheld"
    )
    assert next(reading, None) is None


@pytest.mark.parametrize(
    "guardrail",
    [
        tracelm.Guardrail(PII(), action="replace", replacement="[ended]"),
        tracelm.Guardrail(PII(), action="fallback", fallback=lambda: "[ended]"),
    ],
)
def test_a_stream_may_end_with_other_words_instead(guardrail: tracelm.Guardrail) -> None:
    @tracelm.guard(guardrail)
    def stream() -> Iterator[str]:
        yield from WORDS

    assert "".join(stream()) in {"Write to[ended]", "Write to [ended]", "Write[ended]"}


def test_a_scorer_that_does_not_say_where_stops_the_stream() -> None:
    @tracelm.guard(tracelm.Guardrail(rude, window=10))
    def stream() -> Iterator[str]:
        yield from ["How very polite of you ", "and how stu", "pid of me"]

    got: list[str] = []
    with pytest.raises(tracelm.GuardrailTripped):
        read(stream(), got)
    assert "stu" not in "".join(got)
    assert "How very" in "".join(got)


def test_a_scorer_without_a_window_is_given_the_whole() -> None:
    seen: list[str] = []

    def judge(output: str) -> bool:
        seen.append(output)
        return True

    @tracelm.guard(tracelm.Guardrail(judge))
    def stream() -> Iterator[str]:
        yield from WORDS

    assert list(stream()) == ["".join(WORDS)]
    assert seen == ["".join(WORDS)]


def test_the_cost_is_linear_in_the_text() -> None:
    seen: list[int] = []

    def judge(output: str) -> bool:
        seen.append(len(output))
        return True

    @tracelm.guard(tracelm.Guardrail(judge, window=50))
    def stream(count: int) -> Iterator[str]:
        for _ in range(count):
            yield "word "

    list(stream(4_000))
    assert max(seen) < 200
    seen.clear()
    assert list(tracelm.guard(mask_pii, tracelm.Guardrail(judge, window=50))(lambda: iter(["x"] * 20_000))())
    assert sum(seen) < 20_000 * 100


def test_a_finding_that_never_ends_is_not_held_for_ever() -> None:
    key = "-----BEGIN PRIVATE KEY-----\n"

    @tracelm.guard(tracelm.Guardrail(Secrets(), action="replace"))
    def stream() -> Iterator[str]:
        yield "Here: " + key
        while True:
            yield "MIIabcdefghijklmnopqrstuvwxyz0123456789\n"

    got: list[str] = []
    with pytest.raises(tracelm.GuardrailTripped, match=f"longer than {MAX_HELD:,} characters"):
        read(stream(), got)
    assert "MII" not in "".join(got)


def test_bytes_are_read_as_utf_8() -> None:
    text = "Schreib an ana@example.com, grün"

    @tracelm.guard(mask_pii)
    def stream() -> Iterator[bytes]:
        data = text.encode()
        yield from (data[place : place + 1] for place in range(len(data)))

    assert b"".join(stream()).decode() == "Schreib an [EMAIL], grün"


@pytest.mark.parametrize("items", [[{"text": "ana@example.com"}], ["fine ", 3, "x"], [b"x", "y"]])
def test_what_no_scorer_can_look_into_is_not_released(items: list[Any]) -> None:
    @tracelm.guard(mask_pii)
    def stream() -> Iterator[Any]:
        yield from items

    with pytest.raises(tracelm.GuardrailBroken):
        list(stream())

    def hand_on() -> Iterator[Any]:
        return iter(items)

    allowing = tracelm.guard(tracelm.Guardrail(PII(), on_error="allow"))(hand_on)
    released: list[Any] = list(allowing())
    assert [each for each in released if not isinstance(each, str)] == [
        each for each in items if not isinstance(each, str)
    ] or items[0] == b"x"


def test_a_scorer_that_fails_midway_blocks_or_lets_pass_as_it_is_told() -> None:
    def judge(output: str) -> bool:
        if "ana" in output:
            raise RuntimeError("no connection")
        return True

    def stream() -> Iterator[str]:
        yield from WORDS

    assert "".join(tracelm.guard(tracelm.Guardrail(judge, window=5, on_error="allow"))(stream)()) == "".join(WORDS)
    with pytest.raises(tracelm.GuardrailBroken):
        list(tracelm.guard(tracelm.Guardrail(judge, window=5))(stream)())
    ended = tracelm.Guardrail(judge, window=5, on_error="fallback", fallback=lambda: "[ended]")
    assert "".join(tracelm.guard(ended)(stream)()).endswith("[ended]")


def test_a_fallback_that_leaks_is_blocked() -> None:
    @tracelm.guard(tracelm.Guardrail(PII(), action="fallback", fallback=lambda: "ask bob@example.com"))
    def stream() -> Iterator[str]:
        yield from WORDS

    with pytest.raises(tracelm.GuardrailTripped):
        list(stream())


def test_a_shadow_holds_nothing_back_and_tells_what_it_found(spans: Spans) -> None:
    at: list[int] = []
    got: list[str] = []

    @tracelm.guard(tracelm.Guardrail(PII(), mode="shadow"), tracelm.Guardrail(rude, mode="shadow", name="rude"))
    def stream() -> Iterator[str]:
        for word in [*WORDS, " stupid"]:
            at.append(len(got))
            yield word

    read(stream(), got)
    assert got == [*WORDS, " stupid"]
    assert at == list(range(8))
    found = {each["name"]: each for each in decisions(spans)}
    assert (found["pii"]["action.intended"], found["pii"]["outcome"], found["pii"]["found"]) == ("block", "shadow", 1)
    assert (found["rude"]["action.intended"], found["rude"]["action.taken"]) == ("block", "allow")


def test_a_retry_is_refused_on_a_generator_and_a_block_on_a_stream_that_shows_late() -> None:
    again = tracelm.Guardrail(rude, action="retry", window=5)
    with pytest.raises(tracelm.ConfigError, match="cannot be taken back"):

        @tracelm.guard(again)
        def stream(feedback: str = "") -> Iterator[str]:  # pyright: ignore[reportUnusedFunction]
            yield ""

    @tracelm.guard(again)
    def late(feedback: str = "") -> Iterator[str]:
        return iter(["how ", "stupid"])

    with pytest.raises(tracelm.GuardrailTripped):
        list(late())


# --- what is recorded -----------------------------------------------------------------------------------------


def test_a_stream_is_one_decision_with_places_in_the_whole_of_it(spans: Spans) -> None:
    @tracelm.op(name="answer")
    @tracelm.guard(mask_pii)
    def stream() -> Iterator[str]:
        yield from ["word "] * 500
        yield from WORDS

    text = "word " * 500 + "".join(WORDS)
    assert "".join(stream()) == "word " * 500 + CLEAN
    [decision] = decisions(spans)
    start = text.index("ana@")
    assert decision.pop("checks") > 100
    assert decision == {
        "name": "pii",
        "side": "output",
        "action.intended": "replace",
        "action.taken": "replace",
        "outcome": "enforced",
        "spans": json.dumps([{"start": start, "end": start + 15, "type": "EMAIL"}], separators=(",", ":")),
        "found": 1,
    }
    [score] = spans.scores()
    assert score["tracelm.score.passed"] is False
    span = spans.one("answer")
    assert {each.span_id for each in spans.logs()} == {span.span_id}
    assert "ana@" not in repr(spans.all()) + repr(spans.logs())


def test_the_one_score_of_a_stream_tells_all_that_was_found_in_it(spans: Spans) -> None:
    assert "".join(masked([*WORDS, " " * 200, "Pay with 4111 1111 ", "1111 1111."])).endswith("[CARD].")
    assert [each["gen_ai.evaluation.explanation"] for each in spans.scores()] == ["found 1 EMAIL, 1 CARD"]


@pytest.mark.parametrize("order", ["op above", "op below"])
def test_the_span_of_an_op_records_the_released_pieces(order: str, spans: Spans) -> None:
    def stream() -> Iterator[str]:
        yield from WORDS

    op = tracelm.op(name="answer")
    guarded = op(tracelm.guard(mask_pii)(stream)) if order == "op above" else tracelm.guard(mask_pii)(op(stream))
    got = list(guarded())
    assert json.loads(str(spans.one("answer").attributes["output.value"])) == got
    assert "".join(got) == CLEAN


def test_a_stream_that_only_shows_at_the_call_is_recorded_in_the_span_of_its_op(spans: Spans) -> None:
    @tracelm.guard(block_pii)
    @tracelm.op(name="answer")
    def stream() -> Iterator[str]:
        return iter(WORDS)

    with pytest.raises(tracelm.GuardrailTripped):
        list(stream())
    span = spans.one("answer")
    assert span.attributes["error.type"] == "tracelm.errors.GuardrailTripped"
    assert {each.span_id for each in spans.logs("tracelm.guardrail.decision")} == {span.span_id}
    assert [each["action.taken"] for each in decisions(spans)] == ["block"]


def test_the_same_scorer_also_judges_whole_outputs() -> None:
    polite = tracelm.Guardrail(Contains(phrases=("please",)))
    assert list(tracelm.guard(polite)(lambda: iter(["oh ", "please"]))()) == ["oh please"]
    with pytest.raises(tracelm.GuardrailTripped):
        list(tracelm.guard(polite)(lambda: iter(["oh ", "no"]))())
