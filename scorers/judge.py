"""`Judge`: a model that judges by a rubric."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from tracelm.errors import ConfigError
from tracelm.scorers import judge_prompt
from tracelm.scorers.asking import Asking, ModelScorer, tokens_of
from tracelm.scorers.judge_answer import Answer
from tracelm.scorers.presets import PRESETS, PresetName
from tracelm.scorers.scales import YES_NO, Scale, ScaleLike, scale_of
from tracelm.scoring.score import Score


@dataclass(frozen=True, kw_only=True)
class Judge(ModelScorer):
    """A model judges the output by a rubric, on a scale of yours.

    The model explains first and then chooses one label of the scale. Anything else (a label that is not on the
    scale, two verdicts, a refusal, an answer that was cut off) is "refused to score" with the reason, never a guess.
    What is judged is shown to the model as data, between marks that it cannot contain. A failing call is a failing
    scorer.

    The calls are recorded below a span `judge NAME`, with tokens and cost, as those of any patched client. Rubric,
    scale, prompt and settings are the scorer's version; the client is not. A judge errs: measure yours against labels
    of people before you trust it.

    Args:
        rubric: What is judged, and what earns which label.
        model: The model that judges.
        scale: Labels with their worth, as in `{"good": 1, "fair": 0.5, "poor": 0}`; labels alone; or a
            `range(1, 6)`. By default `yes` (True) and `no` (False).
        criterion: What the score is called.
        sees: What is shown to the model: places of the row, as for `On`.
        passes_at: The lowest worth that is acceptable. Unset: a scale of True and False is its own verdict, others
            draw no line.
        repeats: How often the model is asked. Numbers give their mean, with the standard deviation in
            `details["spread"]`; labels, True and False their majority. Wants a `temperature` above 0.
        logprobs: Whether labels are weighted with the probabilities that the model gave them, where the server
            tells them and the labels differ in their first token: the value is then the expected worth.
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
        >>> judge = Judge(rubric="Is the answer polite?", model="gpt-4o-mini", criterion="polite")
        >>> judge.name, judge.needs
        ('polite', ('inputs', 'output'))
    """

    rubric: str
    scale: ScaleLike = YES_NO
    criterion: str = "judge"
    sees: tuple[str, ...] = ("inputs", "output")
    passes_at: float | None = None
    repeats: int = 1
    logprobs: bool = False
    gives: ClassVar[str] = "a label of its scale, or its worth"
    prompt: ClassVar[str] = judge_prompt.SYSTEM + judge_prompt.REMINDER
    """Part of the version."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "scale", scale_of(self.scale))
        if isinstance(self.sees, str):
            raise ConfigError(f"sees={self.sees!r} is one str: write sees=({self.sees!r},)")
        object.__setattr__(self, "sees", tuple(self.sees))
        if not self.rubric.strip():
            raise ConfigError("rubric is empty: say what is judged, and what earns which label")
        if not self.criterion.strip():
            raise ConfigError("criterion is empty: say what the score is called")
        if not self.sees or not all(isinstance(each, str) and each for each in self.sees):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"sees={self.sees!r}: name what the judge is shown, as in ('inputs', 'output')")
        if isinstance(self.repeats, bool) or not isinstance(self.repeats, int) or self.repeats < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"repeats={self.repeats!r} cannot work: give a whole number above 0")
        if self.passes_at is not None and not (self._scale.is_numeric and math.isfinite(self.passes_at)):
            raise ConfigError(f"passes_at={self.passes_at!r} cannot work: give a finite number, and a scale of numbers")
        if self.logprobs and not self._scale.is_numeric:
            raise ConfigError("logprobs weighs numbers: give a scale whose labels are worth something")

    @classmethod
    def of(cls, preset: PresetName, *, model: str, **changes: Any) -> "Judge":
        """Return a judge with a ready-made rubric; the presets stand in the reference.

        Args:
            preset: Which one.
            model: The model that judges.
            **changes: Any argument of `Judge`.

        Raises:
            ConfigError: There is no such preset.

        Example:
            >>> Judge.of("faithfulness", model="gpt-4o-mini", sees=("output.answer", "output.documents")).name
            'faithfulness'
        """
        found = PRESETS.get(preset)
        if found is None:
            raise ConfigError(f"preset {preset!r} is not known: use one of {', '.join(PRESETS)}")
        given: dict[str, Any] = {
            "rubric": found.rubric,
            "scale": found.scale,
            "sees": found.sees,
            "passes_at": found.passes_at,
        }
        made = cast("Any", cls)(**{"criterion": preset, "model": model, **given, **changes})
        return cast("Judge", made)

    @property
    def name(self) -> str:
        """The criterion."""
        return self.criterion

    @property
    def needs(self) -> tuple[str, ...]:
        """What the places that the judge sees begin with."""
        return tuple(dict.fromkeys(place.partition(".")[0] for place in self.sees))

    def asking(self, row: Mapping[str, object]) -> Asking:
        """Ask as often as `repeats` says."""
        shown = self.material(row, self.sees)
        if isinstance(shown, Score):
            return shown
        answers: list[Answer] = []
        for _ in range(self.repeats):
            answer = yield from self.ask(self.rubric, self._scale, shown, logprobs=self.logprobs)
            answers.append(answer)
        return self._scored(answers)

    @property
    def _scale(self) -> Scale:
        return cast("Scale", self.scale)

    def _scored(self, answers: Sequence[Answer]) -> Score:
        given = [each for each in answers if each.label is not None]
        details: dict[str, Any] = {"model": self.model, **tokens_of(answers)}
        if self.repeats > 1:
            details |= {"labels": [each.label for each in answers], "refused": len(answers) - len(given)}
        if 2 * len(given) <= len(answers):  # what most of the answers refuse is not scored
            reason = next(each.explanation for each in answers if each.label is None)
            return Score(value=None, explanation=f"refused to score: {reason}", details=details)
        weighted = [each for each in given if each.probabilities is not None] if self.logprobs else []
        if self.logprobs:
            details["weighted"] = len(weighted) == len(given)
            if details["weighted"]:
                details["probabilities"] = _mean_of([each.probabilities or {} for each in given])
        if self._scale.is_numeric and (not self._scale.is_verdict or details.get("weighted")):
            return self._number(given, details)
        counts = Counter(str(each.label) for each in given).most_common()
        if len(counts) > 1 and counts[0][1] == counts[1][1]:
            split = ", ".join(f"{count} × {label}" for label, count in counts)
            return Score(value=None, explanation=f"refused to score: the verdicts are split ({split})", details=details)
        label = counts[0][0]
        details |= {"label": label} | ({"agreement": counts[0][1] / len(given)} if self.repeats > 1 else {})
        why = next(each.explanation for each in given if each.label == label)
        if self._scale.is_verdict:
            return Score(value=self._scale.worth(label), explanation=why, details=details)
        return Score(value=label, explanation=why, details=details)

    def _number(self, given: Sequence[Answer], details: dict[str, Any]) -> Score:
        numbers = [
            float(self._scale.worth(str(each.label)) or 0)
            if not details.get("weighted")
            else math.fsum(
                share * float(self._scale.worth(label) or 0) for label, share in (each.probabilities or {}).items()
            )
            for each in given
        ]
        value = statistics.fmean(numbers)
        nearest = min(zip(numbers, given, strict=True), key=lambda each: abs(each[0] - value))[1]
        details["label"] = nearest.label
        if self.repeats > 1:
            details["values"] = numbers
            details["spread"] = statistics.stdev(numbers) if len(numbers) > 1 else 0.0
        bar = self.passes_at if self.passes_at is not None else 0.5 if self._scale.is_verdict else None
        passed = None if bar is None else value >= bar
        return Score(value=value, passed=passed, explanation=nearest.explanation, details=details)


def _mean_of(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {label: statistics.fmean(each[label] for each in shares) for label in shares[0]}
