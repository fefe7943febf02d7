"""The error rates in the reference are those that the scorers have."""

import json
import re
from collections import Counter
from pathlib import Path

from tests.docs.blocks import ROOT
from tracelm.scorers import PII

LABELS = {
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "CREDIT_CARD": "CARD",
    "US_SSN": "US_SSN",
    "IP_ADDRESS": "IP_ADDRESS",
    "PHONE_NUMBER": "PHONE",
}
_ROW = re.compile(r"^\| ([A-Z_]+) \| (\d+) \| (\d+) \| ([\d.]+) \| (\d+) \|$", re.MULTILINE)


def test_the_table_of_pii_is_what_a_run_over_presidios_texts_gives(shared: Path) -> None:
    lines = (shared / "datasets" / "pii_presidio_synth.jsonl").read_text(encoding="utf-8").splitlines()
    labelled, covered, false = Counter[str](), Counter[str](), Counter[str]()
    for row in map(json.loads, lines):
        spans = PII().score(output=row["text"]).details.get("spans", [])
        wanted = [(LABELS[each["type"]], each["start"], each["end"]) for each in row["spans"] if each["type"] in LABELS]
        for kind, start, end in wanted:
            labelled[kind] += 1
            covered[kind] += any(
                each["type"] == kind and each["start"] <= start and each["end"] >= end for each in spans
            )
        for each in spans:
            false[each["type"]] += not any(start < each["end"] and each["start"] < end for _, start, end in wanted)
    told = _ROW.findall((ROOT / "docs" / "reference" / "scorers.md").read_text(encoding="utf-8"))
    assert told == [
        (kind, str(labelled[kind]), str(covered[kind]), f"{covered[kind] / labelled[kind]:.3f}", str(false[kind]))
        for kind in ("EMAIL", "IBAN", "CARD", "IP_ADDRESS", "PHONE")
    ]
    assert labelled["US_SSN"] == 0
