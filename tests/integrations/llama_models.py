"""Models of LlamaIndex over a real client: that of OpenAI where its package goes with the client, else LiteLLM's."""

import hashlib
import importlib
import importlib.util
from typing import Any

import openai
from llama_index.core import set_global_tokenizer  # pyright: ignore[reportUnknownVariableType]
from llama_index.core.base.llms.types import LLMMetadata
from llama_index.core.embeddings import BaseEmbedding

set_global_tokenizer(str.split)  # its own fetches its tables from the network
MODEL = "smollm2-135m"
OVER_LITELLM = importlib.util.find_spec("llama_index.llms.litellm") is not None


def _base() -> Any:
    name = "litellm" if OVER_LITELLM else "openai"
    module: Any = importlib.import_module(f"llama_index.llms.{name}")
    return module.LiteLLM if OVER_LITELLM else module.OpenAI


_Base: Any = _base()


class _Model(_Base):  # type: ignore[misc]  # neither package is typed
    """A model whose name the package does not know."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name=MODEL, is_chat_model=True, is_function_calling_model=True)


def chat_model(url: str, name: str = "local-chat-completions-sync-basic", **more: Any) -> Any:
    """Return a model that is answered with a recording; without a name with what fits."""
    headers = {"x-recording-id": name} if name else {}
    asked: dict[str, Any] = {"api_base": f"{url}/v1", "api_key": "test", **more}
    if OVER_LITELLM:
        return _Model(model=f"openai/{MODEL}", max_retries=1, additional_kwargs={"extra_headers": headers}, **asked)
    return _Model(model=MODEL, max_retries=0, default_headers=headers, **asked)


async def aclose(model: Any) -> None:
    """Close the client of a model, if it is its own."""
    if not OVER_LITELLM:
        await model._get_aclient().close()


class Digests(BaseEmbedding):
    """An embedding without a model: what a text hashes to."""

    model_name: str = "digests"

    def _get_text_embedding(self, text: str) -> list[float]:
        return [each / 255 for each in hashlib.sha256(text.encode()).digest()[:8]]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


class Asking(Digests):
    """An embedding that asks OpenAI's client, a text a request."""

    model_name: str = "nomic"
    url: str

    def _get_text_embedding(self, text: str) -> list[float]:
        with openai.OpenAI(base_url=f"{self.url}/v1", api_key="test", max_retries=0) as client:
            headers = {"x-recording-id": "local-embeddings-sync-basic"}
            found = client.embeddings.create(model="nomic", input=text, extra_headers=headers)
            return found.data[0].embedding
