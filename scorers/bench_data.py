"""Labelled public texts, read from a folder, and which of them are for tuning and which for measuring.

The files and their licences stand in docs/explanation/safety-figures.md. Texts that belong together (made from one
template, around one e-mail, with one attack, or sharing much of their wording) fall on the same side.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from tracelm.errors import DatasetError

Split: TypeAlias = Literal["tune", "test", "all"]

PII_FILE: Final = "pii_presidio_synth.jsonl"
INJECTION_FILE: Final = "injection_jailbreak.jsonl"
CODE_FILE: Final = "humaneval.jsonl"
ORDINARY_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "gsm8k_test.jsonl": ("question", "answer"),
    CODE_FILE: ("prompt",),
    "summedits.jsonl": ("doc",),
}
"""Texts in which nothing is to be found: word problems, code, e-mails and abstracts."""
PII_LABELS: Final[Mapping[str, str]] = {
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "CREDIT_CARD": "CARD",
    "US_SSN": "US_SSN",
    "IP_ADDRESS": "IP_ADDRESS",
    "PHONE_NUMBER": "PHONE",
}
NAME_LABELS: Final[Mapping[str, str]] = {"PERSON": "PERSON", "GPE": "LOCATION", "STREET_ADDRESS": "ADDRESS"}
_HELD_OUT_SOURCE: Final = "XSTest"
"""Licensed CC-BY, so nothing is learnt from it; and of another make than what is learnt from."""
_SHARED: Final = 0.25


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what is known about it.

    Attributes:
        text: The text.
        kind: What sort of text it is; for attacks the sort of attack.
        is_attack: Whether something must be found in it.
        spans: What must be found where: start, end, type.
        attack: The part of the text that is the attack, where that is known.
        group: What it must not be torn from.
    """

    text: str
    kind: str
    is_attack: bool = False
    spans: tuple[tuple[int, int, str], ...] = ()
    attack: str = ""
    group: str = ""


def personal_texts(folder: Path, split: Split = "test", labels: Mapping[str, str] = PII_LABELS) -> list[Labelled]:
    """Return the made-up texts of presidio-research with their labels; split by template.

    Args:
        folder: Where the file lies.
        split: Which half.
        labels: What the labels that count are called here.
    """
    return [
        Labelled(
            text=row["text"],
            kind="text",
            is_attack=bool(row["spans"]),
            spans=tuple(
                (each["start"], each["end"], labels[each["type"]]) for each in row["spans"] if each["type"] in labels
            ),
        )
        for row in _rows(folder / PII_FILE)
        if split in {"all", side(str(row["template_id"]))}
    ]


def injections(folder: Path, split: Split = "test") -> list[Labelled]:
    """Return prompts, with and without an attack; split by what they share, XSTest wholly for measuring."""
    rows = list(_rows(folder / INJECTION_FILE))
    groups = _groups([_shingles(row["text"]) | {f"attack: {row.get('attack', row['id'])}"} for row in rows])
    names = [min(rows[each]["id"] for each in group) for group in groups]
    found: list[Labelled] = []
    for group, name in zip(groups, names, strict=True):
        is_held_out = any(rows[each]["source"] == _HELD_OUT_SOURCE for each in group)
        if split in {"all", "test" if is_held_out else side(name)}:
            for each in group:
                row = rows[each]
                found.append(
                    Labelled(
                        text=row["text"],
                        # An ordinary task, put into an e-mail that is not there to give tasks.
                        kind=f"{row['kind']}_task" if "attack" in row else row["kind"],
                        is_attack=bool(row["label"]),
                        attack=row.get("attack", ""),
                        group=name,
                    )
                )
    return found


def ordinary_texts(folder: Path, split: Split = "all") -> list[Labelled]:
    """Return different texts in which nothing is to be found.

    With a split, only those that also share no wording with an injection of the other side.
    """
    kinds: dict[str, str] = {}
    for name, columns in ORDINARY_FILES.items():
        for row in _rows(folder / name):
            for column in columns:
                kinds.setdefault(row[column], name.partition(".")[0])
    if split == "all":
        return [Labelled(text=text, kind=kind) for text, kind in kinds.items()]
    other = shared_wording(each.text for each in injections(folder, "tune" if split == "test" else "test"))
    return [
        Labelled(text=text, kind=kind)
        for text, kind in kinds.items()
        if side(text) == split and other.isdisjoint(_shingles(text))
    ]


def side(group: str) -> Literal["tune", "test"]:
    """Return on which side a group falls: by its hash, so that no run and no order changes it."""
    return "test" if hashlib.sha256(group.encode()).digest()[-1] % 2 else "tune"


def shared_wording(texts: Iterable[str]) -> set[str]:
    """Return the runs of five words in some texts: two that share one tell each other's content."""
    return {words for text in texts for words in _shingles(text)}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise DatasetError(f"{path} is not there: give --data the folder that holds {path.name}")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise DatasetError(f"{path}, line {number} is no JSON: {error}") from None


def _shingles(text: str) -> set[str]:
    words = text.lower().split()
    return {" ".join(words[at : at + 5]) for at in range(max(1, len(words) - 4))}


def _groups(sets: Sequence[set[str]]) -> list[list[int]]:
    """Put together what shares a quarter of the smaller one's wording, or its attack."""
    holders: defaultdict[str, list[int]] = defaultdict(list)
    parents = list(range(len(sets)))

    def root(of: int) -> int:
        while parents[of] != of:
            of = parents[of]
        return of

    for place, words in enumerate(sets):
        shared = Counter(other for word in words for other in holders[word])
        by_attack = {other for word in words if word.startswith("attack: ") for other in holders[word]}
        for other, count in shared.items():
            if other in by_attack or count >= _SHARED * min(len(words), len(sets[other])):
                parents[root(place)] = root(other)
        for word in words:
            holders[word].append(place)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for place in range(len(sets)):
        groups[root(place)].append(place)
    return list(groups.values())
