"""Names by the real Presidio and a real model, with what `tracelm[presidio]` installs (`make interop`)."""

import json
import subprocess
import venv

from tests.interop.senders import ENVIRONMENTS, PROGRAMS, ROOT


def test_the_extra_brings_all_that_finds_names() -> None:
    environment = ENVIRONMENTS / "presidio"
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-e", f"{ROOT}[presidio]"], check=True)
    done = subprocess.run([str(python), PROGRAMS / "names.py"], capture_output=True, text=True, check=False)
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
