"""Streams under a scorer that must see all that was said: when it is asked, and that it is told what waits."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

import tracelm
from tests.unit.guards.judges import rude
from tests.unit.guards.test_recording import decisions
from tracelm.guards.holding import LONGEST_SENTENCE
from tracelm.scorers import PII, Contains, Named
from tracelm.testing import Spans

SENTENCES = ["I can help. ", "It costs 3.50 a month! ", "You are stupid. ", "Is that all?"]


def streamed(text: str, size: int = 3) -> Callable[[], Iterator[str]]:
    def stream() -> Iterator[str]:
        yield from (text[place : place + size] for place in range(0, len(text), size))

    return stream


def read(stream: Iterator[str], got: list[str]) -> None:
    for piece in stream:
        got.append(piece)  # noqa: PERF402 - an error keeps what came before


class Asked:
    """A scorer that notes what it is shown."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, output: str) -> bool:
        self.texts.append(output)
        return "stupid" not in output


# --- when it is asked -----------------------------------------------------------------------------------------


def test_a_sentence_goes_on_once_all_up_to_its_end_has_passed() -> None:
    asked = Asked()
    guarded = tracelm.guard(tracelm.Guardrail(asked, name="polite", release="sentence"))
    got: list[str] = []
    with pytest.raises(tracelm.GuardrailTripped, match="the rest of the stream was withheld"):
        read(guarded(streamed("".join(SENTENCES)))(), got)
    assert "".join(got) == SENTENCES[0] + SENTENCES[1]
    assert asked.texts == ["".join(SENTENCES[:count]) for count in (1, 2, 3)]


def test_the_last_look_is_at_the_whole_text() -> None:
    asked = Asked()
    text = SENTENCES[0] + SENTENCES[1] + "Half a sentence"
    for release in ("sentence", 10, "end"):
        assert "".join(tracelm.guard(tracelm.Guardrail(asked, release=release))(streamed(text))()) == text
        assert asked.texts[-1] == text
    assert asked.texts.count(text) == 3


def test_so_many_characters_are_cut_at_a_blank() -> None:
    asked = Asked()
    got = list(tracelm.guard(tracelm.Guardrail(asked, release=12))(streamed("one two three four five six"))())
    assert "".join(got) == "one two three four five six"
    assert asked.texts[0] in {"one two three", "one two three "}
    assert all(len(piece) >= 12 for piece in got[:-1])


def test_a_full_stop_within_a_name_or_a_number_ends_no_sentence() -> None:
    asked = Asked()
    text = "Ask Dr. Who at Apt. 4, e.g. today, for 3.50. Then go! Is it far? No."
    list(tracelm.guard(tracelm.Guardrail(asked, release="sentence"))(streamed(text, 1))())
    ends = [text[: len(each)].rsplit(" ", 2)[1] for each in asked.texts[:-1]]
    assert ends == ["3.50.", "go!", "far?"]


def test_what_is_no_sentence_does_not_wait_for_one() -> None:
    text = "word " * 1_000
    got = list(tracelm.guard(tracelm.Guardrail(Asked(), release="sentence"))(streamed(text))())
    assert "".join(got) == text
    assert LONGEST_SENTENCE < len(got[0]) < 1.1 * LONGEST_SENTENCE


@pytest.mark.parametrize("text", ["a b. " * 40_000, "a\n" * 100_000, "。" * 100_000, "x" * 200_000])
@pytest.mark.parametrize("release", ["sentence", 1])
def test_a_long_text_is_shown_a_few_times_over_and_not_its_square(text: str, release: Any) -> None:
    asked = Asked()
    assert "".join(tracelm.guard(tracelm.Guardrail(asked, release=release))(streamed(text, 50))()) == text
    assert sum(map(len, asked.texts)) < 10 * len(text)


@given(st.text(alphabet="ab.!? \n\"'。é\u200b", max_size=120), st.integers(1, 9), st.sampled_from(["sentence", 1, 20]))
def test_however_it_is_cut_what_passes_comes_out_whole_and_was_judged(text: str, size: int, release: Any) -> None:
    asked = Asked()
    out = ""
    for piece in tracelm.guard(tracelm.Guardrail(asked, release=release))(streamed(text, size))():
        out += piece
        assert asked.texts[-1].startswith(out)
    assert out == text


def test_an_async_scorer_is_asked_as_the_text_comes() -> None:
    async def judge(output: str) -> bool:
        await asyncio.sleep(0)
        return "stupid" not in output

    @tracelm.guard(tracelm.Guardrail(judge, release="sentence", action="replace", replacement="[ended]"))
    async def stream() -> AsyncIterator[str]:
        for each in SENTENCES:
            yield each

    async def main() -> str:
        return "".join([piece async for piece in stream()])

    assert asyncio.run(main()) == SENTENCES[0] + SENTENCES[1] + "[ended]"


