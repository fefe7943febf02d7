"""Google's embeddings, in the forms that its APIs have for them, and its image models."""

from collections.abc import Iterator, Mapping

from opentelemetry.util.types import AttributeValue

from tracelm import semconv
from tracelm.integrations._endpoint import Asked, Endpoint
from tracelm.integrations._exchange import Message, Reply, Request
from tracelm.integrations._fields import count, field, items, number, text
from tracelm.integrations._google.content import model_in
from tracelm.integrations._google.fields import base64_of, read
from tracelm.integrations._google.parts import parts_of
from tracelm.integrations._parts import blob_part, text_part
from tracelm.pricing.cost import Usage


class EmbeddingsEndpoint(Endpoint):
    """Embeddings: `batchEmbedContents`, `embedContent`, and `predict` of a model that makes them."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        attributes: dict[str, AttributeValue] = dict(asked.server)
        size = count(read(_options(body), "outputDimensionality"))
        if size is not None:
            attributes[semconv.EMBEDDINGS_DIMENSION_COUNT] = size
        return Request(
            operation="embeddings",
            provider=asked.provider,
            model=model_in(asked.path),
            attributes=attributes,
            messages=lambda: [{"role": "user", "parts": list(_embedded(body))}],
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read the embeddings. The vectors themselves are never recorded: they say nothing to a reader."""
        predictions = items(field(answer, "predictions"))
        made = [field(each, "embeddings") for each in predictions]
        made = made or list(items(field(answer, "embeddings"))) or [field(answer, "embedding")]
        size = len(items(field(made[0], "values")))
        counted = [number(read(field(each, "statistics"), "tokenCount")) for each in made]
        known = [int(each) for each in counted if each is not None]
        reported = count(read(read(answer, "usageMetadata"), "promptTokenCount"))
        return Reply(
            usage=Usage(input_tokens=sum(known) if known else reported),
            attributes={semconv.EMBEDDINGS_DIMENSION_COUNT: size} if size else {},
        )


class ImagesEndpoint(Endpoint):
    """Images, whether they are drawn from nothing or from others: `predict` of a model that draws."""

    def describe(self, asked: Asked) -> Request:
        """Return what is known before the call."""
        body = asked.body
        attributes: dict[str, AttributeValue] = {**asked.server, semconv.OUTPUT_TYPE: "image"}
        options = field(body, "parameters")
        wanted = count(read(options, "sampleCount"))
        if wanted is not None and wanted != 1:
            attributes[semconv.REQUEST_CHOICE_COUNT] = wanted
        seed = count(field(options, "seed"))
        if seed is not None:
            attributes[semconv.REQUEST_SEED] = seed
        return Request(
            operation="generate_content",
            provider=asked.provider,
            model=model_in(asked.path),
            attributes=attributes,
            messages=lambda: [{"role": "user", "parts": list(_asked_for(body))}],
        )

    def read(self, asked: Asked, answer: object) -> Reply:
        """Read the images."""
        predictions = items(field(answer, "predictions"))
        return Reply(
            finish_reasons=[_image_reason(each) for each in predictions],
            usage=Usage(images=sum(_image_reason(each) == "stop" for each in predictions) or None),
            messages=lambda: [_drawn(each) for each in predictions],
        )


def draws(body: Mapping[str, object]) -> bool:
    """Say of the body of a `predict` whether it asks for images."""
    instance = next(iter(items(body.get("instances"))), None)
    return field(instance, "prompt") is not None or field(instance, "image") is not None


def embeds(body: Mapping[str, object]) -> bool:
    """Say of the body of a `predict` whether it asks for embeddings."""
    return field(next(iter(items(body.get("instances"))), None), "content") is not None


def _options(body: Mapping[str, object]) -> object:
    """Return what of a request holds its options: in a batch each has its own, and they are the same."""
    first = next(iter(items(body.get("requests"))), None)
    return first or body.get("parameters") or read(body, "embedContentConfig") or body


def _embedded(body: Mapping[str, object]) -> Iterator[Message]:
    for each in [*items(body.get("requests")), *items(body.get("instances")), body]:
        content = field(each, "content")
        if isinstance(content, str):
            yield text_part(content)
        else:
            yield from parts_of(content)


def _asked_for(body: Mapping[str, object]) -> Iterator[Message]:
    for instance in items(body.get("instances")):
        prompt = field(instance, "prompt")
        said = text(prompt) or text(field(prompt, "prompt"))
        if said:
            yield text_part(said)
        given = [read(each, "referenceImage") for each in items(read(instance, "referenceImages"))]
        for image in [field(instance, "image"), *given]:
            if image is not None:
                yield _image(image)


def _drawn(prediction: object) -> Message:
    reason = _image_reason(prediction)
    parts = [_image(prediction)] if reason == "stop" else []
    revised = text(field(prediction, "prompt"))
    if revised and parts:
        parts[0]["revised_prompt"] = revised
    return {"role": "assistant", "parts": parts, "finish_reason": reason}


def _image(image: object) -> Message:
    mime_type = text(read(image, "mimeType")) or "image/png"
    address = text(read(image, "gcsUri"))
    if address:
        return {"type": "uri", "modality": "image", "uri": address, "mime_type": mime_type}
    return blob_part("image", mime_type, base64_of(read(image, "bytesBase64Encoded")))


def _image_reason(prediction: object) -> str:
    return "content_filter" if read(prediction, "raiFilteredReason") else "stop"
