"""The tokens that Gemini reports."""

from tracelm.integrations._fields import count, items, text
from tracelm.integrations._google.fields import read
from tracelm.pricing.cost import Usage


def content_usage(reported: object) -> Usage:
    """Read the `usageMetadata` of generated content.

    Google counts apart what thoughts took and what the results of its own tools put into the prompt; both are billed,
    as output and as input.
    """
    sent = _by_modality(reported, "promptTokensDetails", "toolUsePromptTokensDetails")
    received = _by_modality(reported, "candidatesTokensDetails")
    cached = _by_modality(reported, "cacheTokensDetails")
    thoughts = count(read(reported, "thoughtsTokenCount"))
    return Usage(
        input_tokens=_sum(count(read(reported, "promptTokenCount")), count(read(reported, "toolUsePromptTokenCount"))),
        output_tokens=_sum(count(read(reported, "candidatesTokenCount")), thoughts),
        cache_read_tokens=count(read(reported, "cachedContentTokenCount")),
        reasoning_tokens=thoughts,
        input_text_tokens=sent.get("TEXT"),
        input_image_tokens=sent.get("IMAGE"),
        input_audio_tokens=sent.get("AUDIO"),
        output_text_tokens=received.get("TEXT"),
        output_image_tokens=received.get("IMAGE"),
        output_audio_tokens=received.get("AUDIO"),
        cache_read_text_tokens=cached.get("TEXT"),
        cache_read_image_tokens=cached.get("IMAGE"),
        cache_read_audio_tokens=cached.get("AUDIO"),
    )


def _by_modality(reported: object, *names: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        for each in items(read(reported, name)):
            modality, tokens = text(read(each, "modality")), count(read(each, "tokenCount"))
            if modality and tokens is not None:
                found[modality] = found.get(modality, 0) + tokens
    return found


def _sum(*counts: int | None) -> int | None:
    known = [each for each in counts if each is not None]
    return sum(known) if known else None
