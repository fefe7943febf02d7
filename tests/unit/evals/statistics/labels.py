"""Columns of the public label files, by name."""

import csv
import functools
from pathlib import Path


@functools.cache
def column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8") as file:
        return [row[name] for row in csv.DictReader(file)]


def gsm8k(shared: Path, model: str) -> list[int]:
    return [int(each) for each in column(shared / "datasets" / "gsm8k_outcomes.csv", model)]


def pandalm(shared: Path, judge: str) -> list[str]:
    return column(shared / "datasets" / "pandalm_labels.csv", judge)
