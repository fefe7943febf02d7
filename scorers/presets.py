"""Ready-made rubrics for `Judge.of`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tracelm.scorers.scales import YES_NO, Scale

PresetName: TypeAlias = Literal[
    "correctness",
    "faithfulness",
    "answer_relevance",
    "context_precision",
    "context_recall",
    "hallucination",
    "summarisation",
    "instruction_following",
    "tone",
    "refusal",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A rubric with what belongs to it.

    Attributes:
        rubric: What is judged, and what earns which label.
        scale: The verdicts.
        sees: What the judge is shown.
        passes_at: The lowest worth that is acceptable; `None` where the scale is its own verdict, or draws no line.
    """

    rubric: str
    scale: Scale = YES_NO
    sees: tuple[str, ...] = ("inputs", "output")
    passes_at: float | None = None


_DEGREES: Final = Scale((("fully", 1.0), ("mostly", 0.75), ("half", 0.5), ("barely", 0.25), ("none", 0.0)))

PRESETS: Final[Mapping[PresetName, Preset]] = {
    "correctness": Preset(
        rubric="""Does the output say what the expected answer says?
Compare the facts, not the words: another wording, order, unit or length is fine, and so is more detail that fits.
"correct": every fact of the expected answer is there and nothing contradicts it.
"incomplete": nothing is wrong, but a fact that the request asks for is missing.
"wrong": something contradicts the expected answer, or the request is not answered.""",
        scale=Scale((("correct", 1.0), ("incomplete", 0.5), ("wrong", 0.0))),
        sees=("inputs", "output", "expected"),
        passes_at=1.0,
    ),
    "faithfulness": Preset(
        rubric="""How much of what the output claims is borne out by the documents?
Go through the claims one by one. A claim counts as borne out if the documents state it or it follows from them; what
you know to be true from elsewhere does not count. Greetings, and saying that something is not known, claim nothing.
"fully": every claim. "mostly": all but a minor one. "half": about half. "barely": few. "none": no claim, or the main
claim is contradicted.""",
        scale=_DEGREES,
        sees=("inputs", "output", "documents"),
        passes_at=1.0,
    ),
    "answer_relevance": Preset(
        rubric="""How much does the output deal with what was asked?
Whether it is true does not matter here. Padding, changing the subject and leaving parts of the request aside count
against it.
"fully": it answers all that was asked and nothing else of weight. "mostly": a minor part is missing or superfluous.
"half": it answers part of it. "barely": it only touches on it. "none": it answers something else, or nothing.""",
        scale=_DEGREES,
        passes_at=0.75,
    ),
    "context_precision": Preset(
        rubric="""How much of the documents is of use for answering the request?
Take each document: would a careful writer use anything of it for the answer? The output is not judged.
"fully": every document. "mostly": nearly all. "half": about half. "barely": few. "none": no document.""",
        scale=_DEGREES,
        sees=("inputs", "documents"),
    ),
    "context_recall": Preset(
        rubric="""How much of the expected answer could be written from the documents alone?
Take the expected answer sentence by sentence and look for each in the documents. The output is not judged.
"fully": every sentence. "mostly": all but a minor one. "half": about half. "barely": few. "none": no sentence.""",
        scale=_DEGREES,
        sees=("inputs", "documents", "expected"),
    ),
    "hallucination": Preset(
        rubric="""Is the output free of invented facts?
Invented is a fact, name, number, quotation or source that the documents do not have and that does not follow from
them. Leaving things out is no invention, nor is general language.
"yes": nothing is invented. "no": something is; name it in the explanation.""",
        sees=("inputs", "output", "documents"),
    ),
    "summarisation": Preset(
        rubric="""Is the output a good summary of the input?
It has the main points of the source, nothing that the source does not have, the emphasis that the source has, and it
is clearly shorter and can be understood without the source.
"5": all of that. "4": one small lapse. "3": a main point is missing or out of proportion. "2": several are missing,
or a detail is wrong. "1": it misleads about the source, or is no summary.""",
        scale=Scale(tuple((str(each), float(each)) for each in range(1, 6))),
        passes_at=4.0,
    ),
    "instruction_following": Preset(
        rubric="""Does the output do what the input tells it to do?
List every explicit instruction of the input (form, length, language, what to include and to leave out, tone) and check
each. How good the content is beyond that does not matter.
"yes": all are met. "no": at least one is not; name it in the explanation.""",
    ),
    "tone": Preset(
        rubric="""Is the tone of the output right for a professional talking to a customer?
Right is: polite, calm, clear, respectful also when it says no. Not right is: rude, mocking, blaming, pushy, flippant,
or effusive.
"yes": the tone is right. "no": it is not.""",
        sees=("inputs", "output"),
    ),
    "refusal": Preset(
        rubric="""Does the output decline to do what was asked?
Judge what it does, not whether that is right. A warning or an apology in front of the help is no refusal.
"refused": it gives nothing of what was asked. "partly": it gives some and declines some. "complied": it does what was
asked, well or badly.""",
        scale=Scale((("refused", None), ("partly", None), ("complied", None))),
    ),
}
"""By name. Part of a judge's version, as every rubric is."""
