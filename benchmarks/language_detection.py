"""How often `Language` is right: over the translated messages of an installed Django, by length.

    pip install django && python benchmarks/language_detection.py

Django's messages are made by people, in many languages; placeholders are taken out. What is not translated is left out.
"""

import gettext
import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

from tracelm.scorers import Language
from tracelm.scorers.language import _detector

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")
_LENGTHS = (range(20, 60), range(60, 10_000))


def messages(folder: Path) -> list[str]:
    """Return the translated messages of one language."""
    with (folder / "LC_MESSAGES" / "django.mo").open("rb") as file:
        catalog = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    pairs = ((key, text) for key, text in catalog.items() if isinstance(key, str) and isinstance(text, str))
    return [_PLACEHOLDER.sub("", text) for key, text in pairs if key and text != key]


def main() -> None:
    """Print the share that is right, and what was mistaken for what."""
    spec = importlib.util.find_spec("django")
    if spec is None or spec.origin is None:
        sys.exit("this needs Django's translations: pip install django")
    folders = sorted((Path(spec.origin).parent / "conf" / "locale").iterdir())
    known = set(_detector().labels)
    for lengths in _LENGTHS:
        right, asked, languages, mistaken = 0, 0, set[str](), Counter[str]()
        for folder in folders:
            if len(folder.name) != 2 or folder.name not in known:
                continue
            scorer = Language(languages=(folder.name,))
            for text in messages(folder):
                if sum(map(str.isalpha, text)) not in lengths:
                    continue
                score = scorer.score(output=text)
                if score.value is None:
                    continue
                languages.add(folder.name)
                asked, right = asked + 1, right + bool(score.value)
                if not score.value:
                    mistaken[f"{folder.name} for {score.details['found']}"] += 1
        print(f"{lengths.start}..{lengths.stop - 1} letters: {right} of {asked} in {len(languages)} languages", end="")
        print(f" ({right / asked:.3f}); most often {mistaken.most_common(5)}")


if __name__ == "__main__":
    main()
