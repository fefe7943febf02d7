"""The clients that a judge can ask through: what each is sent, and what it says.

The form of the answer is asked for as each provider knows it: by a schema where there is one, else by a tool that the
model must call.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson

from tracelm.errors import ConfigError
from tracelm.scorers.judge_answer import Said, Token

_TOP_LOGPROBS: Final = 20
_TOOL: Final = "verdict"
_ABOUT_TOOL: Final = "Takes the verdict, and what decides it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a judge is asked, in no provider's words.

    Attributes:
        model: The model that judges.
        system: Rubric, scale and form.
        user: The material.
        schema: JSON Schema of the answer; `None` where no form is asked for.
        logprobs: Whether the probabilities of its tokens are asked for.
        temperature: `None` sends none.
        max_tokens: `None` sends none.
        options: Laid over the arguments of the call.
    """

    model: str
    system: str
    user: str
    schema: Mapping[str, Any] | None
    logprobs: bool
    temperature: float | None
    max_tokens: int | None
    options: Mapping[str, Any]


class JudgeClient(ABC):
    """A client of some library.

    Args:
        client: The object that people have.
    """

    wants_max_tokens: ClassVar[bool] = False
    """Whether its provider refuses a call that does not say how long the answer may be."""

    def __init__(self, client: Any) -> None:
        self.client = client

    @property
    @abstractmethod
    def create(self) -> Callable[..., Any]:
        """What makes the call."""

    @abstractmethod
    def arguments(self, question: Question) -> dict[str, Any]:
        """Return what `create` is called with."""

    @abstractmethod
    def said(self, reply: Any) -> Said:
        """Read what `create` returned."""

    @property
    def is_async(self) -> bool:
        """Whether what `create` returns is awaited."""
        return inspect.iscoroutinefunction(inspect.unwrap(self.create))

    def of_another_loop(self) -> AbstractAsyncContextManager[Any]:
        """Give the same client with connections of its own: those that it has belong to the loop that made them."""
        raise ConfigError(f"an async {type(self.client).__name__} cannot judge: give the client that blocks instead")

    def status(self, error: Exception) -> object:
        """Return the HTTP status by which the provider refused, if it did."""
        return getattr(error, "status_code", None)


class OpenAIChat(JudgeClient):
    """`openai.OpenAI`, `AsyncOpenAI`, and those for Azure, over chat completions."""

    @property
    def create(self) -> Callable[..., Any]:  # noqa: D102
        return self.client.chat.completions.create  # type: ignore[no-any-return]

    def arguments(self, question: Question) -> dict[str, Any]:  # noqa: D102
        further: dict[str, Any] = {"logprobs": True, "top_logprobs": _TOP_LOGPROBS} if question.logprobs else {}
        if question.schema is not None:
            form = {"name": _TOOL, "strict": True, "schema": question.schema}
            further["response_format"] = {"type": "json_schema", "json_schema": form}
        messages = [{"role": "system", "content": question.system}, {"role": "user", "content": question.user}]
        return {
            "model": question.model,
            "messages": messages,
            **_given(temperature=question.temperature, max_tokens=question.max_tokens),
            **further,
            **question.options,
        }

    def said(self, reply: Any) -> Said:  # noqa: D102
        usage = getattr(reply, "usage", None)
        tokens = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
        choices: Sequence[Any] = getattr(reply, "choices", None) or ()
        if not choices:
            return Said(text=None, tokens=tokens)
        message = choices[0].message
        return Said(
            text=str(message.content or ""),
            refusal=getattr(message, "refusal", None) or None,
            is_cut_off=choices[0].finish_reason == "length",
            logprobs=[
                (str(each.token), [(str(other.token), float(other.logprob)) for other in each.top_logprobs or ()])
                for each in getattr(getattr(choices[0], "logprobs", None), "content", None) or ()
            ],
            tokens=tokens,
        )

    def of_another_loop(self) -> AbstractAsyncContextManager[Any]:  # noqa: D102
        import openai

        return self.client.copy(http_client=openai.DefaultAsyncHttpxClient())  # type: ignore[no-any-return]


