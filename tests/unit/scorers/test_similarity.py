"""Scorers of meaning and of language."""

import json
import math
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tracelm.scorers import EmbeddingSimilarity, Language
from tracelm.scorers.similarity import cosine
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)

VECTORS = {"cat": [1.0, 0.0], "kitten": [0.8, 0.6], "car": [0.0, 1.0], "zero": [0.0, 0.0], "wide": [1.0, 0.0, 0.0]}


def answer(request: httpx2.Request) -> httpx2.Response:
    asked = json.loads(request.content)["input"]
    data = [{"object": "embedding", "index": number, "embedding": VECTORS[each]} for number, each in enumerate(asked)]
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    return httpx2.Response(200, json={"object": "list", "data": data[::-1], "model": "e", "usage": usage})


def scorer() -> EmbeddingSimilarity:
    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    client = openai.OpenAI(base_url="http://embed.test/v1", api_key="test", max_retries=0, http_client=http)
    return EmbeddingSimilarity(model="e", client=client)


def test_the_cosine_of_the_embeddings_is_the_score_whatever_order_they_come_in(spans: Spans) -> None:
    assert scorer().score(output="kitten", expected="cat").value == pytest.approx(0.8)
    assert scorer().score(output="kitten", expected=["car", "cat"]).value == pytest.approx(0.8)
    assert [each.name for each in spans.all()] == ["embeddings e", "judge embedding_similarity"] * 2


def test_recorded_embeddings_of_a_provider_are_read(foreign_url: str) -> None:
    def asking(recording: str) -> EmbeddingSimilarity:
        headers = {"x-recording-id": recording}
        client = openai.OpenAI(base_url=f"{foreign_url}/v1", api_key="test", max_retries=0, default_headers=headers)
        return EmbeddingSimilarity(model="mistral-embed", client=client)

    two = asking("mistral-embeddings-sync-batch-input-7db08189")
    score = two.score(output="Tell me a joke about OpenTelemetry", expected="Tell me a joke about Traceloop")
    assert isinstance(score.value, float)
    assert 0.5 < score.value < 1
    with pytest.raises(ValueError, match="gave 1 embeddings for 2 texts"):
        asking("openai-embeddings-sync-basic-821294bd").score(output="hello", expected="world")


def test_what_has_no_meaning_to_compare_is_not_scored() -> None:
    for output, expected in (("", "cat"), ("cat", " \n"), ("cat", ["cat", ""])):
        assert scorer().score(output=output, expected=expected).value is None
    long = scorer().score(output="word " * 1_000_000, expected="cat")
    assert long.explanation == "refused to score: a text has 5,000,000 characters, more than 100,000"


def test_embeddings_that_cannot_be_compared_are_a_failure_and_no_score() -> None:
    with pytest.raises(ValueError, match="2 and 3 dimensions"):
        scorer().score(output="cat", expected="wide")
    with pytest.raises(ValueError, match="no direction"):
        scorer().score(output="cat", expected="zero")


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20))
def test_a_vector_is_nearest_to_itself_and_farthest_from_its_opposite(vector: list[float]) -> None:
    if math.hypot(*vector) < 1e-6:
        return
    assert cosine(vector, vector) == pytest.approx(1)
    assert cosine(vector, [-each for each in vector]) == pytest.approx(-1)
    assert -1 <= cosine(vector, vector[::-1]) <= 1


def test_the_client_is_no_part_of_the_version_and_wrong_ones_are_refused() -> None:
    assert scorer().version == EmbeddingSimilarity(model="e").version != EmbeddingSimilarity(model="f").version
    wrong: list[dict[str, Any]] = [{"model": " "}, {"model": "e", "client": object()}]
    wrong.append({"model": "e", "client": scorer().client, "base_url": "http://x.test"})
    for settings in wrong:
        with pytest.raises(tracelm.ConfigError):
            EmbeddingSimilarity(**settings)


TEXTS = {
    "en": "The parcel was sent yesterday and should arrive by the end of the week.",
    "de": "Das Paket wurde gestern verschickt und sollte bis Ende der Woche ankommen.",
    "fr": "Le colis a été expédié hier et devrait arriver avant la fin de la semaine.",
    "es": "El paquete se envió ayer y debería llegar antes del fin de semana.",
    "pt": "A encomenda foi enviada ontem e deve chegar até ao fim da semana.",
    "it": "Il pacco è stato spedito ieri e dovrebbe arrivare entro la fine della settimana.",
    "nl": "Het pakket is gisteren verzonden en zou tegen het einde van de week moeten aankomen.",
    "pl": "Paczka została wysłana wczoraj i powinna dotrzeć do końca tygodnia.",
    "ru": "Посылка была отправлена вчера и должна прийти до конца недели.",
    "tr": "Paket dün gönderildi ve hafta sonuna kadar ulaşması gerekiyor.",
    "ja": "荷物は昨日発送されましたので、今週末までには届くはずです。ご確認ください。",
    "ar": "تم إرسال الطرد أمس ومن المتوقع أن يصل قبل نهاية الأسبوع.",
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_sentence_is_in_its_language_and_in_no_other(code: str) -> None:
    assert Language(languages=(code,)).score(output=TEXTS[code]).value is True
    others = tuple(each for each in TEXTS if each != code)
    score = Language(languages=others).score(output=TEXTS[code])
    assert (score.value, score.details) == (False, {"found": code})


def test_code_and_links_do_not_make_a_german_answer_english() -> None:
    text = f"{TEXTS['de']}\n```python\nfor each in the_list_of_items: print(each, where, which)\n```\nhttps://the.example.com/of/the"
    assert Language(languages=("de",)).score(output=text).value is True


@pytest.mark.parametrize("output", ["", "OK", "42 + 42 = 84", "```python\nprint('what is this about then')\n```", None])
def test_too_few_letters_are_not_scored(output: object) -> None:
    score = Language(languages=("en",)).score(output=output)
    assert score.value is None
    assert "letters are too few" in str(score.explanation)


def test_five_megabytes_are_looked_at_in_part() -> None:
    assert Language(languages=("de",)).score(output=TEXTS["de"] * 70_000).value is True
    assert Language(languages=("de",)).score(output="```" * 1_700_000).value is None


@pytest.mark.parametrize("languages", [(), ("xx",), ("eng",), "en", (None,)])
def test_codes_that_are_none_are_refused(languages: tuple[str, ...]) -> None:
    with pytest.raises(tracelm.ConfigError, match="languages="):
        Language(languages=languages)
