"""`Preference`: a model says which of two outputs is better, asked in both orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from tracelm.errors import ConfigError
from tracelm.scorers import judge_prompt
from tracelm.scorers.asking import Asking, ModelScorer, tokens_of
from tracelm.scorers.scales import Scale
from tracelm.scoring.score import Score

_SCALE: Final = Scale((("first", 1.0), ("second", 0.0), ("tie", 0.5)))
_RUBRIC: Final = """Two answers to the same request are shown, "first answer" and "second answer". Say which is better
by this measure:

{rubric}

"first" or "second" is the better one; "tie" when neither is. Where an answer stands says nothing about it."""


@dataclass(frozen=True, kw_only=True)
class Preference(ModelScorer):
    """A model says whether the output is better than another one: 1, worse: 0, or neither: 0.5.

    It is asked twice, with the two in either order, because models prefer a place. Verdicts that change with the
    order give 0.5, and `details["consistent"]` is False; the share of those says how far the judge can be trusted.
    If either answer is no verdict, the row is not scored.

    Args:
        rubric: What makes an answer better.
        model: The model that judges.
        baseline: Where the other output stands: a place of the row, as for `On`.
        output: Where the output stands.
        sees: What else is shown: places of the row.
        criterion: What the score is called.
        client: A client of `openai` or `anthropic`, a `google.genai.Client`, `boto3.client("bedrock-runtime")`, or
            `litellm`; an `openai.OpenAI` made from the environment unless given.
        base_url: The server, for a client that is made: any that speaks OpenAI's chat completions.
        temperature: `None` sends none, for models that refuse it; clients of Anthropic from 2.0 on never do.
        max_tokens: The longest answer; `None` sends none.
        options: Further arguments of the call; for Google's client of its `config`.
        structured: `auto`, `always` or `never` ask the server to hold the model to the form.

    Raises:
        ConfigError: An argument cannot work.

    Example:
        >>> Preference(rubric="Shorter is better.", model="gpt-4o-mini").needs
        ('inputs', 'output', 'baseline')
    """

    rubric: str
    baseline: str = "baseline"
    output: str = "output"
    sees: tuple[str, ...] = ("inputs",)
    criterion: str = "preference"
    gives: ClassVar[str] = "0, 0.5 or 1"
    prompt: ClassVar[str] = judge_prompt.SYSTEM + judge_prompt.REMINDER + _RUBRIC
    """Part of the version."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.sees, str):
            raise ConfigError(f"sees={self.sees!r} is one str: write sees=({self.sees!r},)")
        object.__setattr__(self, "sees", tuple(self.sees))
        if not self.rubric.strip() or not self.criterion.strip():
            raise ConfigError("rubric and criterion must not be empty: say what makes an answer better")

    @property
    def name(self) -> str:
        """The criterion."""
        return self.criterion

    @property
    def needs(self) -> tuple[str, ...]:
        """What the places begin with."""
        places = (*self.sees, self.output, self.baseline)
        return tuple(dict.fromkeys(place.partition(".")[0] for place in places))

    def asking(self, row: Mapping[str, object]) -> Asking:
        """Ask in both orders."""
        shown = self.material(row, (*self.sees, self.output, self.baseline))
        if isinstance(shown, Score):
            return shown
        ours, theirs = shown.pop(self.output), shown.pop(self.baseline)
        rubric = _RUBRIC.format(rubric=self.rubric)
        before = yield from self.ask(rubric, _SCALE, {**shown, "first answer": ours, "second answer": theirs})
        after = yield from self.ask(rubric, _SCALE, {**shown, "first answer": theirs, "second answer": ours})
        details: dict[str, Any] = {
            "model": self.model,
            **tokens_of([before, after]),
            "labels": [before.label, after.label],
        }
        if before.label is None or after.label is None:
            reason = before.explanation if before.label is None else after.explanation
            return Score(value=None, explanation=f"refused to score: {reason}", details=details)
        values = [float(_SCALE.worth(before.label) or 0), 1 - float(_SCALE.worth(after.label) or 0)]
        consistent = values[0] == values[1]
        why = before.explanation if consistent else "the verdict changed with the order of the two"
        return Score(
            value=values[0] if consistent else 0.5, explanation=why, details={**details, "consistent": consistent}
        )
