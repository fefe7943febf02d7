"""Which endpoint of OpenAI's interface a request goes to. What is not listed is left alone."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from tracelm.integrations._chat_endpoint import ChatEndpoint
from tracelm.integrations._endpoint import Endpoint
from tracelm.integrations._openai.completions import CompletionsEndpoint
from tracelm.integrations._openai.embeddings import EmbeddingsEndpoint
from tracelm.integrations._openai.images import ImagesEndpoint
from tracelm.integrations._openai.moderations import ModerationsEndpoint
from tracelm.integrations._openai.response_endpoints import CompactEndpoint, FetchEndpoint, ResponsesEndpoint
from tracelm.integrations._openai.speech import SpeechEndpoint
from tracelm.integrations._openai.transcriptions import TranscriptionsEndpoint

_PAIRS: Final[Mapping[str, tuple[str, Endpoint]]] = {
    "chat/completions": ("chat", ChatEndpoint()),
    "responses/compact": ("chat", CompactEndpoint()),
    "images/generations": ("generate_content", ImagesEndpoint()),
    "images/edits": ("generate_content", ImagesEndpoint()),
    "images/variations": ("generate_content", ImagesEndpoint()),
    "audio/speech": ("generate_content", SpeechEndpoint()),
    "audio/transcriptions": ("generate_content", TranscriptionsEndpoint()),
    "audio/translations": ("generate_content", TranscriptionsEndpoint()),
}
_WORDS: Final[Mapping[str, tuple[str, Endpoint]]] = {
    "completions": ("text_completion", CompletionsEndpoint()),
    "embeddings": ("embeddings", EmbeddingsEndpoint()),
    "moderations": ("moderations", ModerationsEndpoint()),
    "responses": ("chat", ResponsesEndpoint()),
}
_FETCH: Final[tuple[str, Endpoint]] = ("fetch_response", FetchEndpoint())


@lru_cache(maxsize=256)  # most programs call few addresses, over and over
def find_endpoint(method: str, url: str) -> tuple[str, Endpoint] | None:
    """Return the operation that a request is, and the endpoint that reads it; `None` for all others.

    Args:
        method: Of HTTP.
        url: The address, whatever stands in front of the endpoint: `/openai/deployments/d/chat/completions`,
            `/responses?after=1`.
    """
    front, _, last = url.partition("?")[0].rstrip("/").rpartition("/")
    before = front.rpartition("/")[2]
    verb = method.lower()
    if verb == "post":
        return _PAIRS.get(f"{before}/{last}") or _WORDS.get(last)
    if verb == "get" and before == "responses":
        return _FETCH
    return None
