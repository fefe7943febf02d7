"""The endpoints `images/generations`, `images/edits` and `images/variations`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._chat import request_attributes
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import count, field, items, plain, text
from tracelm.integrations._openai.uploads import upload_parts
from tracelm.integrations._parts import blob_part, from_url, text_part
from tracelm.integrations._stream import finish_reasons
from tracelm.integrations._usage import token_usage

_FORMATS: Final = {"svg": "svg+xml"}


def _choices(asked: Asked) -> dict[str, AttributeValue]:
    wanted = asked.body.get("n")  # a text, where it was sent in a form
    number = int(wanted) if isinstance(wanted, str) and wanted.isdecimal() else count(wanted)
    return {semconv.REQUEST_CHOICE_COUNT: number} if number is not None and number != 1 else {}


class ImagesEndpoint(Endpoint):
    """Images, whether they are drawn from nothing or from others."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        return Request(
            operation="generate_content",
            provider=asked.provider,
            model=text(body.get("model")),
            attributes={**asked.server, **request_attributes(body), **_choices(asked), semconv.OUTPUT_TYPE: "image"},
            messages=lambda: _input(asked),
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read the images."""
        drawn = items(field(answer, "data"))
        form = text(field(answer, "output_format")) or text(asked.body.get("output_format"))
        return Reply(
            # The provider gives no reason; an image that came whole was drawn to its end.
            finish_reasons=["stop"] * len(drawn),
            # Who wrote an SVG is another model, with tokens of its own.
            usage=token_usage(
                field(answer, "usage"),
                images=len(drawn) or None,
                not_counted=None if field(answer, "svg_usage") is None else "svg",
            ),
            messages=lambda: [_output(each, form) for each in drawn],
        )

    def collect(self, asked: Asked, *, keep_content: bool) -> "ImageEvents":
        """Return what puts the events together."""
        return ImageEvents(self, asked, keep_content=keep_content)


class ImageEvents:
    """Collects the events of one stream. Of an image that was not finished the last draft is kept."""

    def __init__(self, endpoint: ImagesEndpoint, asked: Asked, *, keep_content: bool) -> None:
        self._endpoint = endpoint
        self._asked = asked
        self._keep_content = keep_content
        self._expected = count(asked.body.get("n")) or 1
        self._usage: object = None
        self._svg_usage: object = None
        self._draft: object = None
        self._drawn: list[object] = []

    @property
    def is_complete(self) -> bool:
        """Whether every image has come."""
        return len(self._drawn) >= self._expected

    def add(self, chunk: object) -> None:
        """Take one event."""
        kind = text(field(chunk, "type")) or ""
        if kind.endswith(".completed"):
            self._drawn.append(chunk if self._keep_content else {})
            self._draft = None
            self._usage = field(chunk, "usage") or self._usage
            self._svg_usage = field(chunk, "svg_usage") or self._svg_usage
        elif kind.endswith(".partial_image") and self._keep_content:
            self._draft = chunk

    def reply(self) -> Reply:
        """Return the whole, as far as it came."""
        answer = {"data": self._drawn, "usage": _as_images(self._usage), "svg_usage": self._svg_usage}
        reply = self._endpoint.read(self._asked, answer)
        drawn = reply.messages
        draft = self._draft
        form = text(self._asked.body.get("output_format"))
        unfinished = [] if draft is None else [_output(draft, form) | {"finish_reason": "error"}]
        return replace(
            reply,
            finish_reasons=finish_reasons(dict(enumerate(reply.finish_reasons)), expected=self._expected),
            messages=(lambda: [*drawn(), *unfinished]) if self._keep_content else tuple,
        )


def _as_images(usage: object) -> object:
    """Return the usage of an event: that all of its output are tokens of images only the client's types say."""
    told = plain(usage)
    if not told or "output_tokens_details" in told:
        return usage
    return told | {"output_tokens_details": {"image_tokens": told.get("output_tokens")}}


def _input(asked: Asked) -> Sequence[Message]:
    parts = upload_parts(asked.files, modality="image")
    for image in items(asked.body.get("images")):  # the form of a JSON body, where nothing is uploaded
        url = text(field(image, "image_url"))
        if url:
            parts.append(from_url(url, modality="image"))
    prompt = text(asked.body.get("prompt"))
    if prompt:
        parts.append(text_part(prompt))
    return [{"role": "user", "parts": parts}] if parts else []


def _output(image: object, form: str | None) -> Message:
    form = text(field(image, "output_format")) or form or "png"
    data, url = text(field(image, "b64_json")), text(field(image, "url"))
    parts: list[Message] = []
    if data:
        parts.append(blob_part("image", f"image/{_FORMATS.get(form, form)}", data))
    elif url:
        parts.append(from_url(url, modality="image"))
    revised = text(field(image, "revised_prompt"))
    if revised and parts:
        parts[0]["revised_prompt"] = revised
    return {"role": "assistant", "parts": parts, "finish_reason": "stop"}
