"""`Detector`: a scorer that looks for something in a text, says where it stands, and how often it is wrong."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

if TYPE_CHECKING:
    from tracelm.scorers.measured import Measured

NOT_SEARCHED: Final = "NOT_SEARCHED"
"""The type of the span behind a detector's limit: masked too, as nobody looked there."""


class Found(NamedTuple):
    """Something that was found.

    Attributes:
        start: Where it begins, in characters.
        end: Where it ends, in characters, exclusive.
        type: What it is; never the text itself.
    """

    start: int
    end: int
    type: str


class Detector(Scorer):
    """A scorer that passes when it finds nothing, and else tells where, but never what.

    Every detector reads up to `MAX_CHARS` characters. Of a longer output the rest is a span of type
    `NOT_SEARCHED`, so that a mask covers it; where nothing was found before it, the output is not scored, and a
    guardrail does what its `on_error` says.
    """

    MAX_CHARS: ClassVar[int] = 10_000_000
    is_cheap: ClassVar[bool] = True

    @property
    def measured(self) -> "Measured | None":
        """How often the scorer is right, as `tracelm scorers bench` measured it; `None` where nothing was measured."""
        from tracelm.scorers.measured import measured

        return measured(self.name)

    def verdict(self, text: str, found: Iterable[Found], *, risk: float | None = None) -> Score:
        """Return the score for what was found in the first `MAX_CHARS` characters of `text`.

        Args:
            text: The whole text.
            found: What was found, without overlaps.
            risk: How sure that is, 0 to 1; for a graded detector.
        """
        listed = sorted(found)
        details: dict[str, Any] = {} if risk is None else {"risk": round(risk, 4)}
        too_long = len(text) > self.MAX_CHARS
        if not listed and not too_long:
            return Score(value=True, details=details)
        told = [counted(listed)] if listed else []
        if too_long:
            told.append(f"the output has {len(text):,} characters, of which the first {self.MAX_CHARS:,} were searched")
            listed.append(Found(self.MAX_CHARS, len(text), NOT_SEARCHED))
        details["spans"] = [{"start": each.start, "end": each.end, "type": each.type} for each in listed]
        if len(listed) == too_long:
            return Score(value=None, explanation=f"not scored: {told[0]}", details=details)
        return Score(value=False, explanation="; ".join(told), details=details)


def counted(found: Sequence[Found]) -> str:
    """Say how many of each type were found."""
    counts = Counter(each.type for each in found)
    return "found " + ", ".join(f"{count} {kind}" for kind, count in counts.items())


def apart(found: Iterable[Found]) -> list[Found]:
    """Return findings in order, those that overlap as one with the type of the first."""
    done: list[Found] = []
    for each in sorted(found):
        if done and each.start < done[-1].end:
            last = done.pop()
            done.append(Found(last.start, max(last.end, each.end), last.type))
        else:
            done.append(each)
    return done
