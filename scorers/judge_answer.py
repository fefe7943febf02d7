"""Reading what a judge said: one verdict of the scale, or the reason why there is none."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from tracelm.scorers.scales import Scale
from tracelm.scorers.values import shown

_MOST_CHARACTERS: Final = 100_000
_MOST_OBJECTS: Final = 200
_LEAST_MASS: Final = 0.5
"""With less probability on the scale than this, the weights say more about the tail than about the verdict."""

_FENCE: Final = re.compile(r"\A```\w*\s*(.*?)\s*```\Z", re.DOTALL)
_LINE: Final = re.compile(r"^[\s*_#>-]*verdict[\s*_]*[:=][\s*_]*([^\n]{1,80}?)[\s*_]*$", re.IGNORECASE | re.MULTILINE)
_VALUE: Final = re.compile(r'"verdict"\s*:\s*"?')


Token: TypeAlias = tuple[str, Sequence[tuple[str, float]]]
"""A token of an answer, and those that could have stood there, each with the logarithm of its probability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model said, in no provider's words.

    Attributes:
        text: The answer; `None` where there is none.
        refusal: Why it did not answer, where it or its provider said so.
        is_cut_off: Whether it had more to say.
        logprobs: Its tokens, where their probabilities were told.
        tokens: Input and output tokens.
    """

    text: str | None
    refusal: str | None = None
    is_cut_off: bool = False
    logprobs: Sequence[Token] = ()
    tokens: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came out of asking a judge once.

    Attributes:
        label: The verdict, a label of the scale; `None` when there is none.
        explanation: The judge's reasons; without a verdict, why there is none.
        probabilities: How likely each label was, where the model said so; they sum to 1.
        tokens: Input and output tokens.
    """

    label: str | None
    explanation: str | None
    probabilities: Mapping[str, float] | None = None
    tokens: tuple[int, int] = (0, 0)


def read_answer(said: Said, scale: Scale) -> Answer:
    """Read what a model said.

    Args:
        said: What it said.
        scale: The labels that count.
    """
    if said.refusal is not None:
        return Answer(label=None, explanation=f"the judge refused: {said.refusal}", tokens=said.tokens)
    if said.text is None:
        return Answer(label=None, explanation="the judge gave no answer", tokens=said.tokens)
    label, explanation = read_verdict(said.text, scale)
    if label is None and said.is_cut_off:
        explanation = "the judge's answer was cut off: raise max_tokens"
    found = None if label is None else probabilities(said.logprobs, scale)
    return Answer(label=label, explanation=explanation, probabilities=found, tokens=said.tokens)


def read_verdict(text: str, scale: Scale) -> tuple[str | None, str | None]:
    """Return the verdict in a judge's answer and its explanation; without a verdict, why there is none.

    Read are one JSON object, also in a code fence or in prose; else a line `Verdict: ...`; else a bare label.
    What is said about the scale in between is no verdict, and of two that differ none is.
    """
    text = text.rpartition("</think>")[2].strip()[-_MOST_CHARACTERS:]
    fenced = _FENCE.match(text)
    found = list(_objects(fenced[1] if fenced else text))
    if found:
        said = [each["verdict"] for each in found]
        explanation = found[-1].get("explanation")
        why = explanation if isinstance(explanation, str) else None
    else:
        said, why = list[Any](_LINE.findall(text)), _LINE.sub("", text).strip() or None
        if not said and scale.label(text) is not None:
            said, why = [text], None
    labels = {scale.label(each) for each in said}
    if len(labels) == 1 and None not in labels:
        return labels.pop(), why
    if not said:
        return None, f"the judge's answer {shown(text)} holds no verdict" if text else "the judge said nothing"
    off = [each for each in said if scale.label(each) is None]
    if off:
        return None, f"the judge said {shown(off[0])}, which is not on the scale ({', '.join(scale.labels)})"
    return None, f"the judge gave several verdicts: {', '.join(sorted(str(each) for each in labels))}"


def probabilities(tokens: Sequence[Token], scale: Scale) -> dict[str, float] | None:
    """Return how likely each label was, from the alternatives of the token with which the verdict begins.

    `None` where there are no alternatives, where a token could begin two labels, or where the labels together have
    less than half of the probability.
    """
    text = "".join(token for token, _ in tokens)
    matches = list(_VALUE.finditer(text))
    if not matches:
        return None
    start, end = matches[-1].end(), 0
    begun = None
    for token, others in tokens:
        begin, end = end, end + len(token)
        if begin <= start < end:
            # What of the token stands before the verdict stands before every alternative, too.
            begun = others, text[begin:start]
            break
    if begun is None:
        return None
    others, before = begun
    found = dict.fromkeys(scale.labels, 0.0)
    for candidate, logprob in others:
        if not candidate.startswith(before):
            continue
        begins = candidate[len(before) :].strip().strip('",}').casefold()
        fits = [label for label in scale.labels if begins and label.casefold().startswith(begins)]
        if len(fits) > 1:
            return None
        if fits:
            found[fits[0]] += math.exp(logprob)
    mass = math.fsum(found.values())
    return {label: each / mass for label, each in found.items()} if mass >= _LEAST_MASS else None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost JSON objects with a verdict in a text."""
    decoder = json.JSONDecoder(strict=False)
    position = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if position < 0:
            return
        try:
            value, after = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            after = position + 1
        else:
            if isinstance(value, dict) and "verdict" in value:
                yield cast("dict[str, Any]", value)
        position = text.find("{", after)
