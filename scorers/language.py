"""A scorer of the language that an output is in."""

import functools
import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

from tracelm.errors import ConfigError, MissingExtraError
from tracelm.scorers.values import refused, text_of
from tracelm.scoring.score import Score
from tracelm.scoring.scorer import Scorer

_CODE: Final = re.compile(r"[a-z]{2}")
_LOOKED_AT: Final = 20_000
_LETTERS: Final = 20
"""With fewer letters a guess is no better than a coin between neighbouring languages."""

_NOT_PROSE: Final = re.compile(r"```.{0,20000}?```|https?://\S+|[\w.]+@[\w.]+", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Language(Scorer):
    """True when the output is in one of the given languages.

    Detected offline from the first 20,000 characters, without code blocks, links and addresses. A text with fewer
    than 20 letters is not scored. `details` has the language that was `found`. A text in two languages counts as
    the one it has more of. Needs `tracelm[language]`.

    Args:
        languages: Codes of ISO 639-1, such as `("de", "en")`.

    Raises:
        ConfigError: No code, or one that the detector does not know.
        MissingExtraError: `py3langid` is not installed.

    Example:
        >>> Language(languages=("de",)).score(output="The weather is fine today, is it not?").explanation
        'the output is in en, not in de'
    """

    languages: tuple[str, ...]
    gives: ClassVar[str] = "True or False"

    def __post_init__(self) -> None:
        if isinstance(self.languages, str):
            raise ConfigError(f"languages={self.languages!r} is one str: write languages=({self.languages!r},)")
        codes = tuple(cast("Sequence[Any]", self.languages))
        object.__setattr__(self, "languages", codes)
        known = set(_detector().labels)
        wrong = [each for each in codes if not (isinstance(each, str) and _CODE.fullmatch(each) and each in known)]
        if wrong or not codes:
            raise ConfigError(f"languages={codes!r} cannot work: give codes among {', '.join(sorted(known))}")

    def score(self, *, output: object) -> Score:
        """Detect the language of `output`, or of its `str`."""
        text = _NOT_PROSE.sub(" ", text_of(output)[:_LOOKED_AT])
        letters = sum(map(str.isalpha, text))
        if letters < _LETTERS:
            return refused(f"{letters} letters are too few to tell a language, {_LETTERS} are wanted")
        found = str(_detector().classify(text)[0])
        same = found in self.languages
        why = None if same else f"the output is in {found}, not in {' or '.join(self.languages)}"
        return Score(value=same, explanation=why, details={"found": found})


@functools.cache
def _detector() -> Any:
    """Load the model once: it is shared, and only read."""
    try:
        langid: Any = importlib.import_module("py3langid.langid")
    except ImportError:
        raise MissingExtraError("detecting a language", "language") from None
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
