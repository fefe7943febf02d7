"""Learn `scorers/injection_model.bin`: `python -m benchmarks.train_injection_model FOLDER`.

It is the model of the scorer PromptInjection.

Logistic regression (L2, L-BFGS) over the features of `tracelm.scorers.ngram_model`, from the tuning half of the
injection data and from ordinary texts that share no wording with the measuring half. Cross-validated by group on the
tuning half alone; that also gives the threshold. Prints what it found; the same folder gives the same file.
"""

import csv
import hashlib
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from tracelm.scorers.bench_data import injections, ordinary_texts, personal_texts, shared_wording
from tracelm.scorers.folding import fold_letters
from tracelm.scorers.injection_patterns import find_wordings
from tracelm.scorers.ngram_model import SLOTS, NgramModel, windows

MODEL = Path(__file__).parents[1] / "scorers" / "injection_model.bin"
STRENGTH = 20.0
FOLDS = 5
REQUESTS = (
    "Translate the previous paragraph into French.",
    "Please ignore my last message, I sent it by mistake.",
    "Act as a travel guide for Lisbon and plan three days.",
    "Write a polite reply to this customer.",
    "Summarise the instructions in the manual below.",
    "What are the rules of chess?",
    "Pretend we are at a job interview and ask me questions.",
    "List the system requirements for the new version.",
    "Show me the original text next to the translation.",
    "Forget it, let us talk about dinner instead.",
    "Explain how password managers work.",
    "How do I reset my password?",
    "Can you repeat the last answer in simpler words?",
    "Write a short story about a robot who wants to be free.",
    "Create a table of all employees with their start dates.",
    "Rewrite this e-mail in a friendly tone.",
    "What does the previous owner have to sign?",
    "Turn on dark mode in the settings, then restart.",
    "How do I enable developer mode on my phone?",
    "Give me ten ideas for a birthday party.",
    "Draft a policy for working from home.",
    "Act as my editor and correct the grammar.",
    "Which training should I do before a marathon?",
    "Answer in one sentence: why is the sky blue?",
    "Plan my week.",
    "Do not use any adjectives in your answer.",
    "You are a helpful assistant. Answer in German.",
    "Your task is to sort these names.",
)
"""Our own: what people rightly ask in words that attacks use too."""


@dataclass(frozen=True)
class Piece:
    """One window of a text, with its label and weight."""

    group: str
    slots: list[int]
    is_attack: bool
    weight: float


def ordinary(folder: Path) -> Iterator[tuple[str, float]]:
    measuring = shared_wording(each.text for each in injections(folder, "test"))
    for each in ordinary_texts(folder, "tune"):
        yield each.text, 5.0 if each.kind == "summedits" else 1.0
    with (folder / "truthfulqa.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if not shared_wording([row["Question"]]) & measuring:
                yield row["Question"], 1.0
                yield row["Best Answer"], 0.5
    yield from ((each.text, 0.5) for each in personal_texts(folder, "tune"))
    yield from ((text, 3.0) for text in REQUESTS)
    yield from ((text, 10.0) for text in own_texts())


def own_texts() -> Iterator[str]:
    """Yield tracelm's own pages and sources, but those that show attacks: technical prose and code."""
    for folder, kind in (("docs", "*.md"), ("src/tracelm", "*.py"), ("integrations", "*.py"), ("benchmarks", "*.py")):
        for path in sorted((MODEL.parents[1] / folder).rglob(kind)):
            text = path.read_text(encoding="utf-8")
            if path.parent.name != "scorers" and not any(find_wordings(fold_letters(text).text)):
                yield text


def pieces(folder: Path) -> list[Piece]:
    found: list[Piece] = []
    for text, weight in ordinary(folder):
        parts = list(windows(fold_letters(text).text))
        name = hashlib.sha256(text.encode()).hexdigest()
        found += [Piece(name, slots, False, weight / math.sqrt(len(parts))) for _, _, slots in parts]
    for each in injections(folder, "tune"):
        text, attack = fold_letters(each.text).text, fold_letters(each.attack).text
        parts = list(windows(text))
        # An attack that is an ordinary task, put into an e-mail, cannot be told by its words: learning it would teach
        # the model to refuse tasks, or e-mails. The e-mail around it is an ordinary text.
        if attack:
            begin = text.find(attack)
            parts = [each for each in parts if each[1] <= begin or each[0] >= begin + len(attack)]
        is_attack = each.is_attack and not attack
        weight = (4.0 if is_attack else 2.0) / math.sqrt(max(len(parts), 1))
        found += [Piece(each.group, slots, is_attack, weight) for _, _, slots in parts]
    return found


def fit(learnt: Sequence[Piece]) -> NgramModel:
    ends = np.cumsum([0, *(len(each.slots) for each in learnt)])
    slots = np.concatenate([each.slots for each in learnt])
    values = np.concatenate([np.full(len(each.slots), len(each.slots) ** -0.5) for each in learnt])
    table = sparse.csr_matrix((values, slots, ends), shape=(len(learnt), SLOTS))
    sign = np.array([1.0 if each.is_attack else -1.0 for each in learnt])
    weight = np.array([each.weight for each in learnt])
    weight[sign > 0] *= weight[sign < 0].sum() / weight[sign > 0].sum()
    weight /= weight.mean()

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (table @ point[:-1] + point[-1])
        pull = -sign * weight / (1 + np.exp(np.clip(margin, -50, 50)))
        gradient = np.append(table.T @ pull + point[:-1] / STRENGTH, pull.sum())
        return float((weight * np.logaddexp(0, -margin)).sum() + (point[:-1] ** 2).sum() / (2 * STRENGTH)), gradient

    point = minimize(loss, np.zeros(SLOTS + 1), jac=True, method="L-BFGS-B", options={"maxiter": 400}).x
    scale = float(np.abs(point[:-1]).max() / 127)
    return NgramModel([int(each) for each in np.rint(point[:-1] / scale)], scale, float(point[-1]))


def probability(model: NgramModel, text: str) -> float:
    return max((risk for _, _, risk in model.judged(fold_letters(text).text)), default=0.0)


def fold_of(group: str) -> int:
    return hashlib.sha256(group.encode()).digest()[0] % FOLDS


def cross_validate(folder: Path, learnt: Sequence[Piece]) -> None:
    attacks: dict[str, list[float]] = {}
    rest: list[float] = []
    for held in range(FOLDS):
        model = fit([each for each in learnt if fold_of(each.group) != held])
        for each in injections(folder, "tune"):
            if fold_of(each.group) == held:
                (attacks.setdefault(each.kind, []) if each.is_attack else rest).append(probability(model, each.text))
        rest += [
            probability(model, text)
            for text, _ in ordinary(folder)
            if fold_of(hashlib.sha256(text.encode()).hexdigest()) == held
        ]
    rest.sort(reverse=True)
    for rate in (0.002, 0.005, 0.01, 0.02):
        threshold = rest[int(rate * len(rest))]
        told = {kind: round(sum(each > threshold for each in found) / len(found), 3) for kind, found in attacks.items()}
        sys.stdout.write(f"false positives {rate:.1%} of {len(rest)}: threshold {threshold:.3f}, recall {told}\n")


def main() -> None:
    folder = Path(sys.argv[1])
    learnt = pieces(folder)
    sys.stdout.write(f"{len(learnt)} pieces, {sum(each.is_attack for each in learnt)} of attacks\n")
    cross_validate(folder, learnt)
    data = fit(learnt).to_bytes()
    MODEL.write_bytes(data)
    sys.stdout.write(f"{MODEL.name}: {len(data):,} bytes\n")


if __name__ == "__main__":
    main()