def test_it_goes_with_guardrails_that_have_a_window() -> None:
    asked = Asked()
    guarded = tracelm.guard(
        tracelm.Guardrail(asked, name="polite", release="sentence"),
        tracelm.Guardrail(asked, name="again", release=5),
        tracelm.Guardrail(PII(), action="replace"),
    )
    text = "Write to ana@example.com. Or call +1 212 555 0187 today. Bye."
    got = list(guarded(streamed(text))())
    assert "".join(got) == "Write to [EMAIL]. Or call [PHONE] today. Bye."
    assert len(got) == 3


def test_what_it_finds_is_masked_where_it_says_and_a_block_counts_what_had_gone_on(spans: Spans) -> None:
    def names(output: str) -> tracelm.Score:
        places = [place for place in range(len(output)) if output.startswith("Ana", place)]
        found = [{"start": place, "end": place + 3, "type": "NAME"} for place in places]
        return tracelm.Score(not found, details={"spans": found} if found else {})

    text = "I am Ana, I say. You are Bo. Ana is here."
    masked = tracelm.guard(tracelm.Guardrail(names, action="replace", release="sentence"))
    assert "".join(masked(streamed(text))()) == "I am [NAME], I say. You are Bo. [NAME] is here."

    def late(output: str) -> tracelm.Score:
        """Only the sense of the rest tells that the beginning was wrong."""
        found = [{"start": 0, "end": 4, "type": "LIE"}] if "Bo" in output else []
        return tracelm.Score(not found, details={"spans": found} if found else {})

    got: list[str] = []
    with pytest.raises(tracelm.GuardrailTripped, match="found 1 LIE"):
        read(tracelm.guard(tracelm.Guardrail(late, release="sentence"))(streamed(text))(), got)
    assert "".join(got) == "I am Ana, I say. "
    assert [(each["name"], each["found"]) for each in decisions(spans)] == [("names", 2), ("late", 1)]


# --- what is said about it ------------------------------------------------------------------------------------


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def test_a_guard_on_a_generator_says_when_it_is_declared_that_it_holds_the_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracelm.guard(tracelm.Guardrail(rude))(streamed("text"))
    assert warnings(caplog) == snapshot(
        [
            "guardrail 'rude' must see all of a text, so the output of stream is held back to its end when it is a "
            "stream: let it be asked as the text comes, with release='sentence' or release=500; give it window=... "
            "if only what is near a place decides; or say release='end' if that is what you want"
        ]
    )


def test_a_function_that_returns_a_stream_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    def returns() -> Iterator[str]:
        return iter(["a ", "b"])

    guarded = tracelm.guard(tracelm.Guardrail(rude))(returns)
    assert warnings(caplog) == []
    for _ in range(3):
        assert list(guarded()) == ["a b"]
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize(
    "guardrail",
    [
        tracelm.Guardrail(rude, release="end"),
        tracelm.Guardrail(rude, release="sentence"),
        tracelm.Guardrail(rude, window=9),
        tracelm.Guardrail(rude, mode="shadow"),
        tracelm.Guardrail(rude, action="warn"),
        tracelm.Guardrail(PII()),
        tracelm.Guardrail(Named(PII(), "contacts")),
        tracelm.Guardrail(Contains(phrases=("stupid",), match="none")),
    ],
)
def test_who_asked_for_it_or_holds_nothing_is_told_nothing(
    guardrail: tracelm.Guardrail, caplog: pytest.LogCaptureFixture
) -> None:
    assert "".join(tracelm.guard(guardrail)(streamed("fine"))()) == "fine"
    assert warnings(caplog) == []


def test_that_no_phrase_is_there_is_judged_as_the_text_comes() -> None:
    got: list[str] = []
    none = tracelm.Guardrail(Contains(phrases=("straße frei", "guarantee"), match="none"))
    with pytest.raises(tracelm.GuardrailTripped):
        read(tracelm.guard(none)(streamed("This is fine so far, and I GUARANTEE it."))(), got)
    assert "".join(got).startswith("This is fine")
    assert "GUAR" not in "".join(got)


@pytest.mark.parametrize(
    ("scorer", "given_", "named"),
    [
        (rude, {"release": "word"}, "release='word'"),
        (rude, {"release": 0}, "release=0"),
        (rude, {"release": True}, "release=True"),
        (rude, {"release": "end", "on": "input"}, "leave it out with on='input'"),
        (rude, {"release": "sentence", "window": 5}, "leave release out"),
        (PII(), {"release": 200}, "'pii' needs only the 160 characters"),
    ],
)
def test_a_release_that_cannot_work_is_refused(scorer: Any, given_: dict[str, Any], named: str) -> None:
    with pytest.raises(tracelm.ConfigError, match=named):
        tracelm.Guardrail(scorer, **given_)
