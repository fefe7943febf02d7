"""The judges whose exchanges with the local model are recorded, and the rows that they judge."""

from collections.abc import Mapping
from typing import Any

from tracelm.local_model import MODEL_NAME
from tracelm.scorers import Judge, Preference
from tracelm.scorers.asking import ModelScorer

QUESTION = "What is the capital of France?"
_SETTINGS: dict[str, Any] = {"model": MODEL_NAME, "max_tokens": 100, "options": {"seed": 7}}

JUDGED: Mapping[str, tuple[ModelScorer, Mapping[str, object]]] = {
    "right": (
        Judge(rubric="Is the answer right?", criterion="right", **_SETTINGS),
        {"inputs": QUESTION, "output": "Paris"},
    ),
    "france": (
        Judge(rubric="Is the answer right?", criterion="right", **_SETTINGS),
        {"inputs": {"question": QUESTION}, "output": "Paris"},
    ),
    "japan": (
        Judge(rubric="Is the answer right?", criterion="right", **_SETTINGS),
        {"inputs": {"question": "What is the capital of Japan?"}, "output": "I would rather talk about trains."},
    ),
    "unstructured": (
        Judge(rubric="Is the answer right?", structured="never", **_SETTINGS),
        {"inputs": QUESTION, "output": "Lyon"},
    ),
    "shorter": (
        Preference(rubric="The shorter the better.", **_SETTINGS),
        {"inputs": QUESTION, "output": "Paris", "baseline": "The capital of France is the city of Paris."},
    ),
}
