"""Asking a model for a verdict: the client, the call, and what is recorded around it."""

import functools
import weakref
from abc import abstractmethod
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from tracelm import semconv
from tracelm.errors import ConfigError
from tracelm.scorers import judge_prompt
from tracelm.scorers.judge_answer import Answer, read_answer
from tracelm.scorers.judge_clients import JudgeClient, OpenAIChat, Question, client_for
from tracelm.scorers.paths import value_at
from tracelm.scorers.scales import Scale
from tracelm.scorers.values import refused
from tracelm.scoring.loop import run_in_own_loop
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer
from tracelm.trace.spans import span

Structured: TypeAlias = Literal["auto", "always", "never"]
Asking: TypeAlias = Generator[dict[str, Any], Any, Score]
"""Yields the arguments of calls, is sent their results, and returns the score: the same for sync and async."""
Step: TypeAlias = Generator[dict[str, Any], Any, Answer]

MAX_CHARACTERS: Final = 400_000
"""Material beyond this is not sent."""

# Servers that do not know a parameter say so with one of these.
_NOT_SUPPORTED: Final = frozenset({400, 404, 422, 500, 501})


@dataclass(frozen=True, kw_only=True)
class ModelScorer(Scorer):
    """A scorer that asks a model through somebody's client. `Judge` and `Preference` say what is asked.

    Args:
        model: The model that judges.
        client: A client of `openai` or `anthropic`, sync or async, also for Azure, Bedrock and Vertex; a
            `google.genai.Client`; `boto3.client("bedrock-runtime")`; or `litellm`. Unless given, an `openai.OpenAI`
            made from the environment (`OPENAI_API_KEY`, `OPENAI_BASE_URL`) when first used. No part of the version.
        base_url: The server, for a client that is made: any that speaks OpenAI's chat completions.
        temperature: `None` sends none, for models that refuse it; clients of Anthropic from 2.0 on never do.
        max_tokens: The longest answer; `None` sends none.
        options: Further arguments of the call, laid over the others; for Google's client of its `config`.
        structured: Whether the server is held to the form of the answer (by a schema, or a tool that must be called):
            `always`, `never`, or `auto`, which asks without where the server refuses it.
    """

    model: str
    client: Any = field(default=None, compare=False, repr=False)
    base_url: str | None = field(default=None, compare=False)
    temperature: float | None = 0.0
    max_tokens: int | None = 1_024
    options: Mapping[str, Any] | None = field(default=None, hash=False)
    structured: Structured = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.model, str) or not self.model.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError("model is empty: name the model that judges, as its server calls it")
        if self.structured not in get_args(Structured):
            raise ConfigError(f"structured={self.structured!r} is not known: use {', '.join(get_args(Structured))}")
        if self.client is not None:
            if self.base_url is not None:
                raise ConfigError("client and base_url are both given: the client has an address already")
            wants_limit = client_for(self.client).wants_max_tokens
            if wants_limit and self.max_tokens is None:
                raise ConfigError("max_tokens=None: this client's provider wants a limit, for example 1024")

    @abstractmethod
    def asking(self, row: Mapping[str, object]) -> Asking:
        """Yield the calls that are made for a row, and return its score."""

    def score(self, **row: object) -> Score:
        """Ask the model; an async client is asked in an event loop of its own."""
        if self._way.is_async:
            return run_in_own_loop(lambda: self._asked(row, in_own_loop=True))
        create = self._way.create
        with self._recorded():
            steps = self.asking(row)
            try:
                call = next(steps)
                while True:
                    try:
                        reply = create(**call)
                    except Exception as error:
                        call = steps.throw(error)
                    else:
                        call = steps.send(reply)
            except StopIteration as done:
                return cast("Score", done.value)

    async def ascore(self, **row: object) -> Score:
        """Ask the model without blocking the event loop; a sync client is asked in a worker thread."""
        if self._way.is_async:
            return await self._asked(row)
        import anyio.to_thread

        return await anyio.to_thread.run_sync(functools.partial(self.score, **row))

    def ask(self, rubric: str, scale: Scale, material: Mapping[str, str], *, logprobs: bool = False) -> Step:
        """Yield one call, and a second one where the server refuses the form; return the `Answer`."""
        system, user = judge_prompt.told(rubric, scale.labels, material)
        question = Question(
            model=self.model,
            system=system,
            user=user,
            schema=None,
            logprobs=False,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            options=dict(self.options or {}),
        )
        way = self._form
        form = (
            judge_prompt.schema(scale.labels) if self.structured != "never" and not self._memory.get("plain") else None
        )
        asked = replace(question, schema=form, logprobs=logprobs)
        try:
            reply: Any = yield way.arguments(asked)
        except Exception as error:
            if asked == question or self.structured == "always" or way.status(error) not in _NOT_SUPPORTED:
                raise
            reply = yield way.arguments(question)
            self._memory["plain"] = True
        return read_answer(way.said(reply), scale)

    def material(self, row: Mapping[str, object], places: Sequence[str]) -> dict[str, str] | Score:
        """Return what is shown to the model, by place; a refusal where it is too much."""
        found = {place: judge_prompt.material_text(value_at(row, place)) for place in places}
        size = sum(map(len, found.values()))
        if size > MAX_CHARACTERS:
            return refused(f"the material has {size:,} characters, more than {MAX_CHARACTERS:,}")
        return found

    async def _asked(self, row: Mapping[str, object], *, in_own_loop: bool = False) -> Score:
        async with self._client_here(in_own_loop=in_own_loop) as client:
            return await self._asked_with(type(self._way)(client).create, row)

    async def _asked_with(self, create: Any, row: Mapping[str, object]) -> Score:
        with self._recorded():
            steps = self.asking(row)
            try:
                call = next(steps)
                while True:
                    try:
                        reply = await create(**call)
                    except Exception as error:
                        call = steps.throw(error)
                    else:
                        call = steps.send(reply)
            except StopIteration as done:
                return cast("Score", done.value)

    @asynccontextmanager
    async def _client_here(self, *, in_own_loop: bool) -> AsyncGenerator[Any]:
        """Give the client for the running loop: its connections live in the loop that made them."""
        import asyncio

        try:
            here = weakref.ref(asyncio.get_running_loop())
        except RuntimeError:  # trio
            here = None
        if here is None or (not in_own_loop and self._memory.setdefault("loop", here) == here):
            yield self.client
            return
        async with self._way.of_another_loop() as fresh:
            yield fresh

    def _recorded(self) -> Any:
        """Open the span by which the calls of a judge can be told from those that it judges."""
        return span(
            f"judge {self.name}", attributes={semconv.JUDGE_NAME: self.name, semconv.SCORER_VERSION: self.version}
        )

    @property
    def _form(self) -> JudgeClient:
        """What is sent and read; without a client, before one is made."""
        return OpenAIChat(None) if self.client is None else self._way

    @functools.cached_property
    def _way(self) -> JudgeClient:
        return client_for(made_client(self.base_url) if self.client is None else self.client)

    @functools.cached_property
    def _memory(self) -> dict[str, Any]:
        """What was learned about the server, and the loop in which the client is at home."""
        return {}


def tokens_of(answers: Sequence[Answer]) -> dict[str, int]:
    """Return the tokens that answers took, for the details of a score."""
    return {
        "input_tokens": sum(each.tokens[0] for each in answers),
        "output_tokens": sum(each.tokens[1] for each in answers),
    }


def made_client(base_url: str | None) -> Any:
    """Return an `openai.OpenAI` made from the environment.

    Raises:
        ConfigError: It has no key.
    """
    import os

    import openai

    # A server of one's own often wants no key; the client insists on one.
    unneeded = "unset" if base_url and not os.environ.get("OPENAI_API_KEY") else None
    try:
        return openai.OpenAI(base_url=base_url, api_key=unneeded)
    except openai.OpenAIError as error:
        raise ConfigError(
            f"a judge needs a client: set OPENAI_API_KEY, or give client= or base_url= ({error})"
        ) from None
