"""The scorer that asks OpenAI's moderation endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from tracelm.errors import ConfigError
from tracelm.scorers.searched_text import searched_text
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

if TYPE_CHECKING:
    from openai.types import ModerationCreateResponse


@dataclass(frozen=True, kw_only=True)
class OpenAIModeration(Scorer):
    """True when OpenAI's moderation finds no category at or above its threshold.

    The only safety scorer that sends the text away: to the endpoint of `openai.OpenAI()`, with the key and the
    address that its environment variables name. A call that fails raises the client's own error; a guardrail then
    does what its `on_error` says.

    `details` holds `risk` (the highest score of a category, 0 to 1), `categories` (the scores) and `model`.

    Args:
        model: The moderation model.
        threshold: The score from which a category fails; unset: where the model flags it.
        timeout_s: How long an answer may take, in seconds.

    Raises:
        ConfigError: A threshold that is no number between 0 and 1.

    Example:
        >>> OpenAIModeration(threshold=0.4).name
        'openai_moderation'
    """

    model: str = "omni-moderation-latest"
    threshold: float | None = None
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.threshold is not None and (isinstance(self.threshold, bool) or not 0 < self.threshold <= 1):
            raise ConfigError(f"threshold={self.threshold!r} cannot work: give a score above 0 and up to 1")

    @property
    def name(self) -> str:
        """`openai_moderation`."""
        return "openai_moderation"

    def score(self, *, output: object) -> Score:
        """Ask about `output`; of a value that is not a str, about its JSON text."""
        import openai

        with openai.OpenAI(timeout=self.timeout_s) as client:
            return self._verdict(client.moderations.create(model=self.model, input=searched_text(output)))

    async def ascore(self, *, output: object) -> Score:
        """Ask without blocking the event loop."""
        import openai

        async with openai.AsyncOpenAI(timeout=self.timeout_s) as client:
            return self._verdict(await client.moderations.create(model=self.model, input=searched_text(output)))

    def _verdict(self, answer: "ModerationCreateResponse") -> Score:
        result = answer.results[0]
        given = cast("Mapping[str, Any]", result.category_scores.model_dump(by_alias=True))
        scores = {name: float(value) for name, value in given.items() if value is not None}
        flags = cast("Mapping[str, bool | None]", result.categories.model_dump(by_alias=True))
        limit = self.threshold
        refused = sorted(
            name for name, value in scores.items() if (flags.get(name) if limit is None else value >= limit)
        )
        passed = not refused and not (limit is None and result.flagged)
        return Score(
            value=passed,
            explanation=None if passed else f"flagged: {', '.join(refused) or 'no category named'}",
            details={"risk": max(scores.values(), default=0.0), "categories": scores, "model": answer.model},
        )