class LiteLLM(OpenAIChat):
    """`litellm` itself, or a `litellm.Router`: OpenAI's words for any provider."""

    @property
    def create(self) -> Callable[..., Any]:  # noqa: D102
        return self.client.completion  # type: ignore[no-any-return]


class AnthropicMessages(JudgeClient):
    """`anthropic.Anthropic`, `AsyncAnthropic`, and those for Bedrock and Vertex.

    Its client takes no temperature from 2.0 on, as Anthropic's newer models do not.
    """

    wants_max_tokens = True

    @property
    def create(self) -> Callable[..., Any]:  # noqa: D102
        return self.client.messages.create  # type: ignore[no-any-return]

    def arguments(self, question: Question) -> dict[str, Any]:  # noqa: D102
        further: dict[str, Any] = {}
        if question.schema is not None:
            tool = {"name": _TOOL, "description": _ABOUT_TOOL, "input_schema": question.schema}
            further = {"tools": [tool], "tool_choice": {"type": "tool", "name": _TOOL}}
        if "temperature" in inspect.signature(self.create).parameters:
            further |= _given(temperature=question.temperature)
        return {
            "model": question.model,
            "system": question.system,
            "messages": [{"role": "user", "content": question.user}],
            **_given(max_tokens=question.max_tokens),
            **further,
            **question.options,
        }

    def said(self, reply: Any) -> Said:  # noqa: D102
        usage = reply.usage
        cached = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        called = [each.input for each in reply.content if each.type == "tool_use"]
        text = "".join(each.text for each in reply.content if each.type == "text")
        return Said(
            text=_answer(called, text),
            refusal="its provider stopped it" if reply.stop_reason == "refusal" else None,
            is_cut_off=reply.stop_reason in {"max_tokens", "model_context_window_exceeded"},
            tokens=(sum(_count(usage, each) for each in cached), _count(usage, "output_tokens")),
        )

    def of_another_loop(self) -> AbstractAsyncContextManager[Any]:  # noqa: D102
        import anthropic

        return self.client.copy(http_client=anthropic.DefaultAsyncHttpxClient())  # type: ignore[no-any-return]


class GoogleGenAI(JudgeClient):
    """`google.genai.Client`; options lie over its `config`."""

    @property
    def create(self) -> Callable[..., Any]:  # noqa: D102
        return self.client.models.generate_content  # type: ignore[no-any-return]

    def arguments(self, question: Question) -> dict[str, Any]:  # noqa: D102
        config: dict[str, Any] = {
            "system_instruction": question.system,
            **_given(temperature=question.temperature, max_output_tokens=question.max_tokens),
        }
        if question.schema is not None:
            known = {name: question.schema[name] for name in ("type", "properties", "required")}
            schema = {**known, "property_ordering": question.schema["required"]}
            config |= {"response_mime_type": "application/json", "response_schema": schema}
        if question.logprobs:
            config |= {"response_logprobs": True, "logprobs": _TOP_LOGPROBS}
        return {"model": question.model, "contents": question.user, "config": {**config, **question.options}}

    def said(self, reply: Any) -> Said:  # noqa: D102
        usage = reply.usage_metadata
        written = _count(usage, "candidates_token_count") + _count(usage, "thoughts_token_count")
        tokens = _count(usage, "prompt_token_count"), written
        blocked = getattr(reply.prompt_feedback, "block_reason", None)
        if not reply.candidates:
            return Said(text=None, refusal=_name(blocked), tokens=tokens)
        first = reply.candidates[0]
        reason = _name(first.finish_reason)
        parts = getattr(first.content, "parts", None) or ()
        return Said(
            text="".join(each.text for each in parts if each.text and not each.thought),
            refusal=reason if reason not in {None, "STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED"} else None,
            is_cut_off=reason == "MAX_TOKENS",
            logprobs=_google_tokens(first.logprobs_result),
            tokens=tokens,
        )

    def status(self, error: Exception) -> object:  # noqa: D102
        return getattr(error, "code", None)


