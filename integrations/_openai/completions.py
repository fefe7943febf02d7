"""The endpoint `completions`: text that goes on where a prompt ends, from before there were chats."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tracelm.integrations._chat import request_attributes, served_attributes
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import count, field, items, text
from tracelm.integrations._parts import text_message
from tracelm.integrations._stream import finish_reasons
from tracelm.integrations._usage import chat_usage


class CompletionsEndpoint(Endpoint):
    """Text completions."""

    says_usage_if_asked = True

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation="text_completion",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes={**asked.server, **request_attributes(body)},
            messages=lambda: [_prompt(each) for each in _prompts(body)],
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read a completion."""
        choices = items(field(answer, "choices"))
        return Reply(
            id=text(field(answer, "id")),
            model=text(field(answer, "model")),
            finish_reasons=[_finish_reason(choice) for choice in choices],
            usage=chat_usage(field(answer, "usage"), provider=asked.provider),
            service_tier=text(field(answer, "service_tier")),
            attributes=served_attributes(answer),
            messages=lambda: [_output(choice) for choice in choices],
        )

    def collect(self, asked: Asked, *, keep_content: bool) -> "TextChunks":
        """Return what puts the chunks together."""
        return TextChunks(self, asked, keep_content=keep_content)


class TextChunks:
    """Collects the chunks of one stream."""

    def __init__(self, endpoint: CompletionsEndpoint, asked: Asked, *, keep_content: bool) -> None:
        self._endpoint = endpoint
        self._asked = asked
        self._keep_content = keep_content
        # Each prompt is answered as often as was asked for.
        self._expected = (count(asked.body.get("n")) or 1) * max(len(_prompts(asked.body)), 1)
        self._head: dict[str, object] = {}
        self._texts: dict[int, list[str]] = {}
        self._reasons: dict[int, str] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every choice has said why it ended."""
        return len(self._reasons) >= max(self._expected, len(self._texts))

    def add(self, chunk: object) -> None:
        """Take one chunk."""
        for name in ("id", "model", "service_tier", "system_fingerprint", "usage"):
            value = field(chunk, name)
            if value:
                self._head[name] = value
        for choice in items(field(chunk, "choices")):
            index = count(field(choice, "index")) or 0
            pieces = self._texts.setdefault(index, [])
            piece = text(field(choice, "text"))
            if piece and self._keep_content:
                pieces.append(piece)
            reason = text(field(choice, "finish_reason"))
            if reason:
                self._reasons[index] = reason

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        choices = [
            {"index": index, "text": "".join(pieces), "finish_reason": self._reasons.get(index)}
            for index, pieces in sorted(self._texts.items())
        ]
        whole = self._endpoint.read(self._asked, {**self._head, "choices": choices})
        reasons = {index: self._reasons.get(index) for index in self._texts}
        came = [choice for choice in choices if choice["text"] or choice["finish_reason"]]
        return replace(
            whole,
            finish_reasons=finish_reasons(reasons, expected=self._expected),
            messages=lambda: [_output(choice) for choice in came],
        )


def _prompts(body: Mapping[str, object]) -> Sequence[object]:
    prompt = body.get("prompt")
    if isinstance(prompt, str):
        return [prompt]
    prompts = items(prompt)
    # A list of numbers is one prompt, given as its tokens.
    return [prompts] if prompts and all(isinstance(each, int) for each in prompts) else prompts


def _prompt(prompt: object) -> Message:
    if isinstance(prompt, str):
        return text_message("user", prompt)
    return {"role": "user", "parts": [{"type": "tokens", "content": prompt}]}


def _output(choice: object) -> Message:
    said = text_message("assistant", text(field(choice, "text")) or "")
    return said | {"finish_reason": _finish_reason(choice)}


def _finish_reason(choice: object) -> str:
    return text(field(choice, "finish_reason")) or "error"
