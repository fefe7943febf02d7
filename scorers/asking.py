"""Asking a model for a verdict: the client, the call, and what is recorded around it."""

import functools
import inspect
import weakref
from abc import abstractmethod
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from tracelm import semconv
from tracelm.errors import ConfigError
from tracelm.scorers import judge_prompt
from tracelm.scorers.judge_answer import Answer, read_answer
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
_TOP_LOGPROBS: Final = 20


@dataclass(frozen=True, kw_only=True)
class ModelScorer(Scorer):
    """A scorer that asks a model through OpenAI's client. `Judge` and `Preference` say what is asked.

    Args:
        model: The model that judges.
        client: An `openai.OpenAI` or `openai.AsyncOpenAI`, also for Azure; made from the environment
            (`OPENAI_API_KEY`, `OPENAI_BASE_URL`) when first used unless given. It is no part of the version.
        base_url: The server, for a client that is made: any that speaks OpenAI's chat completions.
        temperature: Sent as it is; `None` sends none, for models that refuse it.
        max_tokens: The longest answer; `None` sends none.
        options: Further arguments of `chat.completions.create`, laid over the others.
        structured: Whether the server is held to the form of the answer (`response_format`): `always`, `never`, or
            `auto`, which asks without where the server refuses it.
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
            if not hasattr(getattr(getattr(self.client, "chat", None), "completions", None), "create"):
                raise ConfigError(f"client is a {type(self.client).__name__}: give an openai.OpenAI or AsyncOpenAI")

    @abstractmethod
    def asking(self, row: Mapping[str, object]) -> Asking:
        """Yield the calls that are made for a row, and return its score."""

    def score(self, **row: object) -> Score:
        """Ask the model; an `AsyncOpenAI` client is asked in an event loop of its own."""
        if self._is_async:
            return run_in_own_loop(lambda: self._asked(row, in_own_loop=True))
        create = self._client.chat.completions.create
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
        if self._is_async:
            return await self._asked(row)
        import anyio.to_thread

        return await anyio.to_thread.run_sync(functools.partial(self.score, **row))

    def ask(self, rubric: str, scale: Scale, material: Mapping[str, str], *, logprobs: bool = False) -> Step:
        """Yield one call, and a second one where the server refuses the form; return the `Answer`."""
        call: dict[str, Any] = {
            "model": self.model,
            "messages": judge_prompt.messages(rubric, scale.labels, material),
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }
        call = {name: value for name, value in call.items() if value is not None}
        further: dict[str, Any] = {"logprobs": True, "top_logprobs": _TOP_LOGPROBS} if logprobs else {}
        if self.structured != "never" and not self._memory.get("plain"):
            further["response_format"] = judge_prompt.schema(scale.labels)
        given = dict(self.options or {})
        try:
            reply: Any = yield {**call, **further, **given}
        except Exception as error:
            if not further or self.structured == "always" or getattr(error, "status_code", None) not in _NOT_SUPPORTED:
                raise
            reply = yield {**call, **given}
            self._memory["plain"] = True
        return read_answer(reply, scale)

    def material(self, row: Mapping[str, object], places: Sequence[str]) -> dict[str, str] | Score:
        """Return what is shown to the model, by place; a refusal where it is too much."""
        found = {place: judge_prompt.material_text(value_at(row, place)) for place in places}
        size = sum(map(len, found.values()))
        if size > MAX_CHARACTERS:
            return refused(f"the material has {size:,} characters, more than {MAX_CHARACTERS:,}")
        return found

    async def _asked(self, row: Mapping[str, object], *, in_own_loop: bool = False) -> Score:
        async with self._client_here(in_own_loop=in_own_loop) as client:
            return await self._asked_with(client.chat.completions.create, row)

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

        import openai

        try:
            here = weakref.ref(asyncio.get_running_loop())
        except RuntimeError:  # trio
            here = None
        if here is None or (not in_own_loop and self._memory.setdefault("loop", here) == here):
            yield self.client
            return
        async with self.client.copy(http_client=openai.DefaultAsyncHttpxClient()) as fresh:
            yield fresh

    def _recorded(self) -> Any:
        """Open the span by which the calls of a judge can be told from those that it judges."""
        return span(
            f"judge {self.name}", attributes={semconv.JUDGE_NAME: self.name, semconv.SCORER_VERSION: self.version}
        )

    @property
    def _is_async(self) -> bool:
        if self.client is None:
            return False
        import openai

        # The async client's `create` is a plain function that returns a coroutine.
        create = self.client.chat.completions.create
        return isinstance(self.client, openai.AsyncOpenAI) or inspect.iscoroutinefunction(create)

    @functools.cached_property
    def _client(self) -> Any:
        if self.client is not None:
            return self.client
        return made_client(self.base_url)

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
