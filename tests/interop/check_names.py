"""Names by the real Presidio and a real model, with what `tracelm[presidio]` installs (`make interop`)."""

import json
import subprocess
import venv
from dataclasses import replace
from pathlib import Path

import pytest

from tests.interop.senders import ENVIRONMENTS, PROGRAMS, ROOT, SHARED
from tracelm.scorers.measured import from_plain, measured


@pytest.fixture(scope="module")
def programs() -> Path:
    """The programs of an environment that has the extra."""
    environment = ENVIRONMENTS / "presidio"
    if not (environment / "bin" / "tracelm").exists():
        venv.create(environment, with_pip=True)
        install = [
            str(environment / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*install, "-e", f"{ROOT}[presidio]"], check=True)
    return environment / "bin"


def test_the_extra_brings_all_that_finds_names(programs: Path) -> None:
    command = [str(programs / "python"), str(PROGRAMS / "names.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "found": [
            ["Barbara Johnson", "PERSON"],
            ["London", "LOCATION"],
            ["Boston", "LOCATION"],
            ["12 Old Mill Road", "ADDRESS"],
            ["Apt. 4", "ADDRESS"],
        ],
        "only persons": ["PERSON"],
        "nothing": True,
        "a value": False,
        "not there": "model='en_core_web_lg' is no pipeline of spaCy that is installed here: run `python -m spacy "
        "download en_core_web_lg`, or leave model out for the one that tracelm[presidio] brings",
        "streamed": "Yesterday [PERSON] flew from [LOCATION] to [LOCATION]. She lives at [ADDRESS], [ADDRESS]. "
        "Write to her: [EMAIL].",
    }


def test_the_figures_that_came_along_are_what_a_run_over_the_texts_gives(programs: Path) -> None:
    command = [str(programs / "tracelm"), "scorers", "bench", "names_and_addresses", "--json"]
    done = subprocess.run([*command, "--data", str(SHARED / "datasets")], capture_output=True, text=True, check=True)
    (found,) = map(from_plain, json.loads(done.stdout)["measured"])
    told = measured("names_and_addresses")
    assert told is not None
    assert replace(found, latency_p50_ms=told.latency_p50_ms, latency_p95_ms=told.latency_p95_ms) == told