class BedrockConverse(JudgeClient):
    """`boto3.client("bedrock-runtime")`, over Converse."""

    @property
    def create(self) -> Callable[..., Any]:  # noqa: D102
        return self.client.converse  # type: ignore[no-any-return]

    def arguments(self, question: Question) -> dict[str, Any]:  # noqa: D102
        further: dict[str, Any] = {}
        if question.schema is not None:
            about = {"name": _TOOL, "description": _ABOUT_TOOL, "inputSchema": {"json": question.schema}}
            further = {"toolConfig": {"tools": [{"toolSpec": about}], "toolChoice": {"tool": {"name": _TOOL}}}}
        return {
            "modelId": question.model,
            "system": [{"text": question.system}],
            "messages": [{"role": "user", "content": [{"text": question.user}]}],
            "inferenceConfig": _given(temperature=question.temperature, maxTokens=question.max_tokens),
            **further,
            **question.options,
        }

    def said(self, reply: Any) -> Said:  # noqa: D102
        blocks: Sequence[Mapping[str, Any]] = reply["output"]["message"]["content"]
        usage = reply["usage"]
        cached = ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
        reason = reply["stopReason"]
        return Said(
            text=_answer(
                [each["toolUse"]["input"] for each in blocks if "toolUse" in each],
                "".join(each["text"] for each in blocks if "text" in each),
            ),
            refusal=reason if reason in {"guardrail_intervened", "content_filtered"} else None,
            is_cut_off=reason in {"max_tokens", "model_context_window_exceeded"},
            tokens=(sum(usage.get(each) or 0 for each in cached), usage["outputTokens"]),
        )

    def status(self, error: Exception) -> object:  # noqa: D102
        response: Any = getattr(error, "response", None) or {}
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")


_WHERE: Final[Sequence[tuple[str, type[JudgeClient]]]] = (
    ("completion", LiteLLM),  # first: the module has names of other clients, too
    ("chat.completions.create", OpenAIChat),
    ("messages.create", AnthropicMessages),
    ("models.generate_content", GoogleGenAI),
    ("converse", BedrockConverse),
)
"""By what a client has, not by its class: the library of another is not imported, and wrappers may be given."""


def client_for(client: object) -> JudgeClient:
    """Return how a judge asks through a client.

    Raises:
        ConfigError: It is of no library that tracelm patches, or is one of those that cannot be used from any loop.
    """
    for place, kind in _WHERE:
        found: Any = client
        for name in place.split("."):
            found = getattr(found, name, None)
        if callable(found):
            made = kind(client)
            if made.is_async and kind.of_another_loop is JudgeClient.of_another_loop:
                made.of_another_loop()
            return made
    raise ConfigError(
        f"client is a {type(client).__name__}: give a client of openai, anthropic or google.genai, "
        "boto3.client('bedrock-runtime'), or litellm"
    )


def _answer(called: Sequence[object], text: str) -> str:
    """Return what the tool was called with, else what was written."""
    return "\n".join(orjson.dumps(each).decode() for each in called) or text


def _given(**arguments: object) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _count(usage: object, name: str) -> int:
    return int(getattr(usage, name, None) or 0)


def _name(value: Any) -> str | None:
    """Return the name of a member of an enumeration, also of one that the client does not know yet."""
    return None if value is None else str(getattr(value, "value", value))


def _google_tokens(result: Any) -> list[Token]:
    chosen: Sequence[Any] = getattr(result, "chosen_candidates", None) or ()
    others: Sequence[Any] = getattr(result, "top_candidates", None) or ()
    return [
        (str(each.token), [(str(one.token), float(one.log_probability)) for one in at.candidates or ()])
        for each, at in zip(chosen, others, strict=False)
    ]
