"""User code type-checks under the strictest settings of mypy and pyright, and its mistakes do not.

The files beside this one say with `assert_type` what they expect. Each line that must not type-check carries an
ignore; both checkers report one that is not needed.
"""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FILES = sorted(str(path) for path in FOLDER.glob("user_*.py"))


@pytest.mark.parametrize(
    "checker",
    [
        ["mypy", "--strict", "--config-file=", "--follow-imports=silent"],
        ["pyright", "--pythonpath", sys.executable],
    ],
    ids=["mypy", "pyright"],
)
def test_user_code_has_the_types_it_expects(checker: list[str], tmp_path: Path) -> None:
    own = ["--cache-dir", str(tmp_path)] if checker[0] == "mypy" else []
    done = subprocess.run(
        [sys.executable, "-m", *checker, *own, *FILES], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
